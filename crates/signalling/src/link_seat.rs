//! One device's seat in the room of its pair: what its token grants and what it has used up.

use std::time::Instant;

use protocol::http::IceServer;
use protocol::id::{AccountId, DeviceId, PairId};
use protocol::signal::{ErrorCode, MAX_CANDIDATES_PER_OFFER};

use crate::refused::Refused;

/// What a checked link token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkGrant {
    /// Its `sub`.
    pub device: DeviceId,
    /// Its `pairId`.
    pub pair: PairId,
    /// Its `accountId`.
    pub account: AccountId,
    /// The key that signed it.
    pub kid: String,
    /// Its `exp`, on the hub's clock.
    pub expires: Instant,
}

/// What the registry says of a socket's device and pair, and what it gathers candidates with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The other device of the pair.
    pub peer: DeviceId,
    /// What `ready` hands out.
    pub ice_servers: Vec<IceServer>,
    /// Until when they serve, in seconds.
    pub ice_servers_exp: u64,
}

/// One socket of a device and pair, from the moment it is opened.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) grant: LinkGrant,
    /// Known once the registry has answered.
    pub(crate) peer: Option<DeviceId>,
    /// Devices that were revoked while the registry was being asked.
    pub(crate) revoked_meanwhile: Vec<DeviceId>,
    candidates: usize,
    is_renewing: bool,
}

impl Seat {
    pub(crate) fn new(grant: LinkGrant) -> Self {
        Self {
            grant,
            peer: None,
            revoked_meanwhile: Vec::new(),
            candidates: 0,
            is_renewing: false,
        }
    }

    /// A fresh offer: candidates are counted from nothing.
    pub(crate) fn forget_candidates(&mut self) {
        self.candidates = 0;
    }

    /// Counts candidates since the last offer.
    pub(crate) fn count_candidates(&mut self, more: usize) -> Result<(), Refused> {
        self.candidates += more;
        if self.candidates > MAX_CANDIDATES_PER_OFFER {
            let message = format!("more than {MAX_CANDIDATES_PER_OFFER} candidates for one offer");
            return Err(Refused::new(ErrorCode::TooLarge, message));
        }
        Ok(())
    }

    /// A fresh token is about to be checked, one at a time.
    pub(crate) fn begin_renewal(&mut self) -> Result<(), Refused> {
        if std::mem::replace(&mut self.is_renewing, true) {
            let message = "a token is being checked already";
            return Err(Refused::new(ErrorCode::RateLimited, message));
        }
        Ok(())
    }

    /// The fresh token was checked. It must name the same device, pair and account.
    pub(crate) fn end_renewal(&mut self, grant: Option<LinkGrant>) -> Result<(), Refused> {
        self.is_renewing = false;
        let unauthorized = |message| Refused::new(ErrorCode::Unauthorized, message);
        let grant = grant.ok_or_else(|| unauthorized("the token does not serve"))?;
        let names = |grant: &LinkGrant| {
            (
                grant.device.clone(),
                grant.pair.clone(),
                grant.account.clone(),
            )
        };
        if names(&grant) != names(&self.grant) {
            return Err(unauthorized("the token is for another device or pair"));
        }
        self.grant = grant;
        Ok(())
    }
}
