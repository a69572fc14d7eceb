use std::time::Duration;

use super::super::rate::{Budget, RateControl};
use super::super::{STILL_HEIGHT, STILL_LIMIT_BYTES, STILL_WIDTH};
use super::*;

fn still(pixel: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
    Picture::from_fn(STILL_WIDTH, STILL_HEIGHT, pixel)
}

fn gradient() -> Picture {
    still(|x, y| [(x * 255 / 599) as u8, (y * 255 / 399) as u8, 128])
}

/// The bits of a number in disorder, the same on every machine.
fn scrambled(number: u32) -> u32 {
    let mut bits = number.wrapping_mul(0x9E37_79B9) ^ 0x85EB_CA6B;
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x2C1B_3C6D);
    bits ^= bits >> 12;
    bits = bits.wrapping_mul(0x297A_2D39);
    bits ^ bits >> 15
}

fn noise() -> Picture {
    still(|x, y| {
        let [red, green, blue, _] = scrambled(y * STILL_WIDTH + x).to_le_bytes();
        [red, green, blue]
    })
}

/// Smooth noise in seven octaves and some grain, as leaves and cameras have it.
fn photo() -> Picture {
    let corner =
        |x: u32, y: u32, octave: u32| f64::from(scrambled(x + (y << 10) + (octave << 20)) % 256);
    let smooth = |x: u32, y: u32, octave: u32| {
        let size = 128 >> octave;
        let (left, top) = (x / size, y / size);
        let across = f64::from(x % size) / f64::from(size);
        let down = f64::from(y % size) / f64::from(size);
        let row =
            |y| corner(left, y, octave) * (1.0 - across) + corner(left + 1, y, octave) * across;
        row(top) * (1.0 - down) + row(top + 1) * down
    };
    still(|x, y| {
        let octaves =
            (0..7).map(|octave| smooth(x, y, octave) * 0.36 * 0.7_f64.powi(octave as i32));
        let grain = f64::from(scrambled(y * STILL_WIDTH + x) % 9);
        let grey = octaves.sum::<f64>() + grain;
        [grey as u8, (grey * 0.8) as u8, (255.0 - grey) as u8]
    })
}

/// Peak signal-to-noise ratio over all channels, in decibels.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let squares = a.rgb().iter().zip(b.rgb());
    let sum: f64 = squares
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
        .sum();
    10.0 * (255.0 * 255.0 * a.rgb().len() as f64 / sum).log10()
}

fn budget() -> Budget {
    Budget::new(100_000, Duration::from_secs(3))
}

fn decoded(access_unit: &[u8]) -> Picture {
    H264Decoder::new()
        .expect("it begins")
        .decode(access_unit)
        .expect("it is a picture")
}

/// Types of the NAL units (ITU-T H.264 table 7-1) of an access unit.
fn nal_types(access_unit: &[u8]) -> Vec<u8> {
    let starts = access_unit
        .windows(4)
        .filter(|bytes| bytes[..3] == [0, 0, 1]);
    starts.map(|bytes| bytes[3] & 0x1F).collect()
}

#[test]
fn every_still_is_one_key_frame_with_its_parameter_sets() {
    let mut encoder = H264Encoder::new();
    for picture in [gradient(), photo(), gradient()] {
        let access_unit = encoder
            .encode(&picture, Quality::new(20))
            .expect("it encodes");
        assert_eq!(nal_types(&access_unit), [7, 8, 5], "SPS, PPS, IDR");
        let at = access_unit
            .windows(4)
            .position(|bytes| bytes == [0, 0, 1, 0x67])
            .expect("an SPS");
        let [profile, constraints, level] = access_unit[at + 4..at + 7] else {
            panic!("it ends")
        };
        assert_eq!(profile, 66, "Baseline");
        assert_eq!(
            constraints & 0x40,
            0x40,
            "constrained: constraint_set1_flag"
        );
        assert!(level <= 31, "within the level that WebRTC offers: {level}");
    }
}

