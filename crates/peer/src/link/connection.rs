//! One WebRTC connection of a link: its negotiation, paths, channels and recovery.
//! A link outlives its connections.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use protocol::cbor::MAX_BYTES;
use protocol::http::IceServer;
use protocol::id::{DeviceId, PairId};

use super::address::IcePolicy;
use super::channels::{Channels, Full, Label};
use super::checks::{Attempt, Checks};
use super::error::Cause;
use super::gathering::Gathering;
use super::negotiation::{Negotiation, Say, Stuck, Trickled};
use super::output::{Output, Path, StreamId};
use super::paths::Paths;
use super::random::Random;
use super::recovery::{Recovery, Step};
use super::repeats::Repeats;
use super::rtc::DrainedRtc;
use super::secure::{LinkKeys, ProofError, Secure};
use super::statistics::{Meter, Statistics};
use super::video::VideoEvent;
use crate::ctl::Conversation;
use video::Video;

mod settling;
mod video;

/// What a connection orders and tells.
#[derive(Debug)]
pub(super) enum ConnectionOutput {
    Say(Say),
    /// The world's to carry out.
    Order(Output),
    /// Keys are proven (where both sides can) and `ctl` is open; the peer's conversation, where it
    /// named one.
    Opened(Option<Conversation>),
    /// `ctl` is closed.
    Closed,
    /// The channel `file` may be used from here on, or no longer.
    Files(bool),
    /// The channel `llm` may be used from here on, or no longer.
    Llm(bool),
    /// A frame of the peer, out of Noise.
    Frame(Label, Vec<u8>),
    /// A key proof failed or a frame was changed.
    Broken(ProofError),
    Writable(Label),
    Video(VideoEvent),
    /// A path carries the connection, or another one does.
    Path(Path),
    /// No path carries it any more.
    Lost,
    /// An attempt failed; another follows after a pause.
    Failed(Cause),
    /// This connection is beyond help.
    Dead(&'static str),
}

/// What a connection is made of.
pub(super) struct ConnectionSettings {
    pub(super) pair: PairId,
    pub(super) own: DeviceId,
    pub(super) peer: DeviceId,
    pub(super) is_polite: bool,
    /// Whether this side makes the first offer, and opens the channels in it.
    pub(super) is_first: bool,
    /// Told to the peer with the proof of keys.
    pub(super) conversation: Conversation,
    pub(super) policy: IcePolicy,
    /// Control frames run inside Noise where there are keys.
    pub(super) keys: Option<LinkKeys>,
    /// Whether both devices take files.
    pub(super) has_files: bool,
    /// Whether this side speaks on `llm`.
    pub(super) has_llm: bool,
    /// Whether this side sends video.
    pub(super) has_video: bool,
    /// What it is to send live at most, if it is.
    pub(super) live_bits_per_second: Option<u32>,
    /// Randomness of this connection alone.
    pub(super) seed: [u8; 32],
    /// Where the numbers of its streams begin.
    pub(super) first_stream: u64,
}

/// One connection.
pub(super) struct Connection {
    settings: ConnectionSettings,
    secure: Secure,
    rtc: DrainedRtc,
    pub(super) negotiation: Negotiation,
    paths: Paths,
    gathering: Gathering,
    random: Random,
    channels: Channels,
    video: Video,
    recovery: Recovery,
    meter: Meter,
    checks: Checks,
    repeats: Repeats,
    /// A path was found after a while without one, and nothing was made of it yet.
    is_path_back: bool,
    selected: Option<(SocketAddr, SocketAddr)>,
    told_path: Option<Path>,
    replies: (Option<(SocketAddr, SocketAddr)>, u64),
    /// Whether ICE found a path in this attempt.
    had_path: bool,
    pace_at: Option<Instant>,
    /// Whether it was told that frames may flow.
    is_open: bool,
    has_files_open: bool,
    has_llm_open: bool,
    outputs: VecDeque<ConnectionOutput>,
}

impl Connection {
    pub(super) fn new(
        settings: ConnectionSettings,
        sockets: &BTreeSet<SocketAddr>,
        servers: &[IceServer],
        now: Instant,
    ) -> Self {
        let mut rtc = DrainedRtc::new(settings.live_bits_per_second, now);
        let mut random = Random::new(settings.seed);
        let mut paths = Paths::new(settings.policy);
        paths.handle_sockets(&mut rtc, sockets, now);
        let mut gathering = Gathering::new(settings.policy, settings.first_stream);
        gathering.handle_sockets(sockets, &mut random, now);
        gathering.handle_servers(servers, &mut random, now);
        let noise = settings.keys.is_some().then_some(Label::Noise);
        let file = (settings.has_files && settings.keys.is_some()).then_some(Label::File);
        let channels = noise.into_iter().chain([Label::Ctl, Label::Telemetry]);
        let llm = (settings.has_llm && settings.keys.is_some()).then_some(Label::Llm);
        let channels = channels.chain(file).chain(llm);
        let channels = if settings.is_first {
            channels.collect()
        } else {
            Vec::new()
        };
        let mut negotiation = Negotiation::new(settings.is_polite, channels);
        if settings.has_video {
            negotiation.want_video();
        }
        Self {
            negotiation,
            secure: Secure::new(settings.keys.clone(), settings.conversation),
            settings,
            rtc,
            paths,
            gathering,
            random,
            channels: Channels::default(),
            video: Video::new(now),
            recovery: Recovery::new(),
            meter: Meter::default(),
            checks: Checks::default(),
            repeats: Repeats::default(),
            is_path_back: false,
            selected: None,
            told_path: None,
            replies: (None, 0),
            had_path: false,
            pace_at: None,
            is_open: false,
            has_files_open: false,
            has_llm_open: false,
            outputs: VecDeque::new(),
        }
    }

