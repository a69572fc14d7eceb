//! The two doors without TLS, each for one thing: `paths_api.listen` and `http.lan_plain`.

use std::net::SocketAddr;

use hyper::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Connection, Reply, request};
use crate::plain_http::told;
use crate::stage::Stage;

async fn ask(door: SocketAddr, host: &str, method: Method, path: &str) -> Reply {
    let stream = TcpStream::connect(door).await.expect("it listens");
    let mut connection = Connection::open(stream, host).await;
    let asked = request(method, path, "", &Value::Null);
    connection.send(asked).await.expect("an answer")
}

async fn with_path_list() -> (Stage, SocketAddr) {
    let stage = Stage::start_with(&[("paths_api.listen", "\"127.0.0.1:0\"")]).await;
    let door = stage.running.plain_addresses()[0];
    (stage, door)
}

async fn with_watching() -> (Stage, SocketAddr) {
    let stage = Stage::start_with(&[("http.lan_plain", "\"127.0.0.1:0\"")]).await;
    let door = stage.running.plain_addresses()[0];
    (stage, door)
}

#[tokio::test]
async fn both_are_off_unless_they_are_asked_for() {
    let stage = Stage::start().await;
    assert_eq!(stage.running.plain_addresses(), []);
}

#[tokio::test]
async fn the_path_list_is_read_without_a_token_by_programs_of_this_machine() {
    let (_stage, door) = with_path_list().await;
    let listed = ask(door, &door.to_string(), Method::GET, "/v3/paths/list")
        .await
        .ok();
    assert_eq!(listed["itemCount"], 0);
    assert_eq!(listed["items"], serde_json::json!([]));
    let unknown = ask(door, "localhost", Method::GET, "/v3/paths/get/cam0").await;
    assert_eq!(unknown.refusal(), (404, "not-found".into()));
    let bad = ask(door, "localhost", Method::GET, "/v3/paths/list?page=x").await;
    assert_eq!(bad.refusal(), (400, "bad-message".into()));
}

#[tokio::test]
async fn the_path_list_is_read_and_nothing_else() {
    let (_stage, door) = with_path_list().await;
    for (method, path, refusal) in [
        (
            Method::POST,
            "/v3/webrtcsessions/kick/x",
            (404, "not-found"),
        ),
        (Method::POST, "/v3/paths/list", (405, "method-not-allowed")),
        (Method::GET, "/api/devices", (404, "not-found")),
        (Method::GET, "/cam0/whep", (404, "not-found")),
        (Method::GET, "/", (404, "not-found")),
    ] {
        let reply = ask(door, "localhost", method, path).await;
        assert_eq!(reply.refusal(), (refusal.0, refusal.1.into()), "{path}");
    }
}

#[tokio::test]
async fn the_path_list_is_not_told_to_other_names_of_this_machine() {
    let (_stage, door) = with_path_list().await;
    for host in ["evil.example", "10.0.0.1"] {
        let reply = ask(door, host, Method::GET, "/v3/paths/list").await;
        assert_eq!(reply.refusal(), (403, "forbidden-origin".into()), "{host}");
    }
}

#[tokio::test]
async fn a_lan_watches_without_tls_and_does_nothing_else() {
    let (_stage, door) = with_watching().await;
    let looked = ask(door, "192.168.1.2", Method::HEAD, "/cam0/whep").await;
    assert_eq!(looked.status, 200);
    assert_eq!(looked.header("access-control-allow-origin"), "*");
    let stranger = ask(door, "192.168.1.2", Method::POST, "/cam0/whep").await;
    assert_eq!(stranger.refusal(), (401, "unauthorized".into()));
    for path in [
        "/cam0/whip",
        "/cam0/",
        "/api/devices",
        "/v3/paths/list",
        "/setup",
        "/",
    ] {
        let reply = ask(door, "192.168.1.2", Method::GET, path).await;
        assert_eq!(reply.refusal(), (404, "not-found".into()), "{path}");
    }
}

#[tokio::test]
async fn neither_speaks_anything_but_http() {
    for (_stage, door) in [with_path_list().await, with_watching().await] {
        for garbage in [
            &[0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5, 6, 7][..],
            // A STUN binding request.
            &[
                0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        ] {
            let mut stream = TcpStream::connect(door).await.expect("it listens");
            stream.write_all(garbage).await.expect("written");
            assert_eq!(told(&mut stream).await, b"", "{garbage:02x?}");
        }
    }
}
