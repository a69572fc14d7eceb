//! From one publisher to everybody who watches: packets, the last key frame, requests for another.
//!
//! What a publisher's datagrams brought waits until the owner asks for what is to be sent; then
//! each viewer gets all of it at once. So a viewer's session is written to and drained once for
//! what came together, and its packets leave one behind the other.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use protocol::stream::StreamName;
use str0m::rtp::RtpPacket;

use super::Gateway;
use crate::session::SessionKey;
use crate::stream::{Incoming, Kept, Stream, Track};

/// What came together, on its way to one viewer after another.
#[derive(Debug)]
struct Batch {
    publication: u64,
    packets: Vec<Incoming>,
    viewers: Vec<SessionKey>,
    at: Instant,
}

/// Packets that came and have not been passed on.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Streams that packets wait for, the latest last, with when it was.
    streams: VecDeque<(StreamName, Instant)>,
    leaving: Option<Batch>,
    /// Room for the packets of a batch to come.
    spare: Vec<Incoming>,
}

impl Waiting {
    /// The next viewer who gets what waits, and what it is.
    fn next(&mut self, streams: &mut BTreeMap<StreamName, Stream>) -> Option<(SessionKey, &Batch)> {
        loop {
            let viewer = self.leaving.as_mut().and_then(|batch| batch.viewers.pop());
            if let Some(key) = viewer {
                return Some((key, self.leaving.as_ref()?));
            }
            if let Some(done) = self.leaving.take() {
                self.spare = done.packets;
                self.spare.clear();
            }
            let (name, at) = self.streams.pop_front()?;
            let Some(stream) = streams.get_mut(&name) else {
                continue;
            };
            let spare = std::mem::take(&mut self.spare);
            self.leaving = Some(Batch {
                publication: stream.publication,
                packets: std::mem::replace(&mut stream.coming, spare),
                viewers: stream.viewers.iter().rev().copied().collect(),
                at,
            });
        }
    }
}

impl Gateway {
    /// A packet of a publisher is to go to everybody who watches.
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
        if stream.viewers.is_empty() {
            return;
        }
        if stream.coming.is_empty() {
            let waiting = (session.stream.clone(), now);
            self.waiting.streams.push_back(waiting);
        }
        stream.coming.push(Incoming {
            track,
            params,
            starts: begins || track == Track::Audio,
            packet,
        });
    }

    /// Passes what waits on to the next viewer; whether there was one.
    pub(super) fn forward_to_next(&mut self) -> bool {
        let Some((key, batch)) = self.waiting.next(&mut self.streams) else {
            return false;
        };
        if let Some(viewer) = self.sessions.get_mut(&key) {
            viewer.forward(batch.publication, &batch.packets, batch.at, &mut self.out);
            self.timers.set(key, viewer.poll_timeout());
        }
        true
    }

    /// Passes on everything that waits, before who watches or publishes changes.
    pub(super) fn forward_all(&mut self) {
        while self.forward_to_next() {}
    }

    /// A viewer sees the last key frame at once, and moves on with the next one.
    pub(super) fn show_key_frame(&mut self, key: SessionKey, name: &StreamName, now: Instant) {
        let (Some(viewer), Some(stream)) = (self.sessions.get_mut(&key), self.streams.get(name))
        else {
            return;
        };
        let picture = &stream.picture;
        let Some(params) = picture.params else {
            return;
        };
        let key_frame = picture.key_frame.iter().enumerate();
        let packets: Vec<_> = key_frame
            .map(|(index, packet)| Incoming {
                track: Track::Video,
                params,
                starts: index == 0,
                packet: packet.clone(),
            })
            .collect();
        viewer.forward(stream.publication, &packets, now, &mut self.out);
        viewer.pause(Track::Video);
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