#[test]
fn what_comes_out_looks_like_what_went_in() {
    for (name, picture, least_db) in [("gradient", gradient(), 42.0), ("photo", photo(), 34.0)] {
        let still = RateControl::default()
            .encode(&mut H264Encoder::new(), &picture, budget())
            .expect("it fits");
        let db = psnr(&picture, &decoded(&still.access_unit));
        println!(
            "{name}: {} bytes, {db:.1} dB, {} attempts, {:?}",
            still.access_unit.len(),
            still.attempts,
            still.quality
        );
        assert!(db >= least_db, "{name}: {db:.1} dB");
        assert!(still.access_unit.len() <= STILL_LIMIT_BYTES);
    }
}

#[test]
fn coarser_means_smaller_and_worse() {
    let picture = photo();
    let at = |steps| {
        let access_unit = H264Encoder::new()
            .encode(&picture, Quality::new(steps))
            .expect("it encodes");
        (access_unit.len(), psnr(&picture, &decoded(&access_unit)))
    };
    let figures: Vec<_> = (7..=34).step_by(3).map(at).collect();
    println!("{figures:?}");
    assert!(
        figures
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1),
        "{figures:?}"
    );
}

#[test]
fn noise_is_encoded_again_until_it_fits() {
    let picture = noise();
    let first = H264Encoder::new()
        .encode(&picture, Quality::new(26))
        .expect("it encodes");
    assert!(first.len() > 3 * STILL_LIMIT_BYTES / 2, "{}", first.len());
    let still = RateControl::default()
        .encode(&mut H264Encoder::new(), &picture, budget())
        .expect("it fits");
    println!(
        "{} bytes, {} attempts, {:?}",
        still.access_unit.len(),
        still.attempts,
        still.quality
    );
    assert!(still.access_unit.len() <= STILL_LIMIT_BYTES);
    assert!(still.attempts > 1);
    assert!(psnr(&picture, &decoded(&still.access_unit)) > 8.0);
}

#[test]
fn odd_sides_are_refused_and_fitted_ones_taken() {
    let odd = Picture::from_fn(601, 399, |x, y| [x as u8, y as u8, 7]);
    let refused = H264Encoder::new().encode(&odd, Quality::FINEST);
    let uneven = EncodeError::Uneven {
        width: 601,
        height: 399,
    };
    assert_eq!(refused.expect_err("it is odd"), uneven);
    assert!(
        H264Encoder::new()
            .encode(&Picture::from_fn(0, 0, |_, _| [0; 3]), Quality::FINEST)
            .is_err()
    );
    let fitted = odd.fitted(STILL_WIDTH, STILL_HEIGHT);
    let access_unit = H264Encoder::new()
        .encode(&fitted, Quality::new(24))
        .expect("it encodes");
    assert!(psnr(&fitted, &decoded(&access_unit)) > 30.0);
}

#[test]
fn one_byte_or_one_row_too_many_is_not_decoded() {
    let mut decoder = H264Decoder::new().expect("it begins");
    let mut padded = H264Encoder::new()
        .encode(&gradient(), Quality::new(10))
        .expect("it encodes");
    padded.resize(MAX_FRAME_BYTES, 0);
    assert!(
        decoder.decode(&padded).is_ok(),
        "trailing zeros mean nothing"
    );
    padded.push(0);
    assert!(matches!(
        decoder.decode(&padded),
        Err(DecodeError::TooLarge)
    ));

    let mut sized = |height| {
        let large = Picture::from_fn(1920, height, |_, _| [9; 3]);
        let access_unit = H264Encoder::new()
            .encode(&large, Quality::COARSEST)
            .expect("it encodes");
        decoder.decode(&access_unit)
    };
    assert!(sized(1088).is_ok());
    assert!(matches!(sized(1090), Err(DecodeError::TooLarge)));
}

#[test]
fn damage_is_told_and_the_next_key_frame_heals() {
    let access_unit = H264Encoder::new()
        .encode(&photo(), Quality::new(20))
        .expect("it encodes");
    let mut decoder = H264Decoder::new().expect("it begins");
    let nothing: [&[u8]; 4] = [&access_unit[30..], &[], &[0; 100], b"not video"];
    for damaged in nothing {
        let told = decoder.decode(damaged);
        assert!(
            matches!(told, Err(DecodeError::Damaged(_))),
            "{} {told:?}",
            damaged.len()
        );
        assert!(decoder.decode(&access_unit).is_ok());
    }
}
