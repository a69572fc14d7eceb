//! The camera gateway: cameras in by WHIP (RFC 9725), viewers out by WHEP
//! (draft-ietf-wish-whep), forwarded without transcoding. Pure: no sockets, no clock.
//!
//! [`Gateway`] is the core; its owner brings offers, datagrams and the time, and carries out what
//! [`Gateway::poll_transmit`], [`Gateway::poll_event`] and [`Gateway::poll_frame`] say.

mod answer;
mod error;
mod flight;
mod forwarding;
mod fragment;
mod framing;
mod gateway;
mod key_frame;
mod layer_choice;
mod meter;
mod offer;
mod path;
mod picture_numbers;
mod picture_size;
mod recording;
mod rtc;
mod session;
mod simulcast;
mod stream;
mod vp8;

pub use error::{OfferError, PatchError};
pub use fragment::Fragment;
pub use framing::{FrameBuffer, FrameTooLong, MAX_FRAMED_BYTES, frames, put_frame};
pub use gateway::{
    Answer, Attendance, Ended, Event, Gateway, LayerError, LayerState, Limits, Patched, Settings,
    Tag, TrackLayers,
};
pub use key_frame::begins_key_frame;
pub use offer::{MAX_SDP_BYTES, check_offer};
pub use path::{Address, Path, Transport};
pub use recording::{Frame, Recorded, Tracks};
pub use session::{CONNECT_WITHIN, NewSession, Role, SessionId};
pub use str0m::format::Codec;
pub use str0m::net::Transmit;
pub use stream::{PathState, SessionState, Track};
