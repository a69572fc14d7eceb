//! Session descriptions signed by the device keys (`docs/protocol.md`, `/api/signal`): the
//! signalling server can neither change nor replay nor invent one.

use std::sync::Arc;

use identity::{DescriptionKind, SignedDescription, SigningKey, verify_signature};
use protocol::base64url::Base64Url;
use protocol::id::{DeviceId, PairId};
use protocol::signal::Description;

use super::error::Refusal;

/// How far the two clocks may differ, in milliseconds.
const CLOCK_LIMIT_MS: u64 = 10 * 60_000;

/// Signs for one pair and verifies what the peer signed.
pub(super) struct Signatures {
    pub(super) pair_id: PairId,
    pub(super) own: Arc<SigningKey>,
    pub(super) peer_id: DeviceId,
    pub(super) peer_key: Base64Url<32>,
    /// Whether the peer must sign; only a pair that an admin flagged as unverified need not.
    pub(super) is_required: bool,
    /// The time of the newest own description, in Unix milliseconds.
    pub(super) own_ts: u64,
    /// The time of the newest accepted description of the peer, in Unix milliseconds.
    pub(super) peer_ts: u64,
}

impl Signatures {
    /// An own description, signed at `unix_ms` or later than every earlier one.
    pub(super) fn sign(
        &mut self,
        kind: DescriptionKind,
        sdp: String,
        offer: Option<&str>,
        unix_ms: u64,
    ) -> Description {
        let ts = unix_ms.max(self.own_ts + 1);
        self.own_ts = ts;
        let own_id = self.own.thumbprint();
        let signed = SignedDescription {
            pair_id: &self.pair_id,
            from: &own_id,
            to: &self.peer_id,
            kind,
            ts,
            sdp: &sdp,
            offer,
        };
        let bytes = signed
            .signed_bytes()
            .expect("an own description has a certificate and an ICE user");
        let sig = self.own.sign(&bytes).to_string();
        Description {
            pair_id: self.pair_id.as_str().to_owned(),
            sdp,
            ts: Some(ts),
            sig: Some(sig),
        }
    }

    /// Accepts a description of the peer, once.
    ///
    /// # Errors
    /// Says what did not match.
    pub(super) fn verify(
        &mut self,
        kind: DescriptionKind,
        description: &Description,
        offer: Option<&str>,
        unix_ms: u64,
    ) -> Result<(), Refusal> {
        if !self.is_required {
            return Ok(());
        }
        let (Some(ts), Some(sig)) = (description.ts, &description.sig) else {
            return Err(Refusal::Unsigned);
        };
        let sig = Base64Url::parse(sig).map_err(|_| Refusal::Signature)?;
        if !self.is_signed(kind, &description.sdp, ts, offer, &sig) {
            let other = match kind {
                DescriptionKind::Offer => DescriptionKind::Answer,
                DescriptionKind::Answer => DescriptionKind::Offer,
            };
            let is_other = self.is_signed(other, &description.sdp, ts, offer, &sig);
            return Err(if is_other {
                Refusal::OtherKind
            } else {
                Refusal::Signature
            });
        }
        if ts.abs_diff(unix_ms) > CLOCK_LIMIT_MS {
            let peer_is_ahead = ts > unix_ms;
            let offset_ms = ts.abs_diff(unix_ms);
            return Err(Refusal::ClockSkew {
                offset_ms,
                peer_is_ahead,
            });
        }
        if ts <= self.peer_ts {
            return Err(Refusal::Replayed);
        }
        self.peer_ts = ts;
        Ok(())
    }

    fn is_signed(
        &self,
        kind: DescriptionKind,
        sdp: &str,
        ts: u64,
        offer: Option<&str>,
        sig: &Base64Url<64>,
    ) -> bool {
        let signed = SignedDescription {
            pair_id: &self.pair_id,
            from: &self.peer_id,
            to: &self.own.thumbprint(),
            kind,
            ts,
            sdp,
            offer: offer.filter(|_| kind == DescriptionKind::Answer),
        };
        signed
            .signed_bytes()
            .is_ok_and(|bytes| verify_signature(&self.peer_key, &bytes, sig))
    }
}
