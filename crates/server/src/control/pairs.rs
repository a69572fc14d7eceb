//! Pairs: made by both devices, named by each account, ended by either.

use identity::{VerifiedPair, pair_id};
use protocol::http;
use protocol::id::{AccountId, DeviceId, PairId};
use protocol::problem::ProblemCode;
use registry::{AddPairError, DatabaseError, Pair, PairError};

use super::devices::rename_refused;
use super::{Control, failed};
use crate::clock::unix_now_ms;
use crate::http::refused::Refused;
use crate::random;

impl Control {
    /// A pair that is known and not revoked; `None` otherwise.
    pub(crate) async fn look_up_pair(&self, id: &PairId) -> Result<Option<Pair>, DatabaseError> {
        Ok(self
            .registry
            .pair(id)
            .await?
            .filter(|pair| !pair.is_revoked()))
    }

    /// A pair that is known and not revoked.
    ///
    /// # Errors
    /// `not-found` or `revoked`.
    pub(crate) async fn standing_pair(&self, id: &PairId) -> Result<Pair, Refused> {
        match self.registry.pair(id).await.map_err(failed)? {
            None => Err(ProblemCode::NotFound.into()),
            Some(pair) if pair.is_revoked() => Err(ProblemCode::Revoked.into()),
            Some(pair) => Ok(pair),
        }
    }

    /// The pairs of an account, or all.
    pub(crate) async fn pairs(
        &self,
        account: Option<&AccountId>,
    ) -> Result<Vec<http::Pair>, Refused> {
        let pairs = match account {
            Some(account) => self.registry.pairs_of_account(account).await,
            None => self.registry.all_pairs().await,
        };
        let mut described = Vec::new();
        for pair in pairs
            .map_err(failed)?
            .into_iter()
            .filter(|pair| !pair.is_revoked())
        {
            described.push(self.describe(pair, account).await);
        }
        Ok(described)
    }

    /// One pair as `account` sees it; another account's does not exist for it.
    pub(crate) async fn pair(
        &self,
        id: &PairId,
        account: &AccountId,
    ) -> Result<http::Pair, Refused> {
        let known = self.registry.pair(id).await.map_err(failed)?;
        match known.filter(|pair| pair.has_account(account)) {
            None => Err(ProblemCode::NotFound.into()),
            Some(pair) if pair.is_revoked() => Err(ProblemCode::Revoked.into()),
            Some(pair) => Ok(self.describe(pair, Some(account)).await),
        }
    }

    /// Stores what both devices signed. A device nobody knows joins the inviter's account; an
    /// older pair of the two ends as if it were revoked.
    pub(crate) async fn add_pair(
        &self,
        pair: &VerifiedPair,
        inviter: &DeviceId,
    ) -> Result<(), Refused> {
        let added = self.registry.add_pair(pair, inviter, unix_now_ms()).await;
        for older in added.map_err(add_refused)?.replaced {
            self.cut_pair(older).await;
        }
        Ok(())
    }

    /// Pairs two known devices without their consent, flagged.
    pub(crate) async fn add_unverified_pair(
        &self,
        a: &DeviceId,
        b: &DeviceId,
    ) -> Result<http::Pair, Refused> {
        let (contribution_a, contribution_b) = (random::bytes(), random::bytes());
        let id = pair_id([(a, &contribution_a), (b, &contribution_b)]);
        let added = self
            .registry
            .add_unverified_pair(&id, [a, b], None, unix_now_ms())
            .await;
        Ok(self.describe(added.map_err(add_refused)?, None).await)
    }

    /// Renames a pair for one account, or for both of its accounts.
    pub(crate) async fn rename_pair(
        &self,
        id: &PairId,
        account: Option<&AccountId>,
        label: &str,
    ) -> Result<(), Refused> {
        let pair = self.standing_pair(id).await?;
        let accounts = pair.sides.iter().map(|side| &side.device.account);
        for of in accounts.filter(|of| account.is_none_or(|account| account == *of)) {
            self.registry
                .rename_pair(id, of, label)
                .await
                .map_err(rename_refused)?;
        }
        Ok(())
    }

    /// Ends a pair: both sides' sockets close, and each is told why.
    pub(crate) async fn revoke_pair(
        &self,
        id: &PairId,
        by: Option<&AccountId>,
    ) -> Result<(), Refused> {
        let revoked = self.registry.revoke_pair(id, by, unix_now_ms()).await;
        revoked.map_err(|error| match error {
            PairError::NotFound => ProblemCode::NotFound.into(),
            PairError::Database(error) => failed(error),
        })?;
        self.cut_pair(id.clone()).await;
        Ok(())
    }

    /// Tells the loops of a pair that the registry has revoked.
    async fn cut_pair(&self, id: PairId) {
        metrics::counter!("helio_revocations_total", "kind" => "pair").increment(1);
        if let Some(live) = self.live.get() {
            live.signalling.revoke_pair(id).await;
        }
    }

    async fn describe(&self, pair: Pair, account: Option<&AccountId>) -> http::Pair {
        let label = account
            .and_then(|account| pair.label_for(account))
            .map(str::to_owned);
        let ids = pair
            .sides
            .iter()
            .map(|side| side.device.id().clone())
            .collect();
        let online = self.online(ids).await;
        let mut online = online.into_iter();
        http::Pair {
            pair_id: pair.pair_id,
            label,
            verified: pair.is_verified,
            created: pair.created_ms,
            devices: pair.sides.map(|side| http::PairedDevice {
                record: side.device.record,
                online: online.next().unwrap_or(false),
            }),
        }
    }
}

fn add_refused(error: AddPairError) -> Refused {
    match error {
        AddPairError::NotOneOfThem => ProblemCode::WrongPair.into(),
        AddPairError::UnknownDevice { .. } => Refused::because(ProblemCode::UnknownDevice, error),
        AddPairError::DeviceRevoked { .. } | AddPairError::PairRevoked => {
            Refused::because(ProblemCode::Revoked, error)
        }
        AddPairError::Taken => Refused::because(ProblemCode::Conflict, error),
        AddPairError::SameDevice => Refused::because(ProblemCode::StatementInvalid, error),
        AddPairError::Database(error) => failed(error),
    }
}
