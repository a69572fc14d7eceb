//! The video sections of a link: H.264 access units out and in, key frames asked for both ways.
//!
//! One section carries what this side sends; the peer adds its own. Lost packets are asked for and
//! sent again below (NACK, RFC 4585; RTX, RFC 4588); a frame that comes out here is whole.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::Mid;

use super::{Event, LinkCore};

/// A video section of the connection there is, as descriptions name it (RFC 5888, `a=mid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Section(pub(super) Mid);

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A whole access unit of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFrame {
    /// The section it came on.
    pub section: Section,
    /// H.264 in Annex B.
    pub access_unit: Arc<[u8]>,
    /// Whether it stands alone.
    pub is_key: bool,
    /// Whether nothing is missing between the frame before and this one.
    pub is_contiguous: bool,
    /// When the first of its packets came.
    pub heard_at: Instant,
}

/// Something about video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoEvent {
    /// The peer takes what is sent on this section.
    Sendable(Section),
    /// The peer may send on this section.
    Offered(Section),
    /// The peer's picture is damaged: send a key frame (PLI or FIR).
    KeyFrameWanted,
    /// What the path carries, in bits per second, as far as is known. Told where
    /// [`LinkCore::expect_live`] asked for it.
    Capacity(u64),
    /// Packets come, of whole frames or not; told every 20 ms at most.
    Arriving,
    /// A frame came.
    Frame(VideoFrame),
}

impl LinkCore {
    /// Connections from here on carry live video of so many bits per second at most: what the path
    /// carries is estimated (transport-wide feedback, Google's congestion control), told as
    /// [`VideoEvent::Capacity`], and media is paced by it. Not for stills, which leave at once.
    pub fn expect_live(&mut self, bits_per_second: u32) {
        self.live_bits_per_second = Some(bits_per_second);
    }

    /// Offers a section to send on, on this connection and those after it;
    /// [`VideoEvent::Sendable`] follows where the peer takes it. Once is enough.
    pub fn open_video(&mut self, now: Instant) {
        if std::mem::replace(&mut self.has_video, true) {
            return;
        }
        let can_send = self.can_send();
        if let Some(connection) = &mut self.connection {
            connection.open_video(can_send, now);
        }
        self.settle(now);
    }

    /// Sends an access unit in Annex B; whether there is a section that takes it.
    pub fn send_video(&mut self, access_unit: Arc<[u8]>, now: Instant) -> bool {
        let connection = self.connection.as_mut();
        let is_taken = connection.is_some_and(|each| each.send_video(access_unit, now));
        self.settle(now);
        is_taken
    }

    /// Asks the peer for a key frame (PLI, RFC 4585 §6.3.1).
    pub fn ask_key_frame(&mut self, section: Section, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.ask_key_frame(section, now);
        }
        self.settle(now);
    }
}

impl From<VideoEvent> for Event {
    fn from(event: VideoEvent) -> Self {
        Event::Video(event)
    }
}
