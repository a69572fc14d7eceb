//! Publishes frames of packets at even distances.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use str0m::rtp::RtpWrite;

use crate::media_client::{MediaClient, Seen};

const FRAMES_PER_SECOND: u64 = 30;
/// RTP clock ticks of one frame (RFC 7741 §4.1).
const FRAME_TICKS: u32 = 3000;
/// What a browser puts into a packet, about.
const MAX_PAYLOAD_BYTES: usize = 1150;
/// How much longer a key frame is than the others.
const KEY_FRAME_FRAMES: usize = 4;
/// The payload descriptor of a frame's first packet: S (RFC 7741 §4.2).
const BEGINS: u8 = 0x10;
/// The P bit of the payload header: predicted (RFC 7741 §4.3).
const PREDICTED: u8 = 0x01;

/// How large its frames are.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    frame_bytes: usize,
}

impl Picture {
    /// Frames of a stream of this rate.
    pub fn of_rate(kbps: u64) -> Self {
        let frame_bytes = kbps * 1000 / 8 / FRAMES_PER_SECOND;
        Self {
            frame_bytes: usize::try_from(frame_bytes).expect("a frame is small"),
        }
    }

    /// The payloads of one frame.
    fn frame(self, is_key: bool) -> Vec<Vec<u8>> {
        let bytes = self.frame_bytes * if is_key { KEY_FRAME_FRAMES } else { 1 };
        let count = bytes.div_ceil(MAX_PAYLOAD_BYTES);
        let mut payloads = vec![vec![0x5a; bytes / count]; count];
        for (index, payload) in payloads.iter_mut().enumerate() {
            payload[0] = if index == 0 { BEGINS } else { 0 };
            payload[1] = if is_key { 0 } else { PREDICTED };
        }
        payloads
    }
}

/// Whether a key frame begins with this payload.
pub(crate) fn begins_key_frame(payload: &[u8]) -> bool {
    matches!(payload, [BEGINS, header, ..] if header & PREDICTED == 0)
}

/// The publisher of one stream.
#[derive(Debug)]
pub struct Publisher {
    client: MediaClient,
    picture: Picture,
    /// Packets so far.
    sent: Arc<AtomicU64>,
    seq: u64,
    time: u32,
}

impl Publisher {
    /// Of a client that has its answer.
    pub fn new(client: MediaClient, picture: Picture, sent: Arc<AtomicU64>) -> Self {
        Self {
            client,
            picture,
            sent,
            seq: 1,
            time: 1,
        }
    }

    /// Publishes for ever; a key frame comes first, and whenever it is asked for.
    pub fn run(&mut self, mut see: impl FnMut(Seen)) {
        let mut poll = Poll::new().expect("a poll");
        poll.registry()
            .register(&mut self.client.socket, Token(0), Interest::READABLE)
            .expect("a socket can be watched");
        let mut events = Events::with_capacity(4);
        let distance = Duration::from_secs(1) / u32::try_from(FRAMES_PER_SECOND).expect("few");
        let mut next_frame = None;
        let mut wants_key = true;
        loop {
            let now = Instant::now();
            let due = next_frame.map_or(self.client.due(), |at| self.client.due().min(at));
            let _ = poll.poll(&mut events, Some(due.saturating_duration_since(now)));
            let now = Instant::now();
            let mut note = |seen: Seen| {
                match seen {
                    Seen::Connected => next_frame = Some(now),
                    Seen::KeyFrameWanted => wants_key = true,
                    Seen::Packet { .. } => {}
                }
                see(seen);
            };
            self.client.handle_readable(now, &mut note);
            if self.client.due() <= now {
                self.client.handle_timeout(now, &mut note);
            }
            if let Some(at) = next_frame.filter(|at| *at <= now) {
                next_frame = Some(at + distance);
                let is_key = std::mem::take(&mut wants_key);
                self.send_frame(is_key, now);
            }
        }
    }

    fn send_frame(&mut self, is_key: bool, now: Instant) {
        let payloads = self.picture.frame(is_key);
        let last = payloads.len() - 1;
        let payload_type = self.client.payload_type();
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            let seq = self.seq + index as u64;
            RtpWrite::new(payload_type, seq.into(), self.time, now, payload)
                .marker(index == last)
                .nackable(true)
        });
        let packets: Vec<_> = packets.collect();
        self.seq += packets.len() as u64;
        self.time = self.time.wrapping_add(FRAME_TICKS);
        self.sent.fetch_add(packets.len() as u64, Ordering::Relaxed);
        self.client.write(packets, now, |_| {});
    }
}
