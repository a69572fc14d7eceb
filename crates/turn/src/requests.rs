//! Requests: parse, authenticate (RFC 8489 section 9.2.4), dispatch, answer.

use stun_types::attribute::{
    Attribute, AttributeFromRaw, AttributeStaticType, AttributeType, Fingerprint, MessageIntegrity,
    MessageIntegritySha256, Nonce, Realm, Userhash, Username, XorMappedAddress,
};
use stun_types::message::{
    BINDING, IntegrityKey, Message, MessageClass, MessageHeader, StunParseError,
};
use turn_types::attribute::{
    ChannelNumber, Data, DontFragment, EvenPort, Lifetime, RequestedAddressFamily,
    RequestedTransport, ReservationToken, XorPeerAddress, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH, SEND};

use crate::auth::RestUsername;
use crate::five_tuple::{FiveTuple, Transport};
use crate::reply::{Refusal, ReplyTo};
use crate::server::{Command, Now, Server};
use crate::stats::DropCause;
use crate::wire::Relay;

/// No request of a real client comes near; bounds the work of checking a signature.
const MAX_REQUEST_BYTES: usize = 2048;

/// What must be understood and is (RFC 8489 section 18.3, RFC 8656 section 18).
const KNOWN: [AttributeType; 18] = [
    Username::TYPE,
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    Realm::TYPE,
    Nonce::TYPE,
    Userhash::TYPE,
    XorMappedAddress::TYPE,
    ChannelNumber::TYPE,
    Lifetime::TYPE,
    XorPeerAddress::TYPE,
    Data::TYPE,
    XorRelayedAddress::TYPE,
    RequestedAddressFamily::TYPE,
    EvenPort::TYPE,
    RequestedTransport::TYPE,
    DontFragment::TYPE,
    ReservationToken::TYPE,
    // PASSWORD-ALGORITHM: understood and never offered.
    AttributeType::new(0x001d),
];

/// An authenticated request.
pub(crate) struct Request<'a> {
    pub(crate) message: Message<'a>,
    pub(crate) username: RestUsername,
    pub(crate) key: IntegrityKey,
    pub(crate) reply_to: ReplyTo,
}

impl Request<'_> {
    /// An attribute that may be absent.
    pub(crate) fn optional<'m, A>(&'m self) -> Result<Option<A>, Refusal>
    where
        A: AttributeFromRaw<'m> + AttributeStaticType,
    {
        match self.message.attribute::<A>() {
            Ok(attribute) => Ok(Some(attribute)),
            Err(StunParseError::MissingAttribute(_)) => Ok(None),
            Err(_) => Err(Refusal::BadRequest),
        }
    }

    /// An attribute without which the request makes no sense.
    pub(crate) fn required<'m, A>(&'m self) -> Result<A, Refusal>
    where
        A: AttributeFromRaw<'m> + AttributeStaticType,
    {
        self.optional()?.ok_or(Refusal::BadRequest)
    }
}

/// A message whose header tells its exact length; the codec checks the rest and FINGERPRINT.
pub(crate) fn parse(frame: &[u8]) -> Option<Message<'_>> {
    let header = MessageHeader::from_bytes(frame).ok()?;
    let length = MessageHeader::LENGTH + usize::from(header.data_length());
    if length != frame.len() || !length.is_multiple_of(4) {
        return None;
    }
    Message::from_bytes(frame).ok()
}

pub(crate) fn unknown_attributes(message: &Message<'_>) -> Vec<AttributeType> {
    message
        .iter_attributes()
        .map(|(_, attribute)| attribute.get_type())
        .filter(|kind| kind.comprehension_required() && !KNOWN.contains(kind))
        .collect()
}

impl Server {
    pub(crate) fn handle_stun(&mut self, from: FiveTuple, frame: &[u8], now: Now) -> Option<Relay> {
        let Some(message) = parse(frame) else {
            return self.dropped(DropCause::Malformed);
        };
        match message.class() {
            MessageClass::Indication if message.has_method(SEND) => {
                self.relay_send(from, &message, now.instant)
            }
            MessageClass::Request if frame.len() <= MAX_REQUEST_BYTES => {
                self.handle_request(from, message, now);
                None
            }
            // A Binding indication keeps a NAT open and is not answered.
            MessageClass::Indication if message.has_method(BINDING) => None,
            _ => self.dropped(DropCause::Malformed),
        }
    }

    fn handle_request(&mut self, from: FiveTuple, message: Message<'_>, now: Now) {
        let reply_to = ReplyTo {
            client: from,
            method: message.method(),
            transaction: message.transaction_id(),
            key: None,
            has_fingerprint: message.has_attribute(Fingerprint::TYPE),
        };
        match message.method() {
            BINDING => self.answer_binding(&message, &reply_to, now),
            ALLOCATE | REFRESH | CREATE_PERMISSION | CHANNEL_BIND => {
                match self.authenticate(from, &message, now) {
                    Ok((username, key)) => {
                        let reply_to = ReplyTo {
                            key: Some(key.clone()),
                            ..reply_to
                        };
                        self.dispatch(
                            &Request {
                                message,
                                username,
                                key,
                                reply_to,
                            },
                            now,
                        );
                    }
                    Err(refusal) => self.refuse_stranger(&reply_to, &refusal, now),
                }
            }
            _ => self.stats.count_drop(DropCause::Malformed),
        }
    }

