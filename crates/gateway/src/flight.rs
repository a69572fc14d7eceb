//! Sends the client's next piece of the DTLS handshake again where nothing comes back.
//!
//! str0m does so after a second, which is most of what people then wait for. A packet may have got
//! lost, or come too early: some clients, FFmpeg's among them, drop what reaches them in the round
//! in which they learn that ICE has a path. What a client has had already it knows by its number
//! and drops (RFC 6347 §4.1.2.6).

use std::time::{Duration, Instant};

use str0m::net::Transmit;

/// When a flight is sent again, from the time that it was sent.
const AGAIN: [Duration; 3] = [
    Duration::from_millis(60),
    Duration::from_millis(180),
    Duration::from_millis(420),
];
/// A flight with certificates has about six.
const MAX_PACKETS: usize = 16;

/// The last flight, until the handshake is over.
#[derive(Default)]
pub(crate) struct Flight {
    packets: Vec<Transmit>,
    sent_at: Option<Instant>,
    repeats: usize,
    is_over: bool,
}

impl Flight {
    /// A packet leaves.
    pub(crate) fn handle_sent(&mut self, packet: &Transmit, now: Instant) {
        if self.is_over || !is_dtls(&packet.contents) || self.packets.len() == MAX_PACKETS {
            return;
        }
        // What is sent later is the next flight, or this one by str0m's own clock.
        if self.sent_at != Some(now) {
            self.sent_at = Some(now);
            self.repeats = 0;
            self.packets.clear();
        }
        self.packets.push(copy(packet));
    }

    /// A packet came: what it answers has arrived.
    pub(crate) fn handle_heard(&mut self, bytes: &[u8]) {
        if is_dtls(bytes) {
            self.packets.clear();
            self.sent_at = None;
        }
    }

    /// The handshake is over.
    pub(crate) fn end(&mut self) {
        *self = Self {
            is_over: true,
            ..Self::default()
        };
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let after = AGAIN.get(self.repeats)?;
        self.sent_at.map(|at| at + *after)
    }

    /// What is to be sent again now.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> impl Iterator<Item = Transmit> {
        let is_due = self.poll_timeout().is_some_and(|at| at <= now);
        self.repeats += usize::from(is_due);
        let again = if is_due { &self.packets[..] } else { &[] };
        again.iter().map(copy)
    }
}

fn copy(packet: &Transmit) -> Transmit {
    Transmit {
        proto: packet.proto,
        source: packet.source,
        destination: packet.destination,
        contents: packet.contents.to_vec().into(),
    }
}

/// RFC 7983 §7.
fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use str0m::net::Protocol;

    use super::*;

    fn packet(first: u8) -> Transmit {
        Transmit {
            proto: Protocol::Udp,
            source: ([192, 0, 2, 1], 8443).into(),
            destination: ([198, 51, 100, 1], 5000).into(),
            contents: vec![first, 0xfe].into(),
        }
    }

    fn repeated(flight: &mut Flight, now: Instant) -> usize {
        flight.handle_timeout(now).count()
    }

    #[test]
    fn a_flight_that_nothing_answers_is_sent_again_a_few_times() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        flight.handle_sent(&packet(22), now);
        flight.handle_sent(&packet(22), now);
        flight.handle_sent(&packet(0), now);
        for after in AGAIN {
            assert_eq!(flight.poll_timeout(), Some(now + after));
            assert_eq!(
                repeated(&mut flight, now + after),
                2,
                "the check is not of it"
            );
            assert_eq!(repeated(&mut flight, now + after), 0);
        }
        assert_eq!(flight.poll_timeout(), None);
    }

    #[test]
    fn what_is_answered_or_over_is_not_sent_again() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        flight.handle_sent(&packet(22), now);
        flight.handle_heard(&[0, 1]);
        assert!(flight.poll_timeout().is_some(), "a check answers nothing");
        flight.handle_heard(&[22, 0xfe]);
        assert_eq!(flight.poll_timeout(), None);
        flight.handle_sent(&packet(22), now);
        flight.end();
        flight.handle_sent(&packet(22), now);
        assert_eq!(flight.poll_timeout(), None);
    }

    #[test]
    fn no_more_of_a_flight_is_kept_than_the_limit() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        for _ in 0..=MAX_PACKETS {
            flight.handle_sent(&packet(22), now);
        }
        assert_eq!(repeated(&mut flight, now + AGAIN[0]), MAX_PACKETS);
    }
}
