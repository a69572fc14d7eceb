//! The one port without TLS, and what it does with other first bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::Stage;
use crate::tls::start_tls;

/// What the server says until it closes; empty where it closes without a word.
pub(crate) async fn told(stream: &mut TcpStream) -> Vec<u8> {
    let mut told = Vec::new();
    let read = stream.read_to_end(&mut told);
    // A reset is a close too: what was unread of ours is thrown away.
    let _closed = tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .expect("the server closes in time");
    told
}

#[tokio::test]
async fn first_bytes_of_no_protocol_are_closed_without_an_answer() {
    for stage in [Stage::start().await, start_tls(&[]).await] {
        for garbage in [
            &[0xff_u8; 64][..],
            b"\r\n\r\n\r\n\r\n\r\n",
            b"get / http/1.1\r\n\r\n",
            &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28, 0, 0, 0],
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
            // The header of PROXY protocol v2, which no proxy was configured to send.
            b"\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c",
        ] {
            let mut stream = TcpStream::connect(stage.address).await.expect("listens");
            stream.write_all(garbage).await.expect("written");
            assert_eq!(told(&mut stream).await, b"", "{garbage:02x?}");
        }
        // TLS where there is none, and bytes that only begin like it.
        let mut stream = TcpStream::connect(stage.address).await.expect("listens");
        let hello = [0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5, 6, 7];
        stream.write_all(&hello).await.expect("written");
        let alert = told(&mut stream).await;
        assert!(alert.is_empty() || alert[0] == 0x15, "{alert:02x?}");
    }
}

#[tokio::test]
async fn a_request_that_is_no_http_is_answered_400() {
    let stage = Stage::start().await;
    for head in [
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /api/setup HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST /api/setup HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let mut stream = TcpStream::connect(stage.address).await.expect("listens");
        stream.write_all(head.as_bytes()).await.expect("written");
        let told = String::from_utf8(told(&mut stream).await).expect("text");
        assert!(told.starts_with("HTTP/1.1 400"), "{head:?}: {told}");
    }
}

#[tokio::test]
async fn headers_above_their_limit_are_refused() {
    let stage = Stage::start().await;
    let mut stream = TcpStream::connect(stage.address).await.expect("listens");
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    // The server may close before it has read all.
    let _written = stream.write_all(head.as_bytes()).await;
    let told = String::from_utf8(told(&mut stream).await).expect("text");
    assert!(
        told.starts_with("HTTP/1.1 431") || told.is_empty(),
        "{told}"
    );
}
