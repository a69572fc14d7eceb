//! How large a picture is, by what its key frames say.
//!
//! The payload is a stranger's: whatever is too short or odd says nothing.

use shiguredo_mp4::bitstream::h264::parse_sps;
use str0m::format::Codec;

use crate::vp8;

/// NAL unit types (ITU-T H.264 table 7-1; RFC 6184 §5.2).
const NAL_SPS: u8 = 7;
const NAL_STAP_A: u8 = 24;
const NAL_TYPE: u8 = 0x1F;

/// Width and height in pixels, where a packet's payload says them; of VP9 and AV1 none does.
pub(crate) fn picture_size(codec: Codec, payload: &[u8]) -> Option<(u16, u16)> {
    match codec {
        Codec::H264 => h264(payload),
        Codec::Vp8 => vp8::size(payload),
        _ => None,
    }
}

fn h264(payload: &[u8]) -> Option<(u16, u16)> {
    let (first, rest) = payload.split_first()?;
    if first & NAL_TYPE != NAL_STAP_A {
        return of_parameters(payload);
    }
    let mut rest = rest;
    // Each unit stands behind its length (RFC 6184 §5.7.1).
    while let [high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (unit, after) = after.split_at_checked(length)?;
        if let Some(size) = of_parameters(unit) {
            return Some(size);
        }
        rest = after;
    }
    None
}

fn of_parameters(unit: &[u8]) -> Option<(u16, u16)> {
    let is_it = unit.first()? & NAL_TYPE == NAL_SPS;
    let sps = is_it.then(|| parse_sps(unit).ok()).flatten()?;
    Some((sps.width, sps.height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of a picture of 1280 by 720 in the constrained baseline profile.
    const SPS: [u8; 11] = [
        0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40, 0x00,
    ];

    #[test]
    fn h264_says_its_size_in_its_parameters_alone_or_among_others() {
        let size = Some((1280, 720));
        assert_eq!(picture_size(Codec::H264, &SPS), size);
        let mut together = vec![0x78, 0, 2, 0x09, 0x10, 0, SPS.len() as u8];
        together.extend(SPS);
        assert_eq!(picture_size(Codec::H264, &together), size);
        let cut_off = &together[..together.len() - 1];
        assert_eq!(picture_size(Codec::H264, cut_off), None);
        assert_eq!(picture_size(Codec::H264, &[0x65, 0x88]), None, "a slice");
    }

    proptest! {
        #[test]
        fn no_payload_is_read_beyond_its_end(payload: Vec<u8>) {
            for codec in [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1] {
                let _ = picture_size(codec, &payload);
            }
        }
    }
}
