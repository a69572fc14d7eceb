//! What a recording needs of a publisher's packet.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use str0m::rtp::{RtpPacket, Ssrc};

/// A packet as it came.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(super) ssrc: Ssrc,
    /// Extended sequence number.
    pub(super) number: u64,
    /// RTP time.
    pub(super) time: u32,
    pub(super) marker: bool,
    pub(super) payload: Arc<[u8]>,
    pub(super) arrived: Instant,
    pub(super) report: Option<Report>,
}

/// What an RTP time is on the sender's clock (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    /// Nanoseconds since 1970.
    pub(super) sent_ns: i64,
    /// RTP time.
    pub(super) time: u32,
}

impl Packet {
    pub(crate) fn new(packet: &RtpPacket, now: Instant) -> Self {
        let report = packet.last_sender_info.and_then(|info| {
            let sent = info.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            let sent_ns = i64::try_from(sent.as_nanos()).ok()?;
            // RTP times are compared modulo 2^32.
            let time = info.rtp_time.numer() as u32;
            Some(Report { sent_ns, time })
        });
        Self {
            ssrc: packet.header.ssrc,
            number: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            payload: Arc::clone(&packet.payload),
            arrived: now,
            report,
        }
    }
}
