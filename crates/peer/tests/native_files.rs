//! Files between two native devices over a real link, from disk to disk.

#![allow(clippy::disallowed_types, reason = "tests read and write files")]

use std::fs;
use std::path::Path;

use peer::files::{FileEvent, IncomingId};
use peer::link::{EndedBy, Event, Phase};
use peer::{Link, LinkOptions, NotOffered};
use two_devices::{Stage, wait_for};

mod two_devices;

const SIZE: usize = 8_000_000;

/// Bytes that differ from one place to another.
fn content() -> Vec<u8> {
    (0..SIZE)
        .map(|at| (at % 251) as u8 ^ (at >> 12) as u8)
        .collect()
}

fn saving_into(directory: &Path) -> LinkOptions {
    LinkOptions {
        save_files_to: Some(directory.to_owned()),
        ..LinkOptions::default()
    }
}

async fn offered(link: &mut Link) -> IncomingId {
    wait_for(link, |event| match event {
        Event::File(FileEvent::Offered { id, .. }) => Some(*id),
        _ => None,
    })
    .await
}

async fn received(link: &mut Link) -> String {
    wait_for(link, |event| match event {
        Event::File(FileEvent::Received { name, .. }) => Some(name.clone()),
        _ => None,
    })
    .await
}

async fn sent(link: &mut Link) {
    wait_for(link, |event| {
        matches!(event, Event::File(FileEvent::Sent(_))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_goes_on_where_its_receiver_was_cut_off() {
    let stage = Stage::start().await;
    let (path, into) = (
        stage.homes.path().join("film.mp4"),
        stage.homes.path().join("in"),
    );
    fs::write(&path, content()).expect("written");
    let mut ada = stage.link(0, LinkOptions::default());
    let mut bob = stage.link(1, saving_into(&into));
    ada.send_file(&path).await.expect("queued");
    let id = offered(&mut bob).await;
    bob.accept_file(id).await;
    wait_for(&mut bob, |event| match event {
        Event::File(FileEvent::Receiving { stored, .. }) => (*stored > 1_000_000).then_some(()),
        _ => None,
    })
    .await;
    bob.close("interrupted").await;

    let part = fs::metadata(into.join(".film.mp4.part"))
        .expect("kept")
        .len();
    assert!((1_000_000..SIZE as u64).contains(&part), "{part}");
    let mut bob = stage.link(1, saving_into(&into));
    let id = offered(&mut bob).await;
    bob.accept_file(id).await;
    let first = wait_for(&mut bob, |event| match event {
        Event::File(FileEvent::Receiving { stored, .. }) => Some(*stored),
        _ => None,
    });
    let first = first.await;
    assert!(first > part, "{first} goes on behind {part}");
    assert_eq!(received(&mut bob).await, "film.mp4");
    sent(&mut ada).await;
    assert!(fs::read(into.join("film.mp4")).expect("saved") == content());
    ada.close("done").await;
    bob.close("done").await;
    stage.running.stop().await;
}

#[tokio::test]
async fn a_device_without_a_place_for_files_refuses_them() {
    let stage = Stage::start().await;
    let path = stage.homes.path().join("a.txt");
    fs::write(&path, "a").expect("written");
    let mut ada = stage.link(0, LinkOptions::default());
    let mut bob = stage.link(1, LinkOptions::default());
    assert!(ada.takes_files());
    ada.send_file(&path).await.expect("queued");
    let id = offered(&mut bob).await;
    bob.accept_file(id).await;
    let code = wait_for(&mut ada, |event| match event {
        Event::File(FileEvent::NotSent { code, .. }) => Some(code.clone()),
        _ => None,
    });
    assert_eq!(code.await, "refused");
    stage.running.stop().await;
}

#[tokio::test]
async fn what_is_no_file_is_not_offered() {
    let stage = Stage::start().await;
    let ada = stage.link(0, LinkOptions::default());
    for path in [
        stage.homes.path().to_owned(),
        stage.homes.path().join("none"),
    ] {
        let error = ada.send_file(&path).await.expect_err("no file");
        assert!(matches!(error, NotOffered::Unreadable(..)), "{error}");
        assert!(error.to_string().starts_with(path.to_str().expect("utf-8")));
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn a_link_that_is_over_takes_no_file() {
    let stage = Stage::start().await;
    let path = stage.homes.path().join("a.txt");
    fs::write(&path, "a").expect("written");
    let mut first = stage.link(0, LinkOptions::default());
    wait_for(&mut first, |event| {
        (*event == Event::Phase(Phase::Waiting)).then_some(())
    })
    .await;
    let _second = stage.link(0, LinkOptions::default());
    wait_for(&mut first, |event| {
        (*event == Event::Phase(Phase::Ended(EndedBy::Replaced))).then_some(())
    })
    .await;
    let error = first.send_file(&path).await.expect_err("over");
    assert!(matches!(error, NotOffered::Over), "{error}");
    stage.running.stop().await;
}
