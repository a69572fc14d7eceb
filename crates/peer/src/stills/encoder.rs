//! What turns a picture into a key frame, whichever library or chip does it.

use super::picture::Picture;

/// How fine a still is encoded; each step up costs about an eighth more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality(u8);

impl Quality {
    /// The least that can be asked for: hardly more than blocks.
    pub const COARSEST: Quality = Quality(1);
    /// What the eye cannot tell from the source.
    pub const FINEST: Quality = Quality(34);

    /// A quality, moved into the range there is.
    pub const fn new(steps: i32) -> Self {
        let (coarsest, finest) = (Self::COARSEST.0 as i32, Self::FINEST.0 as i32);
        if steps <= coarsest {
            Self::COARSEST
        } else if steps >= finest {
            Self::FINEST
        } else {
            Quality(steps as u8)
        }
    }

    /// Steps, 1 to 34.
    pub const fn steps(self) -> i32 {
        self.0 as i32
    }
}

/// Why a picture was not encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Colours are kept for blocks of 2×2 pixels.
    #[error("{width}×{height} is not even, or empty")]
    Uneven {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Even the coarsest quality is above the limit.
    #[error("{bytes} bytes at the coarsest quality, above {limit_bytes}")]
    TooLarge {
        /// Size at the coarsest quality.
        bytes: usize,
        /// What was allowed.
        limit_bytes: usize,
    },
    /// The encoder failed.
    #[error("the encoder failed: {0}")]
    Failed(String),
}

/// Makes key frames that stand alone.
pub trait Encoder: Send {
    /// One IDR access unit in Annex B (ITU-T H.264), with its SPS and PPS, of a picture with even
    /// sides.
    ///
    /// # Errors
    /// [`EncodeError::Uneven`], [`EncodeError::Failed`].
    fn encode(&mut self, picture: &Picture, quality: Quality) -> Result<Vec<u8>, EncodeError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_beyond_the_range_is_moved_into_it() {
        assert_eq!(Quality::new(35), Quality::FINEST);
        assert_eq!(Quality::new(34), Quality::FINEST);
        assert_eq!(Quality::new(33).steps(), 33);
        assert_eq!(Quality::new(1), Quality::COARSEST);
        assert_eq!(Quality::new(0), Quality::COARSEST);
        assert_eq!(Quality::new(i32::MIN), Quality::COARSEST);
    }
}
