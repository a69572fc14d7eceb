//! Why a message of the peer is refused, and why a link cannot come up.

/// Why a description was refused; nothing of it was used. The names are those of the browser SDK.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It carries no signature.
    #[error("the other device's description carries no signature; update the other device")]
    Unsigned,
    /// Its signature is not by the paired device, or it was changed on the way.
    #[error(
        "a description is not what the other device signed; somebody may be interfering with the server"
    )]
    Signature,
    /// An offer was passed off as an answer, or the reverse.
    #[error(
        "a description was signed as the other kind; somebody may be interfering with the server"
    )]
    OtherKind,
    /// The clocks differ by more than ten minutes.
    #[error("the other device's clock is {} minutes {} this one; set both to automatic", offset_ms / 60_000, if *peer_is_ahead { "ahead of" } else { "behind" })]
    ClockSkew {
        /// By how much, in milliseconds.
        offset_ms: u64,
        /// Whether the other device's clock is the later one.
        peer_is_ahead: bool,
    },
    /// It was accepted before.
    #[error("a description was sent before and was refused")]
    Replayed,
    /// It is longer than 32 KiB, or no session description at all.
    #[error("a description was not understood: {0}")]
    Malformed(String),
}

impl Refusal {
    /// The stable name of the cause.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Unsigned => "unsigned",
            Refusal::Signature | Refusal::OtherKind => "signature-refused",
            Refusal::ClockSkew { .. } => "clock-skew",
            Refusal::Replayed => "replayed",
            Refusal::Malformed(_) => "malformed",
        }
    }
}

/// Why an attempt to link did not succeed (`docs/protocol.md`, Telemetry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No address may be used.
    #[error("this device found no network address it may use; check that it is online")]
    NoCandidates,
    /// No pair of addresses works.
    #[error("the two devices found no path to each other; put them on one network or add a relay")]
    ChecksFailed,
    /// A relay was needed and refused.
    #[error("the relay did not take this device; check the server's relay settings and limits")]
    RelayRefused,
    /// A path was found, but no encrypted connection came about on it.
    #[error("a path was found, but the encrypted connection did not start; try again")]
    DtlsFailed,
    /// Nothing but refused descriptions came.
    #[error("a message that was not signed by the other device was refused")]
    SignatureRefused,
    /// The other device did not prove its key.
    #[error("the other device did not prove its key on this connection; pair again if it stays")]
    NoiseFailed,
    /// The server cannot be reached.
    #[error("the server cannot be reached; check that this device is online and it is running")]
    SignallingLost,
}

impl Cause {
    /// The name in telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::NoCandidates => "no-candidates",
            Cause::ChecksFailed => "checks-failed",
            Cause::RelayRefused => "relay-refused",
            Cause::DtlsFailed => "dtls-failed",
            Cause::SignatureRefused => "signature-refused",
            Cause::NoiseFailed => "noise-failed",
            Cause::SignallingLost => "signalling-lost",
        }
    }
}
