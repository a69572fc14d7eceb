//! AV1 temporal units of RTP payloads (RTP Payload Format For AV1 §4), as samples of an MP4 file:
//! OBUs with their sizes, without delimiters (AV1 Codec ISO Media File Format Binding §2.4).

use super::units::{MAX_UNIT_BYTES, Malformed};

/// Bits of the aggregation header (§4.4).
const CONTINUES: u8 = 0x80;
const IS_CONTINUED: u8 = 0x40;
const COUNT: u8 = 0x30;
const NEW_SEQUENCE: u8 = 0x08;
/// Bits of an OBU's header (AV1 §5.3.2).
const FORBIDDEN: u8 = 0x80;
const EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;
/// Kinds of OBUs (AV1 §6.2.2).
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
/// A size has at most so many bytes (AV1 §4.10.5).
const MAX_SIZE_BYTES: usize = 8;

/// One temporal unit.
#[derive(Debug, Default)]
pub(super) struct Body {
    is_key: bool,
    data: Vec<u8>,
    /// An OBU whose parts are coming.
    fragment: Option<Vec<u8>>,
    has_begun: bool,
}

impl Body {
    /// Takes the payload of the next packet.
    pub(super) fn handle_payload(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let (&head, mut rest) = payload.split_first().ok_or(Malformed)?;
        let pending = self.fragment.as_ref().map_or(0, Vec::len);
        let is_long = self.data.len() + pending + payload.len() > MAX_UNIT_BYTES;
        let continues = head & CONTINUES != 0;
        if is_long || rest.is_empty() || continues != self.fragment.is_some() {
            return Err(Malformed);
        }
        self.is_key |= !self.has_begun && head & NEW_SEQUENCE != 0;
        self.has_begun = true;
        let count = usize::from((head & COUNT) >> 4);
        for number in 1.. {
            let (element, after) = if number == count {
                (rest, &[][..])
            } else {
                let (length, rest) = size(rest).ok_or(Malformed)?;
                rest.split_at_checked(length).ok_or(Malformed)?
            };
            rest = after;
            let mut obu = self.fragment.take().unwrap_or_default();
            obu.extend_from_slice(element);
            if rest.is_empty() && head & IS_CONTINUED != 0 {
                self.fragment = Some(obu);
            } else {
                self.take(&obu)?;
            }
            if rest.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Whether a coded video sequence begins with it, and its OBUs; none where the last one lacks
    /// its end.
    pub(super) fn finish(self) -> (bool, Vec<u8>) {
        match self.fragment {
            Some(_) => (false, Vec::new()),
            None => (self.is_key, self.data),
        }
    }

    /// Takes a whole OBU, with its size or without.
    fn take(&mut self, obu: &[u8]) -> Result<(), Malformed> {
        let (&head, mut rest) = obu.split_first().ok_or(Malformed)?;
        if head & FORBIDDEN != 0 {
            return Err(Malformed);
        }
        if matches!((head >> 3) & 0x0f, TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
            return Ok(());
        }
        self.data.push(head | HAS_SIZE);
        if head & EXTENSION != 0 {
            let (&extension, after) = rest.split_first().ok_or(Malformed)?;
            self.data.push(extension);
            rest = after;
        }
        if head & HAS_SIZE != 0 {
            let (length, after) = size(rest).ok_or(Malformed)?;
            rest = after.get(..length).ok_or(Malformed)?;
        }
        push_size(&mut self.data, rest.len());
        self.data.extend_from_slice(rest);
        Ok(())
    }
}

/// A size (`leb128`, AV1 §4.10.5), and what stands behind it.
fn size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(MAX_SIZE_BYTES).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

fn push_size(data: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        data.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    data.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Headers of OBUs: a sequence header, a frame; with `HAS_SIZE` they say how long they are.
    const SEQUENCE: u8 = 1 << 3;
    const FRAME: u8 = 6 << 3;
    const DELIMITER: u8 = TEMPORAL_DELIMITER << 3;

    fn body(payloads: &[&[u8]]) -> Result<(bool, Vec<u8>), Malformed> {
        let mut body = Body::default();
        for payload in payloads {
            body.handle_payload(payload)?;
        }
        Ok(body.finish())
    }

    #[test]
    fn a_sample_is_obus_with_their_sizes() {
        let whole = [SEQUENCE | HAS_SIZE, 1, 7, FRAME | HAS_SIZE, 2, 8, 9];
        let cases: [(&[&[u8]], &str); 5] = [
            (
                &[&[0x28, 2, SEQUENCE, 7, FRAME, 8, 9]],
                "the last without length",
            ),
            (
                &[&[0x08, 2, SEQUENCE, 7, 3, FRAME, 8, 9]],
                "each behind its length",
            ),
            (
                &[&[
                    0x08,
                    1,
                    DELIMITER,
                    3,
                    SEQUENCE | HAS_SIZE,
                    1,
                    7,
                    3,
                    FRAME,
                    8,
                    9,
                ]],
                "a delimiter, and an OBU with its size",
            ),
            (&[&[0x68, 2, SEQUENCE, 7, FRAME, 8], &[0x90, 9]], "in parts"),
            (
                &[&[0x68, 2, SEQUENCE, 7, FRAME], &[0xd0, 8], &[0x90, 9]],
                "in three parts",
            ),
        ];
        for (payloads, what) in cases {
            assert_eq!(body(payloads), Ok((true, whole.to_vec())), "{what}");
        }
        let later = body(&[&[0x10, FRAME | EXTENSION, 0x20, 8]]);
        let expected = vec![FRAME | EXTENSION | HAS_SIZE, 0x20, 1, 8];
        assert_eq!(later, Ok((false, expected)), "no sequence begins");
    }

    #[test]
    fn a_long_obu_has_a_long_size() {
        let mut payload = vec![0x10, FRAME];
        payload.resize(2 + 300, 5);
        let (_, data) = body(&[&payload]).expect("it is well formed");
        assert_eq!(data[..3], [FRAME | HAS_SIZE, 0xac, 0x02]);
        assert_eq!(data.len(), 3 + 300);
        assert_eq!(size(&data[1..]).map(|(length, _)| length), Some(300));
    }

    #[test]
    fn what_is_odd_is_refused() {
        let cases: [(&[&[u8]], &str); 8] = [
            (&[&[]], "nothing"),
            (&[&[0x10]], "a header alone"),
            (&[&[0x90, FRAME]], "an end without a beginning"),
            (&[&[0x50, FRAME], &[0x10, FRAME]], "another OBU in between"),
            (&[&[0x20, 9, FRAME]], "a length beyond the end"),
            (&[&[0x10, FRAME | FORBIDDEN]], "the forbidden bit"),
            (&[&[0x10, FRAME | HAS_SIZE, 2, 7]], "a size beyond the end"),
            (&[&[0x00, 0x80, 0x80]], "a length without an end"),
        ];
        for (payloads, what) in cases {
            assert_eq!(body(payloads), Err(Malformed), "{what}");
        }
        assert_eq!(body(&[&[0x50, FRAME]]), Ok((false, vec![])), "no end");
    }

    #[test]
    fn a_unit_is_no_longer_than_the_limit() {
        let mut body = Body::default();
        let mut payload = vec![FRAME; MAX_UNIT_BYTES];
        payload[0] = 0x50;
        assert_eq!(body.handle_payload(&payload), Ok(()));
        assert_eq!(body.handle_payload(&[0x90, 1]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn no_payload_is_too_odd(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..4)
        ) {
            let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
            // Refused or not: it does not matter here.
            let _ = body(&payloads);
        }
    }
}
