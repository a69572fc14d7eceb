//! One track of a publisher on its way into a recording: packets in, whole frames out.

use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::rtp::Ssrc;

use super::packet::{Packet, Report};
use super::reorder::{Next, Reorder};
use super::timeline::Timeline;
use super::units::{Unit, Units};

/// One track, as long as its source and its codec stay the same.
#[derive(Debug)]
pub(super) struct Lane {
    ssrc: Ssrc,
    pub(super) codec: Codec,
    pub(super) clock_rate: u32,
    /// When the first packet came, and the last.
    pub(super) began: Instant,
    pub(super) heard_at: Instant,
    pub(super) timeline: Timeline,
    reorder: Reorder,
    units: Units,
    /// Something is missing that later pictures refer to.
    is_broken: bool,
    wants_key_frame: bool,
    report: Option<Report>,
}

impl Lane {
    pub(super) fn new(ssrc: Ssrc, codec: Codec, clock_rate: u32, now: Instant) -> Self {
        Self {
            ssrc,
            codec,
            clock_rate,
            began: now,
            heard_at: now,
            timeline: Timeline::new(clock_rate),
            reorder: Reorder::default(),
            units: Units::new(codec),
            is_broken: false,
            wants_key_frame: false,
            report: None,
        }
    }

    pub(super) fn is_of(&self, ssrc: Ssrc, codec: Codec) -> bool {
        (self.ssrc, self.codec) == (ssrc, codec)
    }

    pub(super) fn handle_packet(&mut self, packet: Packet) {
        self.heard_at = packet.arrived;
        self.report = packet.report.or(self.report);
        self.reorder.push(packet);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.reorder.poll_timeout()
    }

    /// The next whole frame that can be shown.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Unit> {
        loop {
            while let Some(unit) = self.units.poll() {
                self.is_broken &= !unit.is_key;
                if !self.is_broken {
                    return Some(unit);
                }
            }
            match self.reorder.poll(now)? {
                Next::Packet(packet) => {
                    if self.units.handle(&packet).is_err() {
                        self.lose();
                    }
                }
                Next::Gap => {
                    self.units.handle_gap();
                    self.lose();
                }
            }
        }
    }

    /// Sound goes on with what comes next; a picture needs a key frame.
    fn lose(&mut self) {
        if self.codec != Codec::Opus {
            self.is_broken = true;
            self.wants_key_frame = true;
        }
    }

    pub(super) fn take_key_frame_wish(&mut self) -> bool {
        std::mem::take(&mut self.wants_key_frame)
    }

    /// Ticks as a span.
    pub(super) fn span(&self, ticks: u64) -> Duration {
        let rate = u64::from(self.clock_rate);
        let rest_ns = (ticks % rate) * 1_000_000_000 / rate;
        Duration::from_secs(ticks / rate) + Duration::from_nanos(rest_ns)
    }

    /// When the sender says that this was, in Unix nanoseconds of its clock.
    pub(super) fn sent_ns(&self, time: u32) -> Option<i64> {
        let Report {
            sent_ns,
            time: then,
        } = self.report?;
        // Within half of the numbers' circle before or after the report.
        let ticks = i64::from(time.wrapping_sub(then).cast_signed());
        sent_ns.checked_add(ticks * 1_000_000_000 / i64::from(self.clock_rate))
    }
}