    /// Whether a path carries the connection now.
    pub(super) fn is_up(&self) -> bool {
        self.recovery.is_up()
    }

    pub(super) fn poll_output(&mut self) -> Option<ConnectionOutput> {
        self.outputs.pop_front()
    }

    /// Offers what is wanted, and again what was not answered.
    pub(super) fn resume(&mut self, now: Instant) {
        self.negotiation.resume(&mut self.rtc, now);
        self.settle(now);
    }

    /// Looks for a new path; the one there is serves on meanwhile.
    pub(super) fn restart(&mut self, can_send: bool, now: Instant) {
        self.had_path = false;
        self.checks.handle_restart();
        self.gathering.retry(&mut self.random, now);
        self.negotiation.want_restart();
        if can_send {
            self.negotiation.resume(&mut self.rtc, now);
        }
        self.settle(now);
    }

    pub(super) fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<(), String> {
        let result = self.negotiation.accept_offer(&mut self.rtc, sdp, now);
        self.paths
            .handle_description(self.negotiation.remote_ufrags());
        self.settle(now);
        result
    }

    pub(super) fn accept_answer(&mut self, sdp: &str, now: Instant) -> Result<(), String> {
        let result = self.negotiation.accept_answer(&mut self.rtc, sdp, now);
        self.paths
            .handle_description(self.negotiation.remote_ufrags());
        self.settle_video(now);
        self.settle(now);
        result
    }

    pub(super) fn accept_candidate(&mut self, candidate: Trickled, now: Instant) {
        self.negotiation.accept_candidate(candidate);
        self.settle(now);
    }

    pub(super) fn handle_datagram(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        let is_servers = self.gathering.handle_datagram(local, from, bytes, now);
        if !is_servers && self.paths.takes_from(from) {
            self.handle_packet(local, from, bytes, now);
        }
        self.settle(now);
    }

    /// The sockets that there are now.
    pub(super) fn handle_sockets(&mut self, sockets: &BTreeSet<SocketAddr>, now: Instant) {
        self.paths.handle_sockets(&mut self.rtc, sockets, now);
        self.gathering
            .handle_sockets(sockets, &mut self.random, now);
        self.settle(now);
    }

    /// The STUN and TURN servers to ask from here on.
    pub(super) fn handle_servers(&mut self, servers: &[IceServer], now: Instant) {
        self.gathering
            .handle_servers(servers, &mut self.random, now);
        self.settle(now);
    }

    pub(super) fn handle_found(&mut self, host: &str, addrs: &[IpAddr], now: Instant) {
        self.paths.handle_found(&mut self.rtc, host, addrs, now);
        self.gathering
            .handle_found(host, addrs, &mut self.random, now);
        self.settle(now);
    }

    pub(super) fn handle_stream_open(&mut self, stream: StreamId, local: SocketAddr, now: Instant) {
        self.gathering.handle_stream_open(stream, local, now);
        self.settle(now);
    }

