//! The core: sessions by name, by ICE credentials and by address, and the packets between them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use protocol::stream::StreamName;
use str0m::bwe::BweKind;
use str0m::config::DtlsCert;
use str0m::crypto::from_feature_flags;
use str0m::net::Transmit;

use crate::error::{OfferError, PatchError};
use crate::fragment::Fragment;
use crate::offer::CheckedOffer;
use crate::path::Path;
use crate::recording::{Recorded, Recording};
use crate::session::{NewSession, Reached, Role, Session, SessionId, SessionKey};
use crate::stream::{PathState, Stream};
use fanout::Waiting;
use timers::Timers;

mod demux;
mod ending;
mod fanout;
mod layers;
mod paths;
mod recording;
mod timers;
mod words;

pub use layers::{LayerError, LayerState, TrackLayers};
pub use words::{Answer, Attendance, Ended, Event, Limits, Patched, Settings, Tag};

/// The gateway.
pub struct Gateway {
    settings: Settings,
    cert: DtlsCert,
    streams: BTreeMap<StreamName, Stream>,
    sessions: HashMap<SessionKey, Session>,
    keys_by_id: HashMap<SessionId, SessionKey>,
    keys_by_ufrag: HashMap<String, SessionKey>,
    keys_by_path: HashMap<Path, SessionKey>,
    timers: Timers,
    /// Of the streams that are recorded, published or not.
    recordings: BTreeMap<StreamName, Recording>,
    last_key: u64,
    waiting: Waiting,
    out: VecDeque<Transmit>,
    events: VecDeque<Event>,
    recorded: VecDeque<Recorded>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway without sessions, and with a certificate of its own.
    pub fn new(settings: Settings) -> Self {
        let cert = from_feature_flags()
            .dtls_provider
            .generate_certificate()
            .expect("the crypto provider makes certificates");
        Self {
            settings,
            cert,
            streams: BTreeMap::new(),
            sessions: HashMap::new(),
            keys_by_id: HashMap::new(),
            keys_by_ufrag: HashMap::new(),
            keys_by_path: HashMap::new(),
            timers: Timers::default(),
            recordings: BTreeMap::new(),
            last_key: 0,
            waiting: Waiting::default(),
            out: VecDeque::new(),
            events: VecDeque::new(),
            recorded: VecDeque::new(),
        }
    }

    /// Answers an offer with a session.
    ///
    /// # Errors
    /// What is wrong with the offer, or with its moment.
    pub fn handle_offer(
        &mut self,
        new: NewSession,
        sdp: &str,
        now: Instant,
    ) -> Result<Answer, OfferError> {
        let offer = CheckedOffer::new(sdp, new.role)?;
        let limit = self.settings.limits.sessions;
        if self.sessions.len() >= limit {
            return Err(OfferError::TooManySessions { limit });
        }
        if new.role == Role::Watch && !self.is_published(&new.stream) {
            return Err(OfferError::NothingPublished);
        }
        let id = new.id;
        let stream = self.streams.get(&new.stream);
        let is_layered = stream.is_some_and(|stream| stream.layers.len() > 1);
        let has_choice = new.role == Role::Watch && is_layered;
        let reached = Reached {
            cert: self.cert.clone(),
            addrs: &self.settings.addrs,
            has_choice,
        };
        let lacking = stream.and_then(|stream| stream.codecs_beyond(&offer, new.role));
        let is_counter_offer = lacking.is_some();
        let (session, sdp) = match lacking {
            Some(codecs) => Session::offering(new, offer, &codecs, reached, now, &mut self.out),
            None => Session::new(new, offer, reached, now, &mut self.out)?,
        };
        let tag = session.ufrag.clone();
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        self.keys_by_id.insert(id, key);
        self.keys_by_ufrag.insert(tag.clone(), key);
        self.sessions.insert(key, session);
        self.settle(key, now);
        Ok(Answer {
            sdp,
            is_counter_offer,
            tag,
        })
    }

