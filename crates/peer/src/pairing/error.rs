//! Why a pairing came to nothing, by stable codes that the pages use too.

/// A pairing that failed, or an attempt of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct PairingError {
    /// The stable name of the cause.
    pub code: String,
    /// What happened and what to do, for people.
    pub message: String,
    /// Whether somebody refused; else something did not answer or failed.
    pub is_refusal: bool,
}

/// The causes that this side finds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingFault {
    /// The other device's messages make no sense.
    #[error("the other device sent something unreadable: {0}; make a new code and try again")]
    Malformed(&'static str),
    /// A handshake or transport message does not open.
    #[error("{0}; make a new code and try again")]
    Noise(identity::NoiseError),
    /// A transport message was changed.
    #[error("a message was changed on the way; make a new code and try again")]
    Changed,
    /// The record breaks a rule or is not signed by its key.
    #[error("the other device's record is not valid: {0}")]
    Record(String),
    /// The record's X25519 key is not the handshake's.
    #[error("the other device's record holds another key")]
    OtherKey,
    /// Both ends are this device.
    #[error("this is the same device; open the link on another one")]
    SameDevice,
    /// The pair statement is another, or not signed by the other device.
    #[error("the other device signed something else; make a new code and try again")]
    Signature,
    /// The person chose words that the other screen did not show.
    #[error(
        "those were not the words of the other screen, so nothing was paired; make a new code. If \
         the right words never show, somebody may be in between"
    )]
    WrongWords,
    /// Nobody came, or the link is too old.
    #[error("the code is too old; make a new one on the inviting device")]
    Expired,
    /// Three attempts failed.
    #[error("three attempts failed, so the code is burnt; the last: {0}")]
    Burnt(String),
    /// The other device went away.
    #[error("the other device left; open the link there again")]
    PeerLeft,
    /// The rendezvous is over.
    #[error("the code was used, expired, or ended on the other screen; ask for a new one")]
    Gone,
    /// The socket broke.
    #[error("the connection to the server broke; try again")]
    Lost,
    /// The person stopped it.
    #[error("pairing was cancelled")]
    Cancelled,
    /// The server refused the pair.
    #[error("the server refused the pair: {0}")]
    ServerRefused(String),
    /// Whether the server stored the pair is not known.
    #[error(
        "the server did not say whether it holds the pair ({0}); the next `helio` command that \
         reaches it finds out"
    )]
    Unsettled(String),
    /// The pair could not be kept.
    #[error("the pair could not be kept: {0}")]
    Storage(String),
}

impl PairingFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Changed => "pairing-malformed",
            Self::Noise(_) => "noise-failed",
            Self::Record(_) => "record-invalid",
            Self::OtherKey => "record-mismatch",
            Self::SameDevice => "same-device",
            Self::Signature => "signature-refused",
            Self::WrongWords => "wrong-words",
            Self::Expired => "invite-expired",
            Self::Burnt(_) => "invite-burnt",
            Self::PeerLeft => "peer-left",
            Self::Gone => "invite-gone",
            Self::Lost => "signalling-lost",
            Self::Cancelled => "cancelled",
            Self::ServerRefused(_) => "pair-refused",
            Self::Unsettled(_) => "pair-unsettled",
            Self::Storage(_) => "storage",
        }
    }
}

impl From<PairingFault> for PairingError {
    fn from(fault: PairingFault) -> Self {
        use PairingFault::{Cancelled, Lost, PeerLeft, Storage, Unsettled};
        let is_failure = matches!(
            fault,
            Cancelled | Lost | PeerLeft | Storage(_) | Unsettled(_)
        );
        Self {
            code: fault.code().to_owned(),
            message: fault.to_string(),
            is_refusal: !is_failure,
        }
    }
}
