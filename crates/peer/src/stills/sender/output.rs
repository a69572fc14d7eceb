//! What the sender of stills orders and tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::cbor::Value;

/// An order, or something to know.
#[derive(Debug, Clone, PartialEq)]
pub enum SenderOutput {
    /// Take a picture, encode it, and call [`super::StillsSender::handle_encoded`].
    Capture {
        /// Names the still.
        seq: u32,
    },
    /// Say this on `ctl`, before the frame that follows.
    Announce(BTreeMap<String, Value>),
    /// Send this access unit on the video section.
    Frame(Arc<[u8]>),
    /// What became of a still, once it is shown or the next one takes its place.
    Sent(SentStill),
}

/// What became of a still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentStill {
    /// Counts from 1.
    pub seq: u32,
    /// Encoded size.
    pub bytes: usize,
    /// From the order to capture until it was encoded.
    pub encode: Duration,
    /// From the order to capture until the peer said that it is on its screen, if it ever did.
    pub shown: Option<Duration>,
    /// How often it was sent again.
    pub resends: u32,
}
