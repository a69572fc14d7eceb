//! What one gathering of candidates brought (RFC 8445 §5.1.1), as the doctor concludes from it.

use serde::Deserialize;

/// The code of a server that was not reached, as browsers have it (W3C WebRTC §4.8.2).
pub const NOT_REACHED: u16 = 701;

/// What an ICE server made of a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IceError {
    /// A STUN error code (RFC 8489 §14.8), or [`NOT_REACHED`].
    pub code: u16,
    /// Its words.
    pub text: String,
}

/// What one gathering brought.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gathered {
    /// Addresses of this device.
    pub hosts: Vec<String>,
    /// `address:port` as STUN servers saw it where a NAT is in between, each once.
    pub srflx: Vec<String>,
    /// How many relayed addresses were given.
    pub relays: usize,
    /// What servers refused, and which were not reached.
    pub errors: Vec<IceError>,
    /// Whether everything that was asked is settled.
    pub is_complete: bool,
    /// Until the first address that is not this device's own, in milliseconds.
    pub took_ms: Option<f64>,
}

impl Gathered {
    /// Whether a STUN server answered: it saw another address, or none but this device's own.
    pub(super) fn has_answered(&self) -> bool {
        let is_same = self.is_complete && self.errors.is_empty() && !self.hosts.is_empty();
        !self.srflx.is_empty() || is_same
    }

    /// What a relay refused with.
    pub(super) fn refusal(&self) -> Option<&IceError> {
        self.errors.iter().find(|error| error.code != NOT_REACHED)
    }

    /// Whether a relay said anything: a refusal is an answer too.
    pub(super) fn was_heard(&self) -> bool {
        self.relays > 0 || self.refusal().is_some()
    }
}
