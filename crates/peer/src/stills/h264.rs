//! H.264 by OpenH264: Constrained Baseline, what every WebRTC peer decodes (RFC 7742 §5).

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::encoder::{
    BitRate, EncoderConfig, FrameRate, IntraFramePeriod, Profile, QpRange, RateControlMode,
    VuiConfig,
};
use openh264::formats::{RgbSliceU8, YUVBuffer, YUVSource};

use super::encoder::{EncodeError, Encoder, Quality};
use super::picture::{Picture, PictureError};

/// Largest access unit that is decoded, in bytes.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;
/// Most pixels of a picture that is decoded: 1080p, in whole macroblocks.
const MAX_PIXELS: usize = 1920 * 1088;
/// Quantisation parameter (ITU-T H.264 §7.4.3) of quality 0; six steps halve the bytes.
const QP_OF_ZERO: i32 = 52;
/// Only chooses the level that is declared: the quantisation parameter is fixed.
const DECLARED_BPS: u32 = 4_000_000;

/// Encodes stills with OpenH264.
///
/// Each picture has an encoder of its own: the library fixes the quality when it begins, and a
/// still depends on nothing before it.
#[derive(Debug, Default)]
pub struct H264Encoder(());

impl H264Encoder {
    /// An encoder of stills.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Encoder for H264Encoder {
    fn encode(&mut self, picture: &Picture, quality: Quality) -> Result<Vec<u8>, EncodeError> {
        let source = yuv_of(picture)?;
        let config = configuration(quality);
        let encode = || {
            let mut encoder =
                openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)?;
            encoder.encode(&source).map(|stream| stream.to_vec())
        };
        let access_unit = encode().map_err(|error| EncodeError::Failed(error.to_string()))?;
        if access_unit.is_empty() {
            return Err(EncodeError::Failed("it gave nothing".to_owned()));
        }
        Ok(access_unit)
    }
}

fn configuration(quality: Quality) -> EncoderConfig {
    let qp = u8::try_from(QP_OF_ZERO - quality.steps()).expect("a quality has 1 to 34 steps");
    EncoderConfig::new()
        .profile(Profile::Baseline)
        .rate_control_mode(RateControlMode::Quality)
        .qp(QpRange::new(qp, qp))
        .bitrate(BitRate::from_bps(DECLARED_BPS))
        .max_frame_rate(FrameRate::from_hz(30.0))
        .intra_frame_period(IntraFramePeriod::from_num_frames(1))
        .scene_change_detect(false)
        .background_detection(false)
        .adaptive_quantization(false)
        .num_threads(1)
        .vui(VuiConfig::bt601())
}

pub(super) fn yuv_of(picture: &Picture) -> Result<YUVBuffer, EncodeError> {
    let (width, height) = (picture.width(), picture.height());
    if !width.is_multiple_of(2) || !height.is_multiple_of(2) || width * height == 0 {
        return Err(EncodeError::Uneven { width, height });
    }
    let size = (width as usize, height as usize);
    Ok(YUVBuffer::from_rgb8_source(RgbSliceU8::new(
        picture.rgb(),
        size,
    )))
}

/// Why an access unit gave no picture.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More than [`MAX_FRAME_BYTES`], or than 1080p.
    #[error("a frame above 1 MiB or 1080p")]
    TooLarge,
    /// Damaged, or it builds on a frame that did not come: ask for a key frame.
    #[error("the frame cannot be decoded: {0}")]
    Damaged(String),
    /// The decoder handed out a picture that is none.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Decodes a stream of access units with OpenH264.
pub struct H264Decoder(Decoder);

impl H264Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] where the library does not begin.
    pub fn new() -> Result<Self, DecodeError> {
        Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
            .map(Self)
            .map_err(|error| DecodeError::Damaged(error.to_string()))
    }

    /// Decodes one access unit in Annex B, which has to be whole: the library takes one that is
    /// cut off within a slice for a picture whose rest is grey.
    ///
    /// # Errors
    /// [`DecodeError`]; the decoder then waits for a key frame.
    pub fn decode(&mut self, access_unit: &[u8]) -> Result<Picture, DecodeError> {
        if access_unit.len() > MAX_FRAME_BYTES {
            return Err(DecodeError::TooLarge);
        }
        let picture = self.picture_of(access_unit);
        if picture.is_err() {
            // What it concealed would shine through later pictures.
            *self = Self::new()?;
        }
        picture
    }

    fn picture_of(&mut self, access_unit: &[u8]) -> Result<Picture, DecodeError> {
        let decoded = self.0.decode(access_unit);
        let yuv = decoded
            .map_err(|error| DecodeError::Damaged(error.to_string()))?
            .ok_or_else(|| DecodeError::Damaged("no picture in it".to_owned()))?;
        let (width, height) = yuv.dimensions();
        if width * height > MAX_PIXELS {
            return Err(DecodeError::TooLarge);
        }
        let mut rgb = vec![0; width * height * 3];
        yuv.write_rgb8(&mut rgb);
        Ok(Picture::from_rgb(width as u32, height as u32, rgb)?)
    }
}

#[cfg(test)]
mod tests;
