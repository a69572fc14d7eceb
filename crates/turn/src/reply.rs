//! Answers: success and error responses, short, without SOFTWARE, signed where the request was.

use stun_types::attribute::{
    AttributeType, AttributeWrite, ErrorCode, Nonce, Realm, UnknownAttributes,
};
use stun_types::message::{
    IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageType, MessageWrite,
    MessageWriteExt, MessageWriteVec, Method, TransactionId,
};

use crate::five_tuple::FiveTuple;

/// Why a request is refused (RFC 8489 section 14.8, RFC 8656 section 19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    UnknownAttributes(Vec<AttributeType>),
    AllocationMismatch,
    StaleNonce,
    FamilyUnsupported,
    WrongCredentials,
    TransportUnsupported,
    FamilyMismatch,
    QuotaReached,
    InsufficientCapacity,
}

impl Refusal {
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::BadRequest => ErrorCode::BAD_REQUEST,
            Self::Unauthorized => ErrorCode::UNAUTHORIZED,
            Self::Forbidden => ErrorCode::FORBIDDEN,
            Self::UnknownAttributes(_) => ErrorCode::UNKNOWN_ATTRIBUTE,
            Self::AllocationMismatch => ErrorCode::ALLOCATION_MISMATCH,
            Self::StaleNonce => ErrorCode::STALE_NONCE,
            Self::FamilyUnsupported => ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED,
            Self::WrongCredentials => ErrorCode::WRONG_CREDENTIALS,
            Self::TransportUnsupported => ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL,
            Self::FamilyMismatch => ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH,
            Self::QuotaReached => ErrorCode::ALLOCATION_QUOTA_REACHED,
            Self::InsufficientCapacity => ErrorCode::INSUFFICIENT_CAPACITY,
        }
    }

    /// The challenge goes with these two (RFC 8489 section 9.2.4).
    pub(crate) fn is_challenge(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::StaleNonce)
    }
}

/// Where an answer goes and how it is dressed; outlives the request it answers.
#[derive(Debug, Clone)]
pub(crate) struct ReplyTo {
    pub(crate) client: FiveTuple,
    pub(crate) method: Method,
    pub(crate) transaction: TransactionId,
    /// The key that the request was signed with.
    pub(crate) key: Option<IntegrityKey>,
    /// FINGERPRINT answers FINGERPRINT.
    pub(crate) has_fingerprint: bool,
}

impl ReplyTo {
    pub(crate) fn success(&self, attributes: &[&dyn AttributeWrite]) -> Vec<u8> {
        self.build(MessageClass::Success, attributes)
    }

    /// An error; `challenge` is the realm and nonce of a 401 or 438.
    pub(crate) fn refusal(&self, refusal: &Refusal, challenge: Option<(&str, &str)>) -> Vec<u8> {
        // Before authentication every byte is an amplifier's: no reason phrase.
        let reason = match challenge {
            Some(_) => "",
            None => ErrorCode::default_reason_for_code(refusal.code()),
        };
        let error = ErrorCode::new(refusal.code(), reason).expect("our codes are 400-599");
        if let Refusal::UnknownAttributes(unknown) = refusal {
            return self.build(
                MessageClass::Error,
                &[&error, &UnknownAttributes::new(unknown)],
            );
        }
        match challenge {
            None => self.build(MessageClass::Error, &[&error]),
            Some((realm, nonce)) => {
                let realm = Realm::new(realm).expect("the realm was checked at start");
                let nonce = Nonce::new(nonce).expect("nonces have 24 bytes");
                self.build(MessageClass::Error, &[&error, &realm, &nonce])
            }
        }
    }

    fn build(&self, class: MessageClass, attributes: &[&dyn AttributeWrite]) -> Vec<u8> {
        let kind = MessageType::from_class_method(class, self.method);
        let mut message = Message::builder(kind, self.transaction, MessageWriteVec::new());
        for attribute in attributes {
            message
                .add_attribute(*attribute)
                .expect("a reply is far below 64 KiB");
        }
        if let Some(key) = &self.key {
            message
                .add_message_integrity_with_key(key, IntegrityAlgorithm::Sha1)
                .expect("nothing is signed before");
        }
        if self.has_fingerprint {
            message.add_fingerprint().expect("nothing comes after");
        }
        message.finish()
    }
}
