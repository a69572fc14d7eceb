//! Numbers packets anew: a session's begin low (RFC 3711 §3.3.1), whatever the origin's do.

use whip::{MediaKind, Packet};

/// The number of a session's first packet; those before it may come after it.
const FIRST_NUMBER: u64 = 128;

/// The numbers of one session with the origin.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Of sound and picture: what is added, modulo 2^64.
    shifts: [Option<u64>; 2],
}

impl Numbers {
    /// The packet with its number; none where it is older than the first.
    pub(super) fn renumbered(&mut self, packet: Packet) -> Option<Packet> {
        let shift = &mut self.shifts[usize::from(packet.kind == MediaKind::Video)];
        let begin = FIRST_NUMBER.wrapping_sub(packet.number);
        let number = packet.number.wrapping_add(*shift.get_or_insert(begin));
        // Far before the first one it would be below zero.
        (number < u64::MAX / 2).then_some(Packet { number, ..packet })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn packet(kind: MediaKind, number: u64) -> Packet {
        Packet {
            kind,
            codec: None,
            number,
            time: 0,
            marker: false,
            heard_at: Instant::now(),
            payload: Vec::new().into(),
        }
    }

    #[test]
    fn each_track_is_numbered_from_low_and_in_the_order_it_had() {
        let mut numbers = Numbers::default();
        let mut of = |kind, number| {
            let packet = numbers.renumbered(packet(kind, number));
            packet.map(|packet| packet.number)
        };
        let begin = 5_000_000;
        assert_eq!(of(MediaKind::Video, begin), Some(FIRST_NUMBER));
        assert_eq!(of(MediaKind::Video, begin + 2), Some(FIRST_NUMBER + 2));
        assert_eq!(of(MediaKind::Video, begin + 1), Some(FIRST_NUMBER + 1));
        let late = of(MediaKind::Video, begin - 1);
        assert_eq!(late, Some(FIRST_NUMBER - 1), "one that came late");
        assert_eq!(of(MediaKind::Video, begin - FIRST_NUMBER - 1), None);
        assert_eq!(of(MediaKind::Audio, 7), Some(FIRST_NUMBER));
    }
}
