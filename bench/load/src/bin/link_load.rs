//! Holds links of native devices and does with them what it reads, a line each:
//!
//! - `open N`: holds N links, then says `{"event":"open"}`;
//! - `send PATH`: sends a file on the first, then says `{"event":"sent"}`;
//! - `say N`: says N texts on the first, one after the other's acknowledgement, then says how long
//!   these took: `{"event":"said","p50Us":…,"p99Us":…,"maxUs":…}`.
//!
//! `link_load home=DIR save=DIR`: the home of one device, or a directory of homes. Whatever the
//! other devices send is taken; `{"event":"received"}` says that it was.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use load::Arguments;
use peer::device::Device;
use peer::files::FileEvent;
use peer::link::{Event, Phase};
use peer::{Link, LinkOptions, Voice};
use protocol::id::PairId;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Between two texts: a conversation, not a flood.
const SAY_PAUSE: Duration = Duration::from_millis(4);
/// How many links come up at a time.
const MAX_OPENING: usize = 8;

/// One link that is held, from outside its task.
struct Held {
    voice: Voice,
    files: mpsc::Sender<PathBuf>,
}

/// One thread: waking another one for each step of a text costs more than the step.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::of_process();
    let save: PathBuf = arguments.required("save");
    let mut seats = seats(&arguments.required::<PathBuf>("home"))?.into_iter();
    let (opened, mut openings) = mpsc::channel(MAX_OPENING);
    let mut held: Vec<Held> = Vec::new();
    let mut orders = BufReader::new(stdin()).lines();
    tell(&json!({"event": "ready"}));
    while let Some(order) = orders.next_line().await? {
        match order.split_once(' ') {
            Some(("open", count)) => {
                let count: usize = count.parse()?;
                let mut under_way = 0;
                while held.len() < count || under_way > 0 {
                    if held.len() < count && under_way < MAX_OPENING {
                        let (device, pair) = seats.next().ok_or("too few pairs")?;
                        held.push(hold(&device, &pair, &save, opened.clone())?);
                        under_way += 1;
                    } else {
                        openings.recv().await;
                        under_way -= 1;
                    }
                }
                tell(&json!({"event": "open", "links": held.len()}));
            }
            Some(("send", path)) => held[0].files.send(path.into()).await?,
            Some(("say", count)) => tell(&say(&held[0].voice, count.parse()?).await?),
            _ => return Err(format!("no order: {order}").into()),
        }
    }
    Ok(())
}

/// Every device with every pair that it has, in the order in which they were made.
fn seats(home: &Path) -> Result<Vec<(Device, PairId)>, Box<dyn Error>> {
    let mut devices = Vec::new();
    if home.join("device.json").exists() {
        devices.push(Device::open(home)?);
    } else {
        for entry in std::fs::read_dir(home)? {
            devices.push(Device::open(entry?.path())?);
        }
    }
    let mut seats = Vec::new();
    for device in devices {
        for pair in device.store().pairs()? {
            seats.push((pair.created, device.clone(), pair.pair_id));
        }
    }
    seats.sort_by_key(|(created, ..)| *created);
    let without_time = seats.into_iter().map(|(_, device, pair)| (device, pair));
    Ok(without_time.collect())
}

fn hold(
    device: &Device,
    pair: &PairId,
    save: &Path,
    opened: mpsc::Sender<()>,
) -> Result<Held, Box<dyn Error>> {
    let options = LinkOptions {
        save_files_to: Some(save.to_owned()),
        ..LinkOptions::default()
    };
    let link = device.link(pair, options)?;
    let voice = link.voice();
    let (files, queued) = mpsc::channel(1);
    tokio::spawn(serve(link, queued, opened));
    Ok(Held { voice, files })
}

/// Serves one link as long as it lives.
async fn serve(mut link: Link, mut files: mpsc::Receiver<PathBuf>, opened: mpsc::Sender<()>) {
    let mut opened = Some(opened);
    loop {
        tokio::select! {
            event = link.next() => match event {
                Some(Event::Phase(Phase::Open)) => {
                    if let Some(opened) = opened.take() {
                        opened.send(()).await.expect("the program goes on");
                    }
                }
                Some(Event::File(FileEvent::Offered { id, .. })) => link.accept_file(id).await,
                Some(Event::File(event)) => tell_of(&event),
                Some(_) => {}
                None => panic!("a link is over: {:?}", link.phase()),
            },
            Some(path) = files.recv() => {
                link.send_file(&path).await.expect("the file can be sent");
            }
        }
    }
}

fn tell_of(event: &FileEvent) {
    match event {
        FileEvent::Sent(_) => tell(&json!({"event": "sent"})),
        FileEvent::Received { .. } => tell(&json!({"event": "received"})),
        FileEvent::NotSent { code, .. } | FileEvent::NotReceived { code, .. } => {
            panic!("a file did not arrive: {code}")
        }
        _ => {}
    }
}

async fn say(voice: &Voice, count: usize) -> Result<Value, Box<dyn Error>> {
    let mut trips = Vec::with_capacity(count);
    for number in 0..count {
        let begun = Instant::now();
        voice.say(&format!("text {number}")).await?;
        trips.push(begun.elapsed());
        sleep(SAY_PAUSE).await;
    }
    trips.sort();
    let at = |share: f64| {
        // The least that so many of them did not exceed.
        let rank = (share * count as f64).ceil() as usize;
        trips[rank.clamp(1, count) - 1].as_micros() as u64
    };
    Ok(json!({"event": "said", "p50Us": at(0.5), "p99Us": at(0.99), "maxUs": at(1.0)}))
}

#[allow(clippy::print_stdout, reason = "its words are read from there")]
fn tell(fact: &Value) {
    println!("{fact}");
}
