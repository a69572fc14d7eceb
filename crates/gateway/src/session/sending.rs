//! What a viewer is sent of a publisher's packet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::format::PayloadParams;
use str0m::media::{Mid, Pt};
use str0m::net::Transmit;
use str0m::rtp::{ExtensionValues, RtpWrite};

use super::Session;
use crate::stream::{Kept, Track};

impl Session {
    /// Sends a packet of the publisher to this viewer, where it flows and the viewer knows its
    /// codec.
    pub(crate) fn forward(
        &mut self,
        track: Track,
        packet: &Kept,
        params: &PayloadParams,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) {
        let Some(state) = self.tracks.iter_mut().find(|each| each.track == track) else {
            return;
        };
        let mid = state.mid;
        let known = state.payload_types.entry(params.pt());
        let known = known.or_insert_with(|| self.rtc.look(|rtc| fitting(rtc, mid, params)));
        let Some(pt) = *known else {
            return;
        };
        let Some(placed) = state.forwarding.place(packet.seq, packet.time, now) else {
            return;
        };
        let write = RtpWrite::new(
            pt,
            placed.seq.into(),
            placed.time,
            now,
            Arc::clone(&packet.payload),
        );
        let write = write
            .marker(packet.marker)
            .ext_vals(passed_on(&packet.ext_vals))
            .nackable(track == Track::Video);
        self.sent_bytes += packet.payload.len() as u64;
        self.rtc.change(now, out, |rtc| {
            if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
                stream.write_rtp(write);
            }
        });
    }
}

/// The payload type by which a viewer knows what the publisher sends: the same format where it
/// took that, else the same codec.
fn fitting(rtc: &Rtc, mid: Mid, source: &PayloadParams) -> Option<Pt> {
    let media = rtc.media(mid)?;
    let codec = source.spec().codec;
    let taken: Vec<_> = rtc
        .codec_config()
        .params()
        .iter()
        .filter(|each| media.remote_pts().contains(&each.pt()) && each.spec().codec == codec)
        .collect();
    let is_same = |each: &&&PayloadParams| each.spec() == source.spec();
    let is_packed_alike = |each: &&&PayloadParams| {
        let mode = |params: &PayloadParams| params.spec().format.packetization_mode;
        mode(each) == mode(source)
    };
    let same = taken.iter().find(is_same);
    let alike = same.or_else(|| taken.iter().find(is_packed_alike));
    alike.or(taken.first()).map(|params| params.pt())
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
