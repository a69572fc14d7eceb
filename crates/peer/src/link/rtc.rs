//! `str0m::Rtc` in a wrapper that cannot be misused: whatever changes it also drains it.
//!
//! str0m loses what it had to say when it is changed twice without being drained in between, so
//! the bare `Rtc` never leaves this file.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::channel::ChannelId;
use str0m::config::DtlsVersion;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::Extension;
use str0m::{Event, Input, Output, Rtc, RtcConfig, RtcError};

use super::dtls;
use super::window::MAX_WINDOW_BYTES;

/// A reply on the path that serves is asked for this often, so that four in a row must get lost
/// before two seconds of silence look like a dead path.
const CONSENT_INTERVAL: Duration = Duration::from_millis(400);
/// How often replies are counted.
const STATS_INTERVAL: Duration = Duration::from_millis(200);
/// When a connectivity check is first sent again. str0m triggers none by what it hears (RFC 8445
/// §7.3.1.4), so this is how long a check counts that came before the NAT let it through.
const FIRST_CHECK_RTO: Duration = Duration::from_millis(50);
/// A pair is tried for about ten seconds: the peer may be slow to hear of us.
const MAX_CHECKS: usize = 25;
/// Any number that str0m's own header extensions leave free (RFC 8285).
const PLAYOUT_DELAY_ID: u8 = 14;

/// A WebRTC session that is always drained.
pub(super) struct DrainedRtc {
    rtc: Rtc,
    wake_at: Instant,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    /// Set once: nothing helps this session any more.
    failure: Option<String>,
    media_heard_at: Option<Instant>,
    /// How far the session's own clock has come.
    now: Instant,
}

impl DrainedRtc {
    /// Begins with an estimate of what the path carries, in bits per second; without one nothing is
    /// estimated, and media leaves at once.
    pub(super) fn new(estimate: Option<u32>, now: Instant) -> Self {
        let mut this = Self {
            rtc: configuration(estimate).build(now),
            wake_at: now,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            failure: None,
            media_heard_at: None,
            now,
        };
        if let Some(estimate) = estimate {
            // What is sent again comes on top, and the encoder keeps its bitrate on average only.
            let wanted = bitrate(estimate.saturating_mul(3) / 2);
            this.change(now, |rtc| rtc.bwe().set_bitrate(Bitrate::ZERO, wanted));
        }
        this.handle_timeout(now);
        this
    }

    /// Changes the session, then lets it act at `now`.
    pub(super) fn change<T>(&mut self, now: Instant, change: impl FnOnce(&mut Rtc) -> T) -> T {
        let result = change(&mut self.rtc);
        self.drain();
        self.handle_timeout(now);
        result
    }

    /// Looks at the session without changing it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Rtc) -> T) -> T {
        look(&self.rtc)
    }

    /// A packet of the peer. What is none of STUN, DTLS, RTP and RTCP is dropped.
    pub(super) fn handle_packet(
        &mut self,
        proto: Protocol,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        let Ok(receive) = Receive::new(proto, from, local, bytes) else {
            return;
        };
        if is_rtp(bytes) {
            self.media_heard_at = Some(now);
        }
        self.now = now;
        let result = self.rtc.handle_input(Input::Receive(now, receive));
        self.note(result);
        self.drain();
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        let result = self.rtc.handle_input(Input::Timeout(now));
        self.note(result);
        self.drain();
    }

    /// Hands a message to a channel; false where its buffers are full, and nothing was taken.
    pub(super) fn write(&mut self, channel: ChannelId, bytes: &[u8], now: Instant) -> bool {
        if self.now < now {
            self.handle_timeout(now);
        }
        let is_taken = self
            .rtc
            .channel(channel)
            .and_then(|mut channel| channel.write(true, bytes).ok())
            .unwrap_or(false);
        // SCTP looks at all that is under way whenever it is asked for packets.
        if is_taken {
            self.drain();
        }
        is_taken
    }

    /// Bytes of a channel that the peer has not acknowledged.
    pub(super) fn unacknowledged(&mut self, channel: ChannelId) -> usize {
        let channel = self.rtc.channel(channel);
        channel.map_or(0, |mut channel| channel.buffered_amount())
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.failure.is_none().then_some(self.wake_at)
    }

    /// When the last packet of sound or video came.
    pub(super) fn media_heard_at(&self) -> Option<Instant> {
        self.media_heard_at
    }

    /// Why the session is beyond help, if it is.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
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

    /// An error in one packet is the sender's; a session that died of it is over.
    fn note(&mut self, result: Result<(), RtcError>) {
        if let Err(error) = result {
            tracing::debug!(%error, "webrtc");
            if !self.rtc.is_alive() {
                self.failure.get_or_insert_with(|| error.to_string());
            }
        }
        if !self.rtc.is_alive() {
            self.failure.get_or_insert_with(|| "closed".to_owned());
        }
    }
}

/// RTP (RFC 7983 §7) and not RTCP (RFC 5761 §4).
fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(64..=95).contains(&(kind & 0x7F)))
}

fn bitrate(bits_per_second: u32) -> Bitrate {
    Bitrate::bps(bits_per_second.into())
}

fn configuration(estimate: Option<u32>) -> RtcConfig {
    let mut config = Rtc::builder()
        .enable_bwe(estimate.map(bitrate))
        .clear_codecs()
        .enable_h264(true)
        .enable_opus(true, false)
        .set_extension(PLAYOUT_DELAY_ID, Extension::PlayoutDelay)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_buffered_amount(MAX_WINDOW_BYTES)
        .set_crypto_provider(dtls::crypto_provider())
        // 1.3 with whoever speaks it: one round trip less (RFC 9147 §5).
        .set_dtls_version(DtlsVersion::Auto)
        // SCTP's first exchange is in the descriptions where both do that: two round trips less
        // (draft-hancke-tsvwg-snap).
        .set_snap_enabled(true);
    config.set_initial_stun_rto(FIRST_CHECK_RTO);
    config.set_max_stun_rto(CONSENT_INTERVAL);
    config.set_max_stun_retransmits(MAX_CHECKS);
    config
}
