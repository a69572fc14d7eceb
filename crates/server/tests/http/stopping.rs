//! The end of a server: told, bounded, and visible to load balancers meanwhile.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use hyper::Method;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::{Connection, request};
use crate::stage::{Stage, people};

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

/// A signalling socket; the server waits for its goodbye while it drains.
async fn signal(stage: &Stage) -> Socket {
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let token = stage.link_token(&ada, &pair).await;
    let url = format!("ws://{}/api/signal", stage.address);
    let mut request = url.into_client_request().expect("a url");
    let bearer = format!("Bearer {token}").parse().expect("a value");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(stage.address).await.expect("listens");
    let (socket, _) = client_async(request, stream).await.expect("a websocket");
    socket
}

/// What `/readyz` says until it is not ready or the connection ends.
async fn watch_readiness(mut connection: Connection) -> Option<String> {
    loop {
        let ask = request(Method::GET, "/readyz", "", &Value::Null);
        match connection.send(ask).await {
            Ok(reply) if reply.status == 200 => tokio::task::yield_now().await,
            Ok(reply) => return Some(reply.problem()),
            Err(_) => return None,
        }
    }
}

#[tokio::test]
async fn while_it_drains_readyz_says_so_and_sockets_are_told() {
    let stage = Stage::start().await;
    let mut socket = signal(&stage).await;
    let watching = tokio::spawn(watch_readiness(stage.connect().await));
    let Stage { running, data, .. } = stage;
    let stopping = tokio::spawn(running.stop());
    // The drain ends once the client says goodbye too: not before readiness was seen.
    let seen = tokio::time::timeout(Duration::from_secs(10), watching).await;
    let seen = seen.expect("in time").expect("no panic");
    assert_eq!(seen.as_deref(), Some("unavailable"));
    let close = loop {
        match socket.next().await.expect("a goodbye").expect("a message") {
            Message::Close(frame) => break frame.expect("that says why"),
            Message::Text(text) => assert!(text.contains("draining") || text.contains("ready")),
            _ => {}
        }
    };
    assert_eq!(u16::from(close.code), 1001);
    stopping.await.expect("no panic");
    assert!(!data.path().join("admin.sock").exists());
}

#[tokio::test]
async fn a_client_that_does_not_listen_delays_the_end_by_its_limit_at_most() {
    let stage = Stage::start().await;
    let _deaf = signal(&stage).await;
    let _idle = stage.connect().await;
    let mut asking = TcpStream::connect(stage.address).await.expect("listens");
    let head = b"POST /api/setup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                 Content-Length: 9\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut asking, head)
        .await
        .expect("written");
    let began = Instant::now();
    stage.running.stop().await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert!(TcpStream::connect(stage.address).await.is_err());
}
