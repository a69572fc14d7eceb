//! What an MP4 file says of a codec, drawn from a key frame.

use gateway::{Codec, Frame};
use shiguredo_mp4::bitstream::av1::{self, Av1ObuParseContext, Av1ObuType, Av1SampleEntryConfig};
use shiguredo_mp4::bitstream::h264::{
    self, H264NalUnitType, H264SampleEntryConfig, LengthSize, parse_length_prefixed_nal_units,
};
use shiguredo_mp4::bitstream::opus::{ChannelCount, OpusSampleEntryConfig, build_opus_box};
use shiguredo_mp4::bitstream::vp8::{self, Vp8SampleEntryConfig};
use shiguredo_mp4::bitstream::vp9::{self, Vp9FrameSize, Vp9FrameType, Vp9SampleEntryConfig};
use shiguredo_mp4::boxes::SampleEntry;

/// Opus is decoded at 48 kHz, and to two channels, whatever was sent (RFC 7587 §4.1).
const OPUS: OpusSampleEntryConfig = OpusSampleEntryConfig {
    channel_count: ChannelCount::Stereo,
    // Nothing is skipped: a segment begins in the middle of the sound.
    pre_skip: 0,
    input_sample_rate: 48_000,
    output_gain: 0,
};

/// What is said of Opus.
pub(super) fn sound() -> SampleEntry {
    SampleEntry::Opus(build_opus_box(&OPUS))
}

/// What a key frame says of itself and those after it; none where it does not.
pub(super) fn picture(frame: &Frame) -> Option<SampleEntry> {
    match frame.codec {
        Codec::H264 => avc1(&frame.data),
        Codec::Vp8 => vp08(&frame.data),
        Codec::Vp9 => vp09(&frame.data),
        Codec::Av1 => av01(&frame.data),
        _ => None,
    }
}

fn avc1(data: &[u8]) -> Option<SampleEntry> {
    let units = parse_length_prefixed_nal_units(data, LengthSize::FourBytes).ok()?;
    let of = |kind| -> Vec<Vec<u8>> {
        let units = h264::collect_nal_units(units.iter().copied(), kind);
        units.into_iter().map(<[u8]>::to_vec).collect()
    };
    let (sps, pps) = (of(H264NalUnitType::Sps), of(H264NalUnitType::Pps));
    let config = H264SampleEntryConfig {
        length_size: LengthSize::FourBytes,
    };
    h264::build_avc1_box(&sps, &pps, &config)
        .ok()
        .map(SampleEntry::Avc1)
}

/// The colours that WebRTC's encoders use: ITU-R BT.601 (ISO/IEC 23001-8 table 2), not the full range.
const BT601: u8 = 6;

fn vp08(data: &[u8]) -> Option<SampleEntry> {
    let size = vp8::parse_frame_header(data).ok()?.keyframe?;
    let config = Vp8SampleEntryConfig {
        video_full_range_flag: false,
        colour_primaries: BT601,
        transfer_characteristics: BT601,
        matrix_coefficients: BT601,
        width: size.width,
        height: size.height,
    };
    Some(SampleEntry::Vp08(vp8::build_vp08_box(&config)))
}

fn vp09(data: &[u8]) -> Option<SampleEntry> {
    let header = vp9::parse_frame_header(data).ok()?;
    let Vp9FrameSize::Resolved { width, height } = header.frame_size else {
        return None;
    };
    if header.frame_type != Vp9FrameType::Key {
        return None;
    }
    let config = Vp9SampleEntryConfig {
        level: vp9_level(width.saturating_mul(height)),
        colour_primaries: BT601,
        transfer_characteristics: BT601,
        matrix_coefficients: BT601,
        width: u16::try_from(width).ok()?,
        height: u16::try_from(height).ok()?,
    };
    vp9::build_vp09_box(&header, &config)
        .ok()
        .map(SampleEntry::Vp09)
}

/// The level of VP9 that pictures of so many pixels need (<https://www.webmproject.org/vp9/levels/>),
/// with room for 60 a second where it is the same. A browser plays none without a level.
fn vp9_level(pixels: u32) -> u8 {
    const LEVELS: [(u32, u8); 8] = [
        (36_864, 10),
        (73_728, 11),
        (122_880, 20),
        (245_760, 21),
        (552_960, 30),
        (983_040, 31),
        (2_228_224, 41),
        (8_912_896, 52),
    ];
    let fits = LEVELS.iter().find(|(most, _)| pixels <= *most);
    fits.map_or(62, |(_, level)| *level)
}

fn av01(data: &[u8]) -> Option<SampleEntry> {
    let obus = av1::parse_obus(data, Av1ObuParseContext::Sample).ok()?;
    let is_sequence = |obu: &&av1::Av1Obu<'_>| obu.obu_type == Av1ObuType::SequenceHeader;
    let sequence = obus.iter().find(is_sequence)?;
    let config = Av1SampleEntryConfig {
        initial_presentation_delay_minus_one: None,
    };
    av1::build_av01_box_from_config_obus(sequence.obu, &config)
        .ok()
        .map(SampleEntry::Av01)
}

/// The frame without what the file says elsewhere (ISO/IEC 14496-15 §5.4.2.1: `avc1` has its
/// parameter sets in the sample entry).
pub(super) fn sample(frame: Frame) -> Vec<u8> {
    if frame.codec != Codec::H264 || !frame.is_key {
        return frame.data;
    }
    let Ok(units) = parse_length_prefixed_nal_units(&frame.data, LengthSize::FourBytes) else {
        return frame.data;
    };
    let is_elsewhere = |kind| matches!(kind, H264NalUnitType::Sps | H264NalUnitType::Pps);
    let mut sample = Vec::with_capacity(frame.data.len());
    for unit in units
        .iter()
        .filter(|unit| !is_elsewhere(unit.nal_unit_type))
    {
        let length = u32::try_from(unit.data.len()).expect("it stood behind a 32-bit length");
        sample.extend_from_slice(&length.to_be_bytes());
        sample.extend_from_slice(unit.data);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::super::tests::picture as frame;
    use super::*;

    #[test]
    fn a_level_of_vp9_has_room_for_its_pictures() {
        for (width, height, level) in [
            (320, 240, 20),
            (640, 480, 30),
            (1280, 720, 31),
            (1920, 1080, 41),
        ] {
            assert_eq!(vp9_level(width * height), level, "{width}x{height}");
        }
        assert_eq!((vp9_level(36_864), vp9_level(36_865)), (10, 11));
        assert_eq!(vp9_level(u32::MAX), 62);
    }

    #[test]
    fn what_does_not_say_how_it_is_coded_is_not_recorded() {
        for codec in [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H265] {
            for length in [0, 1, 40] {
                let frame = Frame {
                    codec,
                    ..frame(0, length, None)
                };
                assert_eq!(picture(&frame), None, "{codec:?} of {length} bytes");
            }
        }
    }
}
