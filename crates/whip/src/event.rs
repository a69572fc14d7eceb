//! What a client tells whoever drives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::media::{MediaKind, MediaTime};

use crate::links::Links;
use crate::refusal::Refusal;

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The server gave a session; its media is looked for.
    Opened(Links),
    /// Media may flow.
    Connected,
    /// It stopped flowing; the client goes on trying.
    Lost(Loss),
    /// There is no session; another one is asked for after this time.
    Waiting(Loss, Duration),
    /// A whole frame came.
    Frame(Frame),
    /// A packet came.
    Packet(Packet),
    /// The server lacks a key frame (PLI, RFC 4585 §6.3.1).
    KeyFrameWanted,
    /// What the path is believed to carry, in bits per second.
    Capacity(u64),
    /// What came of one track since the session began, each second.
    Received(Received),
    /// It is over; nothing follows.
    Over(Over),
}

/// Why media does not flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The server gives no session.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The answer is none that can be used.
    #[error("the answer cannot be taken: {0}")]
    Answer(String),
    /// No path to the server's media was found in time.
    #[error("no path to the server's media")]
    NoPath,
    /// The path died.
    #[error("the path to the server broke")]
    PathDied,
    /// The server ended the session.
    #[error("the server ended the session")]
    Ended,
}

/// Why a client is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// It was asked to.
    Closed,
    /// Trying again is in vain.
    Refused(Refusal),
    /// No media could flow for as long as it had patience; the latest reason.
    OutOfPatience(Loss),
}

/// A whole frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// How it is encoded: H.264 in Annex B, VP8, VP9 and AV1 as they are, Opus in one packet.
    pub codec: Codec,
    /// When it is shown, on the track's own clock.
    pub time: MediaTime,
    /// Whether it stands alone.
    pub is_key: bool,
    /// Whether none is missing before it.
    pub is_contiguous: bool,
    /// When it was heard.
    pub heard_at: Instant,
    /// The frame.
    pub data: Arc<[u8]>,
}

/// A packet of RTP, without what belongs to the hop.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Sound or picture.
    pub kind: MediaKind,
    /// How it is encoded; none where its payload type was not agreed on.
    pub codec: Option<Codec>,
    /// Extended sequence number.
    pub number: u64,
    /// RTP timestamp.
    pub time: u32,
    /// A frame of picture ends, or a talk spurt begins.
    pub marker: bool,
    /// When it was heard.
    pub heard_at: Instant,
    /// The payload.
    pub payload: Arc<[u8]>,
}

/// What came of one track since its session began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Received {
    /// Sound or picture.
    pub kind: MediaKind,
    /// Packets, resent ones included.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets that were asked for again.
    pub nacks: u64,
    /// Share of packets that got lost, 0 to 1, as the last report has it.
    pub loss: Option<f32>,
    /// The round trip, where it is known.
    pub round_trip: Option<Duration>,
}
