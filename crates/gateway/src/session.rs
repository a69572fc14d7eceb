//! One WHIP or WHEP connection: its ICE session, the media that it brings or gets. What it agrees with
//! its client stands in `negotiation.rs` and `counter_offer.rs`.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use protocol::base64url::{self, Base64Url};
use protocol::stream::StreamName;
use str0m::Rtc;
use str0m::config::DtlsCert;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{KeyframeRequestKind, Mid, Pt, Rid};
use str0m::net::Transmit;
use str0m::rtp::{RtpPacket, Ssrc};

use crate::forwarding::Forwarding;
use crate::layer_choice::{Layer, LayerChoice};
use crate::offer::CheckedOffer;
use crate::path::{Address, Path};
use crate::picture_numbers::PictureNumbers;
use crate::rtc::DrainedRtc;
use crate::stream::{SessionState, Track};

mod counter_offer;
mod layers;
mod negotiation;
mod sending;

use counter_offer::CounterOffer;
use layers::Trial;
pub(crate) use sending::Delivery;

/// A client has this long to come, once it has offered or was offered something.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// A client that is silent for so long is gone: its consent to be sent to has run out
/// (RFC 7675 §5.1).
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// A client whose last connection was closed has this long to open another.
const RECONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What a viewer may ask for again: packets, and how old.
const RESEND_PACKETS: usize = 512;
const RESEND_AGE: Duration = Duration::from_secs(1);
/// What of all that it is sent may be sent again. A viewer whose connection is overrun misses much,
/// and sending that again overruns it the more.
const RESEND_SHARE: f32 = 0.2;

/// The unguessable name of a session, 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Reads the base64url of a session's name; none where it is no such name.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Base64Url::<16>::try_from(text.to_owned()).ok()?;
        Some(Self(bytes.0))
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// How the gateway calls a session in its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionKey(pub(crate) u64);

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It brings a stream (WHIP).
    Publish,
    /// It gets one (WHEP).
    Watch,
}

/// A session that is asked for.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its name, which nobody can guess.
    pub id: SessionId,
    /// The stream.
    pub stream: StreamName,
    /// What it is for.
    pub role: Role,
    /// By whose rights, by names that can be revoked: a device and the key of its token, or a
    /// share; none where anybody may.
    pub holders: Vec<String>,
    /// When the right ends by itself.
    pub until: Option<Instant>,
    /// Where the server is reached beside its own addresses, by way of whoever forwards to them.
    pub external: Vec<Address>,
}

/// One track of a session.
struct TrackState {
    track: Track,
    mid: Mid,
    forwarding: Forwarding,
    pictures: PictureNumbers,
    choice: LayerChoice,
    /// The encoding that it gets.
    layer: Option<Layer>,
    /// An encoding that it is to get, of which a key frame began to come.
    began_to_come: Option<Layer>,
    /// A publisher's payload types as the viewer knows them; none where it knows none. Few: the
    /// publisher's `PayloadParams` are those that were negotiated with it.
    payload_types: Vec<(Pt, Option<Pt>)>,
}

impl TrackState {
    fn new((track, mid): (Track, Mid)) -> Self {
        Self {
            track,
            mid,
            forwarding: Forwarding::default(),
            pictures: PictureNumbers::default(),
            choice: LayerChoice::default(),
            layer: None,
            began_to_come: None,
            payload_types: Vec::new(),
        }
    }
}

/// How a session is reached, and whether it has layers to choose from.
pub(crate) struct Reached<'a> {
    pub(crate) cert: DtlsCert,
    pub(crate) addrs: &'a [Address],
    pub(crate) has_choice: bool,
}

/// One connection.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) stream: StreamName,
    pub(crate) role: Role,
    pub(crate) holders: Vec<String>,
    until: Option<Instant>,
    pub(crate) rtc: DrainedRtc,
    pub(crate) connected_at: Option<Instant>,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
    offer: CheckedOffer,
    /// Where the offer that counts is ours.
    counter_offer: Option<CounterOffer>,
    /// The server's user name fragment, by which the ICE session goes.
    pub(crate) ufrag: String,
    deadline: Instant,
    /// The ways on which it showed its password, the one of the last check at the end.
    pub(crate) paths: VecDeque<Path>,
    tracks: Vec<TrackState>,
    tracks_by_ssrc: HashMap<Ssrc, (Track, Layer)>,
    /// None where what the connection carries is not estimated.
    trial: Option<Trial>,
    /// What had been sent of the picture when the viewer last reported on it, and when that was.
    reported: Option<(u64, Instant)>,
}

