//! Lets what happened to a connection have its consequences: events, proofs, replies, paths.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::bwe::BweKind;
use str0m::channel::ChannelId;
use str0m::config::Fingerprint;
use str0m::net::{Protocol, Transmit};
use str0m::stats::PeerStats;

use super::{Connection, ConnectionOutput};
use crate::link::address::IcePolicy;
use crate::link::channels::Label;
use crate::link::gathering::GatheringOutput;
use crate::link::negotiation::Say;
use crate::link::output::{Output, Path, PathEnd};
use crate::link::secure::{Ends, ProofError};
use crate::link::video::VideoEvent;

/// While a path is looked for, checks go out at this pace (RFC 8445 §14.2 asks for at least 5 ms);
/// str0m by itself waits 50 ms between any two.
const CHECK_PACE: Duration = Duration::from_millis(5);

impl Connection {
    /// Lets what happened have its consequences.
    pub(super) fn settle(&mut self, now: Instant) {
        self.handle_outputs(now);
        if self.channels.has_waiting() {
            self.channels.flush(&mut self.rtc, now);
            self.handle_outputs(now);
        }
        self.tell_open();
        self.hear_video();
        self.pace(now);
        self.collect(now);
    }

    /// Tells what is open before the frames that came with it: they may be in one datagram.
    fn tell_open(&mut self) {
        let is_proven = self.secure.is_proven();
        let is_file_open = is_proven && self.channels.is_open(Label::File);
        if is_file_open != self.has_files_open {
            self.has_files_open = is_file_open;
            self.tell_channel(ConnectionOutput::Files(is_file_open), is_file_open);
        }
        let is_llm_open = is_proven && self.channels.is_open(Label::Llm);
        if is_llm_open != self.has_llm_open {
            self.has_llm_open = is_llm_open;
            self.tell_channel(ConnectionOutput::Llm(is_llm_open), is_llm_open);
        }
        if !self.is_open && is_proven && self.channels.is_open(Label::Ctl) {
            self.is_open = true;
            let peer = self.secure.peer_conversation();
            self.outputs.push_front(ConnectionOutput::Opened(peer));
        }
    }

    fn tell_channel(&mut self, told: ConnectionOutput, is_open: bool) {
        if is_open {
            self.outputs.push_front(told);
        } else {
            self.outputs.push_back(told);
        }
    }

    /// What each part says is the others' to hear, until none says anything.
    fn handle_outputs(&mut self, now: Instant) {
        loop {
            if let Some(line) = self.negotiation.poll_candidate() {
                let peer = self.paths.handle_remote(&mut self.rtc, &line, now);
                self.permit(peer, now);
            } else if let Some(event) = self.rtc.poll_event() {
                self.handle_event(event, now);
            } else if let Some(output) = self.gathering.poll_output() {
                self.handle_gathered(output, now);
            } else if let Some(line) = self.paths.poll_trickle() {
                self.negotiation.trickle(&line);
            } else if let Some(transmit) = self.rtc.poll_transmit() {
                self.handle_transmit(transmit, now);
            } else {
                return;
            }
        }
    }

    fn permit(&mut self, peer: Option<IpAddr>, now: Instant) {
        if let Some(peer) = peer {
            self.gathering.permit(peer, now);
        }
    }

    fn handle_gathered(&mut self, output: GatheringOutput, now: Instant) {
        match output {
            GatheringOutput::Found(candidate) => {
                self.paths.add_local(&mut self.rtc, candidate, now)
            }
            GatheringOutput::Lost(candidate) => {
                self.rtc
                    .change(now, |rtc| rtc.direct_api().invalidate_candidate(&candidate));
            }
            GatheringOutput::Received {
                relayed,
                from,
                bytes,
            } => self.handle_packet(relayed, from, &bytes, now),
            GatheringOutput::Order(order) => self.tell(ConnectionOutput::Order(order)),
        }
    }

    /// A packet of the peer came to a socket or a relayed address.
    pub(super) fn handle_packet(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        self.repeats.handle_heard(bytes, now);
        self.checks.handle_heard(local, from, bytes);
        let before = self.channels.unacknowledged(&mut self.rtc);
        self.rtc
            .handle_packet(Protocol::Udp, local, from, bytes, now);
        let after = self.channels.unacknowledged(&mut self.rtc);
        if after == 0 || after < before {
            self.repeats.handle_progress(bytes, after == 0, now);
        }
    }

