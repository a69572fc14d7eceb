//! How many connections one address, and all strangers together, may have.

use hyper::Method;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::client::{Connection, Reply, request};
use crate::stage::{Stage, people};

async fn healthz(connection: &mut Connection) -> Reply {
    let request = request(Method::GET, "/healthz", "", &Value::Null);
    connection.send(request).await.expect("an answer")
}

/// A connection that was let in, kept open.
async fn admitted(stage: &Stage) -> Connection {
    let mut connection = stage.connect().await;
    assert_eq!(healthz(&mut connection).await.status, 200);
    connection
}

fn retry_after_s(reply: &Reply) -> u64 {
    let seconds = reply.header("retry-after").parse().expect("seconds");
    let exact = reply.json()["retryAfterMs"].as_u64().expect("ms");
    assert_eq!(exact.div_ceil(1000), seconds);
    seconds
}

#[tokio::test]
async fn one_connection_more_than_a_minute_allows_is_told_when_to_come_back() {
    let stage = Stage::start_with(&[("limits.connects_per_ip_per_minute", "3")]).await;
    for _ in 0..3 {
        drop(admitted(&stage).await);
    }
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.refusal(), (429, "rate-limited".into()));
    assert!((1..=60).contains(&retry_after_s(&refused)));
}

#[tokio::test]
async fn one_socket_more_than_an_address_may_have_open_waits_for_another_to_close() {
    let stage = Stage::start_with(&[("limits.sockets_per_ip", "2")]).await;
    let first = admitted(&stage).await;
    let _second = admitted(&stage).await;
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.refusal(), (429, "too-many-sockets".into()));
    assert_eq!(retry_after_s(&refused), 10);
    drop(first);
    wait_until_admitted(&stage).await;
}

#[tokio::test]
async fn one_stranger_more_than_may_be_is_refused_until_one_shows_a_token() {
    let stage = Stage::start_with(&[("limits.unauthenticated_sockets", "3")]).await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let token = stage.account_token(&ada).await;
    let mut held = Vec::new();
    while held.len() < 3 {
        let mut connection = stage.connect().await;
        if healthz(&mut connection).await.status == 200 {
            held.push(connection);
        }
    }
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.refusal(), (503, "unavailable".into()));
    assert_eq!(retry_after_s(&refused), 5);
    let list = request(Method::GET, "/api/devices", &token, &Value::Null);
    let shown = held[0].send(list).await.expect("an answer");
    assert_eq!(shown.status, 200);
    let _fourth = admitted(&stage).await;
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.problem(), "unavailable");
}

#[tokio::test]
async fn a_refused_token_is_no_token() {
    let stage = Stage::start_with(&[("limits.unauthenticated_sockets", "1")]).await;
    let mut only = admitted(&stage).await;
    let list = request(Method::GET, "/api/devices", "a.b.c", &Value::Null);
    assert_eq!(only.send(list).await.expect("an answer").status, 401);
    let refused = stage.get("/healthz", "").await;
    assert_eq!(refused.problem(), "unavailable");
}

#[tokio::test]
async fn connections_that_say_nothing_count_as_well() {
    let stage = Stage::start_with(&[("limits.unauthenticated_sockets", "2")]).await;
    let silent = [(); 2].map(|()| TcpStream::connect(stage.address));
    let held = futures_util::future::join_all(silent).await;
    loop {
        let reply = stage.get("/healthz", "").await;
        if reply.status == 503 {
            break;
        }
    }
    drop(held);
    wait_until_admitted(&stage).await;
}

/// The server learns of a closed or authenticated connection a moment later.
pub(crate) async fn wait_until_admitted(stage: &Stage) {
    let again = async {
        while stage.get("/healthz", "").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), again)
        .await
        .expect("a place becomes free");
}
