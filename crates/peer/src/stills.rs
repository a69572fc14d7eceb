//! Stills: 600×400 pictures sent alone, each as one H.264 key frame on an ordinary video track.
//!
//! Here are the pictures and how they become bytes and come back. What carries the bytes is
//! [`crate::link`]; what is said about them on `ctl` is in `docs/protocol.md` (Commands).

mod encoder;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod film;
mod h264;
mod live;
#[cfg(feature = "tokio")]
mod live_rate;
#[cfg(feature = "tokio")]
mod mode;
#[cfg(feature = "tokio")]
mod pace;
mod pattern;
mod picture;
mod rate;
mod receiver;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod receiving;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_types, reason = "the shell owns the files")]
mod saving;
mod sender;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod sending;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod sending_live;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod sound;
#[cfg(feature = "tokio")]
mod sources;

pub use encoder::{EncodeError, Encoder, Quality};
#[cfg(feature = "tokio")]
pub use film::{Film, FilmedFrame, LiveFigures, LiveSettings};
pub use h264::{DecodeError, H264Decoder, H264Encoder, MAX_FRAME_BYTES};
pub use live::LiveEncoder;
pub use pattern::{CLOCK_BITS, pattern};
pub use picture::{Picture, PictureError};
pub use rate::{Budget, EncodedStill, RateControl};
pub use receiver::{DEFAULT_KEEP, ReceivedStill, ReceiverOutput, StillsReceiver};
#[cfg(feature = "tokio")]
pub use receiving::{Stills, StillsEvent};
#[cfg(feature = "tokio")]
pub use saving::{PictureFormat, SaveError};
pub use sender::{DEFAULT_INTERVAL, SenderOutput, SentStill, StillsSender};
#[cfg(feature = "tokio")]
pub use sending::{SendError, SendStills, SendingEvent};
#[cfg(feature = "tokio")]
pub use sending_live::{LiveEvent, SendLive};
#[cfg(feature = "tokio")]
pub use sound::{Sound, SoundPacket};
#[cfg(feature = "tokio")]
pub use sources::{Source, SourceError};

/// Width of a still in pixels.
pub const STILL_WIDTH: u32 = 600;
/// Height of a still in pixels.
pub const STILL_HEIGHT: u32 = 400;
/// No still is larger than this, in bytes.
pub const STILL_LIMIT_BYTES: usize = 100_000;
