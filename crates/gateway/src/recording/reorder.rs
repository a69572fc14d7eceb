//! Packets in the order of their numbers. What is missing is waited for, since it was asked for
//! again (RFC 4585 §6.2.1), but not for ever.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::packet::Packet;

/// How long a packet may be missing.
const PATIENCE: Duration = Duration::from_millis(500);
/// How many may wait for it.
const MAX_WAITING: usize = 1024;

/// What is next.
#[derive(Debug)]
pub(super) enum Next {
    Packet(Packet),
    /// At least one packet is given up.
    Gap,
}

/// Packets that wait for others.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// The number that is due; none before the first packet.
    due: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
}

impl Reorder {
    /// Takes a packet; what comes twice or too late is dropped.
    pub(super) fn push(&mut self, packet: Packet) {
        let number = packet.number;
        if number >= *self.due.get_or_insert(number) {
            self.waiting.entry(number).or_insert(packet);
        }
    }

    /// The next in order, or that it is given up.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Next> {
        let (due, first) = (self.due?, self.waiting.first_entry()?);
        let number = *first.key();
        if number == due {
            self.due = Some(due + 1);
            return Some(Next::Packet(first.remove()));
        }
        let is_given_up = self.waiting.len() > MAX_WAITING || self.poll_timeout()? <= now;
        is_given_up.then(|| {
            self.due = Some(number);
            Next::Gap
        })
    }

    /// When the packet that is due is given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (number, first) = self.waiting.first_key_value()?;
        let is_waiting = self.due != Some(*number);
        // Later packets may have come earlier: each is missed from when the first of them was here.
        let since = self.waiting.values().map(|packet| packet.arrived).min();
        is_waiting.then(|| since.unwrap_or(first.arrived) + PATIENCE)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    fn numbers(reorder: &mut Reorder, now: Instant) -> Vec<Option<u32>> {
        let next = std::iter::from_fn(|| reorder.poll(now));
        next.map(|next| match next {
            Next::Packet(packet) => Some(packet.time),
            Next::Gap => None,
        })
        .collect()
    }

    fn push(reorder: &mut Reorder, number: u64, now: Instant) {
        let time = u32::try_from(number).unwrap();
        reorder.push(crate::recording::tests::packet(number, time, &[], now));
    }

    #[test]
    fn packets_come_out_in_the_order_of_their_numbers() {
        let (mut reorder, now) = (Reorder::default(), Instant::now());
        for number in [10, 12, 11, 11, 9, 13] {
            push(&mut reorder, number, now);
        }
        let expected = [10, 11, 12, 13].map(Some);
        assert_eq!(numbers(&mut reorder, now), expected);
        assert_eq!(reorder.poll_timeout(), None);
    }

    #[test]
    fn a_packet_is_waited_for_half_a_second() {
        let (mut reorder, start) = (Reorder::default(), Instant::now());
        push(&mut reorder, 1, start);
        push(&mut reorder, 3, start);
        assert_eq!(numbers(&mut reorder, start), [Some(1)]);
        assert_eq!(reorder.poll_timeout(), Some(start + PATIENCE));
        let late = start + PATIENCE;
        assert_eq!(numbers(&mut reorder, late), [None, Some(3)]);
        push(&mut reorder, 2, late);
        assert_eq!(numbers(&mut reorder, late), [], "too late");
    }

    #[test]
    fn no_more_packets_wait_than_the_limit() {
        let (mut reorder, now) = (Reorder::default(), Instant::now());
        push(&mut reorder, 0, now);
        numbers(&mut reorder, now);
        for number in 2..2 + MAX_WAITING as u64 {
            push(&mut reorder, number, now);
        }
        assert_eq!(numbers(&mut reorder, now), []);
        push(&mut reorder, 2 + MAX_WAITING as u64, now);
        assert_eq!(numbers(&mut reorder, now).first(), Some(&None));
    }
}
