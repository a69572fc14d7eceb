//! The life of a link: connections made, lost and made anew, and what each of them says.

use std::time::Instant;

use identity::DescriptionKind;
use protocol::signal::{Bye, Candidate, ClientMessage};

use super::channels::Label;
use super::connection::{Connection, ConnectionOutput, ConnectionSettings};
use super::error::Cause;
use super::llm::LlmEvent;
use super::negotiation::Say;
use super::output::{EndedBy, Event, Output, Phase};
use super::secure::ProofError;
use super::statistics::{Laps, Statistics};
use super::{LinkCore, MAX_LATE_PROOFS, REBUILD_WAIT};

impl LinkCore {
    pub(super) fn can_send(&self) -> bool {
        self.is_signalling && self.is_peer_online
    }

    pub(super) fn unix_ms(&self, now: Instant) -> u64 {
        let (at, unix_ms) = self.clock;
        let since_ms = now.saturating_duration_since(at).as_millis();
        unix_ms + u64::try_from(since_ms).unwrap_or(0)
    }

    /// Both are at the server: the impolite side offers, first or anew.
    pub(super) fn meet(&mut self, now: Instant) {
        if !self.can_send() {
            return;
        }
        match &mut self.connection {
            // The polite side has its addresses ready when the offer comes.
            None => self.connect(!self.is_polite, now).resume(now),
            Some(connection) if self.is_polite => connection.resume(now),
            Some(connection) => connection.restart(true, now),
        }
    }

    /// `is_first` where this side makes the first offer.
    pub(super) fn connect(&mut self, is_first: bool, now: Instant) -> &mut Connection {
        let settings = ConnectionSettings {
            pair: self.signatures.pair_id.clone(),
            own: self.signatures.own.thumbprint(),
            peer: self.signatures.peer_id.clone(),
            is_polite: self.is_polite,
            is_first,
            conversation: self.conversation,
            policy: self.policy,
            keys: self.keys.clone(),
            has_video: self.has_video,
            live_bits_per_second: self.live_bits_per_second,
            has_files: self.has_files,
            has_llm: self.has_llm,
            seed: self.random.secret(),
            first_stream: self.next_stream,
        };
        self.laps = Laps::default();
        let connection = Connection::new(settings, &self.sockets, &self.ice_servers, now);
        self.connection.insert(connection)
    }

    /// Makes another connection; only the impolite side can begin it.
    pub(super) fn rebuild(&mut self, reason: &str, now: Instant) {
        self.drop_connection(now);
        if self.is_polite {
            self.bye(reason);
        } else if reason == "peer-restarted" {
            self.meet(now);
        } else {
            self.meet_at = Some(now + REBUILD_WAIT);
        }
    }

    /// A failed key proof: time may have been lost to the network, anything else is final.
    fn handle_broken(&mut self, error: ProofError, now: Instant) {
        self.failed_proofs += 1;
        self.event(Event::Failed(Cause::NoiseFailed));
        if error == ProofError::TimedOut && self.failed_proofs < MAX_LATE_PROOFS {
            self.rebuild("noise-timeout", now);
        } else {
            self.end(EndedBy::Refused, Some("noise-failed"), now);
        }
    }

    pub(super) fn drop_connection(&mut self, now: Instant) {
        self.last_statistics = Statistics {
            path: None,
            ..self.statistics()
        };
        self.last_attempt = self.attempt();
        self.is_open = false;
        self.files.handle_closed();
        self.handle_llm(false);
        self.report_at = None;
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        self.next_stream = connection.close(now);
        while let Some(output) = connection.poll_output() {
            self.handle_output(output, now);
        }
    }

