//! TURN on the one port, told apart from HTTP, inside and outside of TLS.

use stun_types::attribute::{ErrorCode, Nonce, Realm, XorMappedAddress};
use stun_types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWriteVec, Method, TransactionId,
};
use stun_types::prelude::{MessageWrite, MessageWriteExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use turn_types::attribute::RequestedTransport;
use turn_types::message::ALLOCATE;

use crate::gates::wait_until_admitted;
use crate::stage::Stage;
use crate::tls::{start_tls, tls};
use crate::turn_session::{SECRET, Session};

fn binding() -> Vec<u8> {
    builder(BINDING).finish()
}

fn allocate() -> Vec<u8> {
    let mut message = builder(ALLOCATE);
    let udp = RequestedTransport::new(RequestedTransport::UDP);
    message.add_attribute(&udp).expect("room");
    message.finish()
}

fn builder(method: Method) -> MessageWriteVec {
    let kind = MessageType::from_class_method(MessageClass::Request, method);
    Message::builder(kind, TransactionId::generate(), MessageWriteVec::new())
}

/// Sends a request and reads one message (RFC 8489 §6.2.2).
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> Vec<u8> {
    stream.write_all(request).await.expect("written");
    let mut answer = vec![0; 20];
    stream.read_exact(&mut answer).await.expect("an answer");
    let length = u16::from_be_bytes([answer[2], answer[3]]);
    answer.resize(20 + usize::from(length), 0);
    stream
        .read_exact(&mut answer[20..])
        .await
        .expect("all of it");
    answer
}

async fn answers_stun_and_turn(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let answer = ask(&mut stream, &binding()).await;
    let message = Message::from_bytes(&answer).expect("STUN");
    assert_eq!(message.class(), MessageClass::Success);
    let seen = message.attribute::<XorMappedAddress>().expect("an address");
    assert!(seen.addr(message.transaction_id()).ip().is_loopback());
    let answer = ask(&mut stream, &allocate()).await;
    let message = Message::from_bytes(&answer).expect("STUN");
    let error = message.attribute::<ErrorCode>().expect("an error");
    assert_eq!(error.code(), 401);
    assert!(message.attribute::<Nonce>().is_ok());
    let realm = message.attribute::<Realm>().expect("a realm");
    assert_eq!(realm.realm(), "heliograph");
}

#[tokio::test]
async fn turn_over_tcp_shares_the_port_of_plain_http() {
    let stage = Stage::start().await;
    let stream = TcpStream::connect(stage.address).await.expect("listens");
    answers_stun_and_turn(stream).await;
    assert_eq!(stage.get("/healthz", "").await.status, 200);
}

#[tokio::test]
async fn turn_over_tcp_and_tls_share_the_port_of_https() {
    let stage = start_tls(&[]).await;
    let stream = TcpStream::connect(stage.address).await.expect("listens");
    answers_stun_and_turn(stream).await;
    for alpn in [&[][..], &["stun.turn"], &["http/1.1"]] {
        let stream = tls(&stage, alpn).await.expect("a handshake");
        answers_stun_and_turn(stream).await;
    }
}

#[tokio::test]
async fn http_does_not_hide_behind_the_turn_protocol_name() {
    let stage = start_tls(&[]).await;
    let mut stream = tls(&stage, &["stun.turn"]).await.expect("a handshake");
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut told = Vec::new();
    // Closed with or without a TLS goodbye.
    let _closed = stream.read_to_end(&mut told).await;
    assert_eq!(told, b"");
}

/// A stream to the one port, ready to ask.
fn session(stage: &Stage) -> Session {
    let stream = std::net::TcpStream::connect(stage.address).expect("listens");
    let patience = Some(std::time::Duration::from_secs(5));
    stream.set_read_timeout(patience).expect("a timeout");
    Session::over(Box::new(stream))
}

fn allocate_in(session: &mut Session) -> String {
    let udp = RequestedTransport::new(RequestedTransport::UDP);
    session.ask("allocate", ALLOCATE, &[&udp], &[]);
    session.last().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_stream_is_a_stranger_until_it_allocates() {
    let secrets = format!("[{SECRET:?}]");
    let stage = Stage::start_with(&[
        ("limits.unauthenticated_sockets", "2"),
        ("turn.secrets", &secrets),
        ("turn.relay_ip", "[\"127.0.0.1\"]"),
    ])
    .await;
    let (mut first, mut second) = (session(&stage), session(&stage));
    for stranger in [&mut first, &mut second] {
        assert!(allocate_in(stranger).starts_with("error 401"));
    }
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.refusal(), (503, "unavailable".into()));
    let allocated = allocate_in(&mut first);
    assert!(allocated.starts_with("success"), "{allocated}");
    wait_until_admitted(&stage).await;
    // One place has become free, not two: the last request gives it back a moment later.
    let _third = loop {
        let mut third = session(&stage);
        if allocate_in(&mut third).starts_with("error 401") {
            break third;
        }
    };
    assert_eq!(stage.get("/healthz", "").await.problem(), "unavailable");
    second.secret = "another".into();
    assert!(allocate_in(&mut second).starts_with("error 401"));
    assert_eq!(stage.get("/healthz", "").await.problem(), "unavailable");
}
