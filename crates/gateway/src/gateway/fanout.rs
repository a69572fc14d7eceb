//! From one publisher to everybody who watches: packets, the last key frame, requests for another.

use std::time::Instant;

use protocol::stream::StreamName;
use str0m::rtp::RtpPacket;

use super::Gateway;
use crate::session::SessionKey;
use crate::stream::{Kept, Track};

impl Gateway {
    /// A viewer sees the last key frame at once, and moves on with the next one.
    pub(super) fn show_key_frame(&mut self, key: SessionKey, name: &StreamName, now: Instant) {
        let (Some(viewer), Some(stream)) = (self.sessions.get_mut(&key), self.streams.get(name))
        else {
            return;
        };
        let picture = &stream.picture;
        let (Some(params), Some(first)) = (picture.params, picture.key_frame.first()) else {
            return;
        };
        let rate = params.spec().clock_rate.get();
        if let Some(forwarding) = viewer.forwarding(Track::Video) {
            forwarding.begin(stream.publication, (first.seq, first.time), rate, now);
        }
        for packet in &picture.key_frame {
            viewer.forward(Track::Video, packet, &params, now, &mut self.out);
        }
        if let Some(forwarding) = viewer.forwarding(Track::Video) {
            forwarding.pause();
        }
    }

    /// A packet of a publisher goes to everybody who watches.
    pub(super) fn forward(&mut self, key: SessionKey, packet: &RtpPacket, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        session.received_bytes += packet.payload.len() as u64;
        let (ssrc, pt) = (packet.header.ssrc, packet.header.payload_type);
        let Some((track, params)) = session.track_of(ssrc, pt) else {
            return;
        };
        let Some(stream) = self.streams.get_mut(&session.stream) else {
            return;
        };
        if stream.publisher != Some(key) {
            return;
        }
        stream.codecs.insert(track, params.spec().codec);
        let packet = Kept::new(packet);
        let begins = track == Track::Video && stream.picture.handle_packet(&packet, params);
        let starts = begins || track == Track::Audio;
        let at = (packet.seq, packet.time);
        let rate = params.spec().clock_rate.get();
        for key in &stream.viewers {
            let Some(viewer) = self.sessions.get_mut(key) else {
                continue;
            };
            let Some(forwarding) = viewer.forwarding(track) else {
                continue;
            };
            if starts && !forwarding.is_running() {
                forwarding.begin(stream.publication, at, rate, now);
            }
            viewer.forward(track, &packet, &params, now, &mut self.out);
            self.timers.set(*key, viewer.poll_timeout());
        }
    }

    pub(super) fn want_key_frame(&mut self, name: &StreamName, now: Instant) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.picture.is_wanted = true;
            self.ask_key_frame(name, now);
        }
    }

    pub(super) fn ask_key_frame(&mut self, name: &StreamName, now: Instant) {
        let Some(stream) = self.streams.get_mut(name) else {
            return;
        };
        let Some(key) = stream.publisher else {
            return;
        };
        if stream.picture.ask(now)
            && let Some(publisher) = self.sessions.get_mut(&key)
        {
            publisher.ask_key_frame(now, &mut self.out);
            self.timers.set(key, publisher.poll_timeout());
        }
    }
}
