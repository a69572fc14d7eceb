//! The owner and its sockets over in-memory streams, with a registry that can be held up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use protocol::id::{AccountId, DeviceId, PairId};
use protocol::signal::MAX_MESSAGE_BYTES;
use serde_json::{Value, json};
use signalling::{Admission, Denial, Limits, LinkGrant, Renewal, SocketId};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{Semaphore, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::task::TaskTracker;

use super::command::Command;
use super::socket::Outgoing;
use super::upgrade::config;
use super::{Directory, Question, SignallingHandle, Socket, spawn};

type Client = WebSocketStream<DuplexStream>;

/// Admits Ada and Bob to each other once it is allowed to answer.
#[derive(Clone)]
struct Registry {
    answers: Arc<Semaphore>,
}

impl Directory for Registry {
    async fn admit(&self, question: Question) -> Result<Option<Admission>, Denial> {
        self.answers.acquire().await.expect("never closed").forget();
        let is_ada = question.device == id("ada");
        let peer = if is_ada { id("bob") } else { id("ada") };
        Ok(Some(Admission {
            peer,
            ice_servers: Vec::new(),
            ice_servers_exp: 0,
        }))
    }

    async fn verify(&self, _token: String, _host: Arc<str>) -> Option<Renewal> {
        None
    }
}

fn id(name: &str) -> DeviceId {
    format!("{name:A<43}").parse().expect("43 letters")
}

fn pair() -> PairId {
    "p".repeat(43).parse().expect("43 letters")
}

fn grant(name: &str) -> LinkGrant {
    LinkGrant {
        device: id(name),
        pair: pair(),
        account: AccountId::from_bytes(&[7; 16]),
        kid: "kid".into(),
        expires: Instant::now() + Duration::from_secs(300),
    }
}

fn bye(reason: &str) -> Message {
    Message::text(json!({"t": "bye", "pairId": pair().as_str(), "reason": reason}).to_string())
}

fn start(answers: usize) -> (SignallingHandle, Arc<Semaphore>) {
    start_with(Limits::default(), answers)
}

fn start_with(limits: Limits, answers: usize) -> (SignallingHandle, Arc<Semaphore>) {
    let answers = Arc::new(Semaphore::new(answers));
    let (handle, _) = spawn(
        limits,
        Registry {
            answers: answers.clone(),
        },
    );
    (handle, answers)
}

/// Opens a link socket; its stream holds `buffer` bytes each way.
async fn open(handle: &SignallingHandle, name: &str, buffer: usize) -> Client {
    let (ours, theirs) = duplex(buffer);
    let socket = handle
        .open_link(grant(name), "localhost")
        .await
        .expect("the owner runs");
    let tasks = socket.tasks.clone();
    tasks.spawn(async move {
        socket
            .run(WebSocketStream::from_raw_socket(theirs, Role::Server, Some(config())).await)
            .await;
    });
    WebSocketStream::from_raw_socket(ours, Role::Client, None).await
}

async fn hear(client: &mut Client) -> Message {
    let message = tokio::time::timeout(Duration::from_secs(5), client.next()).await;
    message
        .expect("within 5 s")
        .expect("the socket is open")
        .expect("a message")
}

async fn hear_json(client: &mut Client) -> Value {
    let message = hear(client).await;
    serde_json::from_str(message.to_text().expect("a text")).expect("json")
}

async fn hear_close(client: &mut Client) -> u16 {
    loop {
        if let Message::Close(frame) = hear(client).await {
            return frame.expect("a reason").code.into();
        }
    }
}

#[tokio::test]
async fn a_text_crosses_from_one_socket_to_the_other() {
    let (handle, _) = start(9);
    let mut ada = open(&handle, "ada", 4096).await;
    assert_eq!(hear_json(&mut ada).await["t"], "ready");
    let mut bob = open(&handle, "bob", 4096).await;
    assert_eq!(hear_json(&mut bob).await["peer"]["online"], true);
    bob.send(bye("x")).await.unwrap();
    assert_eq!(hear_json(&mut ada).await["online"], true);
    let relayed = hear_json(&mut ada).await;
    assert_eq!(
        (&relayed["from"], &relayed["reason"]),
        (&json!(id("bob").as_str()), &json!("x"))
    );
    assert_eq!(
        handle.online(vec![id("bob"), id("cyd")]).await,
        [true, false]
    );
}

#[tokio::test]
async fn what_is_said_before_ready_is_read_after_it() {
    let (handle, answers) = start(1);
    let mut ada = open(&handle, "ada", 4096).await;
    assert_eq!(hear_json(&mut ada).await["t"], "ready");
    let mut bob = open(&handle, "bob", 4096).await;
    bob.send(bye("early")).await.unwrap();
    answers.add_permits(1);
    assert_eq!(hear_json(&mut bob).await["t"], "ready");
    assert_eq!(hear_json(&mut ada).await["t"], "peer");
    assert_eq!(hear_json(&mut ada).await["reason"], "early");
}

#[tokio::test]
async fn a_revocation_while_the_registry_answers_closes_the_socket() {
    let (handle, answers) = start(0);
    let mut ada = open(&handle, "ada", 4096).await;
    handle.revoke_pair(pair()).await;
    answers.add_permits(1);
    assert_eq!(hear_json(&mut ada).await["code"], "revoked");
    assert_eq!(hear_close(&mut ada).await, 4403);
}

#[tokio::test]
async fn an_oversized_message_is_answered_and_closed_with_1009() {
    for size in [MAX_MESSAGE_BYTES + 1, 512 * 1024] {
        let (handle, _) = start(9);
        let mut ada = open(&handle, "ada", 4096).await;
        assert_eq!(hear_json(&mut ada).await["t"], "ready");
        ada.send(Message::text("x".repeat(size))).await.unwrap();
        assert_eq!(hear_json(&mut ada).await["code"], "too-large");
        assert_eq!(hear_close(&mut ada).await, 1009);
    }
}

#[tokio::test]
async fn a_message_of_64_kib_is_read() {
    let (handle, _) = start(9);
    let mut ada = open(&handle, "ada", 4096).await;
    assert_eq!(hear_json(&mut ada).await["t"], "ready");
    ada.send(Message::text(" ".repeat(MAX_MESSAGE_BYTES)))
        .await
        .unwrap();
    assert_eq!(hear_json(&mut ada).await["code"], "bad-json");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_holds_nobody_up() {
    let (handle, _) = start_with(
        Limits {
            messages_burst: 1000,
            ..Limits::default()
        },
        9,
    );
    let mut deaf = open(&handle, "ada", 1024).await;
    assert_eq!(hear_json(&mut deaf).await["t"], "ready");
    let mut bob = open(&handle, "bob", 1024 * 1024).await;
    assert_eq!(hear_json(&mut bob).await["t"], "ready");
    for _ in 0..400 {
        bob.send(bye(&"x".repeat(1000))).await.unwrap();
    }
    let presence = hear_json(&mut bob).await;
    assert_eq!(
        (&presence["t"], &presence["online"]),
        (&json!("peer"), &json!(false))
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_reads_ends_the_socket_after_ten_seconds() {
    let (ours, theirs) = duplex(64);
    let (commands, mut told) = mpsc::channel(8);
    let (outgoing, socket) = Socket::new(SocketId(1), commands, TaskTracker::new(), false);
    let text = Outgoing::Text("x".repeat(65));
    outgoing.send(text).await.expect("the socket is there");
    let stream = WebSocketStream::from_raw_socket(theirs, Role::Server, Some(config())).await;
    let began = tokio::time::Instant::now();
    socket.run(stream).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    let closed = told.recv().await;
    assert!(matches!(closed, Some(Command::Closed { .. })));
    drop(ours);
}

#[tokio::test]
async fn a_drain_returns_once_every_socket_is_gone() {
    let (handle, _) = start(9);
    let mut ada = open(&handle, "ada", 4096).await;
    assert_eq!(hear_json(&mut ada).await["t"], "ready");
    let reading = tokio::spawn(async move { hear_close(&mut ada).await });
    handle.drain().await;
    assert_eq!(reading.await.unwrap(), 1001);
    assert!(handle.stats().await.sockets.values().all(|open| *open == 0));
}
