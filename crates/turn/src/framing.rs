//! STUN messages and ChannelData cut out of a byte stream (RFC 8656 section 12.5 and 2.1).
//!
//! Over TCP and TLS a ChannelData message is padded to four bytes; the padding
//! is not part of the frame handed out.

use std::ops::Range;

use thiserror::Error;

use crate::demux::{PacketKind, classify};

const CHANNEL_HEADER_BYTES: usize = 4;
const STUN_HEADER_BYTES: usize = 20;

/// The largest frame that a length field can announce: a STUN header and 65,535 bytes.
pub const MAX_FRAME_BYTES: usize = STUN_HEADER_BYTES + u16::MAX as usize;

/// Why a stream cannot be cut into frames any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// The next bytes begin neither STUN nor ChannelData.
    #[error("stream is neither stun nor channel data")]
    NotTurn,
    /// A frame is announced that is larger than the limit.
    #[error("frame of {announced} bytes is over the limit of {limit}")]
    TooLarge {
        /// The announced length.
        announced: usize,
        /// The limit in force.
        limit: usize,
    },
}

/// Collects stream bytes and gives out whole frames.
///
/// Holds at most one incomplete frame and what came with it: read, then drain
/// [`next_frame`](Self::next_frame) to `None`, then read again.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl FrameBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read; spans given out before are void.
    pub fn extend(&mut self, read: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(read);
    }

    /// What the spans point into.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The next whole frame, without padding; `None` until more is read.
    ///
    /// # Errors
    /// [`FramingError`] when the stream has to be closed.
    pub fn next_frame(&mut self, limit: usize) -> Result<Option<Range<usize>>, FramingError> {
        let rest = &self.bytes[self.start..];
        let Some((length, padded)) = announced_length(rest)? else {
            return Ok(None);
        };
        if length > limit {
            return Err(FramingError::TooLarge {
                announced: length,
                limit,
            });
        }
        if rest.len() < padded {
            return Ok(None);
        }
        let frame = self.start..self.start + length;
        self.start += padded;
        Ok(Some(frame))
    }
}

/// The length of the frame that begins here, without and with padding.
fn announced_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, FramingError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = classify(bytes);
    if kind == PacketKind::Other {
        return Err(FramingError::NotTurn);
    }
    let Some(&[high, low]) = bytes.get(2..4) else {
        return Ok(None);
    };
    let body = usize::from(u16::from_be_bytes([high, low]));
    Ok(Some(match kind {
        PacketKind::ChannelData => {
            let length = CHANNEL_HEADER_BYTES + body;
            (length, length.next_multiple_of(4))
        }
        _ => (STUN_HEADER_BYTES + body, STUN_HEADER_BYTES + body),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BINDING: [u8; 20] = [
        0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ];

    fn channel_data(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x40, 0, 0, payload.len() as u8];
        frame.extend_from_slice(payload);
        frame
    }

    fn frames(buffer: &mut FrameBuffer) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(span) = buffer.next_frame(MAX_FRAME_BYTES).unwrap() {
            frames.push(buffer.bytes()[span].to_vec());
        }
        frames
    }

    #[test]
    fn frame_over_the_limit_ends_the_stream() {
        let mut buffer = FrameBuffer::new();
        buffer.extend(&[0x40, 0, 0, 97]);
        assert_eq!(buffer.next_frame(101), Ok(None));
        assert_eq!(
            buffer.next_frame(100),
            Err(FramingError::TooLarge {
                announced: 101,
                limit: 100
            })
        );
    }

    #[test]
    fn stream_that_is_not_turn_ends() {
        let mut buffer = FrameBuffer::new();
        buffer.extend(b"GET / HTTP/1.1\r\n");
        // 'G' is 71, a channel number by its first byte: the length says otherwise.
        assert!(matches!(
            buffer.next_frame(2048),
            Err(FramingError::TooLarge { .. })
        ));
        let mut buffer = FrameBuffer::new();
        buffer.extend(&[22, 3, 1]);
        assert_eq!(buffer.next_frame(2048), Err(FramingError::NotTurn));
    }

    proptest! {
        #[test]
        fn frames_survive_any_split(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8),
            cuts in prop::collection::vec(1usize..30, 1..60),
        ) {
            let mut stream = Vec::new();
            let mut sent = Vec::new();
            for payload in &payloads {
                stream.extend_from_slice(&BINDING);
                sent.push(BINDING.to_vec());
                let frame = channel_data(payload);
                stream.extend_from_slice(&frame);
                stream.resize(stream.len().next_multiple_of(4), 0);
                sent.push(frame);
            }
            let mut buffer = FrameBuffer::new();
            let mut received = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                buffer.extend(head);
                received.extend(frames(&mut buffer));
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(received, sent);
        }

        #[test]
        fn arbitrary_bytes_never_panic(reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..9)) {
            let mut buffer = FrameBuffer::new();
            for read in &reads {
                buffer.extend(read);
                while let Ok(Some(span)) = buffer.next_frame(2048) {
                    prop_assert!(span.len() <= 2048);
                }
            }
        }
    }
}
