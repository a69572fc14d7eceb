//! How much later the first token comes over a warm link than from the model server itself.
//!
//! A measurement: `cargo test -p llm --test first_token -- --ignored --nocapture`.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests measure"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm::chatting::{Chats, Part};
use llm::host::Allowed;
use llm::serving::serve;
use llm::upstream::UpstreamEvent;
use llm::upstream::http::Upstream;
use model_server::ModelServer;
use peer::LinkOptions;
use protocol::llm::{Chat, ChatOptions};
use two_devices::Stage;

mod model_server;
#[path = "../../peer/tests/two_devices/mod.rs"]
mod two_devices;

const CHATS: usize = 500;

fn chat() -> Chat {
    Chat {
        id: None,
        model: "steady".to_owned(),
        prompt: Some("Hello".to_owned()),
        messages: Vec::new(),
        stream: true,
        options: ChatOptions::default(),
    }
}

/// The median and the slowest but one in a hundred.
fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort();
    [times[times.len() / 2], times[times.len() * 99 / 100]]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn the_first_token_over_a_warm_link() {
    let stage = Stage::start().await;
    let server = ModelServer::start(false, Duration::ZERO).await;
    let upstream = Arc::new(Upstream::new(&server.url, None, None).expect("an address"));
    let options = || LinkOptions {
        has_llm: true,
        ..LinkOptions::default()
    };
    let (mut near, mut far) = (stage.link(0, options()), stage.link(1, options()));
    let channel = near.take_llm().expect("once");
    tokio::spawn(serve(channel, Arc::clone(&upstream), Allowed::All));
    let chats = Chats::start(far.take_llm().expect("once"));
    for mut link in [near, far] {
        tokio::spawn(async move { while link.next().await.is_some() {} });
    }
    chats.models().await.expect("the link is warm");
    let (mut direct, mut linked) = (Vec::new(), Vec::new());
    for _ in 0..CHATS {
        let start = Instant::now();
        let mut reply = upstream.ask(&chat()).await.expect("it answers");
        assert!(matches!(reply.next().await, UpstreamEvent::Text(_)));
        direct.push(start.elapsed());
        drop(reply);
        let start = Instant::now();
        let mut answer = chats.ask(chat()).await.expect("asked");
        assert!(matches!(answer.next().await, Some(Part::Text(_))));
        linked.push(start.elapsed());
        drop(answer);
    }
    let (direct, linked) = (percentiles(direct), percentiles(linked));
    println!(
        "to the first token of {CHATS} chats, p50 and p99: direct {direct:?}, linked {linked:?}"
    );
    stage.running.stop().await;
}
