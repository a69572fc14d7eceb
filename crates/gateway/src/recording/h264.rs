//! H.264 pictures of RTP payloads (RFC 6184), as NAL units behind their lengths (ISO/IEC 14496-15).

use super::units::{MAX_UNIT_BYTES, Malformed};

/// NAL unit types (ITU-T H.264 table 7-1; RFC 6184 §5.2).
const NAL_IDR: u8 = 5;
const NAL_TYPE: u8 = 0x1F;
const SINGLE: std::ops::RangeInclusive<u8> = 1..=23;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// Bits of an FU header (RFC 6184 §5.8).
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// The NAL units of one picture.
#[derive(Debug, Default)]
pub(super) struct Body {
    data: Vec<u8>,
    is_key: bool,
    /// Where the unit whose parts are coming began.
    fragment: Option<usize>,
}

impl Body {
    /// Takes the payload of the next packet.
    pub(super) fn handle_payload(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let header = *payload.first().ok_or(Malformed)?;
        let is_fragment = header & NAL_TYPE == FU_A;
        if self.fragment.is_some() && !is_fragment {
            return Err(Malformed);
        }
        if self.data.len() + payload.len() > MAX_UNIT_BYTES {
            return Err(Malformed);
        }
        match header & NAL_TYPE {
            STAP_A => self.take_aggregate(&payload[1..]),
            FU_A => self.take_fragment(payload),
            single if SINGLE.contains(&single) => self.take_unit(payload),
            _ => Err(Malformed),
        }
    }

    /// Whether the picture is a key frame, and its units; none where the last one lacks its end.
    pub(super) fn finish(self) -> (bool, Vec<u8>) {
        match self.fragment {
            Some(_) => (false, Vec::new()),
            None => (self.is_key, self.data),
        }
    }

    fn take_unit(&mut self, unit: &[u8]) -> Result<(), Malformed> {
        let header = *unit.first().ok_or(Malformed)?;
        let length = u32::try_from(unit.len()).map_err(|_| Malformed)?;
        self.is_key |= header & NAL_TYPE == NAL_IDR;
        self.data.extend_from_slice(&length.to_be_bytes());
        self.data.extend_from_slice(unit);
        Ok(())
    }

    /// Units behind their 16-bit lengths (RFC 6184 §5.7.1).
    fn take_aggregate(&mut self, mut rest: &[u8]) -> Result<(), Malformed> {
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (unit, after) = after.split_at_checked(length).ok_or(Malformed)?;
            self.take_unit(unit)?;
            rest = after;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn take_fragment(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let [indicator, header, part @ ..] = payload else {
            return Err(Malformed);
        };
        let is_start = header & FU_START != 0;
        if is_start == self.fragment.is_some() {
            return Err(Malformed);
        }
        let begin = *self.fragment.get_or_insert(self.data.len());
        if is_start {
            let unit_header = (indicator & !NAL_TYPE) | (header & NAL_TYPE);
            self.is_key |= unit_header & NAL_TYPE == NAL_IDR;
            // The length is known at the end.
            self.data.extend_from_slice(&[0, 0, 0, 0, unit_header]);
        }
        self.data.extend_from_slice(part);
        if header & FU_END != 0 {
            self.fragment = None;
            let length = u32::try_from(self.data.len() - begin - 4).map_err(|_| Malformed)?;
            let place = self.data.get_mut(begin..begin + 4).ok_or(Malformed)?;
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(payloads: &[&[u8]]) -> Result<(bool, Vec<u8>), Malformed> {
        let mut body = Body::default();
        for payload in payloads {
            body.handle_payload(payload)?;
        }
        Ok(body.finish())
    }

    #[test]
    fn units_stand_behind_their_lengths() {
        let parameters = [0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68];
        let expected = [
            0, 0, 0, 2, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0, 0, 0, 3, 0x65, 1, 2,
        ];
        let alone = body(&[&parameters, &[0x65, 1, 2]]);
        assert_eq!(alone, Ok((true, expected.to_vec())));
        let in_parts = body(&[&parameters, &[0x7c, 0x85, 1], &[0x7c, 0x45, 2]]);
        assert_eq!(in_parts, alone, "the same in parts");
        let other = body(&[&[0x41, 9]]);
        assert_eq!(other, Ok((false, vec![0, 0, 0, 2, 0x41, 9])));
    }

    #[test]
    fn what_is_odd_is_refused() {
        let cases: [(&[&[u8]], &str); 8] = [
            (&[&[]], "nothing"),
            (&[&[0x78, 0, 9, 0x67]], "an aggregate that is cut off"),
            (&[&[0x78, 0, 1, 0x67, 0]], "half a length"),
            (&[&[0x78, 0, 0]], "an empty unit"),
            (&[&[0x7c]], "a fragment without a header"),
            (&[&[0x7c, 0x45, 1]], "an end without a beginning"),
            (&[&[0x7c, 0x85, 1], &[0x7c, 0x85, 1]], "two beginnings"),
            (&[&[0x7c, 0x85, 1], &[0x41, 1]], "another unit in between"),
        ];
        for (payloads, what) in cases {
            assert_eq!(body(payloads), Err(Malformed), "{what}");
        }
        assert_eq!(body(&[&[0x7c, 0x85, 1]]), Ok((false, vec![])), "no end");
    }

    #[test]
    fn a_picture_is_no_longer_than_the_limit() {
        let mut body = Body::default();
        let half = vec![0x41; MAX_UNIT_BYTES / 2 - 4];
        assert_eq!(body.handle_payload(&half), Ok(()));
        assert_eq!(body.handle_payload(&half), Ok(()));
        assert_eq!(body.handle_payload(&[0x41]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn no_payload_is_too_odd(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..32), 0..8)
        ) {
            let mut body = Body::default();
            for payload in &payloads {
                // Refused or not: it does not matter here.
                let _ = body.handle_payload(payload);
            }
            body.finish();
        }
    }
}