    /// Takes a viewer's answer to the gateway's own offer.
    ///
    /// # Errors
    /// No such session, none that waits for an answer, or what is wrong with it.
    pub fn handle_answer(
        &mut self,
        (id, stream, role): (SessionId, &StreamName, Role),
        sdp: &str,
        now: Instant,
    ) -> Result<(), PatchError> {
        let key = self.find(id, stream, role).ok_or(PatchError::NoSession)?;
        let session = self.sessions.get_mut(&key).ok_or(PatchError::NoSession)?;
        let taken = session.handle_answer(sdp, now, &mut self.out);
        self.settle(key, now);
        taken
    }

    /// Takes candidates, or restarts ICE (RFC 9725 §4.3).
    ///
    /// # Errors
    /// In this order: no such session, no tag, a tag of an ICE session before, no fragment or one
    /// of another session. The session goes on as it was.
    pub fn handle_patch(
        &mut self,
        (id, stream, role): (SessionId, &StreamName, Role),
        tag: Option<Tag<'_>>,
        fragment: &str,
        now: Instant,
    ) -> Result<Patched, PatchError> {
        let key = self.find(id, stream, role).ok_or(PatchError::NoSession)?;
        let session = self.sessions.get_mut(&key).ok_or(PatchError::NoSession)?;
        let tag = tag.ok_or(PatchError::Untagged)?;
        if tag != Tag::Any && tag != Tag::Exact(&session.ufrag) {
            return Err(PatchError::Stale);
        }
        let fragment = Fragment::parse(fragment)?;
        if session.is_of(&fragment) {
            return Ok(Patched::Trickled);
        }
        if tag != Tag::Any {
            let why = "a=ice-ufrag is not this session's; a restart says If-Match: *";
            return Err(PatchError::Malformed(why.to_owned()));
        }
        let before = session.ufrag.clone();
        let fragment = session.restart(&fragment, now, &mut self.out)?;
        let tag = session.ufrag.clone();
        self.keys_by_ufrag.remove(&before);
        self.keys_by_ufrag.insert(tag.clone(), key);
        self.settle(key, now);
        Ok(Patched::Restarted { fragment, tag })
    }

    /// Whether there is such a session.
    pub fn has_session(&self, id: SessionId, stream: &StreamName, role: Role) -> bool {
        self.find(id, stream, role).is_some()
    }

    /// Whether media of this stream may flow.
    pub fn is_published(&self, stream: &StreamName) -> bool {
        let stream = self.streams.get(stream);
        stream.is_some_and(|stream| stream.publisher.is_some())
    }

    /// Who is at this stream.
    pub fn attendance(&self, stream: &StreamName) -> Attendance {
        let stream = self.streams.get(stream);
        stream.map_or_else(Attendance::default, |stream| Attendance {
            is_published: stream.publisher.is_some(),
            viewers: stream.viewers.len(),
        })
    }

    /// A packet came to the media port; whether it was the gateway's to look at.
    pub fn handle_packet(&mut self, path: Path, bytes: &[u8], now: Instant) -> bool {
        let Some(key) = self.owner(path, bytes) else {
            return false;
        };
        let Some(session) = self.sessions.get_mut(&key) else {
            return false;
        };
        let told = self.out.len();
        session.handle_heard(now);
        session.rtc.handle_packet(path, bytes, now, &mut self.out);
        // Who is answered has shown the session's password.
        if self.out.range(told..).any(|sent| Path::of(sent) == path) {
            self.note_path(path, key);
        }
        self.settle(key, now);
        true
    }

