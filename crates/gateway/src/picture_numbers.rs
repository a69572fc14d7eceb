//! The numbers of VP8's pictures as a viewer gets them (RFC 7741 §4.2: PictureID and TL0PICIDX).
//!
//! Each encoding counts by itself, and decoders tell by these numbers what is missing and what is
//! of the past. So where another encoding goes on in a track, its numbers follow those before.

use std::sync::Arc;

use crate::forwarding::Source;
use crate::vp8::Descriptor;

const LONG_ID_BITS: u32 = 15;
const SHORT_ID_BITS: u32 = 7;
const TL0_BITS: u32 = 8;
/// Of the first byte of a long picture id: it is long.
const IS_LONG: u8 = 0x80;

/// The numbers of one track to one viewer.
#[derive(Debug, Default)]
pub(crate) struct PictureNumbers {
    source: Option<Source>,
    picture_id: Count,
    tl0: Count,
}

/// One number that is counted up, with room for so many bits that it begins anew after them.
#[derive(Debug, Default)]
struct Count {
    /// The newest, as the viewer got it.
    last: Option<u16>,
    shift: u16,
    /// Another encoding goes on: its first number is to follow the last one.
    is_to_follow: bool,
}

impl PictureNumbers {
    /// Packets of this source flow from here on.
    pub(crate) fn begin(&mut self, source: Source) {
        let before = self.source.replace(source);
        if before.is_some_and(|before| before != source) {
            self.picture_id.is_to_follow = true;
            self.tl0.is_to_follow = true;
        }
    }

    /// A packet's payload with the viewer's numbers in it. It is the publisher's own as long as the
    /// numbers are.
    pub(crate) fn place(&mut self, payload: &Arc<[u8]>) -> Arc<[u8]> {
        let Some(descriptor) = Descriptor::parse(payload) else {
            return Arc::clone(payload);
        };
        let mut placed = Vec::new();
        if let Some(at) = descriptor.picture_id {
            let bits = match descriptor.is_picture_id_long {
                true => LONG_ID_BITS,
                false => SHORT_ID_BITS,
            };
            let theirs = match descriptor.is_picture_id_long {
                true => u16::from_be_bytes([payload[at] & !IS_LONG, payload[at + 1]]),
                false => u16::from(payload[at]),
            };
            let ours = self.picture_id.place(theirs, bits);
            if ours != theirs {
                let placed = copied(&mut placed, payload);
                let [high, low] = ours.to_be_bytes();
                match descriptor.is_picture_id_long {
                    true => placed[at..at + 2].copy_from_slice(&[high | IS_LONG, low]),
                    false => placed[at] = low,
                }
            }
        }
        if let Some(at) = descriptor.tl0 {
            let theirs = u16::from(payload[at]);
            let [_, ours] = self.tl0.place(theirs, TL0_BITS).to_be_bytes();
            if ours != payload[at] {
                copied(&mut placed, payload)[at] = ours;
            }
        }
        match placed.is_empty() {
            true => Arc::clone(payload),
            false => placed.into(),
        }
    }
}

impl Count {
    fn place(&mut self, theirs: u16, bits: u32) -> u16 {
        let mask = u16::MAX >> (u16::BITS - bits);
        if std::mem::take(&mut self.is_to_follow)
            && let Some(last) = self.last
        {
            self.shift = last.wrapping_add(1).wrapping_sub(theirs) & mask;
        }
        let ours = theirs.wrapping_add(self.shift) & mask;
        // What comes late is older than the newest, by less than half of all numbers.
        let ahead = |last: u16| ours.wrapping_sub(last) & mask;
        if self.last.is_none_or(|last| ahead(last) <= mask / 2) {
            self.last = Some(ours);
        }
        ours
    }
}

fn copied<'a>(placed: &'a mut Vec<u8>, payload: &[u8]) -> &'a mut Vec<u8> {
    if placed.is_empty() {
        placed.extend_from_slice(payload);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet with a long picture id and the number of its lowest temporal layer.
    fn packet(id: u16, tl0: u8) -> Arc<[u8]> {
        let [high, low] = id.to_be_bytes();
        Arc::new([0x90, 0xc0, high | IS_LONG, low, tl0, 0x01])
    }

    fn numbers(payload: &[u8]) -> (u16, u8) {
        let id = u16::from_be_bytes([payload[2] & !IS_LONG, payload[3]]);
        (id, payload[4])
    }

    #[test]
    fn the_first_encoding_keeps_its_numbers_and_is_not_copied() {
        let mut track = PictureNumbers::default();
        track.begin((1, 0));
        let own = packet(0x7fff, 255);
        assert!(Arc::ptr_eq(&track.place(&own), &own));
    }

    #[test]
    fn another_encoding_goes_on_in_the_numbers_of_the_one_before() {
        let mut track = PictureNumbers::default();
        track.begin((1, 0));
        track.place(&packet(0x7ffe, 255));
        track.begin((1, 2));
        let placed = |track: &mut PictureNumbers, id, tl0| numbers(&track.place(&packet(id, tl0)));
        assert_eq!(placed(&mut track, 500, 9), (0x7fff, 0));
        assert_eq!(placed(&mut track, 500, 9), (0x7fff, 0), "its second packet");
        assert_eq!(placed(&mut track, 501, 9), (0, 0), "15 bits are over");
        assert_eq!(placed(&mut track, 502, 10), (1, 1));
        track.begin((1, 2));
        assert_eq!(placed(&mut track, 504, 10), (3, 1), "it goes on as it was");
        track.begin((2, 0));
        assert_eq!(placed(&mut track, 7, 7), (4, 2), "another publisher");
    }

    #[test]
    fn what_comes_late_moves_nothing_back() {
        let mut track = PictureNumbers::default();
        track.begin((1, 0));
        for id in [10, 12, 11] {
            track.place(&packet(id, 0));
        }
        track.begin((1, 1));
        assert_eq!(numbers(&track.place(&packet(90, 0))).0, 13);
    }

    #[test]
    fn a_short_number_stays_short() {
        let short = |id: u8| -> Arc<[u8]> { Arc::new([0x90, 0x80, id, 0x01]) };
        let mut track = PictureNumbers::default();
        track.begin((1, 0));
        track.place(&short(127));
        track.begin((1, 1));
        assert_eq!(track.place(&short(50))[2], 0);
        assert_eq!(track.place(&short(51))[2], 1);
    }

    #[test]
    fn what_has_no_numbers_or_is_odd_is_passed_on_as_it_is() {
        let mut track = PictureNumbers::default();
        track.begin((1, 0));
        for payload in [&[][..], &[0x10, 0], &[0x90, 0xff], &[0x80]] {
            let payload: Arc<[u8]> = payload.into();
            assert!(Arc::ptr_eq(&track.place(&payload), &payload));
        }
    }
}
