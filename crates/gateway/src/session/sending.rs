//! What a viewer is sent of a publisher's packets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{Mid, Pt};
use str0m::net::Transmit;
use str0m::rtp::RtpWrite;

use super::{Session, TrackState};
use crate::forwarding::Source;
use crate::layer_choice::Layer;
use crate::stream::{Incoming, Kept, Track};

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

/// What a viewer is sent for a packet of the publisher.
enum Share<'a> {
    Nothing,
    It,
    /// A key frame from its beginning, of which it is the end.
    Whole(&'a [Kept]),
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
            let Some(pt) = self.payload_type(rtc, &incoming.params) else {
                continue;
            };
            let packets = match self.share(incoming, delivery.publication, wanted, now) {
                Share::Nothing => &[][..],
                Share::It => std::slice::from_ref(&incoming.packet),
                Share::Whole(packets) => packets,
            };
            let codec = incoming.params.spec().codec;
            for packet in packets {
                if let Some(written) = self.write_packet(rtc, (pt, codec), packet, now) {
                    *bytes.get_or_insert(0) += written;
                }
            }
        }
        bytes
    }

    fn write_packet(
        &mut self,
        rtc: &mut Rtc,
        (pt, codec): (Pt, Codec),
        packet: &Kept,
        now: Instant,
    ) -> Option<u64> {
        let placed = self.forwarding.place(packet.seq, packet.time, now)?;
        let payload = match codec {
            Codec::Vp8 => self.pictures.place(&packet.payload),
            _ => Arc::clone(&packet.payload),
        };
        let bytes = payload.len() as u64;
        let write = RtpWrite::new(pt, placed.seq.into(), placed.time, now, payload)
            .marker(packet.marker)
            .ext_vals(packet.ext_vals.clone())
            .nackable(self.track == Track::Video);
        let mut api = rtc.direct_api();
        api.stream_tx_by_mid(self.mid, None)?.write_rtp(write);
        Some(bytes)
    }

    /// Which packets are to be sent. The encoding that is wanted begins with a key frame; while
    /// another one flows, it does so once that is whole, so that the picture does not stand still
    /// while it comes.
    fn share<'a>(
        &mut self,
        incoming: &'a Incoming,
        publication: u64,
        wanted: Option<Layer>,
        now: Instant,
    ) -> Share<'a> {
        let layer = incoming.layer;
        let wanted = match self.track {
            Track::Audio => 0,
            Track::Video => wanted.unwrap_or(0),
        };
        let flows = self.layer == Some(wanted) && self.forwarding.is_running();
        let source = (publication, layer);
        let rate = incoming.params.spec().clock_rate.get();
        if layer == wanted && !flows {
            let (whole, waits) = (incoming.whole.as_deref(), self.forwarding.is_running());
            if let Some([first, ..]) = whole.filter(|_| waits) {
                self.begin(source, first, rate, now);
                return Share::Whole(whole.unwrap_or_default());
            }
            if incoming.starts {
                // One that began to come before was never whole: packets get lost.
                let is_second = self.began_to_come.replace(layer) == Some(layer);
                if !waits || is_second {
                    self.begin(source, &incoming.packet, rate, now);
                }
            }
        }
        match self.layer == Some(layer) {
            true => Share::It,
            false => Share::Nothing,
        }
    }

    fn begin(&mut self, source: Source, first: &Kept, rate: u32, now: Instant) {
        let at = (first.seq, first.time);
        self.forwarding.begin(source, at, rate, now);
        self.pictures.begin(source);
        self.layer = Some(source.1);
        self.began_to_come = None;
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