    /// When [`Gateway::handle_timeout`] is due, once there is nothing to send.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.streams.values().filter_map(Stream::poll_timeout);
        let others = self.timers.first().into_iter();
        streams.chain(others.chain(self.recording_timeout())).min()
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.timers.take_due(now) {
            if let Some(session) = self.sessions.get_mut(&key) {
                session.rtc.handle_timeout(now, &mut self.out);
                self.settle(key, now);
            }
        }
        self.handle_recording_timeouts(now);
        let due = |stream: &Stream| stream.poll_timeout().is_some_and(|at| at <= now);
        let streams = self.streams.iter();
        let names: Vec<_> = streams
            .filter(|(_, stream)| due(stream))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.ask_key_frames(&name, now);
            self.drop_orphans(&name, now);
        }
    }

    /// The next datagram to send. What came of a publisher since the last drain leaves now, viewer
    /// by viewer: an owner that hands in all datagrams that it has before it asks saves work.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        while self.out.is_empty() && self.forward_to_next() {}
        self.out.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Every stream that is published.
    pub fn paths(&self) -> Vec<PathState> {
        let state = |key: &SessionKey| self.sessions.get(key).map(Session::state);
        let path = |(name, stream): (&StreamName, &Stream)| PathState {
            name: name.to_string(),
            source: stream.publisher.as_ref().and_then(state),
            codecs: stream.codecs.values().copied().collect(),
            readers: stream.viewers.iter().filter_map(state).collect(),
        };
        self.streams.iter().map(path).collect()
    }

    fn find(&self, id: SessionId, stream: &StreamName, role: Role) -> Option<SessionKey> {
        let key = *self.keys_by_id.get(&id)?;
        let session = self.sessions.get(&key)?;
        (session.stream == *stream && session.role == role).then_some(key)
    }

    /// Lets what happened to a session have its consequences.
    fn settle(&mut self, key: SessionKey, now: Instant) {
        while let Some(event) = self
            .sessions
            .get_mut(&key)
            .and_then(|each| each.rtc.poll_event())
        {
            self.handle_event(key, event, now);
        }
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        match session.over(now) {
            Some(why) => drop(self.end(key, why, now)),
            None => self.timers.set(key, session.poll_timeout()),
        }
    }

    fn handle_event(&mut self, key: SessionKey, event: str0m::Event, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        match event {
            str0m::Event::Connected => self.handle_connected(key, now),
            str0m::Event::RtpPacket(packet) => self.forward(key, &packet, now),
            str0m::Event::KeyframeRequest(_) => {
                let (name, layer) = (session.stream.clone(), session.layer());
                self.want_key_frame(&name, layer.unwrap_or(0), now);
            }
            str0m::Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                session.handle_estimate(estimate.as_u64());
            }
            str0m::Event::MediaEgressStats(stats) => {
                if let Some(loss) = stats.loss {
                    session.handle_loss(stats.mid, f64::from(loss), stats.bytes, now);
                }
            }
            _ => {}
        }
    }

    fn handle_connected(&mut self, key: SessionKey, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if session.connected_at.is_some() {
            return;
        }
        session.handle_connected(now, &mut self.out);
        session.handle_heard(now);
        let (id, name, role) = (session.id, session.stream.clone(), session.role);
        let layers = session.layers().to_vec();
        self.forward_all();
        let stream = self
            .streams
            .entry(name.clone())
            .or_insert_with(|| Stream::new(now));
        match role {
            Role::Publish => {
                let before = stream.publisher;
                stream.begin(key, &layers);
                let is_recorded = self.recordings.contains_key(&name);
                for encoding in &mut stream.layers {
                    encoding.picture.is_wanted |= is_recorded;
                }
                let viewers: Vec<_> = stream.viewers.iter().copied().collect();
                for viewer in viewers {
                    if let Some(viewer) = self.sessions.get_mut(&viewer) {
                        viewer.handle_publication();
                    }
                }
                if let Some(before) = before {
                    self.end(before, "replaced", now);
                }
                self.end_recorded(&name);
            }
            Role::Watch => {
                stream.viewers.insert(key);
                self.show_key_frame(key, &name, now);
            }
        }
        let stream = name;
        self.events.push_back(Event::Connected { id, stream, role });
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests;