    fn answer_binding(&mut self, message: &Message<'_>, reply_to: &ReplyTo, now: Now) {
        let unknown = unknown_attributes(message);
        if !unknown.is_empty() {
            return self.refuse_stranger(reply_to, &Refusal::UnknownAttributes(unknown), now);
        }
        let mapped = XorMappedAddress::new(reply_to.client.client, reply_to.transaction);
        self.reply_to_stranger(reply_to, reply_to.success(&[&mapped]), now);
    }

    /// The user and the key that signed; a live allocation goes on with its own, expired or not.
    fn authenticate(
        &self,
        from: FiveTuple,
        message: &Message<'_>,
        now: Now,
    ) -> Result<(RestUsername, IntegrityKey), Refusal> {
        let is_signed = message.has_attribute(MessageIntegrity::TYPE)
            || message.has_attribute(MessageIntegritySha256::TYPE);
        if !is_signed {
            return Err(Refusal::Unauthorized);
        }
        let (Ok(username), Ok(_), Ok(nonce)) = (
            message.attribute::<Username>(),
            message.attribute::<Realm>(),
            message.attribute::<Nonce>(),
        ) else {
            return Err(Refusal::BadRequest);
        };
        let age = now.instant.saturating_duration_since(self.started_at);
        if !self.nonces.is_fresh(nonce.nonce(), &from, age) {
            return Err(Refusal::StaleNonce);
        }
        if let Some(live) = self.allocations.of(&from)
            && live.username.name == username.username()
        {
            return match message.validate_integrity_with_key(&live.key) {
                Ok(_) => Ok((live.username.clone(), live.key.clone())),
                Err(_) => Err(Refusal::Unauthorized),
            };
        }
        let user = RestUsername::parse(username.username()).ok_or(Refusal::Unauthorized)?;
        let key = self
            .authenticator
            .verify(message, &user.name)
            .ok_or(Refusal::Unauthorized)?;
        let is_revoked = self
            .revoked
            .get(&user.id)
            .is_some_and(|until| user.expires <= *until);
        let is_expired = message.has_method(ALLOCATE) && user.expires <= now.unix_time;
        if is_revoked || is_expired {
            return Err(Refusal::Unauthorized);
        }
        Ok((user, key))
    }

    fn dispatch(&mut self, request: &Request<'_>, now: Now) {
        self.allocations.hear(&request.reply_to.client, now.instant);
        let unknown = unknown_attributes(&request.message);
        let answered = if unknown.is_empty() {
            match request.message.method() {
                ALLOCATE => self.allocate(request, now.instant),
                REFRESH => self.refresh(request, now.instant),
                CREATE_PERMISSION => self.create_permission(request, now.instant),
                _ => self.bind_channel(request, now.instant),
            }
        } else {
            Err(Refusal::UnknownAttributes(unknown))
        };
        if let Err(refusal) = answered {
            self.refuse(&request.reply_to, &refusal);
        }
    }

    pub(crate) fn reply(&mut self, reply_to: &ReplyTo, bytes: Vec<u8>) {
        self.commands.push_back(Command::Reply {
            to: reply_to.client,
            bytes,
        });
    }

    pub(crate) fn refuse(&mut self, reply_to: &ReplyTo, refusal: &Refusal) {
        self.stats.count_refusal(refusal.code());
        self.reply(reply_to, reply_to.refusal(refusal, None));
    }

    fn refuse_stranger(&mut self, reply_to: &ReplyTo, refusal: &Refusal, now: Now) {
        self.stats.count_refusal(refusal.code());
        let age = now.instant.saturating_duration_since(self.started_at);
        let nonce = self.nonces.issue(&reply_to.client, age);
        let challenge = refusal
            .is_challenge()
            .then_some((self.authenticator.realm(), nonce.as_str()));
        let bytes = reply_to.refusal(refusal, challenge);
        self.reply_to_stranger(reply_to, bytes, now);
    }

    /// A source address of UDP may be forged: what it is sent unasked is rationed.
    fn reply_to_stranger(&mut self, reply_to: &ReplyTo, bytes: Vec<u8>, now: Now) {
        let client = reply_to.client;
        let is_forgeable = client.transport == Transport::Udp;
        if is_forgeable && !self.sources.allows(client.client.ip(), now.instant) {
            self.stats.count_drop(DropCause::RateLimited);
            return;
        }
        self.reply(reply_to, bytes);
    }
}
