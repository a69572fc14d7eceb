//! The core: sessions by name, by ICE credentials and by address, and the packets between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use protocol::stream::StreamName;
use str0m::config::DtlsCert;
use str0m::crypto::from_feature_flags;
use str0m::net::Transmit;
use str0m::rtp::RtpPacket;

use crate::error::{OfferError, PatchError};
use crate::fragment::Fragment;
use crate::offer::CheckedOffer;
use crate::session::{NewSession, Role, Session, SessionId, SessionKey};
use crate::stream::{Kept, ORPHAN_LIFETIME, PathState, Stream, Track};
use timers::Timers;

mod demux;
mod timers;

/// What the gateway is told at start.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where its media is reached: host candidates, the one to be tried first at the front.
    pub addrs: Vec<SocketAddr>,
    /// What clients may hold.
    pub limits: Limits,
}

/// What clients may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions, publishers and viewers together.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 1024 }
    }
}

/// The answer to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// SDP.
    pub sdp: String,
    /// The entity tag of the ICE session, without quotes.
    pub tag: String,
}

/// What a PATCH says that it is for (`If-Match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag<'a> {
    /// Whatever ICE session there is: a restart.
    Any,
    /// The ICE session of this tag.
    Exact(&'a str),
}

/// What became of a PATCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// Candidates were taken note of.
    Trickled,
    /// ICE begins anew.
    Restarted {
        /// The server's side of it, `application/trickle-ice-sdpfrag`.
        fragment: String,
        /// The tag of the new ICE session.
        tag: String,
    },
}

/// What whoever runs the gateway wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Media may flow.
    Connected {
        /// The session.
        id: SessionId,
        /// Its stream.
        stream: StreamName,
        /// What it is for.
        role: Role,
    },
    /// A session is over.
    Ended(Ended),
}

/// A session that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub id: SessionId,
    /// Its stream.
    pub stream: StreamName,
    /// What it was for.
    pub role: Role,
    /// Why, in a word or two that metrics may count by.
    pub why: &'static str,
}

