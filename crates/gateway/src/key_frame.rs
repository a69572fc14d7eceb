//! Tells from an RTP payload whether a key frame begins in it.
//!
//! The payload is a stranger's: whatever is too short or odd begins none.

use str0m::format::Codec;

use crate::vp8::Descriptor;

/// H.264 NAL unit types (ITU-T H.264 table 7-1; RFC 6184 §5.2).
const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_STAP_A: u8 = 24;
const NAL_FU_A: u8 = 28;
const NAL_TYPE: u8 = 0x1F;

/// Whether a key frame, or what belongs before one, begins in this packet's payload.
pub fn begins_key_frame(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::H264 => h264(payload),
        Codec::Vp8 => vp8(payload),
        Codec::Vp9 => vp9(payload).unwrap_or(false),
        Codec::Av1 => av1(payload),
        _ => false,
    }
}

fn h264(payload: &[u8]) -> bool {
    let begins = |nal: u8| matches!(nal & NAL_TYPE, NAL_IDR | NAL_SPS);
    match payload {
        [first, rest @ ..] if first & NAL_TYPE == NAL_STAP_A => {
            let mut rest = rest;
            // Each unit stands behind its length (RFC 6184 §5.7.1).
            while let [high, low, unit @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if unit.first().copied().is_some_and(begins) {
                    return true;
                }
                rest = unit.get(length..).unwrap_or_default();
            }
            false
        }
        [indicator, header, ..] if indicator & NAL_TYPE == NAL_FU_A => {
            let is_start = header & 0x80 != 0;
            is_start && begins(*header)
        }
        [first, ..] => begins(*first),
        [] => false,
    }
}

fn vp8(payload: &[u8]) -> bool {
    let descriptor = Descriptor::parse(payload);
    descriptor.is_some_and(|descriptor| descriptor.begins_key_frame(payload))
}

/// RFC 9628 §4.2: the beginning of a frame that predicts from none, in the lowest spatial layer.
fn vp9(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let is_inter = first & 0x40 != 0;
    let (has_layers, is_start) = (first & 0x20 != 0, first & 0x08 != 0);
    let mut at = 1;
    if first & 0x80 != 0 {
        let is_long = payload.get(at)? & 0x80 != 0;
        at += if is_long { 2 } else { 1 };
    }
    let is_lowest = !has_layers || (payload.get(at)? >> 1) & 0x07 == 0;
    Some(is_start && !is_inter && is_lowest)
}

/// The N bit of the aggregation header: a coded video sequence begins (RTP Payload Format for AV1
/// §4.4).
fn av1(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x08 != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODECS: [Codec; 4] = [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1];

    #[test]
    fn a_key_frame_is_known_by_its_first_packet() {
        let cases: [(Codec, &[u8], bool, &str); 17] = [
            (Codec::H264, &[0x65, 0x88], true, "an IDR slice alone"),
            (Codec::H264, &[0x67, 0x42], true, "parameters alone"),
            (Codec::H264, &[0x41, 0x9a], false, "another slice"),
            (
                Codec::H264,
                &[0x7c, 0x85, 0],
                true,
                "the first part of an IDR slice",
            ),
            (Codec::H264, &[0x7c, 0x45, 0], false, "its last part"),
            (
                Codec::H264,
                &[0x7c, 0x81, 0],
                false,
                "the first part of another slice",
            ),
            (
                Codec::H264,
                &[0x78, 0, 1, 0x09, 0, 2, 0x67, 0x42],
                true,
                "together, parameters second",
            ),
            (Codec::H264, &[0x78, 0, 9, 0x09], false, "together, cut off"),
            (Codec::Vp8, &[0x10, 0x00, 0x9d], true, "no extension"),
            (Codec::Vp8, &[0x10, 0x01], false, "predicted"),
            (
                Codec::Vp8,
                &[0x00, 0x00],
                false,
                "a later packet of the partition",
            ),
            (
                Codec::Vp8,
                &[0x90, 0xe0, 0x81, 0x02, 0x05, 0x20, 0x10],
                true,
                "a long picture id and both indices",
            ),
            (Codec::Vp8, &[0x90, 0xe0, 0x81], false, "cut off"),
            (
                Codec::Vp9,
                &[0x8c, 0x80, 0x01, 0x00],
                true,
                "the first packet",
            ),
            (Codec::Vp9, &[0xcc, 0x80, 0x01, 0x00], false, "predicted"),
            (
                Codec::Vp9,
                &[0xac, 0x01, 0x02],
                false,
                "a higher spatial layer",
            ),
            (Codec::Av1, &[0x18, 0x0a], true, "a new sequence"),
        ];
        for (codec, payload, expected, what) in cases {
            assert_eq!(
                begins_key_frame(codec, payload),
                expected,
                "{codec:?}: {what}"
            );
        }
        for codec in CODECS {
            assert!(!begins_key_frame(codec, &[]), "{codec:?}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_is_too_odd(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            for codec in CODECS {
                begins_key_frame(codec, &payload);
            }
        }
    }
}
