//! What both servers are asked.

use std::net::{SocketAddr, UdpSocket};

use stun_types::attribute::{AttributeStaticType, Nonce, RawAttribute, Realm, Username};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageType, MessageWrite, MessageWriteExt,
    MessageWriteVec, Method, ShortTermCredentials, TransactionId,
};
use stun_types::prelude::AttributeWrite;
use turn_types::AddressFamily;
use turn_types::attribute::{
    ChannelNumber, Data, DontFragment, EvenPort, Lifetime, RequestedAddressFamily,
    RequestedTransport, ReservationToken, XorPeerAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CONNECT, CREATE_PERMISSION, REFRESH, SEND};

use crate::turn_session::{REALM, Session, username};

type Scenario = fn(&mut Session);

pub(crate) const SCENARIOS: &[(&str, Scenario)] = &[
    ("binding", binding),
    ("authentication", authentication),
    ("wrong secret", wrong_secret),
    ("expired credential", expired),
    ("credential without expiry", no_expiry),
    ("credential with a nonsense expiry", nonsense_expiry),
    ("allocate, refused", allocate_refused),
    ("allocate", allocate),
    ("allocate ipv6", allocate_ipv6),
    ("reservation", reservation),
    ("refresh", refresh),
    ("permission", permission),
    ("channel", channel),
    ("relay", relay),
];

fn udp() -> RequestedTransport {
    RequestedTransport::new(RequestedTransport::UDP)
}

fn peer(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const ECHO: &str = "127.0.0.2:9";

fn odd() -> RawAttribute<'static> {
    RawAttribute::new(0x7777.into(), &[1, 2, 3, 4])
}

/// Challenge, then success.
fn open(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    session.ask("open", ALLOCATE, &[&udp()], &[]);
}

fn binding(session: &mut Session) {
    session.ask("plain", BINDING, &[], &[]);
    let mut request = Message::builder(
        MessageType::from_class_method(MessageClass::Request, BINDING),
        TransactionId::generate(),
        MessageWriteVec::new(),
    );
    request.add_fingerprint().unwrap();
    let mut request = request.finish();
    session.exchange("with fingerprint", &request);
    *request.last_mut().unwrap() ^= 1;
    session.exchange("with a wrong fingerprint", &request);
    session.ask("unknown required attribute", BINDING, &[&odd()], &[]);
    let optional = RawAttribute::new(0xf777.into(), &[1, 2, 3, 4]);
    session.ask("unknown optional attribute", BINDING, &[&optional], &[]);
    session.exchange(
        "rfc 3489, no cookie",
        &[
            0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
        ],
    );
    let mut cut = session.request(BINDING, &[&optional], &[]);
    cut.truncate(24);
    session.exchange("cut short", &cut);
    session.ask("unknown method", Method::new(0x333), &[], &[]);
    let indication = MessageType::from_class_method(MessageClass::Indication, BINDING);
    let indication = Message::builder(indication, 5.into(), MessageWriteVec::new()).finish();
    session.exchange("indication", &indication);
}

fn authentication(session: &mut Session) {
    session.ask("allocate unsigned", ALLOCATE, &[&udp()], &[]);
    for (step, method) in [
        ("refresh unsigned", REFRESH),
        ("permission unsigned", CREATE_PERMISSION),
        ("channel unsigned", CHANNEL_BIND),
    ] {
        let nonce = session.nonce.take();
        session.ask(step, method, &[], &[]);
        session.nonce = session.nonce.take().or(nonce);
    }
    let user = Username::new(&session.username).unwrap();
    let realm = Realm::new(REALM).unwrap();
    let nonce = Nonce::new(session.nonce.as_deref().unwrap_or("none")).unwrap();
    signed_with(session, "without username", &[&realm, &nonce]);
    signed_with(session, "without realm", &[&user, &nonce]);
    signed_with(session, "without nonce", &[&user, &realm]);
    session.nonce = Some("0000000000000000".into());
    session.ask("nonce of nobody", ALLOCATE, &[&udp()], &[]);
    session.ask("after a stale nonce", ALLOCATE, &[&udp()], &[]);
}

/// An Allocate with a signature that is never looked at.
fn signed_with(session: &mut Session, step: &'static str, attributes: &[&dyn AttributeWrite]) {
    let kind = MessageType::from_class_method(MessageClass::Request, ALLOCATE);
    let mut message = Message::builder(kind, TransactionId::generate(), MessageWriteVec::new());
    message.add_attribute(&udp()).unwrap();
    for attribute in attributes {
        message.add_attribute(*attribute).unwrap();
    }
    let credentials = ShortTermCredentials::new("none".into());
    message
        .add_message_integrity(&credentials.into(), IntegrityAlgorithm::Sha1)
        .unwrap();
    session.exchange(step, &message.finish());
}

fn wrong_secret(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    session.secret = "south".into();
    session.ask("wrong secret", ALLOCATE, &[&udp()], &[]);
}

