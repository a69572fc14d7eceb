//! The examples do what they say, as programs of their own beside a device of the test.

#![allow(clippy::disallowed_types, reason = "a test runs programs")]

use std::process::Stdio;
use std::time::Duration;

use peer::LinkOptions;
use peer::ctl::CtlEvent;
use peer::link::Event;
use peer::stills::{SendStills, Source};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use two_devices::{PATIENCE, Stage, wait_for};

mod two_devices;

/// Starts an example as the first device; cargo builds examples beside the tests.
fn start(stage: &Stage, example: &str, last: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let own = std::env::current_exe().expect("this test is a file");
    let built = own.ancestors().nth(2).expect("target/debug/deps");
    let mut child = Command::new(built.join("examples").join(example))
        .args(stage.home_and_pair(0))
        .arg(last)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("built by `cargo test` without --test, or `cargo build --examples`");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    (child, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time");
    line.expect("readable").expect("it goes on")
}

#[tokio::test]
async fn say_says_a_text_and_shows_the_answer() {
    let stage = Stage::start().await;
    let mut bob = stage.link(1, LinkOptions::default());
    let (_child, mut lines) = start(&stage, "say", "hello");
    let text = wait_for(&mut bob, |event| match event {
        Event::Talk(CtlEvent::Text(text)) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(text.await, "hello");
    bob.say("hello yourself").await.expect("delivered");
    assert_eq!(line(&mut lines).await, "hello yourself");
    stage.running.stop().await;
}

#[tokio::test]
async fn receive_stills_writes_pictures() {
    let stage = Stage::start().await;
    let mut bob = stage.link(1, LinkOptions::default());
    let into = stage.homes.path().to_str().expect("utf-8").to_owned();
    let (_child, mut lines) = start(&stage, "receive_stills", &into);
    let source = Source::pattern(600, 400);
    let mut sending = SendStills::new(&mut bob, source, Duration::from_secs(1), Some(1));
    let sent = async { while sending.next().await.expect("it sends").is_some() {} };
    let (_, path) = tokio::join!(timeout(PATIENCE, sent), line(&mut lines));
    let png = std::fs::read(&path).expect("written");
    assert!(png.starts_with(b"\x89PNG"), "{path}");
    stage.running.stop().await;
}
