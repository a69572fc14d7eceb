//! A stream as its viewers see it: who publishes it, its last key frame, and when to ask for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::{Codec, PayloadParams};
use str0m::media::Rid;
use str0m::rtp::{ExtensionValues, RtpPacket};

use crate::key_frame::begins_key_frame;
use crate::layer_choice::Layer;
use crate::meter::Meter;
use crate::offer::CheckedOffer;
use crate::picture_size::picture_size;
use crate::session::{Role, SessionId, SessionKey};

/// Between two requests for a key frame: what several viewers miss is asked for once.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(500);
/// A key frame that is longer is not kept.
const MAX_KEY_FRAME_PACKETS: usize = 1024;
/// How long viewers wait for a publisher to come back.
pub(crate) const ORPHAN_LIFETIME: Duration = Duration::from_secs(30);

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// A stream with a publisher, or with viewers who wait for one.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) publisher: Option<SessionKey>,
    /// Counts publishers, so that viewers know when clocks change.
    pub(crate) publication: u64,
    pub(crate) viewers: BTreeSet<SessionKey>,
    /// Since when there is no publisher.
    pub(crate) orphaned_at: Option<Instant>,
    /// The encodings of its picture: one, or the layers of a simulcast.
    pub(crate) layers: Vec<Encoding>,
    /// Which layers came, and how large, when that was last told.
    told: Vec<Shown>,
    /// What came from the publisher and no viewer has had.
    pub(crate) coming: Vec<Incoming>,
    /// What its publisher sends.
    pub(crate) codecs: BTreeMap<Track, Codec>,
}

impl Stream {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            publisher: None,
            publication: 0,
            viewers: BTreeSet::new(),
            orphaned_at: Some(now),
            layers: Vec::new(),
            told: Vec::new(),
            coming: Vec::new(),
            codecs: BTreeMap::new(),
        }
    }

    /// A publisher, with the names of its layers where it has any.
    pub(crate) fn begin(&mut self, publisher: SessionKey, layers: &[Rid]) {
        self.publisher = Some(publisher);
        self.publication += 1;
        self.orphaned_at = None;
        self.codecs.clear();
        self.coming.clear();
        let is_wanted = !self.viewers.is_empty();
        let encoding = |rid| Encoding::new(rid, is_wanted);
        self.layers = match layers {
            [] => vec![encoding(None)],
            layers => layers.iter().map(|rid| encoding(Some(*rid))).collect(),
        };
    }

    pub(crate) fn end(&mut self, now: Instant) {
        self.codecs.clear();
        self.coming.clear();
        self.publisher = None;
        self.orphaned_at = Some(now);
        self.layers.clear();
    }

    /// When viewers have waited long enough, or a key frame is to be asked for.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let orphans = self.orphaned_at.map(|at| at + ORPHAN_LIFETIME);
        let pictures = self.layers.iter().map(|layer| &layer.picture);
        let ask = pictures.filter_map(Picture::poll_timeout);
        let ask = ask.filter(|_| self.publisher.is_some());
        orphans.into_iter().chain(ask).min()
    }

    /// The codecs of what is published, where a viewer's offer asks for some of it and lacks its
    /// codec. As soon as the first packets have come they are known.
    pub(crate) fn codecs_beyond(
        &self,
        offer: &CheckedOffer,
        role: Role,
    ) -> Option<BTreeMap<Track, Codec>> {
        let mut codecs = self.codecs.iter();
        let is_lacking = codecs.any(|(track, codec)| offer.lacks(*track, *codec));
        let is_asked = role == Role::Watch && is_lacking;
        is_asked.then(|| self.codecs.clone())
    }

    /// What each layer takes.
    pub(crate) fn rates(&self, now: Instant) -> Vec<Option<u64>> {
        let layers = self.layers.iter();
        layers.map(|layer| layer.meter.rate_bps(now)).collect()
    }

    /// Whether layers came or went, or have another size, since this was last asked.
    pub(crate) fn layers_changed(&mut self, now: Instant) -> bool {
        let layers = self.layers.iter();
        let named = layers.filter(|layer| layer.rid.is_some());
        let shown = named.map(|layer| layer.shown(now));
        let changed = !shown.clone().eq(self.told.iter().copied());
        if changed {
            self.told = shown.collect();
        }
        changed
    }

    /// The last whole key frame, of this layer where it has one, else of another.
    pub(crate) fn key_frame(&self, layer: Layer) -> Option<(Layer, &Picture)> {
        let others = (0..self.layers.len()).filter(|other| *other != layer);
        let has_any = |layer: &Layer| {
            let encoding = self.layers.get(*layer);
            encoding.is_some_and(|encoding| !encoding.picture.key_frame.is_empty())
        };
        let layer = std::iter::once(layer).chain(others).find(has_any)?;
        Some((layer, &self.layers[layer].picture))
    }
}