    fn handle_transmit(&mut self, transmit: Transmit, now: Instant) {
        let (from, to) = (transmit.source, transmit.destination);
        let bytes: Vec<u8> = transmit.contents.into();
        // STUN checks every pair; anything else goes over the one that was selected.
        if bytes.first().is_some_and(|first| *first >= 20) {
            self.selected = Some((from, to));
        }
        // Once more, whatever the candidates were: nothing leaves what the policy allows.
        if self.paths.takes_from(to) {
            self.repeats.handle_sent(from, to, &bytes, now);
            self.checks.handle_sent(from, to, &bytes);
            self.send_packet(from, to, bytes, now);
        }
    }

    pub(super) fn send_packet(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
        now: Instant,
    ) {
        if let Some(bytes) = self.gathering.send(from, to, bytes, now) {
            let order = Output::Datagram { from, to, bytes };
            self.tell(ConnectionOutput::Order(order));
        }
    }

    /// The orders of gathering, when nothing else is left to do.
    pub(super) fn collect_gathering(&mut self) {
        while let Some(output) = self.gathering.poll_output() {
            if let GatheringOutput::Order(order) = output {
                self.tell(ConnectionOutput::Order(order));
            }
        }
    }

    fn handle_event(&mut self, event: str0m::Event, now: Instant) {
        use str0m::Event;
        match event {
            Event::Connected => self.note_reply(now),
            Event::IceConnectionStateChange(state) if state.is_connected() => {
                self.had_path = true;
                if self.rtc.look(Rtc::is_connected) {
                    self.note_reply(now);
                }
            }
            Event::ChannelOpen(id, label) => match self.adopt(id, &label) {
                Some(Label::Noise) => self.prove(now),
                Some(_) => {}
                None => self
                    .rtc
                    .change(now, |rtc| rtc.direct_api().close_data_channel(id)),
            },
            Event::ChannelClose(id) => {
                let is_ctl = self.channels.handle_close(id) == Some(Label::Ctl);
                self.outputs
                    .extend(is_ctl.then_some(ConnectionOutput::Closed));
            }
            Event::ChannelData(message) => {
                let label = self.channels.label(message.id);
                if let Some(label) = label.filter(|_| message.binary) {
                    self.handle_message(label, message.data, now);
                }
            }
            Event::MediaAdded(added) => self.handle_media_added(&added),
            Event::MediaData(data) => self.handle_media(data),
            Event::KeyframeRequest(_) => {
                self.tell(ConnectionOutput::Video(VideoEvent::KeyFrameWanted));
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                let capacity = VideoEvent::Capacity(estimate.as_u64());
                self.tell(ConnectionOutput::Video(capacity));
            }
            Event::PeerStats(stats) => {
                self.meter.take(&stats);
                self.count_replies(&stats, now);
            }
            Event::MediaIngressStats(stats) => self.meter.take_ingress(&stats),
            _ => {}
        }
    }

    /// Takes a channel that this side speaks on.
    fn adopt(&mut self, id: ChannelId, label: &str) -> Option<Label> {
        let label = Label::parse(label)?;
        if label == Label::Llm && !self.settings.has_llm {
            return None;
        }
        self.channels.handle_open(id, label)
    }

    /// The channel `noise` opened: proves the keys on the two certificates that are seen.
    fn prove(&mut self, now: Instant) {
        let hashes = self.rtc.change(now, |rtc| {
            let api = rtc.direct_api();
            let peer = api.remote_dtls_fingerprint().and_then(sha256_of);
            (sha256_of(api.local_dtls_fingerprint()), peer)
        });
        let (Some(own_certificate), Some(peer_certificate)) = hashes else {
            return self.tell(ConnectionOutput::Broken(ProofError::Refused));
        };
        let ends = Ends {
            pair: &self.settings.pair,
            own: &self.settings.own,
            peer: &self.settings.peer,
            own_certificate,
            peer_certificate,
        };
        let first = self.secure.handle_open(&ends, self.random.secret(), now);
        self.say_proof(first, now);
    }

    fn handle_message(&mut self, label: Label, message: Vec<u8>, now: Instant) {
        if label == Label::Noise {
            let answer = self.secure.handle_message(&message);
            self.say_proof(answer, now);
            for (label, message) in self.secure.take_held() {
                self.handle_message(label, message, now);
            }
            return;
        }
        match self.secure.open(label, message) {
            Ok(Some(frame)) => {
                self.repeats.handle_frame();
                self.tell(ConnectionOutput::Frame(label, frame));
            }
            Ok(None) => {}
            Err(error) => self.tell(ConnectionOutput::Broken(error)),
        }
    }