impl Session {
    fn unnegotiated(new: NewSession, offer: CheckedOffer, rtc: DrainedRtc, now: Instant) -> Self {
        Self {
            id: new.id,
            stream: new.stream,
            role: new.role,
            holders: new.holders,
            until: new.until,
            rtc,
            connected_at: None,
            received_bytes: 0,
            sent_bytes: 0,
            ufrag: String::new(),
            deadline: now + CONNECT_WITHIN,
            paths: VecDeque::new(),
            tracks: offer.tracks.iter().copied().map(TrackState::new).collect(),
            tracks_by_ssrc: HashMap::new(),
            trial: None,
            reported: None,
            counter_offer: None,
            offer,
        }
    }

    /// Media may flow from here on.
    pub(crate) fn handle_connected(&mut self, now: Instant, out: &mut VecDeque<Transmit>) {
        self.connected_at.get_or_insert(now);
        if self.role == Role::Publish {
            return;
        }
        let mids: Vec<Mid> = self.tracks.iter().map(|track| track.mid).collect();
        self.rtc.change(now, out, |rtc| {
            for mid in mids {
                if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
                    stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(RESEND_SHARE));
                }
            }
        });
    }

    /// The client was heard.
    pub(crate) fn handle_heard(&mut self, now: Instant) {
        if self.connected_at.is_some() {
            self.deadline = now + SILENCE_LIMIT;
        }
    }

    /// The client's last connection is gone; a browser that is still there opens another.
    pub(crate) fn handle_disconnected(&mut self, now: Instant) {
        self.deadline = self.deadline.min(now + RECONNECT_WITHIN);
    }

    /// When something is due at the latest.
    pub(crate) fn poll_timeout(&self) -> Instant {
        let due = self.rtc.poll_timeout().min(self.deadline);
        self.until.map_or(due, |until| until.min(due))
    }

    /// Why the session is over, if it is.
    pub(crate) fn over(&self, now: Instant) -> Option<&'static str> {
        if self.rtc.is_over() {
            return Some("closed");
        }
        if self.until.is_some_and(|until| until <= now) {
            return Some("expired");
        }
        let is_silent = self.deadline <= now;
        is_silent.then_some(match self.connected_at {
            Some(_) => "silent",
            None => "not connected",
        })
    }

    /// What a packet of the publisher's carries: its track, which encoding of it, and how it is
    /// coded.
    pub(crate) fn track_of(&mut self, packet: &RtpPacket) -> Option<(Track, Layer, PayloadParams)> {
        let header = &packet.header;
        let params = self.rtc.look(|rtc| {
            let config = rtc.codec_config();
            let pt = header.payload_type;
            config.find(|params| params.pt() == pt).copied()
        })?;
        if let Some((track, layer)) = self.tracks_by_ssrc.get(&header.ssrc) {
            return Some((*track, *layer, params));
        }
        // Payload types of sound and picture differ in one bundle (RFC 9143 §9.2).
        let is_audio = params.spec().codec == Codec::Opus;
        let (track, layer) = match &self.offer.layers[..] {
            _ if is_audio => (Track::Audio, 0),
            [] => (Track::Video, 0),
            layers => {
                // Packets say it until the first report of ours has come (RFC 8853 §5.4).
                let rid = header.ext_vals.rid.or(header.ext_vals.rid_repair)?;
                let layer = layers.iter().position(|layer| *layer == rid)?;
                (Track::Video, layer)
            }
        };
        self.tracks_by_ssrc.insert(header.ssrc, (track, layer));
        Some((track, layer, params))
    }

    /// The names of a publisher's layers.
    pub(crate) fn layers(&self) -> &[Rid] {
        &self.offer.layers
    }

    /// Asks the publisher for a key frame of an encoding (RFC 4585 §6.3.1).
    pub(crate) fn ask_key_frame(
        &mut self,
        rid: Option<Rid>,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) {
        let mid = self.mid(Track::Video);
        self.rtc.change(now, out, |rtc| {
            let mut api = rtc.direct_api();
            if let Some(stream) = mid.and_then(|mid| api.stream_rx_by_mid(mid, rid)) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        });
    }

    fn mid(&self, track: Track) -> Option<Mid> {
        let mut tracks = self.tracks.iter();
        tracks.find(|each| each.track == track).map(|each| each.mid)
    }

    /// Another publisher: what its payload types mean is asked anew.
    pub(crate) fn handle_publication(&mut self) {
        for track in &mut self.tracks {
            track.forwarding.pause();
            track.choice.reset();
            track.layer = None;
            track.payload_types.clear();
        }
    }

    /// Says goodbye: the client hears that it is over (RFC 3550 §6.6, DTLS close_notify).
    pub(crate) fn close(&mut self, now: Instant, out: &mut VecDeque<Transmit>) {
        let closed = self.rtc.change(now, out, Rtc::close);
        if let Err(error) = closed {
            tracing::debug!(%error, session = %self.id, "no goodbye");
        }
    }

    /// For those who look from outside.
    pub(crate) fn state(&self) -> SessionState {
        SessionState {
            id: self.id,
            connected_at: self.connected_at,
            received_bytes: self.received_bytes,
            sent_bytes: self.sent_bytes,
        }
    }
}