    pub(super) fn handle_stream_data(&mut self, stream: StreamId, bytes: &[u8], now: Instant) {
        self.gathering.handle_stream_data(stream, bytes, now);
        self.settle(now);
    }

    pub(super) fn handle_stream_closed(&mut self, stream: StreamId, now: Instant) {
        self.gathering.handle_stream_closed(stream, now);
        self.settle(now);
    }

    /// Gives its relays back. What it orders now is all that is left to do for it; the number of
    /// the next stream is returned.
    pub(super) fn close(&mut self, now: Instant) -> u64 {
        self.outputs.clear();
        self.gathering.close(now);
        self.collect_gathering();
        self.gathering.next_stream()
    }

    /// Sends a frame; before the keys are proven it is dropped.
    pub(super) fn send(&mut self, label: Label, frame: Vec<u8>, now: Instant) -> Result<(), Full> {
        self.channels.check_room(label, frame.len())?;
        let result = match self.secure.seal(label, frame) {
            Some(message) => self.channels.send(&mut self.rtc, label, message, now),
            None => Ok(()),
        };
        self.settle(now);
        result
    }

    /// Whether a frame of any size would be taken now; once it was not, `Writable` follows.
    pub(super) fn has_room(&mut self, label: Label) -> bool {
        self.channels.check_room(label, MAX_BYTES).is_ok()
    }

    /// What waits here for a channel, in bytes.
    pub(super) fn waiting_bytes(&self, label: Label) -> usize {
        self.channels.waiting_bytes(label)
    }

    pub(super) fn statistics(&self) -> Statistics {
        let path = self.told_path.filter(|_| self.is_up());
        self.meter.read(path, self.channels.sent_bytes())
    }

    pub(super) fn attempt(&self) -> Attempt {
        let refused = self.gathering.refused.as_ref();
        Attempt {
            cause: self.cause(),
            pairs: self.checks.tried(|local, remote| self.path(local, remote)),
            refusal: refused.map(|it| format!("{} {}", it.code, it.reason)),
        }
    }

    /// Whether the peer has all frames that were sent, or cannot be reached.
    pub(super) fn is_flushed(&mut self) -> bool {
        !self.is_up() || self.channels.are_flushed(&mut self.rtc)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [
            self.rtc.poll_timeout(),
            self.gathering.poll_timeout(),
            self.pace_at,
            self.negotiation.poll_timeout(),
            self.secure.poll_timeout(),
            self.recovery.poll_timeout(),
            self.repeats.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn handle_timeout(&mut self, can_send: bool, now: Instant) {
        self.rtc.handle_timeout(now);
        self.gathering.handle_timeout(now);
        if self
            .negotiation
            .handle_timeout(&mut self.rtc, can_send, now)
            == Err(Stuck)
        {
            self.outputs.push_back(ConnectionOutput::Dead("stuck"));
        }
        if let Err(error) = self.secure.handle_timeout(now) {
            self.outputs.push_back(ConnectionOutput::Broken(error));
        }
        while let Some((from, to, bytes)) = self.repeats.poll_transmit(now) {
            self.send_packet(from, to, bytes, now);
        }
        if let Some(step) = self.recovery.handle_timeout(now) {
            self.recover(step, can_send, now);
        }
        self.settle(now);
    }

    fn recover(&mut self, step: Step, can_send: bool, now: Instant) {
        match step {
            Step::Restart => {
                self.told_path = None;
                self.outputs.push_back(ConnectionOutput::Lost);
                self.restart(can_send, now);
            }
            Step::Again => self.restart(can_send, now),
            Step::GiveUp => {
                self.recovery.pause(&mut self.random, now);
                let cause = self.cause();
                self.outputs.push_back(ConnectionOutput::Failed(cause));
                if cause == Cause::DtlsFailed {
                    self.outputs
                        .push_back(ConnectionOutput::Dead("dtls-failed"));
                }
            }
        }
    }

    fn cause(&self) -> Cause {
        if self.had_path {
            Cause::DtlsFailed
        } else if !self.gathering.has_relay()
            && (self.settings.policy == IcePolicy::Relay || self.gathering.relay_failures > 0)
        {
            Cause::RelayRefused
        } else if !self.paths.has_local() {
            Cause::NoCandidates
        } else {
            Cause::ChecksFailed
        }
    }
}
