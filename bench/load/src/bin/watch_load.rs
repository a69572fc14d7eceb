//! Publishes one paced stream of VP8 to a gateway, opens viewers (`by=whip` or `by=janus`), and prints what
//! the server process spent on forwarding, as one line of JSON.
//!
//! A frame is 30 times a second a burst of packets, each sent by itself, as cameras and browsers
//! send it; the payload is no picture, but says like one where a key frame begins. Viewers come one
//! after another. They are str0m: they decrypt, miss, report and ask again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use load::{Arguments, Picture, Process, Publisher, Seen, Service, Viewers, ViewersHandle};
use serde_json::json;

/// How long until what a client was promised is there.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between the last viewer's first picture and the measured seconds.
const SETTLE: Duration = Duration::from_millis(500);

fn main() -> io::Result<()> {
    let arguments = Arguments::of_process();
    let process = Process(arguments.required("pid"));
    let count: usize = arguments.required("viewers");
    let seconds: u64 = arguments.required("seconds");
    let service = Service::of(&arguments);
    let sent = Arc::new(AtomicU64::new(0));
    publish(&service, arguments.required("kbps"), Arc::clone(&sent))?;
    let rss_before_kib = process.rss_kib();
    let viewers = Viewers::start(count)?;
    let mut joins = Vec::new();
    for _ in 0..count {
        joins.push(join(&service, &viewers)?);
    }
    thread::sleep(SETTLE);
    let (cpu, own, start) = (
        process.cpu(),
        Process(std::process::id()).cpu(),
        Instant::now(),
    );
    let (first, sent_before) = (viewers.count(), sent.load(Ordering::Relaxed));
    thread::sleep(Duration::from_secs(seconds));
    let (last, sent_after) = (viewers.count(), sent.load(Ordering::Relaxed));
    let cpu_ms = process.cpu().since_ms(cpu);
    let own_ms = Process(std::process::id()).cpu().since_ms(own);
    let ms = |span: Duration| span.as_secs_f64() * 1000.0;
    let times = |join: Option<&(Duration, Duration)>| {
        let (packet, picture) = join.copied().unwrap_or_default();
        json!({"packetMs": ms(packet), "pictureMs": ms(picture)})
    };
    println!(
        "{}",
        json!({
            "sent": sent_after - sent_before, "received": last.packets - first.packets,
            "missing": last.missing.saturating_sub(first.missing),
            "cpuMs": cpu_ms, "loadCpuMs": own_ms, "seconds": start.elapsed().as_secs_f64(),
            "rssBeforeKib": rss_before_kib, "rssKib": process.rss_kib(),
            "first": times(joins.first()), "last": times(joins.last()),
        })
    );
    Ok(())
}

/// Publishes from a thread of its own until the program ends; returns when media flows.
fn publish(service: &Service, kbps: u64, sent: Arc<AtomicU64>) -> io::Result<()> {
    let client = service.publish()?;
    let is_connected = Arc::new(AtomicBool::new(false));
    let connected = Arc::clone(&is_connected);
    thread::spawn(move || {
        let mut publisher = Publisher::new(client, Picture::of_rate(kbps), sent);
        publisher.run(|seen| {
            if matches!(seen, Seen::Connected) {
                connected.store(true, Ordering::Relaxed);
            }
        });
    });
    let end = Instant::now() + PATIENCE;
    while !is_connected.load(Ordering::Relaxed) {
        if Instant::now() > end {
            return Err(io::Error::other("the publisher does not connect"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    // The first viewer is to find a stream that is on its way.
    thread::sleep(SETTLE);
    Ok(())
}

/// Opens a viewer; how long until its first packet and until its first whole key frame.
fn join(service: &Service, viewers: &ViewersHandle) -> io::Result<(Duration, Duration)> {
    let asked_at = Instant::now();
    let client = service.watch()?;
    let (seen, saw) = channel();
    viewers.join(client, seen);
    let next = || {
        let at = saw.recv_timeout(PATIENCE);
        let at = at.map_err(|_| io::Error::other("a viewer sees nothing"))?;
        io::Result::Ok(at.saturating_duration_since(asked_at))
    };
    Ok((next()?, next()?))
}
