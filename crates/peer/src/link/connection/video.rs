//! Sends and receives video on a connection; what a link tells of it is in `link/video.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{KeyframeRequestKind, MediaAdded, MediaData, MediaKind, MediaTime, Mid, Pt};

use super::{Connection, ConnectionOutput};
use crate::link::rtc::DrainedRtc;
use crate::link::video::{Section, VideoEvent, VideoFrame};

/// What may be sent again, as a share of everything: more would only feed a congested path.
const RESEND_SHARE: f32 = 0.5;
/// Packets kept to be sent again: two of the largest stills and more.
const RESEND_PACKETS: usize = 1024;
/// How often arrivals are told.
const ARRIVING_INTERVAL: Duration = Duration::from_millis(20);
const RESEND_AGE: Duration = Duration::from_secs(3);

impl Connection {
    pub(in crate::link) fn open_video(&mut self, can_send: bool, now: Instant) {
        self.negotiation.want_video();
        if can_send && !self.negotiation.is_offer_out() {
            self.resume(now);
        }
    }

    pub(in crate::link) fn send_video(&mut self, access_unit: Arc<[u8]>, now: Instant) -> bool {
        let is_taken = self.video.send(&mut self.rtc, access_unit, now);
        self.settle(now);
        is_taken
    }

    pub(in crate::link) fn ask_key_frame(&mut self, Section(mid): Section, now: Instant) {
        self.rtc.change(now, |rtc| {
            let writer = rtc.writer(mid);
            // Before the first packet there is nothing to ask for.
            writer.map(|mut writer| writer.request_keyframe(None, KeyframeRequestKind::Pli))
        });
        self.settle(now);
    }

    /// An answer came: the section that was offered with it may be taken now.
    pub(super) fn settle_video(&mut self, now: Instant) {
        let Some(mid) = self.negotiation.take_video() else {
            return;
        };
        if self.video.begin(&mut self.rtc, mid, now) {
            let sendable = VideoEvent::Sendable(Section(mid));
            self.tell(ConnectionOutput::Video(sendable));
        }
    }

    /// Tells that packets came, where that was not told just now.
    pub(super) fn hear_video(&mut self) {
        let heard_at = self.rtc.media_heard_at();
        let told_at = self.video.told_at.map(|at| at + ARRIVING_INTERVAL);
        if heard_at.is_some() && told_at.is_none_or(|due| heard_at >= Some(due)) {
            self.video.told_at = heard_at;
            self.tell(ConnectionOutput::Video(VideoEvent::Arriving));
        }
    }

    pub(super) fn handle_media_added(&mut self, added: &MediaAdded) {
        if added.kind == MediaKind::Video && added.direction.is_receiving() {
            let offered = VideoEvent::Offered(Section(added.mid));
            self.tell(ConnectionOutput::Video(offered));
        }
    }

    pub(super) fn handle_media(&mut self, data: MediaData) {
        if data.params.spec().codec == Codec::H264 {
            let frame = VideoFrame {
                section: Section(data.mid),
                is_key: data.is_keyframe(),
                is_contiguous: data.contiguous,
                heard_at: data.network_time,
                access_unit: data.data,
            };
            self.tell(ConnectionOutput::Video(VideoEvent::Frame(frame)));
        }
    }
}

/// What a connection knows of its sections.
pub(super) struct Video {
    /// Media time counts from here.
    epoch: Instant,
    sending: Option<(Mid, Pt)>,
    /// The arrival that was last told.
    told_at: Option<Instant>,
}

impl Video {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            sending: None,
            told_at: None,
        }
    }

    /// The peer answered: whether it takes H.264 on this section.
    fn begin(&mut self, rtc: &mut DrainedRtc, mid: Mid, now: Instant) -> bool {
        let taken = rtc.change(now, |rtc| {
            let is_open = rtc.media(mid).is_some_and(|media| {
                media.direction().is_sending() && !media.disabled() && !media.stopped()
            });
            let payload_type = rtc.writer(mid).and_then(|writer| {
                let mut params = writer.payload_params();
                params
                    .find(|each| carries_large_frames(each))
                    .map(PayloadParams::pt)
            });
            if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
                stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(RESEND_SHARE));
            }
            payload_type.filter(|_| is_open)
        });
        self.sending = taken.map(|payload_type| (mid, payload_type));
        taken.is_some()
    }

    fn send(&self, rtc: &mut DrainedRtc, access_unit: Arc<[u8]>, now: Instant) -> bool {
        let Some((mid, payload_type)) = self.sending else {
            return false;
        };
        let since = now.saturating_duration_since(self.epoch);
        rtc.change(now, |rtc: &mut Rtc| {
            let writer = rtc.writer(mid)?;
            // No buffer may hold a still until the next one comes.
            let writer = writer.playout_delay(MediaTime::ZERO, MediaTime::ZERO);
            let written = writer.write(payload_type, now, since.into(), access_unit);
            written.ok()
        })
        .is_some()
    }
}

/// H.264 in packetization mode 1, which cuts a frame into packets (RFC 6184 §5.4).
fn carries_large_frames(params: &PayloadParams) -> bool {
    let spec = params.spec();
    spec.codec == Codec::H264 && spec.format.packetization_mode == Some(1)
}
