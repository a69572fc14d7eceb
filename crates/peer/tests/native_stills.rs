//! Two native devices exchange stills and live video through a real server over real sockets.

#![allow(clippy::disallowed_types, reason = "a test asks for a free port")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use peer::link::{Event, VideoEvent};
use peer::stills::{
    H264Decoder, LiveFigures, LiveSettings, Picture, ReceivedStill, STILL_HEIGHT,
    STILL_LIMIT_BYTES, STILL_WIDTH, SendLive, SendStills, SendingEvent, SentStill, Source, Stills,
    StillsEvent, pattern,
};
use peer::{Link, LinkOptions};
use tokio::time::timeout;
use two_devices::{PATIENCE, Stage};

mod two_devices;

const COUNT: u32 = 3;
const INTERVAL: Duration = Duration::from_secs(1);

/// Pictures to send, as files in the order of their names.
fn gallery(folder: &Path, first: u32) -> (PathBuf, Vec<Picture>) {
    let folder = folder.join(format!("gallery-{first}"));
    std::fs::create_dir(&folder).expect("a folder");
    let draw = |number: u32| {
        let picture = pattern(
            number,
            u64::from(number) * 12_345,
            STILL_WIDTH,
            STILL_HEIGHT,
        );
        let name = format!("{number:04}.png");
        std::fs::write(folder.join(name), picture.to_png()).expect("it is written");
        picture
    };
    let pictures = (first..first + COUNT).map(draw).collect();
    (folder, pictures)
}

/// Sends every picture of a folder once.
async fn send(link: &mut Link, folder: PathBuf) -> Vec<SentStill> {
    let source = Source::images(&[folder], STILL_WIDTH, STILL_HEIGHT).expect("there are pictures");
    let mut sending = SendStills::new(link, source, INTERVAL, Some(COUNT));
    let mut sent = Vec::new();
    while let Some(event) = sending.next().await.expect("pictures can be sent") {
        if let SendingEvent::Sent(still) = event {
            sent.push(still);
        }
    }
    sent
}

/// Receives so many stills.
async fn receive(link: &mut Link) -> Vec<ReceivedStill> {
    let mut stills = Stills::new(link).expect("a decoder");
    let mut received = Vec::new();
    while received.len() < COUNT as usize {
        if let StillsEvent::Still(still) = stills.next().await.expect("the link goes on") {
            received.push(still);
        }
    }
    received
}

/// Peak signal-to-noise ratio over all channels, in decibels.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.rgb().iter().zip(b.rgb());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.rgb().len() as f64 / sum).log10()
}

#[tokio::test]
async fn stills_of_either_device_arrive_once_as_they_were() {
    let stage = Stage::start().await;
    let (mut from, mut to) = (
        stage.link(0, LinkOptions::default()),
        stage.link(1, LinkOptions::default()),
    );
    for first in [1, 11] {
        let (folder, pictures) = gallery(stage.homes.path(), first);
        let both = async { tokio::join!(send(&mut from, folder), receive(&mut to)) };
        let (sent, received) = timeout(PATIENCE, both).await.expect("in time");
        let seqs: Vec<u64> = received.iter().map(|still| still.seq).collect();
        assert_eq!(seqs, [1, 2, 3]);
        for (still, picture) in received.iter().zip(&pictures) {
            let db = psnr(picture, &still.picture);
            println!(
                "still {}: {} bytes, {db:.1} dB, {:?}",
                still.seq, still.bytes, still.latency
            );
            assert!(still.bytes <= STILL_LIMIT_BYTES && db > 35.0);
        }
        println!("{sent:?}");
        assert_eq!(sent.len(), COUNT as usize);
        // On a machine that is busy the next still may overtake the word about one.
        assert!(
            sent.last().is_some_and(|still| still.shown.is_some()),
            "{sent:?}"
        );
        // The other way round, over the same link.
        (from, to) = (to, from);
    }
    stage.running.stop().await;
}

/// A small picture: a test is not to need a fast machine.
const LIVE: LiveSettings = LiveSettings {
    width: 320,
    height: 240,
    frames_per_second: 15,
    bits_per_second: 200_000,
};
const FRAMES: u32 = 45;

async fn send_live(link: &mut Link) -> LiveFigures {
    let source = Source::pattern(LIVE.width, LIVE.height);
    let mut sending = SendLive::new(link, source, LIVE, Some(FRAMES)).expect("an encoder");
    while sending.next().await.expect("it films").is_some() {}
    sending.figures()
}

/// Decodes so many frames, asks for a key frame after ten, and returns how many came.
async fn watch(link: &mut Link, enough: u64) -> u64 {
    let mut decoder = H264Decoder::new().expect("a decoder");
    let (mut shown, mut key_frames) = (0, 0);
    while shown < enough {
        let Event::Video(VideoEvent::Frame(frame)) = link.next().await.expect("it goes on") else {
            continue;
        };
        let picture = decoder
            .decode(&frame.access_unit)
            .expect("nothing is lost here");
        assert_eq!(
            (picture.width(), picture.height()),
            (LIVE.width, LIVE.height)
        );
        shown += 1;
        key_frames += u64::from(frame.is_key);
        if shown == 10 {
            link.ask_key_frame(frame.section).await;
        }
    }
    key_frames
}

#[tokio::test]
async fn live_video_arrives_with_the_key_frames_that_are_asked_for() {
    let stage = Stage::start().await;
    let (mut from, mut to) = (
        stage.link(0, LinkOptions::default()),
        stage.link(1, LinkOptions::default()),
    );
    let enough = u64::from(FRAMES) * 2 / 3;
    let both = async { tokio::join!(send_live(&mut from), watch(&mut to, enough)) };
    let (sent, key_frames) = timeout(PATIENCE, both).await.expect("in time");
    println!("{sent:?}");
    assert!(key_frames >= 2, "the first, and the one that was asked for");
    assert!(sent.frames >= enough && sent.key_frames >= key_frames);
    stage.running.stop().await;
}
