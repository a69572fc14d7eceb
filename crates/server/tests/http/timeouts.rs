//! Those who take their time are cut: the handshake, the headers, the body.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::plain_http::told;
use crate::stage::Stage;
use crate::tls::{start_tls, tls};

const QUICK: [(&str, &str); 3] = [
    ("limits.handshake_timeout_ms", "300"),
    ("limits.header_timeout_ms", "600"),
    ("limits.write_timeout_ms", "600"),
];

async fn say(stage: &Stage, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(stage.address).await.expect("listens");
    stream.write_all(bytes).await.expect("written");
    stream
}

#[tokio::test]
async fn a_silent_socket_is_cut() {
    let stage = start_tls(&QUICK).await;
    // Nothing at all, too little to tell, half a ClientHello.
    for bytes in [&b""[..], &[0x16], &[0x16, 0x03, 0x01, 0x02, 0x00, 1, 0, 1]] {
        let began = Instant::now();
        let mut stream = say(&stage, bytes).await;
        told(&mut stream).await;
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(250), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn silence_inside_tls_is_cut_too() {
    let stage = start_tls(&QUICK).await;
    let stream = tls(&stage, &["http/1.1"]).await.expect("a handshake");
    let (mut inner, _) = stream.into_inner();
    told(&mut inner).await;
}

#[tokio::test]
async fn slow_headers_are_cut_however_they_trickle() {
    let stage = Stage::start_with(&QUICK).await;
    let began = Instant::now();
    let mut stream = say(&stage, b"GET / HTTP/1.1\r\nHost: x\r\n").await;
    let (reading, mut writing) = stream.split();
    let trickle = async {
        let mut every = tokio::time::interval(Duration::from_millis(50));
        loop {
            every.tick().await;
            if writing.write_all(b"X-Slow: x\r\n").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let closed = async {
        let mut bytes = [0; 4096];
        loop {
            reading.readable().await.expect("open");
            match reading.try_read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    tokio::select! {
        () = trickle => unreachable!("it trickles on"),
        () = closed => {}
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("the server waits on"),
    }
    assert!(began.elapsed() >= Duration::from_millis(550));
}

#[tokio::test]
async fn a_kept_connection_that_asks_nothing_is_cut() {
    let stage = Stage::start_with(&QUICK).await;
    let mut stream = say(&stage, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let told = String::from_utf8(told(&mut stream).await).expect("text");
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
}

#[tokio::test]
async fn a_client_that_asks_and_never_reads_is_cut() {
    let stage = Stage::start_with(&QUICK).await;
    let began = Instant::now();
    let request = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = say(&stage, request).await;
    // Once the buffers of both ends are full nothing moves any more.
    let asking = async { while stream.write_all(request).await.is_ok() {} };
    let cut = tokio::time::timeout(Duration::from_secs(10), asking).await;
    assert!(cut.is_ok(), "the server waits on");
    assert!(began.elapsed() >= Duration::from_millis(550));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let stage = Stage::start_with(&QUICK).await;
    let head = "POST /api/setup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{";
    let began = Instant::now();
    let mut stream = say(&stage, head.as_bytes()).await;
    let told = String::from_utf8(told(&mut stream).await).expect("text");
    assert!(told.starts_with("HTTP/1.1 400"), "{told}");
    assert!(told.contains("took longer"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
