//! What an MP4 file says of a codec, drawn from a key frame.

use gateway::{Codec, Frame};
use shiguredo_mp4::bitstream::h264::{
    self, H264NalUnitType, H264SampleEntryConfig, LengthSize, parse_length_prefixed_nal_units,
};
use shiguredo_mp4::bitstream::opus::{ChannelCount, OpusSampleEntryConfig, build_opus_box};
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
