//! Streams and shares: who has a name, who may do what with it, and how that ends.

use identity::ShareCode;
use protocol::http::streams::{
    self as http, CreatedShare, MAX_SHARE_LIFETIME_S, NewShare, PutStream,
};
use protocol::id::{AccountId, ShareId};
use protocol::problem::ProblemCode;
use protocol::stream::{StreamAction, StreamName};
use registry::{OpenShareError, Share, ShareError, Stream, StreamChange, StreamError};

use super::{Control, failed};
use crate::clock::unix_now_ms;
use crate::http::refused::Refused;
use crate::ice_servers::share_guest;
use crate::random;

impl Control {
    /// The stream of a name, which becomes the account's where nobody has it.
    ///
    /// # Errors
    /// `forbidden` where another account has it, `limit-reached`.
    pub(crate) async fn claim_stream(
        &self,
        name: &StreamName,
        account: &AccountId,
    ) -> Result<Stream, Refused> {
        let claimed = self.registry.claim_stream(name, account, unix_now_ms());
        claimed.await.map_err(claim_refused)
    }

    /// That a device of `account` may do this: everything with its own streams, and view what
    /// anybody may.
    ///
    /// # Errors
    /// `not-found`, also for another account's stream that it may not view; `forbidden` for
    /// publishing to one.
    pub(crate) async fn check_stream(
        &self,
        name: &StreamName,
        action: StreamAction,
        account: &AccountId,
    ) -> Result<(), Refused> {
        let stream = self.registry.stream(name).await.map_err(failed)?;
        match (stream, action) {
            (Some(stream), _) if stream.account == *account => Ok(()),
            (Some(stream), StreamAction::View) if stream.is_public => Ok(()),
            (Some(_), StreamAction::Publish) => {
                let detail = "the stream belongs to another account";
                Err(Refused::because(ProblemCode::Forbidden, detail))
            }
            _ => Err(no_such_stream()),
        }
    }

    /// Whether anybody may view the stream of this name. No stream is not public.
    pub(crate) async fn is_public_stream(&self, name: &StreamName) -> Result<bool, Refused> {
        let stream = self.registry.stream(name).await.map_err(failed)?;
        Ok(stream.is_some_and(|stream| stream.is_public))
    }

    /// The streams of an account, or all.
    pub(crate) async fn streams(
        &self,
        of: Option<&AccountId>,
    ) -> Result<Vec<http::Stream>, Refused> {
        let streams = self.registry.streams(of).await.map_err(failed)?;
        Ok(streams
            .into_iter()
            .map(|stream| self.described(stream))
            .collect())
    }

    /// Says whether anybody may view a stream, and whether it is recorded; an account takes the
    /// name where nobody has it.
    pub(crate) async fn put_stream(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
        asked: &PutStream,
    ) -> Result<http::Stream, Refused> {
        let change = StreamChange {
            is_public: asked.is_public,
            is_recorded: asked.is_recorded,
        };
        let put = self.registry.put_stream(name, by, change, unix_now_ms());
        let stream = put.await.map_err(claim_refused)?;
        if let Some(live) = self.live.get() {
            if !stream.is_public {
                live.media.close_to_strangers(name);
            }
            live.media.record(name, stream.is_recorded);
        }
        Ok(self.described(stream))
    }

    /// What a stream is, and what becomes of its recording.
    fn described(&self, stream: Stream) -> http::Stream {
        let recording = self.recording_of(&stream);
        http::Stream {
            name: stream.name,
            is_public: stream.is_public,
            is_recorded: stream.is_recorded,
            recording,
            created_at: stream.created_ms,
        }
    }

    /// Gives a name up; its shares end.
    pub(crate) async fn forget_stream(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
    ) -> Result<(), Refused> {
        let forgotten = self.registry.forget_stream(name, by, unix_now_ms()).await;
        for share in forgotten.map_err(stream_refused)? {
            self.cut_share(&share);
        }
        if let Some(live) = self.live.get() {
            live.media.record(name, false);
            live.media.forget(name);
            live.recordings.delete(name, ..).await;
        }
        Ok(())
    }

