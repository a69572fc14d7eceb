//! Sends packets of a connection again, before those who made them would.
//!
//! DTLS waits a second for an answer, SCTP one to three and twice as long each time that nobody
//! hears it, which neither lets us change: one lost packet would cost a young link that long, and a
//! path that comes back after eight seconds would be used after fifteen. So each packet is repeated
//! as it is: at first until the peer is read through its channels, then until what was sent makes
//! progress; and at once when a path is back. A copy of one that did arrive is dropped by the
//! peer's DTLS (RFC 6347 §4.1.2.6, RFC 9147 §4.5.1). What is given up here is left to the two slow
//! clocks.

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
/// Packets that are kept later: a few probes bring answers, more would feed congestion.
const MAX_LATER_PACKETS: usize = 8;
/// How long SCTP may wait before it acknowledges (RFC 9260 §6.2).
const DELAYED_ACK: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Packet {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    /// None once it went often enough.
    due: Option<Instant>,
    copies: u32,
}

/// The packets of one connection that may have been lost.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    packets: VecDeque<Packet>,
    first_sent: Option<Instant>,
    round_trip: Option<Duration>,
    /// The peer was read: what keeps it from acknowledging is the network, or its patience.
    is_grown: bool,
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
        if !is_dtls(bytes) {
            return;
        }
        // The handshake begins at its beginning. Later the newest is what is answered, and short
        // packets are answers themselves.
        if self.is_grown && self.packets.len() >= MAX_LATER_PACKETS {
            let shortest = (0..self.packets.len()).min_by_key(|at| self.packets[*at].bytes.len());
            shortest.and_then(|at| self.packets.remove(at));
        }
        if self.packets.len() >= MAX_PACKETS {
            return;
        }
        self.first_sent.get_or_insert(now);
        self.packets.push_back(Packet {
            from,
            to,
            bytes: bytes.to_vec(),
            due: Some(now + self.wait()),
            copies: 0,
        });
    }

    /// A packet of the peer came. A flight of a handshake is only answered when it is whole
    /// (RFC 6347 §4.2.4), so that an answer is about everything that was said in the open.
    pub(super) fn handle_heard(&mut self, bytes: &[u8], now: Instant) {
        if self.is_grown || !is_dtls(bytes) {
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
        if !std::mem::replace(&mut self.is_grown, true) {
            self.packets.clear();
        }
    }

    /// A packet of the peer came that acknowledges something, or all that was sent.
    pub(super) fn handle_progress(&mut self, bytes: &[u8], is_all: bool, now: Instant) {
        if !self.is_grown || !is_dtls(bytes) {
            return;
        }
        if is_all {
            self.packets.clear();
        }
        let due = Some(now + self.wait());
        for packet in &mut self.packets {
            (packet.due, packet.copies) = (due, 0);
        }
    }

    /// There is a path again: what went into the void goes over this one.
    pub(super) fn handle_path(&mut self, from: SocketAddr, to: SocketAddr, now: Instant) {
        for packet in self.packets.iter_mut().filter(|_| self.is_grown) {
            (packet.from, packet.to) = (from, to);
            (packet.due, packet.copies) = (Some(now), 0);
        }
    }

    /// The next packet to send again.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
    ) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        let wait = self.wait();
        let is_due = |packet: &Packet| packet.due.is_some_and(|due| due <= now);
        let at = self.packets.iter().position(is_due)?;
        let packet = &mut self.packets[at];
        packet.copies += 1;
        packet.due = (packet.copies < MAX_COPIES).then(|| now + wait * 2u32.pow(packet.copies));
        let copy = (packet.from, packet.to, packet.bytes.clone());
        if packet.due.is_none() && !self.is_grown {
            self.packets.remove(at);
        }
        Some(copy)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.packets.iter().filter_map(|packet| packet.due).min()
    }

    /// The last thing that is said is confirmed two round trips later.
    fn wait(&self) -> Duration {
        let wait = self.round_trip.map_or(FIRST_WAIT, |round_trip| {
            (round_trip * 5 / 2).clamp(SHORTEST_WAIT, LONGEST_WAIT)
        });
        wait + DELAYED_ACK * u32::from(self.is_grown)
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
        assert_eq!(repeats.poll_timeout(), None);
    }

    /// A connection whose first round trip took 40 ms.
    fn grown(start: Instant) -> Repeats {
        let mut repeats = Repeats::default();
        sent(&mut repeats, &HELLO, start);
        repeats.handle_heard(&HELLO, start + Duration::from_millis(40));
        repeats.handle_frame();
        repeats
    }

    #[test]
    fn later_a_packet_is_repeated_until_there_is_progress() {
        let start = Instant::now();
        let mut repeats = grown(start);
        sent(&mut repeats, &DATA, start);
        assert_eq!(copies(&mut repeats, start), [300, 900, 2100]);
        repeats.handle_progress(&DATA, true, start);
        sent(&mut repeats, &DATA, start);
        repeats.handle_frame();
        assert!(
            repeats.poll_timeout().is_some(),
            "a frame may have crossed it"
        );
        repeats.handle_progress(&[128, 1], true, start);
        let is_kept = repeats.poll_timeout().is_some();
        assert!(is_kept, "media acknowledges nothing");
        repeats.handle_progress(&DATA, false, start + Duration::from_secs(3));
        assert_eq!(copies(&mut repeats, start), [3300, 3900, 5100]);
        repeats.handle_progress(&DATA, true, start);
        assert_eq!(repeats.poll_timeout(), None);
    }

    #[test]
    fn what_went_into_the_void_goes_over_the_path_that_is_back() {
        let start = Instant::now();
        let mut repeats = grown(start);
        sent(&mut repeats, &DATA, start);
        assert_eq!(copies(&mut repeats, start).len(), 3);
        let [from, to] = [1, 2].map(|last| SocketAddr::from(([198, 51, 100, last], 9)));
        let back = start + Duration::from_secs(8);
        repeats.handle_path(from, to, back);
        let copy = repeats.poll_transmit(back);
        assert_eq!(copy, Some((from, to, DATA.to_vec())));
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
        repeats.handle_frame();
        for number in 0..=MAX_LATER_PACKETS {
            let number = u8::try_from(number).expect("a few");
            sent(&mut repeats, &[23, number], start);
        }
        assert_eq!(repeats.packets.len(), MAX_LATER_PACKETS);
        assert_eq!(repeats.packets[0].bytes, [23, 1], "the oldest went");
        sent(&mut repeats, &[23; 9], start);
        for _ in 0..=MAX_LATER_PACKETS {
            sent(&mut repeats, &DATA, start);
        }
        let has_long = repeats.packets.iter().any(|each| each.bytes.len() == 9);
        assert!(has_long, "answers push nothing out that waits for one");
    }
}
