//! What a TURN server refuses an allocation with: the client tells that it failed, not why.

use stun_types::attribute::ErrorCode;
use stun_types::message::{Message, MessageClass, TransactionId};

const UNAUTHORIZED: u16 = 401;
const STALE_NONCE: u16 = 438;

/// An error response (RFC 8489 §14.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::link) struct Refused {
    pub(in crate::link) code: u16,
    /// The server's words.
    pub(in crate::link) reason: String,
}

/// The error responses of one server.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The request that was answered by asking for credentials.
    challenged: Option<TransactionId>,
    pub(super) last: Option<Refused>,
}

impl Refusals {
    /// Notes a refusal. The first 401, which may come again, only asks for credentials (RFC 8489
    /// §9.2.5); a stale nonce only asks for another request.
    pub(super) fn handle_message(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::from_bytes(bytes) else {
            return;
        };
        let Ok(error) = message.attribute::<ErrorCode>() else {
            return;
        };
        let request = message.transaction_id();
        let is_challenge =
            error.code() == UNAUTHORIZED && *self.challenged.get_or_insert(request) == request;
        let is_refusal = message.has_class(MessageClass::Error) && error.code() != STALE_NONCE;
        if is_refusal && !is_challenge {
            self.last = Some(Refused {
                code: error.code(),
                reason: error.reason().to_owned(),
            });
        }
    }

    /// Whether the credentials were refused: nothing else will come of them.
    pub(super) fn has_refused_login(&self) -> bool {
        let code = self.last.as_ref().map(|refused| refused.code);
        code == Some(UNAUTHORIZED)
    }
}

#[cfg(test)]
mod tests {
    use stun_types::message::{MessageType, MessageWriteVec, Method};
    use stun_types::prelude::*;

    use super::*;

    /// An error response to an Allocate (RFC 8656 §18.1).
    fn error(request: u128, code: u16) -> Vec<u8> {
        let kind = MessageType::from_class_method(MessageClass::Error, Method::new(3));
        let mut message = Message::builder(kind, request.into(), MessageWriteVec::new());
        let code = ErrorCode::builder(code).reason("words").build();
        message
            .add_attribute(&code.expect("a code"))
            .expect("it fits");
        message.finish()
    }

    #[test]
    fn a_401_to_credentials_is_a_refusal_and_the_first_one_is_not_however_often_it_comes() {
        let mut refusals = Refusals::default();
        for _ in 0..2 {
            refusals.handle_message(&error(1, UNAUTHORIZED));
            assert_eq!(refusals.last, None);
        }
        refusals.handle_message(&error(2, STALE_NONCE));
        assert_eq!(refusals.last, None);
        refusals.handle_message(&error(3, UNAUTHORIZED));
        assert_eq!(refusals.last.expect("it refused").code, UNAUTHORIZED);
    }

    #[test]
    fn any_other_error_is_a_refusal_at_once() {
        let mut refusals = Refusals::default();
        refusals.handle_message(b"no STUN");
        refusals.handle_message(&error(1, 486));
        let refused = refusals.last.expect("it refused");
        assert_eq!((refused.code, refused.reason.as_str()), (486, "words"));
    }
}
