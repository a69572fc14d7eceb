//! `str0m::Rtc` in RTP mode, in a wrapper that cannot be misused: whatever changes it also drains
//! it.
//!
//! str0m loses what it had to say when it is changed twice without being drained in between, so
//! the bare `Rtc` never leaves this file.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::config::DtlsCert;
use str0m::format::Codec;
use str0m::net::{Receive, Transmit};
use str0m::{Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::flight::Flight;
use crate::path::{Address, Path};

/// What a viewer's connection is taken to carry before it has shown it.
const FIRST_ESTIMATE: Bitrate = Bitrate::kbps(800);
/// How often viewers' reports are looked at.
const STATS_INTERVAL: Duration = Duration::from_millis(500);
/// What is due so soon is done at once: less than the clock of the loop tells apart.
const AT_ONCE: Duration = Duration::from_micros(500);
/// Steps of a session in one round; what is left has the next.
const MAX_ROUNDS: usize = 64;

/// A WebRTC session that is always drained.
pub(crate) struct DrainedRtc {
    rtc: Rtc,
    wake_at: Instant,
    flight: Flight,
    /// Where it is reached, as far as str0m was told.
    addrs: Vec<Address>,
    events: VecDeque<Event>,
    estimates: bool,
    is_over: bool,
}

impl DrainedRtc {
    /// A session of these codecs that is reached at these addresses. Where it `estimates` what the
    /// connection carries, it also spreads what is sent over time.
    pub(crate) fn new<'a>(
        cert: DtlsCert,
        addrs: impl IntoIterator<Item = &'a Address>,
        estimates: bool,
        codecs: &[Codec],
        now: Instant,
    ) -> Self {
        let estimate = estimates.then_some(FIRST_ESTIMATE);
        let rtc = configuration(cert, codecs)
            .enable_bwe(estimate)
            .set_stats_interval(estimate.map(|_| STATS_INTERVAL))
            .build(now);
        let mut session = Self {
            rtc,
            wake_at: now,
            flight: Flight::default(),
            addrs: Vec::new(),
            events: VecDeque::new(),
            estimates,
            is_over: false,
        };
        for addr in addrs {
            session.add_address(*addr);
        }
        session
    }

    /// Makes the session reachable at one more address; whether it was not.
    fn add_address(&mut self, addr: Address) -> bool {
        if self.addrs.contains(&addr) {
            return false;
        }
        self.addrs.push(addr);
        if let Some(candidate) = addr.candidate() {
            self.rtc.add_local_candidate(candidate);
        }
        true
    }

    /// Changes the session, then lets it act at `now`: what is written leaves with the next time that
    /// str0m is told.
    pub(crate) fn change<T>(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Transmit>,
        change: impl FnOnce(&mut Rtc) -> T,
    ) -> T {
        let result = change(&mut self.rtc);
        self.drain(now, out);
        self.handle_timeout(now, out);
        result
    }

    /// Writes packets and lets them leave, where `write` says that it wrote any. However many they
    /// are, the session is drained once: written packets stand in a queue, which nothing but the
    /// next time moves on.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Transmit>,
        write: impl FnOnce(&mut Rtc) -> bool,
    ) {
        if write(&mut self.rtc) {
            self.handle_timeout(now, out);
        }
    }

    /// Looks at the session without changing it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Rtc) -> T) -> T {
        look(&self.rtc)
    }

    /// A packet of the client. What is none of STUN, DTLS, RTP and RTCP is dropped.
    pub(crate) fn handle_packet(
        &mut self,
        path: Path,
        bytes: &[u8],
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) {
        let protocol = path.transport.protocol();
        let Ok(receive) = Receive::new(protocol, path.remote, path.local, bytes) else {
            return;
        };
        // An address of ours that nobody named: the end of a tunnel, or of an interface that came
        // later. The system says that it is ours, and str0m answers at known ones only.
        if is_stun(bytes) && self.add_address(path.own_end()) {
            self.drain(now, out);
        }
        self.flight.handle_heard(bytes);
        let result = self.rtc.handle_input(Input::Receive(now, receive));
        self.note(result);
        self.drain(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Transmit>) {
        let mut at = now;
        for _ in 0..MAX_ROUNDS {
            let result = self.rtc.handle_input(Input::Timeout(at));
            self.note(result);
            self.drain(now, out);
            if self.wake_at > now + AT_ONCE {
                break;
            }
            // Where packets are spread over time, each of a burst has a time of its own.
            at = at.max(self.wake_at);
        }
        out.extend(self.flight.handle_timeout(now));
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        let again = self.flight.poll_timeout();
        again.map_or(self.wake_at, |again| again.min(self.wake_at))
    }

    /// Whether what the connection carries is estimated, where the client reports what arrives.
    pub(crate) fn estimates(&self) -> bool {
        self.estimates
    }

    /// Whether nothing helps this session any more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    fn drain(&mut self, now: Instant, out: &mut VecDeque<Transmit>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.wake_at = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    self.flight.handle_sent(&transmit, now);
                    out.push_back(transmit);
                }
                Ok(Output::Event(event)) => {
                    if matches!(event, Event::Connected) {
                        self.flight.end();
                    }
                    self.events.push_back(event);
                }
                Err(error) => return self.note(Err(error)),
            }
        }
    }

    /// An error in one packet is the sender's; a session that died of it is over.
    fn note(&mut self, result: Result<(), RtcError>) {
        if let Err(error) = result {
            tracing::debug!(%error, "webrtc");
        }
        self.is_over |= !self.rtc.is_alive();
    }
}

/// RFC 7983 §7.
fn is_stun(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0..=3))
}

fn configuration(cert: DtlsCert, codecs: &[Codec]) -> RtcConfig {
    let config = Rtc::builder()
        .set_rtp_mode(true)
        .set_ice_lite(true)
        .set_dtls_cert(cert)
        .clear_codecs();
    let enable = |config: RtcConfig, codec: &Codec| match codec {
        Codec::Opus => config.enable_opus(true, false),
        Codec::H264 => config.enable_h264(true),
        Codec::Vp8 => config.enable_vp8(true),
        Codec::Vp9 => config.enable_vp9(true),
        Codec::Av1 => config.enable_av1(true),
        _ => config,
    };
    codecs.iter().fold(config, enable)
}
