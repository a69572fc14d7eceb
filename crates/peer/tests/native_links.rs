//! Two native devices link through a real server over real sockets: directly, and over its relay
//! by UDP, TCP and TLS.

#![allow(clippy::disallowed_types, reason = "a test asks for a free port")]

use peer::ctl::CtlEvent;
use peer::link::{Event, IcePolicy, Path, PathEnd, Phase};
use peer::{Link, LinkOptions};
use tokio::time::timeout;
use two_devices::{PATIENCE, Stage, wait_for};

mod two_devices;

async fn text(link: &mut Link) -> String {
    wait_for(link, |event| match event {
        Event::Talk(CtlEvent::Text(text)) => Some(text.clone()),
        _ => None,
    })
    .await
}

async fn path(link: &mut Link) -> Path {
    wait_for(link, |event| match event {
        Event::Path(path) => Some(*path),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn two_devices_talk_over_a_direct_path() {
    let stage = Stage::start().await;
    let (mut ada, mut bob) = (
        stage.link(0, LinkOptions::default()),
        stage.link(1, LinkOptions::default()),
    );
    timeout(PATIENCE, ada.say("hello"))
        .await
        .expect("in time")
        .expect("delivered");
    assert_eq!(path(&mut ada).await.local, PathEnd::Host);
    assert_eq!(text(&mut bob).await, "hello");
    timeout(PATIENCE, bob.say("back"))
        .await
        .expect("in time")
        .expect("delivered");
    assert_eq!(text(&mut ada).await, "back");
    ada.close("done").await;
    wait_for(&mut bob, |event| {
        (*event == Event::Phase(Phase::Waiting)).then_some(())
    })
    .await;
    stage.running.stop().await;
}

#[tokio::test]
async fn two_devices_talk_over_relays_alone() {
    let stage = Stage::start().await;
    let options = LinkOptions {
        policy: IcePolicy::Relay,
        ..LinkOptions::default()
    };
    let (mut ada, mut bob) = (stage.link(0, options.clone()), stage.link(1, options));
    timeout(PATIENCE, ada.say("hello"))
        .await
        .expect("in time")
        .expect("delivered");
    let path = path(&mut ada).await;
    assert_eq!(path.local, PathEnd::Relayed, "{path:?}");
    assert_eq!(text(&mut bob).await, "hello");
    stage.running.stop().await;
}

#[tokio::test]
async fn a_second_link_of_a_device_replaces_the_first() {
    let stage = Stage::start().await;
    let mut first = stage.link(0, LinkOptions::default());
    wait_for(&mut first, |event| {
        (*event == Event::Phase(Phase::Waiting)).then_some(())
    })
    .await;
    let _second = stage.link(0, LinkOptions::default());
    let replaced = Event::Phase(Phase::Ended(peer::link::EndedBy::Replaced));
    wait_for(&mut first, |event| (*event == replaced).then_some(())).await;
    assert_eq!(
        timeout(PATIENCE, first.next()).await.expect("in time"),
        None
    );
    stage.running.stop().await;
}
