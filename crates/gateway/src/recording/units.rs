//! Frames of packets, by codec. The payloads are a stranger's: whatever is odd is refused, and
//! nothing grows beyond [`MAX_UNIT_BYTES`].

use std::collections::VecDeque;
use std::time::Instant;

use str0m::format::Codec;

use super::packet::Packet;
use super::{av1, h264, vp8, vp9};

/// The longest frame.
pub(super) const MAX_UNIT_BYTES: usize = 4 << 20;

/// A whole frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// RTP time.
    pub(super) time: u32,
    pub(super) is_key: bool,
    pub(super) data: Vec<u8>,
    /// When its first packet came.
    pub(super) arrived: Instant,
}

/// A payload that is none of its codec, or too long a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Puts frames together.
#[derive(Debug)]
pub(super) struct Units {
    codec: Codec,
    coming: Option<Coming>,
    whole: VecDeque<Unit>,
}

/// A frame of which packets have come.
#[derive(Debug)]
struct Coming {
    time: u32,
    arrived: Instant,
    body: Body,
    /// Part of it is missing or odd.
    is_damaged: bool,
}

/// What has come of a picture, by codec.
#[derive(Debug)]
enum Body {
    H264(h264::Body),
    Vp8(vp8::Body),
    Vp9(vp9::Body),
    Av1(av1::Body),
}

impl Body {
    /// None where pictures of this codec are not recorded.
    fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::H264 => Some(Self::H264(h264::Body::default())),
            Codec::Vp8 => Some(Self::Vp8(vp8::Body::default())),
            Codec::Vp9 => Some(Self::Vp9(vp9::Body::default())),
            Codec::Av1 => Some(Self::Av1(av1::Body::default())),
            _ => None,
        }
    }

    fn handle_payload(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        match self {
            Self::H264(body) => body.handle_payload(payload),
            Self::Vp8(body) => body.handle_payload(payload),
            Self::Vp9(body) => body.handle_payload(payload),
            Self::Av1(body) => body.handle_payload(payload),
        }
    }

    fn finish(self) -> (bool, Vec<u8>) {
        match self {
            Self::H264(body) => body.finish(),
            Self::Vp8(body) => body.finish(),
            Self::Vp9(body) => body.finish(),
            Self::Av1(body) => body.finish(),
        }
    }
}

impl Units {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            coming: None,
            whole: VecDeque::new(),
        }
    }

    /// The next packet in order.
    pub(super) fn handle(&mut self, packet: &Packet) -> Result<(), Malformed> {
        if packet.payload.is_empty() {
            // Padding that probes the path.
            return Ok(());
        }
        if self.codec == Codec::Opus {
            self.whole.push_back(Unit {
                time: packet.time,
                is_key: true,
                data: packet.payload.to_vec(),
                arrived: packet.arrived,
            });
            return Ok(());
        }
        self.handle_picture(packet)
    }

    fn handle_picture(&mut self, packet: &Packet) -> Result<(), Malformed> {
        if self
            .coming
            .as_ref()
            .is_some_and(|each| each.time != packet.time)
        {
            // The last packet of a frame says so; where it does not, the next frame's first does.
            self.finish();
        }
        let Some(body) = Body::of(self.codec) else {
            return Ok(());
        };
        let coming = self.coming.get_or_insert(Coming {
            time: packet.time,
            arrived: packet.arrived,
            body,
            is_damaged: false,
        });
        let taken = coming.body.handle_payload(&packet.payload);
        coming.is_damaged |= taken.is_err();
        if packet.marker {
            self.finish();
        }
        taken
    }

    /// Packets are missing here.
    pub(super) fn handle_gap(&mut self) {
        self.coming = None;
    }

    fn finish(&mut self) {
        let Some(coming) = self.coming.take().filter(|coming| !coming.is_damaged) else {
            return;
        };
        let (is_key, data) = coming.body.finish();
        if !data.is_empty() {
            self.whole.push_back(Unit {
                time: coming.time,
                is_key,
                data,
                arrived: coming.arrived,
            });
        }
    }

    /// The next whole frame.
    pub(super) fn poll(&mut self) -> Option<Unit> {
        self.whole.pop_front()
    }
}
