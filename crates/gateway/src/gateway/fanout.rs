//! From one publisher to everybody who watches: packets, the last key frame, requests for another.
//!
//! What a publisher's datagrams brought waits until the owner asks for what is to be sent; then
//! each viewer gets all of it at once. So a viewer's session is written to and drained once for
//! what came together, and its packets leave one behind the other.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use protocol::stream::StreamName;
use str0m::rtp::RtpPacket;

use super::{Event, Gateway};
use crate::layer_choice::Layer;
use crate::recording::Packet;
use crate::session::{Delivery, SessionKey};
use crate::stream::{Incoming, Kept, Stream, Track};

/// What came together, on its way to one viewer after another.
#[derive(Debug)]
struct Batch {
    stream: StreamName,
    publication: u64,
    packets: Vec<Incoming>,
    /// What each encoding of the picture takes.
    rates: Vec<Option<u64>>,
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
    fn next(
        &mut self,
        streams: &mut BTreeMap<StreamName, Stream>,
        events: &mut VecDeque<Event>,
    ) -> Option<(SessionKey, &Batch)> {
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
            if stream.layers_changed(at) {
                let stream = name.clone();
                events.push_back(Event::Layers { stream });
            }
            let spare = std::mem::take(&mut self.spare);
            self.leaving = Some(Batch {
                stream: name,
                rates: stream.rates(at),
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
        let Some((track, layer, params)) = session.track_of(packet) else {
            return;
        };
        let Some(stream) = self.streams.get_mut(&session.stream) else {
            return;
        };
        if stream.publisher != Some(key) {
            return;
        }
        stream.codecs.insert(track, params.spec().codec);
        if let Some(recording) = self.recordings.get_mut(&session.stream)
            && (track == Track::Audio || recording.takes(layer, &stream.layers, now))
        {
            let format = (params.spec().codec, params.spec().clock_rate.get());
            let packet = Packet::new(packet, now);
            recording.handle_packet(track, format, packet, &mut self.recorded);
        }
        let packet = Kept::new(packet);
        let encoding = stream.layers.get_mut(layer);
        let (starts, whole) = match (track, encoding) {
            (Track::Audio, _) => (true, None),
            (Track::Video, None) => return,
            (Track::Video, Some(encoding)) => {
                encoding.meter.handle_bytes(packet.payload.len(), now);
                let starts = encoding.picture.handle_packet(&packet, params);
                let whole = encoding.rid.and(encoding.picture.ended_by(&packet));
                (starts, whole.map(Arc::from))
            }
        };
        if stream.viewers.is_empty() {
            return;
        }
        if stream.coming.is_empty() {
            let waiting = (session.stream.clone(), now);
            self.waiting.streams.push_back(waiting);
        }
        stream.coming.push(Incoming {
            track,
            layer,
            params,
            starts,
            whole,
            packet,
        });
    }

    /// Passes what waits on to the next viewer; whether there was one.
    pub(super) fn forward_to_next(&mut self) -> bool {
        let next = self.waiting.next(&mut self.streams, &mut self.events);
        let Some((key, batch)) = next else {
            return false;
        };
        let Some(viewer) = self.sessions.get_mut(&key) else {
            return true;
        };
        let (now, before) = (batch.at, viewer.layer());
        let delivery = Delivery {
            publication: batch.publication,
            packets: &batch.packets,
        };
        let wanted = viewer.want_layer(&batch.rates, now);
        viewer.forward(delivery, wanted, now, &mut self.out);
        viewer.try_for_more(wanted, &batch.rates, now, &mut self.out);
        self.timers.set(key, viewer.poll_timeout());
        let changed = viewer.layer().filter(|layer| before != Some(*layer));
        let (lacking, name) = (viewer.lacks(wanted), batch.stream.clone());
        if let Some(layer) = changed {
            self.tell_layer(key, layer);
        }
        if let Some(layer) = lacking {
            self.want_key_frame(&name, layer, now);
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
        let wanted = viewer.want_layer(&stream.rates(now), now).unwrap_or(0);
        if let Some((layer, picture)) = stream.key_frame(wanted)
            && let Some(params) = picture.params
        {
            let key_frame = picture.key_frame.iter().enumerate();
            let packets: Vec<_> = key_frame
                .map(|(index, packet)| Incoming {
                    track: Track::Video,
                    layer,
                    params,
                    starts: index == 0,
                    whole: None,
                    packet: packet.clone(),
                })
                .collect();
            let delivery = Delivery {
                publication: stream.publication,
                packets: &packets,
            };
            viewer.forward(delivery, Some(layer), now, &mut self.out);
            viewer.pause(Track::Video);
            self.tell_layer(key, layer);
        }
        self.want_key_frame(name, wanted, now);
    }

    /// A viewer has nothing of this encoding to go on from.
    pub(super) fn want_key_frame(&mut self, name: &StreamName, layer: Layer, now: Instant) {
        let stream = self.streams.get_mut(name);
        if let Some(encoding) = stream.and_then(|stream| stream.layers.get_mut(layer)) {
            encoding.picture.is_wanted = true;
            self.ask_key_frames(name, now);
        }
    }

    /// Asks for the key frames that are wanted, where it is time.
    pub(super) fn ask_key_frames(&mut self, name: &StreamName, now: Instant) {
        let Some(stream) = self.streams.get_mut(name) else {
            return;
        };
        let publisher = stream
            .publisher
            .and_then(|key| Some((key, self.sessions.get_mut(&key)?)));
        let Some((key, publisher)) = publisher else {
            return;
        };
        for encoding in &mut stream.layers {
            if encoding.picture.ask(now) {
                publisher.ask_key_frame(encoding.rid, now, &mut self.out);
                self.timers.set(key, publisher.poll_timeout());
            }
        }
    }
}