    pub(super) fn end(&mut self, by: EndedBy, reason: Option<&str>, now: Instant) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        if let Some(reason) = reason {
            self.bye(reason);
        }
        self.meet_at = None;
        self.closing = None;
        self.drop_connection(now);
        self.hush(now);
        self.is_signalling = false;
        self.become_phase(Phase::Ended(by));
    }

    fn bye(&mut self, reason: &str) {
        self.signal(ClientMessage::Bye(Bye {
            pair_id: self.pair_id(),
            reason: Some(reason.to_owned()),
        }));
    }

    fn signal(&mut self, message: ClientMessage) {
        self.outputs.push_back(Output::Signal(message));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn pair_id(&self) -> String {
        self.signatures.pair_id.as_str().to_owned()
    }

    pub(super) fn settle(&mut self, now: Instant) {
        loop {
            self.talk(now);
            self.share(now);
            let Some(output) = self.connection.as_mut().and_then(Connection::poll_output) else {
                break;
            };
            self.handle_output(output, now);
        }
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.become_phase(self.current_phase());
        self.finish(now);
    }

    /// Ends a link that is to be closed once nothing is on its way any more.
    fn finish(&mut self, now: Instant) {
        let Some((_, until)) = &self.closing else {
            return;
        };
        let is_late = *until <= now;
        let connection = self.connection.as_mut();
        if is_late || connection.is_none_or(Connection::is_flushed) {
            let reason = self.closing.take().map(|(reason, _)| reason);
            self.end(EndedBy::Closed, reason.as_deref(), now);
            self.settle(now);
        }
    }

    fn handle_output(&mut self, output: ConnectionOutput, now: Instant) {
        match output {
            ConnectionOutput::Say(say) => self.tell_peer(say, now),
            ConnectionOutput::Order(order) => self.outputs.push_back(order),
            ConnectionOutput::Opened(peer) => {
                self.is_open = true;
                self.was_open = true;
                self.failed_proofs = 0;
                self.converse(peer, now);
                self.event(Event::SetUp(self.laps.open(now)));
            }
            ConnectionOutput::Closed => self.rebuild("closed", now),
            ConnectionOutput::Broken(error) => self.handle_broken(error, now),
            ConnectionOutput::Lost => {}
            ConnectionOutput::Files(true) => self.files.handle_opened(),
            ConnectionOutput::Files(false) => self.files.handle_closed(),
            ConnectionOutput::Llm(is_open) => self.handle_llm(is_open),
            ConnectionOutput::Frame(Label::File, frame) => self.files.handle_frame(&frame),
            ConnectionOutput::Frame(Label::Llm, message) => {
                self.event(Event::Llm(LlmEvent::Message(message)));
            }
            ConnectionOutput::Frame(_, frame) => self.handle_frame(&frame, now),
            // Asked for again with every other change.
            ConnectionOutput::Writable(Label::File) => {}
            ConnectionOutput::Writable(label) => self.event(Event::Writable(label)),
            ConnectionOutput::Video(event) => self.event(event.into()),
            ConnectionOutput::Path(path) => {
                self.laps.connect(now);
                if let Some(ctl) = &mut self.ctl {
                    ctl.handle_path(now);
                }
                self.event(Event::Path(path));
            }
            ConnectionOutput::Failed(cause) => self.event(Event::Failed(cause)),
            ConnectionOutput::Dead(reason) => self.rebuild(reason, now),
        }
    }

    fn tell_peer(&mut self, say: Say, now: Instant) {
        let message = match say {
            Say::Describe { kind, sdp, offer } => {
                let unix_ms = self.unix_ms(now);
                let signed = self.signatures.sign(kind, sdp, offer.as_deref(), unix_ms);
                let remembered = Output::RememberOwnTime(self.signatures.own_ts);
                self.outputs.push_back(remembered);
                match kind {
                    DescriptionKind::Offer => {
                        self.laps.offer(now);
                        ClientMessage::Offer(signed)
                    }
                    DescriptionKind::Answer => {
                        self.laps.answer(now);
                        ClientMessage::Answer(signed)
                    }
                }
            }
            Say::Candidate(candidate) => ClientMessage::Ice(Candidate {
                pair_id: self.pair_id(),
                candidate: candidate.line,
                mid: None,
                ufrag: candidate.ufrag,
            }),
        };
        self.signal(message);
    }

    fn current_phase(&self) -> Phase {
        let Some(connection) = &self.connection else {
            return if !self.is_signalling {
                Phase::Signalling
            } else if self.is_peer_online {
                Phase::Connecting
            } else {
                Phase::Waiting
            };
        };
        if self.is_open {
            if connection.is_up() {
                Phase::Open
            } else {
                Phase::Reconnecting
            }
        } else if connection.is_up() {
            Phase::Securing
        } else if self.was_open && self.is_peer_online {
            Phase::Reconnecting
        } else {
            Phase::Connecting
        }
    }

    fn become_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.event(Event::Phase(phase));
        }
    }
}
