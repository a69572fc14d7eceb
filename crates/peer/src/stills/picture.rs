//! A picture: RGB, 8 bits a channel, rows from the top. Read from and written to PNG and JPEG.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

/// Longest side of a picture that is read, in pixels.
pub(super) const MAX_SIDE: u32 = 16_384;
/// What reading a picture may allocate, in bytes.
const MAX_ALLOCATED_BYTES: u64 = 512 * 1024 * 1024;

/// Why bytes are no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The sides and the count of bytes do not go together.
    #[error("{width}×{height} pixels need {} bytes, not {bytes}", 3 * u128::from(*width) * u128::from(*height))]
    WrongSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What came.
        bytes: usize,
    },
    /// Neither PNG nor JPEG, broken, or longer than 16,384 pixels at a side.
    #[error("no PNG or JPEG that can be read")]
    Unreadable(#[source] ImageError),
}

/// An RGB picture.
///
/// ```
/// use peer::stills::Picture;
/// let red = Picture::from_rgb(1, 1, vec![255, 0, 0])?;
/// let png = red.to_png();
/// assert_eq!(Picture::read(&png)?, red);
/// # Ok::<(), peer::stills::PictureError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(RgbImage);

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{})", self.width(), self.height())
    }
}

impl Picture {
    /// A picture of `rgb`, three bytes a pixel.
    ///
    /// # Errors
    /// [`PictureError::WrongSize`].
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PictureError> {
        let bytes = rgb.len();
        let is_exact = u128::from(width) * u128::from(height) * 3 == bytes as u128;
        let image = is_exact.then(|| RgbImage::from_raw(width, height, rgb));
        let wrong = PictureError::WrongSize {
            width,
            height,
            bytes,
        };
        image.flatten().map(Self).ok_or(wrong)
    }

    /// A picture whose pixels are computed, column and row from 0.
    pub fn from_fn(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Self {
        let pixel = |x, y| image::Rgb(pixel(x, y));
        Self(RgbImage::from_fn(width, height, pixel))
    }

    /// Reads PNG or JPEG.
    ///
    /// # Errors
    /// [`PictureError::Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<Self, PictureError> {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| PictureError::Unreadable(ImageError::IoError(error)))?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_ALLOCATED_BYTES);
        reader.limits(limits);
        let image = reader.decode().map_err(PictureError::Unreadable)?;
        Ok(Self(image.into_rgb8()))
    }

    /// As PNG.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        self.0
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a buffer in memory takes an RGB picture");
        bytes.into_inner()
    }

    /// As JPEG; `quality` is 1 to 100.
    pub fn to_jpeg(&self, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
            .encode_image(&self.0)
            .expect("a buffer in memory takes an RGB picture");
        bytes
    }

    /// The whole picture within `width` × `height`, black at two sides where the shapes differ.
    pub fn fitted(&self, width: u32, height: u32) -> Self {
        if (self.width(), self.height()) == (width, height) {
            return self.clone();
        }
        let mut canvas = RgbImage::new(width, height);
        if self.width() > 0 && self.height() > 0 {
            let source = DynamicImage::ImageRgb8(self.0.clone());
            let scaled = source
                .resize(width, height, FilterType::CatmullRom)
                .into_rgb8();
            let left = i64::from(width - scaled.width()) / 2;
            let top = i64::from(height - scaled.height()) / 2;
            imageops::replace(&mut canvas, &scaled, left, top);
        }
        Self(canvas)
    }

    /// Pixels.
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Pixels.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// Three bytes a pixel, rows from the top.
    pub fn rgb(&self) -> &[u8] {
        self.0.as_raw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(width: u32, height: u32) -> Picture {
        Picture::from_fn(width, height, |_, _| [255; 3])
    }

    fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
        picture.0.get_pixel(x, y).0
    }

    #[test]
    fn a_count_of_bytes_that_differs_is_refused() {
        assert!(Picture::from_rgb(2, 2, vec![0; 12]).is_ok());
        for bytes in [11, 13] {
            let error = Picture::from_rgb(2, 2, vec![0; bytes]).expect_err("it differs");
            assert_eq!(
                error.to_string(),
                format!("2×2 pixels need 12 bytes, not {bytes}")
            );
        }
        assert!(Picture::from_rgb(u32::MAX, u32::MAX, Vec::new()).is_err());
    }

    #[test]
    fn a_wide_picture_gets_black_above_and_below() {
        let fitted = white(1200, 400).fitted(600, 400);
        assert_eq!((fitted.width(), fitted.height()), (600, 400));
        assert_eq!(pixel(&fitted, 300, 99), [0; 3]);
        assert_eq!(pixel(&fitted, 300, 101), [255; 3]);
        assert_eq!(pixel(&fitted, 0, 298), [255; 3]);
        assert_eq!(pixel(&fitted, 0, 300), [0; 3]);
    }

    #[test]
    fn odd_and_tiny_pictures_fit_as_well() {
        for (width, height) in [(1, 1), (1, 999), (999, 1), (601, 399), (33, 57)] {
            let fitted = white(width, height).fitted(600, 400);
            assert_eq!((fitted.width(), fitted.height()), (600, 400));
            let centre = [(299, 199), (300, 200), (299, 200), (300, 199)];
            let is_white = |(x, y)| pixel(&fitted, x, y) == [255; 3];
            assert!(centre.into_iter().any(is_white), "{width}×{height}");
        }
        assert_eq!(white(0, 0).fitted(600, 400).width(), 600);
    }

    #[test]
    fn a_picture_one_pixel_too_wide_is_not_read() {
        assert!(Picture::read(&white(MAX_SIDE, 1).to_png()).is_ok());
        assert!(Picture::read(&white(MAX_SIDE + 1, 1).to_png()).is_err());
    }

    #[test]
    fn jpeg_comes_back_alike_and_rubbish_does_not() {
        let picture = Picture::from_fn(64, 48, |x, y| [(x * 4) as u8, (y * 5) as u8, 90]);
        let back = Picture::read(&picture.to_jpeg(95)).expect("it is a JPEG");
        let far = picture.rgb().iter().zip(back.rgb());
        assert!(far.map(|(a, b)| a.abs_diff(*b)).max() < Some(24));
        assert!(Picture::read(b"GIF89a").is_err());
        assert!(Picture::read(&picture.to_png()[..40]).is_err());
        assert!(Picture::read(b"").is_err());
    }
}
