//! Continuous H.264 by OpenH264, for live video: frames that build on each other, at a bitrate.

use std::time::Duration;

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, EncoderConfig, FrameRate, Profile, RateControlMode, UsageType, VuiConfig,
};

use super::encoder::EncodeError;
use super::h264::yuv_of;
use super::picture::Picture;

/// Encodes live video.
pub struct LiveEncoder {
    encoder: openh264::encoder::Encoder,
    frames_per_second: f32,
    bits_per_second: u32,
}

impl LiveEncoder {
    /// An encoder whose first frame is a key frame.
    ///
    /// # Errors
    /// [`EncodeError::Failed`].
    pub fn new(frames_per_second: f32, bits_per_second: u32) -> Result<Self, EncodeError> {
        Ok(Self {
            encoder: encoder(frames_per_second, bits_per_second)?,
            frames_per_second,
            bits_per_second,
        })
    }

    /// Aims at another bitrate from the next frame on, which is a key frame: the library takes a
    /// bitrate when it begins.
    ///
    /// # Errors
    /// [`EncodeError::Failed`].
    pub fn aim(&mut self, bits_per_second: u32) -> Result<(), EncodeError> {
        if bits_per_second != self.bits_per_second {
            *self = Self::new(self.frames_per_second, bits_per_second)?;
        }
        Ok(())
    }

    /// The next access unit in Annex B, `since` the first; none where the rate allows none.
    ///
    /// # Errors
    /// [`EncodeError::Uneven`], [`EncodeError::Failed`].
    pub fn encode(
        &mut self,
        picture: &Picture,
        since: Duration,
        wants_key_frame: bool,
    ) -> Result<Option<Vec<u8>>, EncodeError> {
        let source = yuv_of(picture)?;
        if wants_key_frame {
            self.encoder.force_intra_frame();
        }
        let millis = u64::try_from(since.as_millis()).unwrap_or(0);
        let at = openh264::Timestamp::from_millis(millis);
        let stream = self.encoder.encode_at(&source, at);
        let stream = stream.map_err(|error| EncodeError::Failed(error.to_string()))?;
        let access_unit = stream.to_vec();
        Ok((!access_unit.is_empty()).then_some(access_unit))
    }
}

fn encoder(
    frames_per_second: f32,
    bits_per_second: u32,
) -> Result<openh264::encoder::Encoder, EncodeError> {
    let config = EncoderConfig::new()
        .profile(Profile::Baseline)
        .usage_type(UsageType::CameraVideoRealTime)
        .rate_control_mode(RateControlMode::Bitrate)
        .bitrate(BitRate::from_bps(bits_per_second))
        .max_frame_rate(FrameRate::from_hz(frames_per_second))
        .num_threads(1)
        .vui(VuiConfig::bt601());
    openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| EncodeError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::{H264Decoder, pattern};
    use super::*;

    const FPS: u32 = 15;
    const BPS: u32 = 300_000;

    fn is_key(access_unit: &[u8]) -> bool {
        let starts = access_unit
            .windows(4)
            .filter(|bytes| bytes[..3] == [0, 0, 1]);
        starts.map(|bytes| bytes[3] & 0x1F).any(|kind| kind == 5)
    }

    #[test]
    fn frames_build_on_each_other_within_the_bitrate_and_key_frames_come_when_asked_for() {
        let mut encoder = LiveEncoder::new(FPS as f32, BPS).expect("it begins");
        let mut decoder = H264Decoder::new().expect("it begins");
        let (mut keys, mut bytes, mut shown) = (Vec::new(), 0, 0);
        let seconds = 4;
        for number in 0..FPS * seconds {
            let picture = pattern(number, u64::from(number) * 66, 600, 400);
            let since = Duration::from_secs(1) * number / FPS;
            let unit = encoder
                .encode(&picture, since, number == 30)
                .expect("it encodes");
            let Some(unit) = unit else { continue };
            bytes += unit.len();
            if is_key(&unit) {
                keys.push(number);
            }
            decoder.decode(&unit).expect("it is a picture");
            shown += 1;
        }
        println!("{bytes} bytes, {shown} frames, key frames {keys:?}");
        assert_eq!(keys, [0, 30]);
        assert!(shown >= FPS * seconds / 2, "{shown} frames");
        // The first frames overshoot: half as much again over four seconds.
        assert!(bytes as u32 * 8 / seconds < BPS * 3 / 2, "{bytes} bytes");
    }
}