/// One encoding of the picture.
#[derive(Debug)]
pub(crate) struct Encoding {
    /// Its name as a layer.
    pub(crate) rid: Option<Rid>,
    pub(crate) picture: Picture,
    pub(crate) meter: Meter,
}

impl Encoding {
    fn new(rid: Option<Rid>, is_wanted: bool) -> Self {
        let picture = Picture {
            is_wanted,
            ..Picture::default()
        };
        let meter = Meter::default();
        Self {
            rid,
            picture,
            meter,
        }
    }

    fn shown(&self, now: Instant) -> Shown {
        Shown {
            comes: self.meter.rate_bps(now).is_some(),
            size: self.picture.size,
        }
    }
}

/// What viewers see of a layer before they have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    comes: bool,
    size: Option<(u16, u16)>,
}

/// What is known of the publisher's picture.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// The last whole key frame.
    pub(crate) key_frame: Vec<Kept>,
    coming: Vec<Kept>,
    pub(crate) params: Option<PayloadParams>,
    /// Width and height in pixels, where key frames say them.
    pub(crate) size: Option<(u16, u16)>,
    /// A viewer has nothing to go on from.
    pub(crate) is_wanted: bool,
    asked_at: Option<Instant>,
}

/// A publisher's packet on its way to viewers.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) track: Track,
    /// Of the picture.
    pub(crate) layer: Layer,
    /// How it is coded.
    pub(crate) params: PayloadParams,
    /// A viewer may begin with it.
    pub(crate) starts: bool,
    /// The key frame that is whole with it, of a layer: a viewer of another one may begin with that.
    pub(crate) whole: Option<Arc<[Kept]>>,
    pub(crate) packet: Kept,
}

/// What viewers need of a publisher's packet.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    /// Those that mean the same to every viewer.
    pub(crate) ext_vals: ExtensionValues,
    pub(crate) payload: Arc<[u8]>,
}

impl Kept {
    pub(crate) fn new(packet: &RtpPacket) -> Self {
        Self {
            seq: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            ext_vals: passed_on(&packet.header.ext_vals),
            payload: Arc::clone(&packet.payload),
        }
    }
}

/// Header extensions that mean the same to every viewer; the others belong to one connection.
fn passed_on(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        abs_capture_time: values.abs_capture_time,
        play_delay_min: values.play_delay_min,
        play_delay_max: values.play_delay_max,
        ..ExtensionValues::default()
    }
}

impl Picture {
    /// A packet came from the publisher; whether a key frame begins with it.
    pub(crate) fn handle_packet(&mut self, packet: &Kept, params: PayloadParams) -> bool {
        let codec = params.spec().codec;
        let is_first = begins_key_frame(codec, &packet.payload) && !self.is_coming(packet);
        self.params = Some(params);
        if is_first {
            self.is_wanted = false;
            self.coming.clear();
        }
        if is_first || self.continues(packet) {
            self.size = picture_size(codec, &packet.payload).or(self.size);
            self.keep(packet);
        }
        is_first
    }

    /// Parameter sets and slices of one key frame each look like its beginning.
    fn is_coming(&self, packet: &Kept) -> bool {
        let first = self.coming.first();
        first.is_some_and(|first| first.time == packet.time)
    }

    fn continues(&self, packet: &Kept) -> bool {
        let is_next = |last: &Kept| last.seq + 1 == packet.seq && !last.marker;
        self.is_coming(packet) && self.coming.last().is_some_and(is_next)
    }

    /// The last key frame, where this packet is its end.
    pub(crate) fn ended_by(&self, packet: &Kept) -> Option<&[Kept]> {
        let last = self.key_frame.last()?;
        (last.seq == packet.seq && packet.marker).then_some(&self.key_frame[..])
    }

    fn keep(&mut self, packet: &Kept) {
        if self.coming.len() == MAX_KEY_FRAME_PACKETS {
            return self.coming.clear();
        }
        self.coming.push(packet.clone());
        if packet.marker {
            self.key_frame.clone_from(&self.coming);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let asked_at = self.asked_at.filter(|_| self.is_wanted);
        asked_at.map(|at| at + KEY_FRAME_INTERVAL)
    }

    /// Whether a key frame is to be asked for now.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        let is_early = self
            .asked_at
            .is_some_and(|at| now < at + KEY_FRAME_INTERVAL);
        let asks = self.is_wanted && !is_early;
        if asks {
            self.asked_at = Some(now);
        }
        asks
    }
}

/// A stream for those who look at it from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathState {
    /// The stream's name.
    pub name: String,
    /// The publisher, once its media flows.
    pub source: Option<SessionState>,
    /// What the publisher sends.
    pub codecs: Vec<Codec>,
    /// Who watches.
    pub readers: Vec<SessionState>,
}

/// A session for those who look at it from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    /// Its name.
    pub id: SessionId,
    /// Since when media may flow; none before that.
    pub connected_at: Option<Instant>,
    /// Bytes of RTP payloads that came from it.
    pub received_bytes: u64,
    /// Bytes of RTP payloads that went to it.
    pub sent_bytes: u64,
}