/// The gateway.
pub struct Gateway {
    settings: Settings,
    cert: DtlsCert,
    streams: BTreeMap<StreamName, Stream>,
    sessions: HashMap<SessionKey, Session>,
    keys_by_id: HashMap<SessionId, SessionKey>,
    keys_by_ufrag: HashMap<String, SessionKey>,
    keys_by_addr: HashMap<SocketAddr, SessionKey>,
    timers: Timers,
    last_key: u64,
    out: VecDeque<Transmit>,
    events: VecDeque<Event>,
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
            keys_by_addr: HashMap::new(),
            timers: Timers::default(),
            last_key: 0,
            out: VecDeque::new(),
            events: VecDeque::new(),
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
        let reached = (self.cert.clone(), self.settings.addrs.as_slice());
        let (session, sdp) = Session::new(new, offer, reached, now, &mut self.out)?;
        let tag = session.ufrag.clone();
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        self.keys_by_id.insert(id, key);
        self.keys_by_ufrag.insert(tag.clone(), key);
        self.sessions.insert(key, session);
        self.settle(key, now);
        Ok(Answer { sdp, tag })
    }

    /// Takes candidates, or restarts ICE (RFC 9725 §4.3).
    ///
    /// # Errors
    /// No such session, a tag of an ICE session before, or a fragment of another one. The session
    /// goes on as it was.
    pub fn handle_patch(
        &mut self,
        (id, stream, role): (SessionId, &StreamName, Role),
        tag: Tag<'_>,
        fragment: &Fragment,
        now: Instant,
    ) -> Result<Patched, PatchError> {
        let key = self.find(id, stream, role).ok_or(PatchError::NoSession)?;
        let session = self.sessions.get_mut(&key).ok_or(PatchError::NoSession)?;
        if tag != Tag::Any && tag != Tag::Exact(&session.ufrag) {
            return Err(PatchError::Stale);
        }
        if session.is_of(fragment) {
            return Ok(Patched::Trickled);
        }
        if tag != Tag::Any {
            let why = "a=ice-ufrag is not this session's; a restart says If-Match: *";
            return Err(PatchError::Malformed(why.to_owned()));
        }
        let before = session.ufrag.clone();
        let fragment = session.restart(fragment, now, &mut self.out)?;
        let tag = session.ufrag.clone();
        self.keys_by_ufrag.remove(&before);
        self.keys_by_ufrag.insert(tag.clone(), key);
        self.settle(key, now);
        Ok(Patched::Restarted { fragment, tag })
    }

    /// Ends a session at its client's wish; whether there was one.
    pub fn handle_delete(
        &mut self,
        id: SessionId,
        stream: &StreamName,
        role: Role,
        now: Instant,
    ) -> bool {
        let key = self.find(id, stream, role);
        key.is_some_and(|key| self.end(key, "deleted", now))
    }

    /// Ends a session at the operator's wish; whether there was one.
    pub fn kick(&mut self, id: SessionId, now: Instant) -> bool {
        let key = self.keys_by_id.get(&id).copied();
        key.is_some_and(|key| self.end(key, "kicked", now))
    }

    /// Ends every session that was opened by this right, which was revoked.
    pub fn revoke(&mut self, holder: &str, now: Instant) {
        self.end_all("revoked", now, |session| {
            session.holders.iter().any(|held| held == holder)
        });
    }

    /// Ends every session of a stream that is no more.
    pub fn forget(&mut self, stream: &StreamName, now: Instant) {
        self.end_all("forgotten", now, |session| session.stream == *stream);
    }

    /// Ends the sessions of those who watched because anybody might.
    pub fn close_to_strangers(&mut self, stream: &StreamName, now: Instant) {
        self.end_all("not public", now, |session| {
            session.stream == *stream && session.holders.is_empty()
        });
    }

    fn end_all(&mut self, why: &'static str, now: Instant, is_meant: impl Fn(&Session) -> bool) {
        let sessions = self.sessions.iter();
        let meant: Vec<_> = sessions
            .filter(|(_, session)| is_meant(session))
            .map(|(key, _)| *key)
            .collect();
        for key in meant {
            self.end(key, why, now);
        }
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

    /// A datagram came to the media port; whether it was the gateway's to look at.
    pub fn handle_datagram(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) -> bool {
        let Some(key) = self.owner(from, bytes) else {
            return false;
        };
        let Some(session) = self.sessions.get_mut(&key) else {
            return false;
        };
        let told = self.out.len();
        session.handle_heard(now);
        session
            .rtc
            .handle_packet(local, from, bytes, now, &mut self.out);
        // Who is answered has shown the session's password.
        if self.out.range(told..).any(|sent| sent.destination == from) {
            self.keys_by_addr.insert(from, key);
        }
        self.settle(key, now);
        true
    }

    /// When [`Gateway::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.streams.values().filter_map(Stream::poll_timeout);
        streams.chain(self.timers.first()).min()
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.timers.take_due(now) {
            if let Some(session) = self.sessions.get_mut(&key) {
                session.rtc.handle_timeout(now, &mut self.out);
                self.settle(key, now);
            }
        }
        let due = |stream: &Stream| stream.poll_timeout().is_some_and(|at| at <= now);
        let streams = self.streams.iter();
        let names: Vec<_> = streams
            .filter(|(_, stream)| due(stream))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.ask_key_frame(&name, now);
            self.drop_orphans(&name, now);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
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
                let name = session.stream.clone();
                self.want_key_frame(&name, now);
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
        let stream = self
            .streams
            .entry(name.clone())
            .or_insert_with(|| Stream::new(now));
        match role {
            Role::Publish => {
                let before = stream.publisher;
                stream.begin(key);
                let viewers: Vec<_> = stream.viewers.iter().copied().collect();
                for viewer in viewers {
                    if let Some(viewer) = self.sessions.get_mut(&viewer) {
                        viewer.handle_publication();
                    }
                }
                if let Some(before) = before {
                    self.end(before, "replaced", now);
                }
            }
            Role::Watch => {
                stream.viewers.insert(key);
                self.show_key_frame(key, &name, now);
                self.want_key_frame(&name, now);
            }
        }
        let stream = name;
        self.events.push_back(Event::Connected { id, stream, role });
    }

    /// A viewer sees the last key frame at once, and moves on with the next one.
    fn show_key_frame(&mut self, key: SessionKey, name: &StreamName, now: Instant) {
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
    fn forward(&mut self, key: SessionKey, packet: &RtpPacket, now: Instant) {
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

    fn want_key_frame(&mut self, name: &StreamName, now: Instant) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.picture.is_wanted = true;
            self.ask_key_frame(name, now);
        }
    }

    fn ask_key_frame(&mut self, name: &StreamName, now: Instant) {
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

    /// Viewers do not wait for ever.
    fn drop_orphans(&mut self, name: &StreamName, now: Instant) {
        let Some(stream) = self.streams.get(name) else {
            return;
        };
        let since = stream.orphaned_at.filter(|at| *at + ORPHAN_LIFETIME <= now);
        if since.is_none() {
            return;
        }
        let viewers: BTreeSet<_> = stream.viewers.clone();
        for viewer in viewers {
            self.end(viewer, "not published", now);
        }
        self.streams.remove(name);
    }

    /// Ends a session; whether there was one.
    fn end(&mut self, key: SessionKey, why: &'static str, now: Instant) -> bool {
        let Some(mut session) = self.sessions.remove(&key) else {
            return false;
        };
        session.close(now, &mut self.out);
        self.keys_by_id.remove(&session.id);
        self.keys_by_ufrag.remove(&session.ufrag);
        self.keys_by_addr.retain(|_, owner| *owner != key);
        self.timers.remove(key);
        if let Some(stream) = self.streams.get_mut(&session.stream) {
            stream.viewers.remove(&key);
            if stream.publisher == Some(key) {
                stream.end(now);
            }
            if stream.publisher.is_none() && stream.viewers.is_empty() {
                self.streams.remove(&session.stream);
            }
        }
        let (id, stream, role) = (session.id, session.stream, session.role);
        let ended = Ended {
            id,
            stream,
            role,
            why,
        };
        self.events.push_back(Event::Ended(ended));
        true
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests;
