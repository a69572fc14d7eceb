//! A tone in packets of Opus: sound that a test can know again.

use std::f64::consts::TAU;

use opus_rs::{Application, OpusEncoder};

const RATE: u32 = 48_000;
/// Of one packet of 20 ms.
const SAMPLES: usize = 960;
/// As loud as speech.
const LOUDNESS: f64 = 0.25;
const BITS_PER_SECOND: i32 = 64_000;
/// No packet of Opus is longer (RFC 6716 §3.4, one frame).
const MAX_PACKET_BYTES: usize = 1275;

/// A tone without end.
pub(super) struct Tone {
    encoder: OpusEncoder,
    hertz: u32,
    /// How far it is within a second, so that it goes on without a crack.
    sample: u32,
}

impl Tone {
    pub(super) fn new(hertz: u32) -> Self {
        let encoder = OpusEncoder::new(RATE as i32, 1, Application::Audio);
        let mut encoder = encoder.expect("Opus knows 48 kHz and one channel");
        encoder.bitrate_bps = BITS_PER_SECOND;
        Self {
            encoder,
            hertz,
            sample: 0,
        }
    }

    /// The next packet; none where it cannot be encoded.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let mut sound = [0.0; SAMPLES];
        for level in &mut sound {
            let at = f64::from(self.sample) / f64::from(RATE);
            *level = ((TAU * f64::from(self.hertz) * at).sin() * LOUDNESS) as f32;
            self.sample = (self.sample + 1) % RATE;
        }
        let mut packet = vec![0; MAX_PACKET_BYTES];
        let length = self.encoder.encode(&sound, SAMPLES, &mut packet).ok()?;
        packet.truncate(length);
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use opus_rs::OpusDecoder;

    use super::*;

    #[test]
    fn a_tone_has_its_pitch_once_it_is_decoded() {
        let mut tone = Tone::new(440);
        let mut decoder = OpusDecoder::new(RATE as i32, 1).expect("a decoder");
        let mut heard = Vec::new();
        for _ in 0..60 {
            let packet = tone.next().expect("it is encoded");
            let mut sound = vec![0.0; SAMPLES];
            let count = decoder.decode(&packet, SAMPLES, &mut sound);
            heard.extend_from_slice(&sound[..count.expect("it is Opus")]);
        }
        // A second of it, after the encoder has settled.
        let second = &heard[SAMPLES * 10..][..RATE as usize];
        let rises = second
            .windows(2)
            .filter(|two| two[0] < 0.0 && two[1] >= 0.0);
        let hertz = rises.count();
        assert!((438..=442).contains(&hertz), "{hertz} Hz");
    }
}
