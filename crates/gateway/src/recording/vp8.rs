//! VP8 frames of RTP payloads (RFC 7741).

use super::units::{MAX_UNIT_BYTES, Malformed};

/// Bits of the payload descriptor (§4.2).
const EXTENDED: u8 = 0x80;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
const PICTURE_ID: u8 = 0x80;
const LONG_PICTURE_ID: u8 = 0x80;
const LAYER_ZERO_INDEX: u8 = 0x40;
const LAYER_OR_KEY_INDEX: u8 = 0x30;
/// In the frame's own first byte: it refers to others (§4.3).
const INTER: u8 = 0x01;

/// One frame.
#[derive(Debug, Default)]
pub(super) struct Body {
    data: Vec<u8>,
}

impl Body {
    /// Takes the payload of the next packet.
    pub(super) fn handle_payload(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let (is_start, part) = without_descriptor(payload).ok_or(Malformed)?;
        let is_first = self.data.is_empty();
        let is_long = self.data.len() + part.len() > MAX_UNIT_BYTES;
        if is_first != is_start || part.is_empty() || is_long {
            return Err(Malformed);
        }
        self.data.extend_from_slice(part);
        Ok(())
    }

    /// Whether it is a key frame, and its bytes.
    pub(super) fn finish(self) -> (bool, Vec<u8>) {
        let is_key = self.data.first().is_some_and(|first| first & INTER == 0);
        (is_key, self.data)
    }
}

/// Whether the frame begins here, and what stands behind the descriptor.
fn without_descriptor(payload: &[u8]) -> Option<(bool, &[u8])> {
    let first = *payload.first()?;
    let mut length = 1;
    if first & EXTENDED != 0 {
        let fields = *payload.get(1)?;
        length += 1;
        if fields & PICTURE_ID != 0 {
            let is_long = payload.get(length)? & LONG_PICTURE_ID != 0;
            length += if is_long { 2 } else { 1 };
        }
        length += usize::from(fields & LAYER_ZERO_INDEX != 0);
        length += usize::from(fields & LAYER_OR_KEY_INDEX != 0);
    }
    let is_start = first & START != 0 && first & PARTITION == 0;
    Some((is_start, payload.get(length..)?))
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

    fn assert_whole(payloads: &[&[u8]], is_key: bool, data: &[u8], what: &str) {
        assert_eq!(body(payloads), Ok((is_key, data.to_vec())), "{what}");
    }

    #[test]
    fn a_frame_is_what_stands_behind_the_descriptors() {
        assert_whole(&[&[0x10, 0x00, 7]], true, &[0x00, 7], "no extension");
        assert_whole(
            &[&[0x10, 0x01], &[0x00, 9]],
            false,
            &[0x01, 9],
            "two packets",
        );
        assert_whole(
            &[
                &[0x90, 0xe0, 0x81, 0x02, 5, 0x20, 0x10, 1],
                &[0x81, 0x80, 3, 8],
            ],
            true,
            &[0x10, 1, 8],
            "every field, and another partition",
        );
        assert_whole(&[&[0x90, 0x10, 0x01, 0x00]], true, &[0x00], "a key index");
    }

    #[test]
    fn what_is_odd_is_refused() {
        let cases: [(&[&[u8]], &str); 5] = [
            (&[&[]], "nothing"),
            (&[&[0x10]], "a descriptor alone"),
            (&[&[0x90, 0x80, 0x80]], "half a descriptor"),
            (&[&[0x00, 1]], "no beginning"),
            (&[&[0x10, 1], &[0x10, 1]], "two beginnings"),
        ];
        for (payloads, what) in cases {
            assert_eq!(body(payloads), Err(Malformed), "{what}");
        }
    }

    #[test]
    fn a_frame_is_no_longer_than_the_limit() {
        let mut body = Body::default();
        let mut payload = vec![0; MAX_UNIT_BYTES + 1];
        payload[0] = START;
        assert_eq!(body.handle_payload(&payload), Ok(()));
        assert_eq!(body.handle_payload(&[0, 1]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn no_payload_is_too_odd(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..16), 0..4)
        ) {
            let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
            // Refused or not: it does not matter here.
            let _ = body(&payloads);
        }
    }
}
