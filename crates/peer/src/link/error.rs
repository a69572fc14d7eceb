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

/// Why an attempt to link did not succeed (`docs/protocol.md`, Telemetry). The words are those of
/// the page: `testdata/doctor/failures.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}. {}", self.message(), self.next_step())]
pub enum Cause {
    /// No address may be used.
    NoCandidates,
    /// No pair of addresses works.
    ChecksFailed,
    /// A relay was needed and refused.
    RelayRefused,
    /// A path was found, but no encrypted connection came about on it.
    DtlsFailed,
    /// Nothing but refused descriptions came.
    SignatureRefused,
    /// The other device did not prove its key.
    NoiseFailed,
    /// The server cannot be reached.
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

    /// What happened.
    pub fn message(self) -> &'static str {
        match self {
            Cause::NoCandidates => "this device found no network address it may use",
            Cause::ChecksFailed => "the two devices found no path to each other",
            Cause::RelayRefused => "the relay did not take this device",
            Cause::DtlsFailed => "a path was found, but the encrypted connection did not start",
            Cause::SignatureRefused => {
                "a message that was not signed by your other device was refused"
            }
            Cause::NoiseFailed => "your other device did not prove its key on this connection",
            Cause::SignallingLost => "the server cannot be reached",
        }
    }

    /// What to do; a whole sentence.
    pub fn next_step(self) -> &'static str {
        match self {
            Cause::NoCandidates => {
                "Check that it is online, and in a browser that it may use WebRTC."
            }
            Cause::ChecksFailed => "Put them on one network, or add a relay (TURN) to the server.",
            Cause::RelayRefused => "Check the server's relay settings and limits, then try again.",
            Cause::DtlsFailed => "Try again; if it stays, update both devices.",
            Cause::SignatureRefused => {
                "Somebody may be interfering with the server. Pair again if your own device was reset."
            }
            Cause::NoiseFailed => {
                "Begin the link anew on both. If it stays, remove the pair and pair again."
            }
            Cause::SignallingLost => "Check that this device is online and the server is running.",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const FAILURES: &str = include_str!("../../../../testdata/doctor/failures.json");

    #[test]
    fn causes_are_told_in_the_words_of_the_page() {
        let rows: Vec<Value> = serde_json::from_str(FAILURES).expect("vectors");
        let causes = [
            Cause::NoCandidates,
            Cause::ChecksFailed,
            Cause::RelayRefused,
            Cause::DtlsFailed,
            Cause::SignatureRefused,
            Cause::NoiseFailed,
            Cause::SignallingLost,
        ];
        assert_eq!(rows.len(), causes.len());
        for (row, cause) in rows.iter().zip(causes) {
            assert_eq!(row["cause"], cause.as_str());
            assert_eq!(row["message"], cause.message());
            assert_eq!(row["nextStep"], cause.next_step());
            let (message, next) = (cause.message(), cause.next_step());
            assert_eq!(cause.to_string(), format!("{message}. {next}"));
        }
    }
}
