//! Media over TCP on the one port (RFC 6544), as far as a client without media sees it: told apart
//! from HTTP and TURN, answered where it names a session, closed where it does not.

use std::time::Duration;

use hyper::Method;
use stun_types::attribute::{AttributeType, RawAttribute, Username, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageType, MessageWriteVec,
    ShortTermCredentials, TransactionId,
};
use stun_types::prelude::{MessageWrite, MessageWriteExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gates::wait_until_admitted;
use crate::whip::{OFFER, Studio};

/// RFC 8445 §16.1.
const PRIORITY: AttributeType = AttributeType::new(0x0024);
const ICE_CONTROLLING: AttributeType = AttributeType::new(0x802a);
/// As [`OFFER`] has it.
const CLIENT_UFRAG: &str = "EsAw";

/// A session that was offered, and the credentials of its answer.
struct Session {
    at: String,
    ufrag: String,
    password: String,
}

impl Session {
    async fn open(studio: &Studio) -> Self {
        let reply = studio.offer(OFFER).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let answer = String::from_utf8_lossy(&reply.body).into_owned();
        let find = |name: &str| {
            let found = answer.lines().find_map(|line| line.strip_prefix(name));
            found.expect(name).to_owned()
        };
        Self {
            at: reply.header("location").to_owned(),
            ufrag: find("a=ice-ufrag:"),
            password: find("a=ice-pwd:"),
        }
    }

    /// A connectivity check, framed (RFC 8445 §7.2.2, RFC 4571 §2).
    fn check(&self) -> Vec<u8> {
        let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
        let transaction = TransactionId::generate();
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        let username = Username::new(&format!("{}:{CLIENT_UFRAG}", self.ufrag)).expect("short");
        message.add_attribute(&username).expect("room");
        for (kind, value) in [(PRIORITY, &[0, 0, 0, 1][..]), (ICE_CONTROLLING, &[7; 8])] {
            let attribute = RawAttribute::new(kind, value);
            message.add_attribute(&attribute).expect("room");
        }
        let password = ShortTermCredentials::new(self.password.clone());
        message
            .add_message_integrity(&password.into(), IntegrityAlgorithm::Sha1)
            .expect("room");
        message.add_fingerprint().expect("room");
        framed(&message.finish())
    }
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).expect("short");
    [&length.to_be_bytes(), packet].concat()
}

async fn connect(studio: &Studio) -> TcpStream {
    let address = studio.stage.address;
    TcpStream::connect(address).await.expect("listens")
}

/// Whether a check is answered with the address that it came from.
async fn is_answered(connection: &mut TcpStream, check: &[u8]) -> bool {
    connection.write_all(check).await.expect("written");
    let Ok(length) = connection.read_u16().await else {
        return false;
    };
    let mut answer = vec![0; length.into()];
    connection.read_exact(&mut answer).await.expect("all of it");
    let answer = Message::from_bytes(&answer).expect("STUN");
    assert_eq!(answer.class(), MessageClass::Success);
    let seen = answer.attribute::<XorMappedAddress>().expect("an address");
    assert_eq!(
        seen.addr(answer.transaction_id()),
        connection.local_addr().expect("bound")
    );
    true
}

/// Waits until the server closes a connection, which it does without a word.
async fn is_closed(connection: &mut TcpStream) {
    let mut told = Vec::new();
    // Reset where the server had not read everything.
    let _ = connection.read_to_end(&mut told).await;
    assert_eq!(told, b"");
}

#[tokio::test]
async fn an_answer_names_the_port_of_http_for_connections() {
    let studio = Studio::open().await;
    let reply = studio.offer(OFFER).await;
    let answer = String::from_utf8_lossy(&reply.body).into_owned();
    let candidate = format!(
        "127.0.0.1 {} typ host tcptype passive",
        studio.stage.address.port()
    );
    assert!(answer.contains(&candidate), "{answer}");
}

#[tokio::test]
async fn a_connection_that_names_a_session_is_answered_beside_http() {
    let studio = Studio::open().await;
    let session = Session::open(&studio).await;
    let mut connection = connect(&studio).await;
    let check = session.check();
    // In pieces, with a request of somebody else in between.
    for piece in [&check[..1], &check[1..7], &check[7..11], &check[11..40]] {
        connection.write_all(piece).await.expect("written");
        assert_eq!(studio.stage.get("/healthz", "").await.status, 200);
    }
    assert!(is_answered(&mut connection, &check[40..]).await);
    assert!(is_answered(&mut connection, &session.check()).await);
}

#[tokio::test]
async fn a_connection_ends_with_its_session() {
    let studio = Studio::open().await;
    let session = Session::open(&studio).await;
    let mut connection = connect(&studio).await;
    assert!(is_answered(&mut connection, &session.check()).await);
    let reply = studio
        .publishing(Method::DELETE, &session.at, &[], "")
        .await;
    assert_eq!(reply.status, 200);
    is_closed(&mut connection).await;
}

#[tokio::test]
async fn a_connection_that_names_no_session_is_closed_at_once() {
    let studio = Studio::open().await;
    let session = Session::open(&studio).await;
    let stranger = Session {
        ufrag: "nobody".into(),
        password: session.password.clone(),
        at: String::new(),
    };
    let liar = Session {
        ufrag: session.ufrag.clone(),
        password: "a".repeat(22),
        at: String::new(),
    };
    let cookie = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    let garbage = framed(&[&cookie[..], &[0xff; 60]].concat());
    let too_long = [&[0x20, 0][..], &cookie].concat();
    for first in [stranger.check(), liar.check(), garbage, too_long] {
        let mut connection = connect(&studio).await;
        connection.write_all(&first).await.expect("written");
        let closed = tokio::time::timeout(Duration::from_secs(4), is_closed(&mut connection));
        closed.await.expect("before its time is up");
    }
}

#[tokio::test]
async fn a_connection_is_a_stranger_until_it_names_a_session() {
    let studio = Studio::open_with(&[("limits.unauthenticated_sockets", "2")]).await;
    let session = Session::open(&studio).await;
    let check = session.check();
    let (mut first, mut second) = (connect(&studio).await, connect(&studio).await);
    for stranger in [&mut first, &mut second] {
        stranger.write_all(&check[..12]).await.expect("written");
    }
    let refused = studio.stage.get("/healthz", "").await;
    assert_eq!(refused.problem(), "unavailable");
    assert!(is_answered(&mut first, &check[12..]).await);
    wait_until_admitted(&studio.stage).await;
}