fn expired(session: &mut Session) {
    allocate_as(session, username(-10));
}

fn no_expiry(session: &mut Session) {
    allocate_as(session, "device".into());
}

fn nonsense_expiry(session: &mut Session) {
    allocate_as(session, "soon:device".into());
}

fn allocate_as(session: &mut Session, name: String) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    session.username = name;
    session.ask("allocate", ALLOCATE, &[&udp()], &[]);
}

fn allocate_refused(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    session.ask("no transport", ALLOCATE, &[], &[]);
    let tcp = RequestedTransport::new(RequestedTransport::TCP);
    session.ask("tcp", ALLOCATE, &[&tcp], &[]);
    let sctp = RequestedTransport::new(132);
    session.ask("sctp", ALLOCATE, &[&sctp], &[]);
    session.ask(
        "unknown required attribute",
        ALLOCATE,
        &[&udp(), &odd()],
        &[],
    );
    let family = RawAttribute::new(RequestedAddressFamily::TYPE, &[3, 0, 0, 0]);
    session.ask("unknown family", ALLOCATE, &[&udp(), &family], &[]);
    let (token, even) = (ReservationToken::new(77), EvenPort::new(true));
    session.ask(
        "token and even port",
        ALLOCATE,
        &[&udp(), &token, &even],
        &[],
    );
    session.ask("token of nobody", ALLOCATE, &[&udp(), &token], &[]);
    session.ask("refresh without allocation", REFRESH, &[], &[]);
    session.ask(
        "permission without allocation",
        CREATE_PERMISSION,
        &[],
        &[peer(ECHO)],
    );
    let number = ChannelNumber::new(0x4000);
    session.ask(
        "channel without allocation",
        CHANNEL_BIND,
        &[&number],
        &[peer(ECHO)],
    );
    session.ask("connect without allocation", CONNECT, &[], &[peer(ECHO)]);
}

fn allocate(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    let attributes: [&dyn AttributeWrite; 3] = [&udp(), &Lifetime::new(3600), &DontFragment::new()];
    let request = session.request(ALLOCATE, &attributes, &[]);
    session.exchange("with lifetime and dont-fragment", &request);
    session.exchange("the same, retransmitted", &request);
    session.ask("another", ALLOCATE, &[&udp()], &[]);
    session.ask("binding on the same 5-tuple", BINDING, &[], &[]);
}

fn allocate_ipv6(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    let family = RequestedAddressFamily::new(AddressFamily::IPV6);
    session.ask("ipv6", ALLOCATE, &[&udp(), &family], &[]);
    session.ask("ipv4 peer", CREATE_PERMISSION, &[], &[peer(ECHO)]);
    session.ask("ipv6 peer", CREATE_PERMISSION, &[], &[peer("[2600::1]:9")]);
    session.ask(
        "mapped peer",
        CREATE_PERMISSION,
        &[],
        &[peer("[::ffff:127.0.0.1]:9")],
    );
    session.ask(
        "mapped private peer",
        CREATE_PERMISSION,
        &[],
        &[peer("[::ffff:10.0.0.1]:9")],
    );
    session.ask(
        "6to4 of a private peer",
        CREATE_PERMISSION,
        &[],
        &[peer("[2002:a00:1::1]:9")],
    );
    session.ask(
        "unspecified peer",
        CREATE_PERMISSION,
        &[],
        &[peer("[::]:9")],
    );
    session.ask(
        "link-local peer",
        CREATE_PERMISSION,
        &[],
        &[peer("[fe80::1]:9")],
    );
}

fn reservation(session: &mut Session) {
    session.ask("challenge", ALLOCATE, &[&udp()], &[]);
    let even = EvenPort::new(true);
    session.ask("even port and the next", ALLOCATE, &[&udp(), &even], &[]);
}

fn refresh(session: &mut Session) {
    open(session);
    session.ask("without lifetime", REFRESH, &[], &[]);
    session.ask(
        "longer than granted",
        REFRESH,
        &[&Lifetime::new(36_000)],
        &[],
    );
    session.ask("one second", REFRESH, &[&Lifetime::new(1)], &[]);
    let family = RequestedAddressFamily::new(AddressFamily::IPV6);
    session.ask("of another family", REFRESH, &[&family], &[]);
    let own_name = std::mem::replace(&mut session.username, username(500));
    session.ask("by another user", REFRESH, &[], &[]);
    session.username = own_name;
    session.ask("zero", REFRESH, &[&Lifetime::new(0)], &[]);
    session.ask("after the end", REFRESH, &[&Lifetime::new(0)], &[]);
}