    fn say_proof(&mut self, message: Result<Option<Vec<u8>>, ProofError>, now: Instant) {
        match message {
            Ok(Some(message)) => {
                let sent = self
                    .channels
                    .send(&mut self.rtc, Label::Noise, message, now);
                debug_assert!(
                    sent.is_ok(),
                    "two short messages are all that is ever sent there"
                );
            }
            Ok(None) => {}
            Err(error) => self.tell(ConnectionOutput::Broken(error)),
        }
    }

    pub(super) fn tell(&mut self, output: ConnectionOutput) {
        self.outputs.push_back(output);
    }

    /// A path is alive when the count of replies on it grows; str0m says nothing when one heals.
    fn count_replies(&mut self, stats: &PeerStats, now: Instant) {
        let Some(pair) = &stats.selected_candidate_pair else {
            return;
        };
        let ends = Some((pair.local.addr, pair.remote.addr));
        let replies = (ends, pair.responses_received);
        let is_new = replies.1 > 0 && replies != self.replies;
        self.replies = replies;
        self.selected = ends;
        if let (Some(ends), Some(round_trip)) = (ends, pair.current_round_trip_time) {
            self.channels.window.handle_round_trip(ends, round_trip);
        }
        if is_new && self.rtc.look(Rtc::is_connected) {
            self.note_reply(now);
            if std::mem::take(&mut self.is_path_back) {
                let (from, to) = (pair.local.addr, pair.remote.addr);
                self.repeats.handle_path(from, to, now);
            }
        }
    }

    fn note_reply(&mut self, now: Instant) {
        self.is_path_back |= !self.recovery.is_up();
        self.recovery.handle_reply(now);
        self.tell_path();
    }

    fn tell_path(&mut self) {
        let Some((local, remote)) = self.selected.filter(|_| self.recovery.is_up()) else {
            return;
        };
        let path = self.path(local, remote);
        if self.told_path != Some(path) {
            self.told_path = Some(path);
            self.tell(ConnectionOutput::Path(path));
        }
    }

    /// Names the kinds of both ends.
    pub(super) fn path(&self, local: SocketAddr, remote: SocketAddr) -> Path {
        let near = if self.gathering.is_relayed(local) {
            PathEnd::Relayed
        } else if self.gathering.is_mapped(local) && !is_near(remote) {
            PathEnd::ServerReflexive
        } else {
            PathEnd::Host
        };
        self.paths.describe(near, local, remote)
    }

    /// While a path is looked for, the next check follows soon.
    fn pace(&mut self, now: Instant) {
        let is_checking =
            self.had_remote() && !self.recovery.is_up() && self.rtc.failure().is_none();
        self.pace_at = is_checking.then(|| now + CHECK_PACE);
    }

    fn had_remote(&self) -> bool {
        !self.negotiation.remote_fingerprints().is_empty()
    }

    fn collect(&mut self, now: Instant) {
        while let Some(say) = self.negotiation.poll_say() {
            // Renegotiating over a path that works is no attempt to find one.
            if matches!(say, Say::Describe { .. }) && !self.recovery.is_up() {
                self.recovery.handle_attempt(now);
            }
            self.outputs.push_back(ConnectionOutput::Say(say));
        }
        while let Some(name) = self.paths.poll_lookup() {
            let order = Output::Lookup { host: name };
            self.outputs.push_back(ConnectionOutput::Order(order));
        }
        self.tell_path();
        while let Some(label) = self.channels.poll_writable() {
            self.outputs.push_back(ConnectionOutput::Writable(label));
        }
        if let Some(why) = self.rtc.failure() {
            tracing::debug!(why, "connection over");
            self.outputs.push_back(ConnectionOutput::Dead("closed"));
        }
    }
}

fn sha256_of(fingerprint: &Fingerprint) -> Option<[u8; 32]> {
    let is_sha256 = fingerprint.hash_func.eq_ignore_ascii_case("sha-256");
    is_sha256.then(|| fingerprint.bytes.as_slice().try_into().ok())?
}

/// Whether no NAT of ours is on the way.
fn is_near(remote: SocketAddr) -> bool {
    let includes_cgnat = true;
    IcePolicy::Local { includes_cgnat }.allows(remote.ip())
}
