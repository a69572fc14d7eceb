//! `str0m::Rtc` in a wrapper that cannot be misused: whatever changes it also drains it.
//!
//! str0m loses what it had to say when it is changed twice without being drained in between, so
//! the bare `Rtc` never leaves this file.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::format::Codec;
use str0m::net::{Receive, Transmit};
use str0m::{Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::options::{Carriage, Options};

/// When a connectivity check is first sent again.
const FIRST_CHECK_RTO: Duration = Duration::from_millis(100);
/// A reply on the path that serves is asked for this often.
const CONSENT_INTERVAL: Duration = Duration::from_secs(1);
/// Checks without a reply, so that a path is dead after five seconds.
const MAX_CHECKS: usize = 7;
/// How often what came is counted.
const STATS_INTERVAL: Duration = Duration::from_secs(1);
/// Steps of a session in one round; what is left has the next.
const MAX_ROUNDS: usize = 64;

/// A WebRTC session that is always drained.
pub(crate) struct DrainedRtc {
    rtc: Rtc,
    wake_at: Instant,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl DrainedRtc {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        let mut this = Self {
            rtc: configuration(options).build(now),
            wake_at: now,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        if let Some(wanted) = options.send_bits_per_second {
            // What is sent again comes on top, and encoders keep their bitrate on average only.
            let wanted = Bitrate::bps(u64::from(wanted) * 3 / 2);
            this.change(now, |rtc| rtc.bwe().set_bitrate(Bitrate::ZERO, wanted));
        }
        this
    }

    /// Changes the session, then lets it act at `now`.
    pub(crate) fn change<T>(&mut self, now: Instant, change: impl FnOnce(&mut Rtc) -> T) -> T {
        let result = change(&mut self.rtc);
        self.drain();
        self.handle_timeout(now);
        result
    }

    /// Looks at the session without changing it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Rtc) -> T) -> T {
        look(&self.rtc)
    }

    /// A packet of the server. What is none of STUN, DTLS, RTP and RTCP is dropped.
    pub(crate) fn handle_packet(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        let Ok(receive) = Receive::new(str0m::net::Protocol::Udp, from, local, bytes) else {
            return;
        };
        let result = self.rtc.handle_input(Input::Receive(now, receive));
        self.note(result);
        self.drain();
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let mut at = now;
        for _ in 0..MAX_ROUNDS {
            let result = self.rtc.handle_input(Input::Timeout(at));
            self.note(result);
            self.drain();
            if self.wake_at > now {
                break;
            }
            at = at.max(self.wake_at);
        }
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        self.wake_at
    }

    /// Whether it can still do anything.
    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.wake_at = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.transmits.push_back(transmit),
                Ok(Output::Event(event)) => self.events.push_back(event),
                Err(error) => return self.note(Err(error)),
            }
        }
    }

    /// An error in one packet is the sender's; a session that died of it is not alive.
    fn note(&mut self, result: Result<(), RtcError>) {
        if let Err(error) = result {
            tracing::debug!(%error, "webrtc");
        }
    }
}

fn configuration(options: &Options) -> RtcConfig {
    let estimate = options.send_bits_per_second;
    let takes = |codec| options.codecs.contains(&codec);
    let mut config = Rtc::builder()
        .set_rtp_mode(options.carriage == Carriage::Packets)
        .enable_bwe(estimate.map(|bits| Bitrate::bps(bits.into())))
        .set_stats_interval(Some(STATS_INTERVAL))
        .clear_codecs()
        .enable_opus(takes(Codec::Opus), false)
        .enable_h264(takes(Codec::H264))
        .enable_vp8(takes(Codec::Vp8))
        .enable_vp9(takes(Codec::Vp9))
        .enable_av1(takes(Codec::Av1));
    config.set_initial_stun_rto(FIRST_CHECK_RTO);
    config.set_max_stun_rto(CONSENT_INTERVAL);
    config.set_max_stun_retransmits(MAX_CHECKS);
    config
}