fn permission(session: &mut Session) {
    open(session);
    session.ask("one peer", CREATE_PERMISSION, &[], &[peer(ECHO)]);
    session.ask(
        "two peers",
        CREATE_PERMISSION,
        &[],
        &[peer(ECHO), peer("127.0.0.3:9")],
    );
    session.ask("no peer", CREATE_PERMISSION, &[], &[]);
    session.ask("ipv6 peer", CREATE_PERMISSION, &[], &[peer("[2600::1]:9")]);
    session.ask(
        "unspecified peer",
        CREATE_PERMISSION,
        &[],
        &[peer("0.0.0.0:9")],
    );
    session.ask(
        "private peer",
        CREATE_PERMISSION,
        &[],
        &[peer("10.0.0.1:9")],
    );
    session.ask(
        "metadata peer",
        CREATE_PERMISSION,
        &[],
        &[peer("169.254.169.254:80")],
    );
    session.ask(
        "multicast peer",
        CREATE_PERMISSION,
        &[],
        &[peer("224.0.0.1:9")],
    );
    session.ask(
        "broadcast peer",
        CREATE_PERMISSION,
        &[],
        &[peer("255.255.255.255:9")],
    );
    session.ask(
        "public peer",
        CREATE_PERMISSION,
        &[],
        &[peer("198.51.100.9:9")],
    );
    session.ask(
        "unknown required attribute",
        CREATE_PERMISSION,
        &[&odd()],
        &[peer(ECHO)],
    );
}

fn channel(session: &mut Session) {
    open(session);
    let number = ChannelNumber::new;
    session.ask("bind", CHANNEL_BIND, &[&number(0x4000)], &[peer(ECHO)]);
    session.ask(
        "the same again",
        CHANNEL_BIND,
        &[&number(0x4000)],
        &[peer(ECHO)],
    );
    session.ask(
        "number of another peer",
        CHANNEL_BIND,
        &[&number(0x4000)],
        &[peer("127.0.0.2:10")],
    );
    session.ask(
        "peer of another number",
        CHANNEL_BIND,
        &[&number(0x4001)],
        &[peer(ECHO)],
    );
    session.ask(
        "number too low",
        CHANNEL_BIND,
        &[&number(0x3fff)],
        &[peer("127.0.0.2:11")],
    );
    session.ask(
        "number too high",
        CHANNEL_BIND,
        &[&number(0x8000)],
        &[peer("127.0.0.2:11")],
    );
    session.ask(
        "number of rfc 5766",
        CHANNEL_BIND,
        &[&number(0x7fff)],
        &[peer("127.0.0.2:12")],
    );
    session.ask("no number", CHANNEL_BIND, &[], &[peer(ECHO)]);
    session.ask("no peer", CHANNEL_BIND, &[&number(0x4002)], &[]);
    session.ask(
        "ipv6 peer",
        CHANNEL_BIND,
        &[&number(0x4002)],
        &[peer("[2600::1]:9")],
    );
    session.ask(
        "unspecified peer",
        CHANNEL_BIND,
        &[&number(0x4002)],
        &[peer("0.0.0.0:9")],
    );
    session.ask(
        "own dead port",
        CHANNEL_BIND,
        &[&number(0x4003)],
        &[peer("127.0.0.1:9")],
    );
}

/// An echo on loopback, reached by indications and by a channel.
fn relay(session: &mut Session) {
    open(session);
    let echo = UdpSocket::bind("127.0.0.2:0").unwrap();
    echo.set_read_timeout(Some(std::time::Duration::from_millis(700)))
        .unwrap();
    let to = echo.local_addr().unwrap();
    let turn_back = || {
        let mut buffer = [0; 256];
        if let Ok((length, from)) = echo.recv_from(&mut buffer) {
            echo.send_to(&buffer[..length], from).unwrap();
        }
    };
    session.wire.send(&send_indication(to));
    turn_back();
    session.receive("send without permission");
    session.ask(
        "permission for another port",
        CREATE_PERMISSION,
        &[],
        &[peer("127.0.0.2:1")],
    );
    session.wire.send(&send_indication(to));
    turn_back();
    session.receive("send");
    session.ask("bind", CHANNEL_BIND, &[&ChannelNumber::new(0x4000)], &[to]);
    session.wire.send(&[0x40, 0, 0, 3, 1, 2, 3]);
    turn_back();
    session.receive("channel data");
    session.wire.send(&[0x40, 0, 0, 3, 1, 2, 3, 0]);
    turn_back();
    session.receive("channel data, padded");
    session.wire.send(&[0x40, 0, 0, 9, 1, 2, 3]);
    turn_back();
    session.receive("channel data that lies");
    session.wire.send(&[0x40, 1, 0, 3, 1, 2, 3]);
    turn_back();
    session.receive("channel data of no channel");
}

fn send_indication(to: SocketAddr) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Indication, SEND);
    let transaction = TransactionId::generate();
    let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
    message
        .add_attribute(&XorPeerAddress::new(to, transaction))
        .unwrap();
    message
        .add_attribute(&Data::new(b"there and back"))
        .unwrap();
    message.finish()
}
