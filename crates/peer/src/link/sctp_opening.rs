//! Says what begins an SCTP association again, before SCTP would.
//!
//! SCTP waits three seconds for the answer to `INIT` or `COOKIE ECHO` (RFC 9260 §5.1), which str0m
//! does not let us change. `repeats.rs` sends a lost packet again, but a copy of one that did arrive
//! is a replay to DTLS: it brings no second answer where the answer was lost. So what asks for an
//! answer is kept here as SCTP wrote it, and goes into a new DTLS record until it is answered; the
//! peer answers it each time (RFC 9260 §5.2.2, §5.2.4).

use std::time::{Duration, Instant};

/// Before the first time that it is said again; twice as long each time after.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// How often it is said again; what is given up here is left to SCTP.
const MAX_TIMES: u32 = 5;

const CHUNKS_BEGIN: usize = 12;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;

/// What was said and not answered yet.
#[derive(Debug)]
struct Asked {
    packet: Vec<u8>,
    answer: u8,
    /// None until the clock was seen.
    due: Option<Instant>,
    times: u32,
}

/// The first exchange of one association, from the side that begins it.
#[derive(Debug, Default)]
pub(super) struct SctpOpening {
    asked: Option<Asked>,
}

impl SctpOpening {
    /// An SCTP packet was sent.
    pub(super) fn handle_sent(&mut self, packet: &[u8]) {
        let answer = match packet.get(CHUNKS_BEGIN) {
            Some(&INIT) => INIT_ACK,
            Some(&COOKIE_ECHO) => COOKIE_ACK,
            _ => return,
        };
        self.asked = Some(Asked {
            packet: packet.to_vec(),
            answer,
            due: None,
            times: 0,
        });
    }

    /// An SCTP packet of the peer came.
    pub(super) fn handle_heard(&mut self, packet: &[u8]) {
        let first = packet.get(CHUNKS_BEGIN);
        let ends = |asked: &Asked| first == Some(&ABORT) || first == Some(&asked.answer);
        self.asked = self.asked.take().filter(|asked| !ends(asked));
    }

    /// Whether [`SctpOpening::handle_timeout`] is due at a moment that is not known yet: at once.
    pub(super) fn wants_clock(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.due.is_none())
    }

    /// When [`SctpOpening::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.asked.as_ref()?.due
    }

    /// What is to be said again now.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Vec<u8>> {
        let asked = self.asked.as_mut()?;
        let Some(due) = asked.due else {
            asked.due = Some(now + FIRST_WAIT);
            return None;
        };
        if now < due {
            return None;
        }
        asked.times += 1;
        asked.due = Some(now + FIRST_WAIT * 2u32.pow(asked.times));
        let packet = asked.packet.clone();
        if asked.times == MAX_TIMES {
            self.asked = None;
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(chunk: u8) -> Vec<u8> {
        [&[0; CHUNKS_BEGIN][..], &[chunk, 0, 0, 4]].concat()
    }

    #[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
    fn start() -> Instant {
        Instant::now()
    }

    /// When what was asked is said again until SCTP is left alone with it, in milliseconds.
    fn said_again(opening: &mut SctpOpening, start: Instant) -> Vec<u128> {
        assert_eq!(opening.handle_timeout(start), None, "the clock is seen");
        let mut times = Vec::new();
        while let Some(due) = opening.poll_timeout() {
            assert!(opening.handle_timeout(due).is_some());
            times.push((due - start).as_millis());
        }
        times
    }

    #[test]
    fn what_is_not_answered_is_said_again_ever_later_and_given_up() {
        let mut opening = SctpOpening::default();
        opening.handle_sent(&packet(INIT));
        assert!(opening.wants_clock());
        assert_eq!(
            said_again(&mut opening, start()),
            [100, 300, 700, 1500, 3100]
        );
        assert!(!opening.wants_clock());
    }

    #[test]
    fn an_answer_ends_it_and_another_packet_does_not() {
        let mut opening = SctpOpening::default();
        for (asked, answer) in [(INIT, INIT_ACK), (COOKIE_ECHO, COOKIE_ACK), (INIT, ABORT)] {
            opening.handle_sent(&packet(asked));
            for other in [0, 3, 4, INIT, COOKIE_ECHO] {
                opening.handle_heard(&packet(other));
                opening.handle_sent(&packet(3));
            }
            opening.handle_heard(&[0; CHUNKS_BEGIN]);
            assert!(opening.wants_clock(), "{asked}");
            opening.handle_heard(&packet(answer));
            assert!(!opening.wants_clock(), "{asked}");
        }
    }
}
