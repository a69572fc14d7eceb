//! The WebSockets of a world: opened, carried, cut, noticed.

use std::time::{Duration, Instant};

use protocol::id::AccountId;
use signalling::{LinkGrant, SocketId};

use super::{Event, World};
use crate::leg::Leg;

/// How long a peer waits before it opens another socket.
const BACKOFF: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(3);
/// Tokens here outlive every run; their expiry is the hub's own tests'.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

impl World {
    pub(super) fn connect(&mut self, peer: usize) {
        let now = self.schedule.now();
        self.sockets_so_far += 1;
        let socket = SocketId(self.sockets_so_far);
        let state = &mut self.peers[peer];
        state.handle_open(socket);
        let grant = LinkGrant {
            device: state.device.clone(),
            pair: state.pair.clone(),
            account: AccountId::from_bytes(&[0; 16]),
            kid: "kid".to_owned(),
            expires: now + TOKEN_LIFE,
        };
        self.legs.insert(socket, Leg::new(peer, now));
        self.hub.handle_link_opened(socket, grant, now);
    }

    /// The network fails: what is under way is lost, and both ends notice later or never.
    pub(super) fn cut(&mut self, peer: usize) {
        let Some(socket) = self.peers[peer].socket else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&socket).filter(|leg| !leg.is_cut) else {
            return;
        };
        leg.is_cut = true;
        let delay = self.random.span(&self.weather.notice);
        self.schedule.after(delay, Event::PeerNotices { socket });
        if !self.random.chance(self.weather.half_open_percent) {
            let delay = self.random.span(&self.weather.notice);
            self.schedule.after(delay, Event::HubNotices { socket });
        }
    }

    /// The peer knows that its socket is gone, and opens another unless its pair is over.
    pub(super) fn lose(&mut self, socket: SocketId) {
        let Some(leg) = self.legs.remove(&socket) else {
            return;
        };
        let peer = &mut self.peers[leg.peer];
        if peer.socket == Some(socket) {
            peer.handle_closed();
            if !peer.errors.iter().any(|code| code == "revoked") {
                let delay = self.random.span(&BACKOFF);
                self.schedule
                    .after(delay, Event::Connect { peer: leg.peer });
            }
        }
    }

    pub(super) fn deliver(&mut self, socket: SocketId, text: &str) {
        let Some(leg) = self.legs.get(&socket).filter(|leg| !leg.is_cut) else {
            return;
        };
        let peer = leg.peer;
        if self.peers[peer].socket == Some(socket) {
            self.peers[peer].handle_text(text);
            self.flush(peer);
        }
    }

    /// Sends what a peer wants to say.
    pub(super) fn flush(&mut self, peer: usize) {
        let now = self.schedule.now();
        while let Some(text) = self.peers[peer].poll_text() {
            let Some(socket) = self.peers[peer].socket else {
                continue;
            };
            let Some(leg) = self.legs.get_mut(&socket) else {
                continue;
            };
            let at = leg.up(now, &self.weather.line, &mut self.random);
            self.schedule.at(at, Event::ToHub { socket, text });
        }
    }

    /// When something sent to the peer arrives; never on a cut leg.
    pub(super) fn down(&mut self, socket: SocketId) -> Option<Instant> {
        let now = self.schedule.now();
        let leg = self.legs.get_mut(&socket).filter(|leg| !leg.is_cut)?;
        Some(leg.down(now, &self.weather.line, &mut self.random))
    }

    pub(super) fn is_whole(&self, socket: SocketId) -> bool {
        self.legs.get(&socket).is_some_and(|leg| !leg.is_cut) && !self.over.contains(&socket)
    }

    pub(super) fn assert_open(&self, socket: SocketId) {
        assert!(
            !self.over.contains(&socket),
            "{socket:?} was ordered about after its end"
        );
    }
}
