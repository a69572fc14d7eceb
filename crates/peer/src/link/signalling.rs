//! What the signalling server says, the other device's messages among it.

use std::time::Instant;

use identity::DescriptionKind;
use protocol::http::IceServer;
use protocol::signal::{
    Bye, Candidate, Description, ErrorCode, MAX_SDP_BYTES, Relayed, ServerMessage,
};

use super::LinkCore;
use super::error::{Cause, Refusal};
use super::negotiation::Trickled;
use super::output::{EndedBy, Event, Output};

impl LinkCore {
    /// A message of the signalling server.
    pub fn handle_signal(&mut self, message: ServerMessage, now: Instant) {
        match message {
            ServerMessage::Ready(ready) => {
                self.is_signalling = true;
                self.take_servers(ready.ice_servers, now);
                self.presence(ready.peer.online, now);
            }
            ServerMessage::Peer(presence) => self.presence(presence.online, now),
            ServerMessage::AuthOk(renewed) => self.take_servers(renewed.ice_servers, now),
            ServerMessage::Error(error) if error.code == ErrorCode::PeerOffline => {
                self.presence(false, now);
            }
            // The server fills `from`; what another device says is not for this link.
            ServerMessage::Offer(Relayed { from, message }) if self.is_peer(&from) => {
                self.handle_offer(&message, now);
            }
            ServerMessage::Answer(Relayed { from, message }) if self.is_peer(&from) => {
                self.handle_answer(&message, now);
            }
            ServerMessage::Ice(Relayed { from, message }) if self.is_peer(&from) => {
                self.handle_candidate(message, now);
            }
            ServerMessage::Bye(Relayed { from, message }) if self.is_peer(&from) => {
                self.handle_bye(&message, now);
            }
            _ => {}
        }
        self.settle(now);
    }

    /// The socket to the server is gone; whoever owns it opens another.
    pub fn handle_signalling_lost(&mut self, now: Instant) {
        self.is_signalling = false;
        self.is_peer_online = false;
        let is_up = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.is_up());
        if !is_up {
            self.event(Event::Failed(Cause::SignallingLost));
        }
        self.settle(now);
    }

    /// The server ended the link for good: the device was replaced or the pair revoked.
    pub fn handle_ended(&mut self, by: EndedBy, now: Instant) {
        self.end(by, None, now);
        self.settle(now);
    }

    fn is_peer(&self, from: &protocol::id::DeviceId) -> bool {
        *from == self.signatures.peer_id
    }

    fn take_servers(&mut self, servers: Vec<IceServer>, now: Instant) {
        self.ice_servers = [servers, self.own_ice_servers.clone()].concat();
        if let Some(connection) = &mut self.connection {
            connection.handle_servers(&self.ice_servers, now);
        }
    }

    fn presence(&mut self, is_online: bool, now: Instant) {
        self.is_peer_online = is_online;
        let connection = self.connection.as_ref();
        if is_online {
            self.meet(now);
        } else if self.is_polite && connection.is_some_and(|each| !each.negotiation.has_met()) {
            // What was gathered for an offer that never came is given back.
            self.drop_connection(now);
        }
    }

    fn handle_offer(&mut self, offer: &Description, now: Instant) {
        if let Err(refusal) = self.verify(DescriptionKind::Offer, offer, now) {
            return self.event(Event::Refused(refusal));
        }
        // Another certificate: the peer has begun anew.
        let is_foreign = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.negotiation.is_foreign(&offer.sdp));
        if is_foreign {
            self.drop_connection(now);
        }
        if self.connection.is_none() {
            self.connect(false, now);
        }
        self.laps.offer(now);
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Err(why) = connection.accept_offer(&offer.sdp, now) {
            self.event(Event::Refused(Refusal::Malformed(why)));
        }
    }

    fn handle_answer(&mut self, answer: &Description, now: Instant) {
        if let Err(refusal) = self.verify(DescriptionKind::Answer, answer, now) {
            return self.event(Event::Refused(refusal));
        }
        let Some(connection) = &mut self.connection else {
            return;
        };
        self.laps.answer(now);
        if connection.negotiation.is_foreign(&answer.sdp) {
            self.rebuild("peer-restarted", now);
        } else if let Err(why) = connection.accept_answer(&answer.sdp, now) {
            self.event(Event::Refused(Refusal::Malformed(why)));
            self.rebuild("stuck", now);
        }
    }

    /// Nothing of a description is used before this.
    fn verify(
        &mut self,
        kind: DescriptionKind,
        description: &Description,
        now: Instant,
    ) -> Result<(), Refusal> {
        if description.sdp.len() > MAX_SDP_BYTES {
            return Err(Refusal::Malformed("it is longer than 32 KiB".to_owned()));
        }
        let unix_ms = self.unix_ms(now);
        let offer = self
            .connection
            .as_ref()
            .and_then(|connection| connection.negotiation.offer_sdp());
        let before = self.signatures.peer_ts;
        let offer = offer
            .or(Some(""))
            .filter(|_| kind == DescriptionKind::Answer);
        self.signatures.verify(kind, description, offer, unix_ms)?;
        if self.signatures.peer_ts != before {
            let remembered = Output::RememberPeerTime(self.signatures.peer_ts);
            self.outputs.push_back(remembered);
        }
        Ok(())
    }

    fn handle_candidate(&mut self, candidate: Candidate, now: Instant) {
        let trickled = Trickled {
            line: candidate.candidate,
            ufrag: candidate.ufrag,
        };
        if let Some(connection) = &mut self.connection {
            connection.accept_candidate(trickled, now);
        }
    }

    fn handle_bye(&mut self, bye: &Bye, now: Instant) {
        if bye.reason.as_deref() == Some("noise-failed") {
            self.event(Event::Failed(Cause::NoiseFailed));
        }
        self.drop_connection(now);
        self.meet_at = Some(now + super::REBUILD_WAIT);
    }
}
