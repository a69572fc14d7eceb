//! Chats between two native devices over a real link, with a model server over real HTTP.

#![allow(clippy::disallowed_types, reason = "tests open sockets")]

use std::sync::Arc;
use std::time::Duration;

use llm::chatting::{Answer, Chats, Part};
use llm::client::Outcome;
use llm::host::Allowed;
use llm::serving::serve;
use llm::upstream::http::Upstream;
use model_server::{ModelServer, TOKENS, answer};
use peer::link::{Event, Phase};
use peer::{Link, LinkOptions};
use protocol::llm::{Chat, ChatOptions, Usage};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use two_devices::{PATIENCE, Stage};

mod model_server;
#[path = "../../peer/tests/two_devices/mod.rs"]
mod two_devices;

fn options() -> LinkOptions {
    LinkOptions {
        has_llm: true,
        ..LinkOptions::default()
    }
}

/// Reads the events of a link so that nothing waits for them.
fn follow(mut link: Link) -> JoinHandle<()> {
    tokio::spawn(async move { while link.next().await.is_some() {} })
}

fn host(stage: &Stage, url: &str) -> JoinHandle<()> {
    let mut link = stage.link(0, options());
    let channel = link.take_llm().expect("it is taken once");
    let upstream = Arc::new(Upstream::new(url, None, None).expect("an address"));
    tokio::spawn(async move {
        let serving = serve(channel, upstream, Allowed::All);
        let following = async { while link.next().await.is_some() {} };
        tokio::join!(serving, following);
    })
}

fn ask(model: &str) -> Chat {
    Chat {
        id: None,
        model: model.to_owned(),
        prompt: Some("Hello".to_owned()),
        messages: Vec::new(),
        stream: true,
        options: ChatOptions::default(),
    }
}

/// The whole answer, in how many parts it came, and how it ended.
async fn whole(mut answer: Answer) -> (String, usize, Outcome) {
    let (mut text, mut parts) = (String::new(), 0);
    loop {
        let part = timeout(PATIENCE, answer.next()).await.expect("in time");
        match part.expect("an end comes") {
            Part::Text(more) => {
                text.push_str(&more);
                parts += 1;
            }
            Part::Over(outcome) => return (text, parts, outcome),
        }
    }
}

async fn code(chats: &Chats, model: &str) -> String {
    let answer = chats.ask(ask(model)).await.expect("asked");
    match whole(answer).await.2 {
        Outcome::Failed(failed) => failed.code,
        Outcome::Done { .. } => "done".to_owned(),
    }
}

#[tokio::test]
async fn tokens_come_as_the_model_says_them_in_both_languages() {
    let stage = Stage::start().await;
    let mut link = stage.link(1, options());
    let chats = Chats::start(link.take_llm().expect("once"));
    follow(link);
    for is_openai in [false, true] {
        let server = ModelServer::start(is_openai, Duration::from_millis(5)).await;
        let hosting = host(&stage, &server.url);
        let models = timeout(PATIENCE, chats.models()).await.expect("in time");
        let models: Vec<_> = models
            .expect("a list")
            .into_iter()
            .map(|it| it.name)
            .collect();
        assert_eq!(models, ["steady", "cut"]);
        let answers = chats.ask(ask("steady")).await.expect("asked");
        let (text, parts, outcome) = whole(answers).await;
        assert_eq!(text, answer());
        assert!(parts > TOKENS / 4, "{parts} parts of {TOKENS} tokens");
        let Outcome::Done { usage, .. } = outcome else {
            panic!("it is whole, not {outcome:?}");
        };
        let tokens = usage.as_ref().and_then(|it: &Usage| it.completion_tokens);
        assert_eq!(tokens, Some(TOKENS as u64));
        hosting.abort();
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn a_dropped_answer_stops_the_model_server_and_each_fault_has_its_code() {
    let stage = Stage::start().await;
    let server = ModelServer::start(false, Duration::from_millis(20)).await;
    host(&stage, &server.url);
    let mut link = stage.link(1, options());
    let chats = Chats::start(link.take_llm().expect("once"));
    follow(link);
    let mut answer = chats.ask(ask("steady")).await.expect("asked");
    let first = timeout(PATIENCE, answer.next()).await.expect("in time");
    assert!(matches!(first, Some(Part::Text(_))));
    let mut running = server.running.clone();
    assert_eq!(*running.borrow(), 1);
    drop(answer);
    let stopped = running.wait_for(|running| *running == 0);
    timeout(PATIENCE, stopped)
        .await
        .expect("in time")
        .expect("it runs");
    for (model, expected) in [
        ("none", "model-not-found"),
        ("cut", "upstream-broken"),
        ("garbage", "upstream-broken"),
        ("endless-line", "upstream-broken"),
        ("redirect", "upstream-redirect"),
    ] {
        assert_eq!(code(&chats, model).await, expected, "{model}");
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn a_model_server_that_is_down_is_told_so() {
    let stage = Stage::start().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", free.local_addr().expect("bound"));
    drop(free);
    host(&stage, &url);
    let mut link = stage.link(1, options());
    let chats = Chats::start(link.take_llm().expect("once"));
    follow(link);
    assert_eq!(code(&chats, "steady").await, "upstream-unreachable");
    stage.running.stop().await;
}

/// Connections that are made anew are `sim`'s: there they break at any moment.
#[tokio::test]
async fn an_answer_goes_on_while_other_paths_are_looked_for() {
    let stage = Stage::start().await;
    let server = ModelServer::start(false, Duration::from_millis(10)).await;
    host(&stage, &server.url);
    let mut link = stage.link(1, options());
    let chats = Chats::start(link.take_llm().expect("once"));
    let mut answer = chats.ask(ask("steady")).await.expect("asked");
    let mut text = String::new();
    let mut breaks = 0;
    loop {
        tokio::select! {
            part = answer.next() => match part.expect("an end comes") {
                Part::Text(more) => {
                    text.push_str(&more);
                    if text.len() > (breaks + 1) * 200 && breaks < 3 {
                        breaks += 1;
                        link.restart().await;
                    }
                }
                Part::Over(outcome) => {
                    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
                    break;
                }
            },
            event = link.next() => {
                let event = event.expect("the link goes on");
                assert!(!matches!(event, Event::Phase(Phase::Ended(_))));
            }
        }
    }
    assert_eq!(text, self::answer());
    assert_eq!(breaks, 3);
    stage.running.stop().await;
}
