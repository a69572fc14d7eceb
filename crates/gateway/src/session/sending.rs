//! What a viewer is sent of a publisher's packets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::format::PayloadParams;
use str0m::media::{Mid, Pt};
use str0m::net::Transmit;
use str0m::rtp::RtpWrite;

use super::{Session, TrackState};
use crate::layer_choice::Layer;
use crate::stream::{Incoming, Track};

/// What came together of a publisher.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'a> {
    /// Which publication it is of.
    pub(crate) publication: u64,
    pub(crate) packets: &'a [Incoming],
}

impl Session {
    /// Sends what came together of the publisher to this viewer, where it flows and the viewer knows
    /// its codec. Of the picture it is that encoding which flows, and from its next beginning on the
    /// one that is wanted.
    pub(crate) fn forward(
        &mut self,
        delivery: Delivery<'_>,
        wanted: Option<Layer>,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) {
        let (tracks, sent_bytes) = (&mut self.tracks, &mut self.sent_bytes);
        self.rtc.send(now, out, |rtc| {
            let mut is_anything_written = false;
            for track in tracks {
                let written = track.write(rtc, delivery, wanted, now);
                *sent_bytes += written.unwrap_or(0);
                is_anything_written |= written.is_some();
            }
            is_anything_written
        });
    }

    /// What comes next of a track may not follow from what was.
    pub(crate) fn pause(&mut self, track: Track) {
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|each| each.track == track) {
            track.forwarding.pause();
        }
    }
}

impl TrackState {
    /// Writes what is of this track; how many bytes, none where nothing is.
    fn write(
        &mut self,
        rtc: &mut Rtc,
        delivery: Delivery<'_>,
        wanted: Option<Layer>,
        now: Instant,
    ) -> Option<u64> {
        let (track, mut bytes) = (self.track, None);
        for incoming in delivery.packets.iter().filter(|each| each.track == track) {
            let packet = &incoming.packet;
            let Some(pt) = self.payload_type(rtc, &incoming.params) else {
                continue;
            };
            if !self.takes(incoming, delivery.publication, wanted, now) {
                continue;
            }
            let Some(placed) = self.forwarding.place(packet.seq, packet.time, now) else {
                continue;
            };
            let payload = Arc::clone(&packet.payload);
            let write = RtpWrite::new(pt, placed.seq.into(), placed.time, now, payload)
                .marker(packet.marker)
                .ext_vals(packet.ext_vals.clone())
                .nackable(track == Track::Video);
            let mut api = rtc.direct_api();
            if let Some(stream) = api.stream_tx_by_mid(self.mid, None) {
                stream.write_rtp(write);
                *bytes.get_or_insert(0) += packet.payload.len() as u64;
            }
        }
        bytes
    }

    /// Whether a packet is of the encoding that flows; a beginning of the one that is wanted lets
    /// that flow.
    fn takes(
        &mut self,
        incoming: &Incoming,
        publication: u64,
        wanted: Option<Layer>,
        now: Instant,
    ) -> bool {
        let layer = incoming.layer;
        let wanted = match self.track {
            Track::Audio => 0,
            Track::Video => wanted.unwrap_or(0),
        };
        let flows = self.layer == Some(wanted) && self.forwarding.is_running();
        if incoming.starts && layer == wanted && !flows {
            let at = (incoming.packet.seq, incoming.packet.time);
            let rate = incoming.params.spec().clock_rate.get();
            self.forwarding.begin((publication, layer), at, rate, now);
            self.layer = Some(layer);
        }
        self.layer == Some(layer)
    }

    /// The payload type by which the viewer knows what the publisher sends.
    fn payload_type(&mut self, rtc: &Rtc, source: &PayloadParams) -> Option<Pt> {
        let mut known = self.payload_types.iter();
        if let Some((_, pt)) = known.find(|(theirs, _)| *theirs == source.pt()) {
            return *pt;
        }
        let pt = fitting(rtc, self.mid, source);
        self.payload_types.push((source.pt(), pt));
        pt
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
