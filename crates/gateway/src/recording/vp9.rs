//! VP9 frames of RTP payloads (RFC 9628). Of several spatial layers the lowest is recorded, which
//! refers to no other.

use super::units::{MAX_UNIT_BYTES, Malformed};

/// Bits of the payload descriptor (§4.2).
const PICTURE_ID: u8 = 0x80;
const INTER: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const START: u8 = 0x08;
const STRUCTURE: u8 = 0x02;
/// More follows, in a picture id and in the list of references.
const LONG_PICTURE_ID: u8 = 0x80;
const MORE_REFERENCES: u8 = 0x01;
const MAX_REFERENCES: usize = 3;

/// One frame.
#[derive(Debug, Default)]
pub(super) struct Body {
    is_key: bool,
    data: Vec<u8>,
}

/// What the descriptor says of a payload.
struct Part<'a> {
    is_start: bool,
    is_inter: bool,
    spatial_layer: u8,
    data: &'a [u8],
}

impl Body {
    /// Takes the payload of the next packet.
    pub(super) fn handle_payload(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let part = Part::of(payload).ok_or(Malformed)?;
        if part.spatial_layer > 0 {
            return Ok(());
        }
        let is_first = self.data.is_empty();
        let is_long = self.data.len() + part.data.len() > MAX_UNIT_BYTES;
        if is_first != part.is_start || part.data.is_empty() || is_long {
            return Err(Malformed);
        }
        self.is_key |= is_first && !part.is_inter;
        self.data.extend_from_slice(part.data);
        Ok(())
    }

    /// Whether it is a key frame, and its bytes.
    pub(super) fn finish(self) -> (bool, Vec<u8>) {
        (self.is_key, self.data)
    }
}

impl<'a> Part<'a> {
    fn of(payload: &'a [u8]) -> Option<Self> {
        let (&first, mut rest) = payload.split_first()?;
        if first & PICTURE_ID != 0 {
            let is_long = rest.first()? & LONG_PICTURE_ID != 0;
            rest = rest.get(if is_long { 2 } else { 1 }..)?;
        }
        let mut spatial_layer = 0;
        if first & LAYERS != 0 {
            spatial_layer = (rest.first()? >> 1) & 0x07;
            // The index of the lowest temporal layer follows where references are not listed.
            rest = rest.get(if first & FLEXIBLE == 0 { 2 } else { 1 }..)?;
        }
        if first & FLEXIBLE != 0 && first & INTER != 0 {
            rest = without_references(rest)?;
        }
        if first & STRUCTURE != 0 {
            rest = without_structure(rest)?;
        }
        Some(Self {
            is_start: first & START != 0,
            is_inter: first & INTER != 0,
            spatial_layer,
            data: rest,
        })
    }
}

fn without_references(rest: &[u8]) -> Option<&[u8]> {
    let has_more = |byte: &u8| byte & MORE_REFERENCES != 0;
    let followed = rest.iter().take_while(|byte| has_more(byte)).count();
    if followed >= MAX_REFERENCES {
        return None;
    }
    rest.get(followed + 1..)
}

/// The scalability structure (§4.2.1): sizes of spatial layers, and a group of pictures.
fn without_structure(rest: &[u8]) -> Option<&[u8]> {
    let (&head, mut rest) = rest.split_first()?;
    let layers = usize::from(head >> 5) + 1;
    if head & 0x10 != 0 {
        rest = rest.get(4 * layers..)?;
    }
    if head & 0x08 != 0 {
        let (&pictures, after) = rest.split_first()?;
        rest = after;
        for _ in 0..pictures {
            let references = usize::from((rest.first()? >> 2) & 0x03);
            rest = rest.get(1 + references..)?;
        }
    }
    Some(rest)
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
        let structure = [0x0a, 0x38, 2, 128, 1, 104, 4, 0, 1, 104, 1, 0x04, 1, 7];
        assert_whole(&[&[0x0c, 7]], true, &[7], "no field");
        assert_whole(
            &[&[0x8c, 0x81, 2, 7], &[0x84, 3, 8]],
            true,
            &[7, 8],
            "picture ids",
        );
        assert_whole(&[&[0xcc, 3, 7]], false, &[7], "a predicted one");
        assert_whole(
            &[&[0x2c, 0x00, 5, 7], &[0x24, 0x02, 5, 9]],
            true,
            &[7],
            "layers",
        );
        assert_whole(&[&[0x5c, 3, 2, 7]], false, &[7], "references");
        assert_whole(&[&structure], true, &[7], "a structure");
    }

    #[test]
    fn what_is_odd_is_refused() {
        let cases: [(&[&[u8]], &str); 7] = [
            (&[&[]], "nothing"),
            (&[&[0x0c]], "a descriptor alone"),
            (&[&[0x8c, 0x81]], "half a picture id"),
            (&[&[0x5c, 1, 1, 1, 7]], "a fourth reference"),
            (&[&[0x0a, 0x18, 0]], "half a structure"),
            (&[&[0x04, 7]], "no beginning"),
            (&[&[0x0c, 7], &[0x0c, 7]], "two beginnings"),
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
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..4)
        ) {
            let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
            // Refused or not: it does not matter here.
            let _ = body(&payloads);
        }
    }
}
