//! A picture that moves and tells the time: digits for people, blocks for programs.
//!
//! The blocks are those that `tests/lib/camera.mjs` reads: the number's lowest 12 bits in the top
//! left corner, most significant first, each a twentieth of the width, white for one.

use super::picture::Picture;

/// How many bits of the number are shown as blocks.
pub const CLOCK_BITS: u32 = 12;
/// Blocks that fit side by side.
const BLOCKS_PER_WIDTH: u32 = 20;
/// Which segments of a digit are lit: top, the upper sides, middle, the lower sides, bottom.
///
/// ```text
///  0
/// 1 2
///  3
/// 4 5
///  6
/// ```
const SEGMENTS: [u8; 10] = [
    0b111_0111, 0b010_0100, 0b101_1101, 0b110_1101, 0b010_1110, 0b110_1011, 0b111_1011, 0b010_0101,
    0b111_1111, 0b110_1111,
];

/// The test pattern with this number, at this time of day (UTC), in Unix milliseconds.
///
/// ```
/// let first = peer::stills::pattern(1, 0, 600, 400);
/// assert_ne!(first, peer::stills::pattern(2, 0, 600, 400));
/// ```
pub fn pattern(number: u32, unix_ms: u64, width: u32, height: u32) -> Picture {
    let digits = clock_digits(unix_ms);
    Picture::from_fn(width, height, |x, y| {
        block(number, x, y, width)
            .or_else(|| digit(&digits, x, y, width, height))
            .unwrap_or_else(|| scene(number, x, y, width, height))
    })
}

fn block(number: u32, x: u32, y: u32, width: u32) -> Option<[u8; 3]> {
    let size = (width / BLOCKS_PER_WIDTH).max(1);
    let at = x / size;
    let is_block = at < CLOCK_BITS && y < size;
    let is_lit = || number >> (CLOCK_BITS - 1 - at) & 1 == 1;
    is_block.then(|| if is_lit() { [255; 3] } else { [0; 3] })
}

/// Hours, minutes, seconds, hundredths, two digits each.
fn clock_digits(unix_ms: u64) -> [u8; 8] {
    let hundredths = unix_ms / 10;
    let seconds = hundredths / 100;
    let parts = [
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        hundredths % 100,
    ];
    let mut digits = [0; 8];
    for (pair, part) in digits.chunks_mut(2).zip(parts) {
        pair.copy_from_slice(&[(part / 10) as u8, (part % 10) as u8]);
    }
    digits
}

/// The clock across the lower part: white on black, a gap after each pair.
fn digit(digits: &[u8; 8], x: u32, y: u32, width: u32, height: u32) -> Option<[u8; 3]> {
    let (left, top) = (width / 12, height * 5 / 8);
    let cell = width * 10 / 12 / 19;
    let (column, row) = (x.checked_sub(left)?, y.checked_sub(top)?);
    let high = cell * 7 / 2;
    if cell == 0 || column >= cell * 19 || row >= high {
        return None;
    }
    // Each pair is five cells wide: a digit of two, another, and a gap of one.
    let (pair, within) = (column / (cell * 5), column % (cell * 5));
    let (which, across) = (within / (cell * 2), within % (cell * 2));
    let digit = digits
        .get((pair * 2 + which) as usize)
        .filter(|_| which < 2);
    let is_lit = digit.is_some_and(|digit| is_segment(*digit, across, row, cell, high));
    Some(if is_lit { [255; 3] } else { [0; 3] })
}

fn is_segment(digit: u8, across: u32, down: u32, cell: u32, high: u32) -> bool {
    let thick = (cell / 3).max(1);
    let (right, middle) = (cell * 3 / 2, high / 2);
    if across > right {
        return false;
    }
    let is_upper = down <= middle;
    let lit = [
        down < thick,
        is_upper && across < thick,
        is_upper && across + thick > right,
        down.abs_diff(middle) <= thick / 2,
        !is_upper && across < thick,
        !is_upper && across + thick > right,
        down + thick >= high,
    ];
    let segments = SEGMENTS[usize::from(digit % 10)];
    lit.iter()
        .enumerate()
        .any(|(at, is_here)| *is_here && segments >> at & 1 == 1)
}

/// A slope of colours, and a disc that walks over it.
fn scene(number: u32, x: u32, y: u32, width: u32, height: u32) -> [u8; 3] {
    let radius = i64::from(height / 8);
    let centre = i64::from(number.wrapping_mul(37) % width.max(1));
    let (across, down) = (
        i64::from(x) - centre,
        i64::from(y) - i64::from(height) * 3 / 8,
    );
    if across * across + down * down < radius * radius {
        return [250, 200, 40];
    }
    let share = |part: u32, whole: u32| (part * 200 / whole.max(1)) as u8;
    [
        40 + share(x, width),
        30 + share(y, height),
        200 - share(x, width) / 2,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `watchClock` of `tests/lib/camera.mjs` reads it.
    fn read_number(picture: &Picture) -> u32 {
        let block = picture.width() / 20;
        (0..12).fold(0, |number, bit| {
            let (x, y) = (bit * block + block / 2, block / 2);
            let at = ((y * picture.width() + x) * 3) as usize;
            number * 2 + u32::from(picture.rgb()[at] > 127)
        })
    }

    #[test]
    fn a_program_reads_the_number_modulo_4096() {
        for number in [0, 1, 2, 1234, 4095, 4096 + 77, u32::MAX] {
            for (width, height) in [(600, 400), (640, 480), (1280, 720)] {
                let picture = pattern(number, 0, width, height);
                assert_eq!(read_number(&picture), number % 4096, "{width}×{height}");
            }
        }
    }

    #[test]
    fn people_read_the_time_of_day() {
        assert_eq!(clock_digits(0), [0; 8]);
        let late = ((23 * 60 + 59) * 60 + 58) * 1000 + 760;
        assert_eq!(clock_digits(late), [2, 3, 5, 9, 5, 8, 7, 6]);
        assert_eq!(clock_digits(late + 86_400_000), clock_digits(late));
        assert_ne!(pattern(1, 0, 600, 400), pattern(1, 10, 600, 400));
    }

    #[test]
    fn every_digit_looks_different() {
        let drawn = |digit| -> Vec<bool> {
            let points = (0..70).flat_map(|down| (0..30).map(move |across| (across, down)));
            points
                .map(|(across, down)| is_segment(digit, across, down, 20, 70))
                .collect()
        };
        let drawn: std::collections::BTreeSet<_> = (0..10).map(drawn).collect();
        assert_eq!(drawn.len(), 10);
    }

    #[test]
    fn the_smallest_pictures_can_be_drawn() {
        for side in 0..40 {
            assert_eq!(pattern(7, 1, side, side).width(), side);
        }
    }
}
