//! Sends the packets of a young connection again, before those who made them would.
//!
//! DTLS waits a second for an answer and SCTP three, which neither lets us change: one lost packet
//! would cost a link that long. So each packet is repeated as it is, until the peer is heard
//! through its channels. A copy of one that did arrive is dropped by the peer's DTLS (RFC 6347
//! §4.1.2.6, RFC 9147 §4.5.1). What is given up here is left to the two slow clocks.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The wait before a first copy while the round trip is not known.
const FIRST_WAIT: Duration = Duration::from_millis(150);
const SHORTEST_WAIT: Duration = Duration::from_millis(60);
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Copies of one packet, each after twice the wait of the one before.
const MAX_COPIES: u32 = 3;
/// Packets that are kept; what a connection says first is about ten.
const MAX_PACKETS: usize = 64;

#[derive(Debug)]
struct Packet {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    due: Instant,
    copies: u32,
}

/// The packets of one connection that may have been lost.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    packets: VecDeque<Packet>,
    first_sent: Option<Instant>,
    round_trip: Option<Duration>,
    is_over: bool,
}

impl Repeats {
    /// A packet was sent.
    pub(super) fn handle_sent(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        if self.is_over || !is_dtls(bytes) || self.packets.len() >= MAX_PACKETS {
            return;
        }
        self.first_sent.get_or_insert(now);
        self.packets.push_back(Packet {
            from,
            to,
            bytes: bytes.to_vec(),
            due: now + self.wait(),
            copies: 0,
        });
    }

    /// A packet of the peer came. A flight of a handshake is only answered when it is whole
    /// (RFC 6347 §4.2.4), so that an answer is about everything that was said in the open.
    pub(super) fn handle_heard(&mut self, bytes: &[u8], now: Instant) {
        if self.is_over || !is_dtls(bytes) {
            return;
        }
        if let Some(sent) = self.first_sent {
            let measured = now.saturating_duration_since(sent);
            self.round_trip.get_or_insert(measured);
        }
        if is_open_handshake(bytes) {
            self.packets
                .retain(|packet| !is_open_handshake(&packet.bytes));
        }
    }

    /// A frame of the peer was read: it has everything that it needed.
    pub(super) fn handle_frame(&mut self) {
        self.is_over = true;
        self.packets.clear();
    }

    /// The next packet to send again.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
    ) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        let wait = self.wait();
        let at = self.packets.iter().position(|packet| packet.due <= now)?;
        let packet = &mut self.packets[at];
        packet.copies += 1;
        packet.due = now + wait * 2u32.pow(packet.copies);
        let copy = (packet.from, packet.to, packet.bytes.clone());
        if packet.copies == MAX_COPIES {
            self.packets.remove(at);
        }
        Some(copy)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.packets.iter().map(|packet| packet.due).min()
    }

    /// The last thing that is said is confirmed two round trips later.
    fn wait(&self) -> Duration {
        self.round_trip.map_or(FIRST_WAIT, |round_trip| {
            (round_trip * 5 / 2).clamp(SHORTEST_WAIT, LONGEST_WAIT)
        })
    }
}

/// RFC 7983 §7.
fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63))
}

/// A handshake record that is not encrypted, or one of DTLS 1.2 (RFC 6347 §4.1).
fn is_open_handshake(bytes: &[u8]) -> bool {
    bytes.first() == Some(&22)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    const HELLO: [u8; 2] = [22, 1];
    const DATA: [u8; 2] = [23, 1];

    fn sent(repeats: &mut Repeats, bytes: &[u8], now: Instant) {
        let addr = SocketAddr::from(([192, 0, 2, 1], 9));
        repeats.handle_sent(addr, addr, bytes, now);
    }

    /// When copies go out, in milliseconds from the start.
    fn copies(repeats: &mut Repeats, start: Instant) -> Vec<u128> {
        let mut times = Vec::new();
        while let Some(due) = repeats.poll_timeout() {
            while repeats.poll_transmit(due).is_some() {
                times.push((due - start).as_millis());
            }
        }
        times
    }

    #[test]
    fn what_nobody_answers_is_said_three_times_again_at_growing_distances() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        sent(&mut repeats, &HELLO, start);
        assert_eq!(copies(&mut repeats, start), [150, 450, 1050]);
    }

    #[test]
    fn waits_follow_the_first_round_trip() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        sent(&mut repeats, &HELLO, start);
        let heard = start + Duration::from_millis(40);
        repeats.handle_heard(&HELLO, heard);
        sent(&mut repeats, &DATA, heard);
        assert_eq!(copies(&mut repeats, heard), [100, 300, 700]);
    }

    #[test]
    fn a_flight_that_is_answered_is_not_repeated_and_data_is_until_the_peer_is_read() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        sent(&mut repeats, &HELLO, start);
        sent(&mut repeats, &DATA, start);
        repeats.handle_heard(&HELLO, start);
        let due = repeats.poll_timeout().expect("the data waits");
        let copy = repeats.poll_transmit(due).map(|(_, _, bytes)| bytes);
        assert_eq!(copy, Some(DATA.to_vec()));
        repeats.handle_frame();
        sent(&mut repeats, &DATA, due);
        assert_eq!(repeats.poll_timeout(), None);
    }

    #[test]
    fn checks_and_media_are_left_alone_and_memory_is_bounded() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        for first in [0, 1, 64, 128] {
            sent(&mut repeats, &[first, 1], start);
        }
        assert_eq!(repeats.poll_timeout(), None);
        for _ in 0..=MAX_PACKETS {
            sent(&mut repeats, &DATA, start);
        }
        assert_eq!(repeats.packets.len(), MAX_PACKETS);
    }
}
