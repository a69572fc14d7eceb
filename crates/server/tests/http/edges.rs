//! Streams that are pulled from another server: what is carried, and what is refused. That pictures
//! stay what they are is shown with browsers.

use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use identity::testing::TestDevice;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::interval;
use whip::{Carriage, Codec, Event, Frequency, HttpClient, MediaTime, Options, Session};

use crate::client::Reply;
use crate::stage::{Stage, people, token_of};
use crate::whip::OFFER;

/// One packet of Opus: 20 ms of silence (RFC 6716 §3.1).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
const PULLS: usize = 64;

struct Server {
    stage: Stage,
    ada: TestDevice,
}

impl Server {
    async fn start(edges: &str) -> Self {
        let settings = [
            ("edges", edges),
            ("limits.connects_per_ip_per_minute", "1000"),
        ];
        let stage = Stage::start_with(&settings).await;
        let [ada, ..] = people();
        stage.set_up(&ada).await;
        Self { stage, ada }
    }

    /// An address that another server can be told to pull from.
    fn address(&self) -> String {
        format!("http://{}", self.stage.address)
    }

    async fn token(&self, scope: &str) -> String {
        let body = json!({"assertion": self.stage.assertion(&self.ada), "scope": scope});
        token_of(&self.stage.post("/api/auth/webrtc-token", "", body).await)
    }

    /// A token to view a stream that is this account's.
    async fn view(&self, stream: &str) -> String {
        self.token(&format!("publish:{stream}")).await;
        self.token(&format!("view:{stream}")).await
    }

    /// Asks to watch as a browser does.
    async fn watch(&self, stream: &str) -> Reply {
        let request = watching(stream, &self.view(stream).await);
        self.stage.send(request).await
    }
}

fn watching(stream: &str, token: &str) -> Request<Full<Bytes>> {
    let offer = OFFER.replace("a=sendonly", "a=recvonly");
    Request::builder()
        .method(Method::POST)
        .uri(format!("/{stream}/whep"))
        .header("content-type", "application/sdp")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(Bytes::from(offer)))
        .expect("a request")
}

fn pulling(origin: &str, token: &str) -> String {
    format!("[{{ stream = \"*\", origin = \"{origin}\", credential = \"{token}\" }}]")
}

/// Refused as where nobody publishes, with a time to come again, and this cause.
fn assert_waits(reply: &Reply, cause: &str) {
    assert_eq!(reply.refusal(), (409, "nothing-published".to_owned()));
    assert_eq!(reply.header("retry-after"), "2");
    let detail = reply.json()["detail"].to_string();
    assert!(detail.contains(cause), "{detail}");
}

async fn session(server: &Server, path: &str, token: String, options: Options) -> Session {
    let endpoint = format!("{}/{path}", server.address());
    let options = Options {
        endpoint: endpoint.parse().expect("a URL"),
        token: Some(token),
        ..options
    };
    let http = HttpClient::new(None).expect("no authorities are named");
    Session::open(options, http).await
}

/// Publishes silence without end.
async fn publish(mut session: Session) {
    let mut ticks = interval(Duration::from_millis(20));
    let mut sent = 0;
    loop {
        tokio::select! {
            event = session.next() => assert!(event.is_some(), "it goes on"),
            _ = ticks.tick() => {
                let time = MediaTime::new(sent * 960, Frequency::FORTY_EIGHT_KHZ);
                session.write_frame(Codec::Opus, time, SILENCE);
                sent += 1;
            }
        }
    }
}

#[tokio::test]
async fn an_edge_of_an_edge_carries_what_is_published_at_the_origin() {
    let anywhere = "http://localhost/".parse::<whip::Url>().expect("a URL");
    let origin = Server::start("[]").await;
    let token = origin.view("cam0").await;
    let middle = Server::start(&pulling(&origin.address(), &token)).await;
    let token = middle.view("cam0").await;
    let edge = Server::start(&pulling(&middle.address(), &token)).await;
    let token = origin.token("publish:cam0").await;
    let options = Options::publish(anywhere.clone(), vec![Codec::Opus]);
    let publisher = session(&origin, "cam0/whip", token, options).await;
    let token = edge.view("cam0").await;
    let options = Options::watch(anywhere, Carriage::Frames);
    let mut viewer = session(&edge, "cam0/whep", token, options).await;
    let watch = async {
        loop {
            match viewer.next().await.expect("it goes on") {
                Event::Frame(frame) => return frame,
                event => tracing::debug!(?event, "not yet"),
            }
        }
    };
    let frame = tokio::select! {
        frame = watch => frame,
        () = publish(publisher) => panic!("it does not end"),
    };
    assert_eq!(frame.codec, Codec::Opus);
    assert_eq!(*frame.data, SILENCE);
    viewer.close().await;
}

#[tokio::test]
async fn what_is_nowhere_or_out_of_reach_is_refused_as_where_nobody_publishes() {
    let origin = Server::start("[]").await;
    let token = origin.view("cam0").await;
    let edge = Server::start(&pulling(&origin.address(), &token)).await;
    assert_waits(&origin.watch("cam0").await, "nothing is published");
    assert_waits(
        &edge.watch("cam0").await,
        "neither here nor where it comes from",
    );
    let stranger = Server::start(&pulling(&origin.address(), "nobody")).await;
    assert_waits(&stranger.watch("cam0").await, "does not give it");
    let lost = Server::start(&pulling("http://127.0.0.1:9", "")).await;
    assert_waits(&lost.watch("cam0").await, "does not give it");
}

#[tokio::test]
async fn servers_that_pull_from_each_other_refuse_at_once() {
    let one = Server::start("[]").await;
    let token = one.view("cam0").await;
    let other = Server::start(&pulling(&one.address(), &token)).await;
    let edges = pulling(&other.address(), &other.view("cam0").await);
    let ada = one.ada;
    let stage = one.stage.restart(&[("edges", edges.as_str())]).await;
    let one = Server { stage, ada };
    let asked = Instant::now();
    assert_waits(
        &one.watch("cam0").await,
        "neither here nor where it comes from",
    );
    assert_waits(
        &other.watch("cam0").await,
        "neither here nor where it comes from",
    );
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "nobody waited in vain"
    );
}

#[tokio::test]
async fn no_more_streams_are_pulled_at_once_than_the_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", silent.local_addr().expect("it is bound"));
    let edge = Server::start(&pulling(&origin, "")).await;
    let mut waiting = JoinSet::new();
    let mut asked = Vec::new();
    for number in 0..PULLS {
        let stream = format!("cam{number}");
        let request = watching(&stream, &edge.view(&stream).await);
        let mut connection = edge.stage.connect().await;
        waiting.spawn(async move { connection.send(request).await });
        asked.push(silent.accept().await.expect("the edge asks"));
    }
    assert_waits(&edge.watch("one-more").await, "64 other streams");
    waiting.abort_all();
}