    /// Makes a share; its code is told here and never again.
    pub(crate) async fn create_share(
        &self,
        stream: &StreamName,
        by: Option<&AccountId>,
        asked: NewShare,
    ) -> Result<CreatedShare, Refused> {
        let lifetime_s = asked.expires_in;
        if !(1..=MAX_SHARE_LIFETIME_S).contains(&lifetime_s) {
            let detail = format!("expiresIn is {lifetime_s}, not 1 to {MAX_SHARE_LIFETIME_S}");
            return Err(Refused::because(ProblemCode::BadMessage, detail));
        }
        let (code, now_ms) = (ShareCode::from_bytes(random::bytes()), unix_now_ms());
        let share = Share {
            id: ShareId::from_bytes(&random::bytes()),
            stream: stream.clone(),
            action: asked.action,
            label: asked.label,
            created_ms: now_ms,
            expires_ms: now_ms + lifetime_s * 1000,
        };
        let stored = self.registry.create_share(&share, &code.hash(), by).await;
        stored.map_err(share_refused)?;
        let code = code.reveal();
        Ok(CreatedShare {
            share: listed(share),
            url: format!("{}/s/#{code}", self.origins.invite()),
            code,
        })
    }

    /// The shares of a stream that serve.
    pub(crate) async fn shares(
        &self,
        stream: &StreamName,
        by: Option<&AccountId>,
    ) -> Result<Vec<http::Share>, Refused> {
        let shares = self.registry.shares(stream, by, unix_now_ms()).await;
        let shares = shares.map_err(stream_refused)?;
        Ok(shares.into_iter().map(listed).collect())
    }

    /// Ends a share at once.
    pub(crate) async fn revoke_share(
        &self,
        stream: &StreamName,
        share: &ShareId,
        by: Option<&AccountId>,
    ) -> Result<(), Refused> {
        let revoked = self.registry.revoke_share(stream, share, by, unix_now_ms());
        revoked.await.map_err(share_refused)?;
        self.cut_share(share);
        Ok(())
    }

    /// What a code opens.
    ///
    /// # Errors
    /// `share-unknown`, `share-revoked` or `share-expired`.
    pub(crate) async fn open_share(&self, code: &ShareCode) -> Result<Share, Refused> {
        let opened = self.registry.open_share(&code.hash(), unix_now_ms()).await;
        opened.map_err(|error| match error {
            OpenShareError::Unknown => ProblemCode::ShareUnknown.into(),
            OpenShareError::Revoked => ProblemCode::ShareRevoked.into(),
            OpenShareError::Expired => ProblemCode::ShareExpired.into(),
            OpenShareError::Database(error) => failed(error),
        })
    }

    /// Tells the loops of a share that the registry has ended.
    fn cut_share(&self, share: &ShareId) {
        metrics::counter!("helio_revocations_total", "kind" => "share").increment(1);
        if let Some(live) = self.live.get() {
            live.turn.revoke(&share_guest(share));
        }
    }
}

fn listed(share: Share) -> http::Share {
    http::Share {
        id: share.id,
        action: share.action,
        label: share.label,
        created_at: share.created_ms,
        expires_at: share.expires_ms,
    }
}

pub(super) fn no_such_stream() -> Refused {
    Refused::because(ProblemCode::NotFound, "you have no stream of this name")
}

/// Whoever wants a name learns that another account has it.
fn claim_refused(error: StreamError) -> Refused {
    match error {
        StreamError::NotFound { .. } => no_such_stream(),
        StreamError::Taken { .. } => Refused::because(ProblemCode::Forbidden, error),
        StreamError::TooMany => Refused::because(ProblemCode::LimitReached, error),
        StreamError::Database(error) => failed(error),
    }
}

/// Whoever wants to see or end a stream does not: another account's does not exist for it.
pub(super) fn stream_refused(error: StreamError) -> Refused {
    match error {
        StreamError::Taken { .. } => no_such_stream(),
        other => claim_refused(other),
    }
}

fn share_refused(error: ShareError) -> Refused {
    match error {
        ShareError::Stream(error) => stream_refused(error),
        ShareError::NotFound => Refused::because(ProblemCode::NotFound, error),
        ShareError::Label(error) => Refused::because(ProblemCode::NameInvalid, error),
        ShareError::TooMany => Refused::because(ProblemCode::LimitReached, error),
    }
}
