//! Packets in a byte stream, each behind its length in two bytes (RFC 4571 §2).

use thiserror::Error;

const LENGTH_BYTES: usize = 2;

/// The longest packet that is taken. WebRTC keeps its packets to the 1500 bytes of an Ethernet
/// frame.
pub const MAX_FRAMED_BYTES: usize = 2048;

/// A stream that announces a longer packet than is taken, and has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("frame of {announced} bytes is over the limit of {MAX_FRAMED_BYTES}")]
pub struct FrameTooLong {
    /// Its length.
    pub announced: usize,
}

/// Collects what a stream brings until frames are whole.
///
/// Holds at most what was added last and one incomplete frame.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
}

impl FrameBuffer {
    /// Adds what was read.
    pub fn extend(&mut self, read: &[u8]) {
        self.bytes.extend_from_slice(read);
    }

    /// Takes the frames that are whole, lengths and all, for [`frames`] to read.
    ///
    /// # Errors
    /// [`FrameTooLong`]; what came before it is lost with the stream.
    pub fn take_whole(&mut self) -> Result<Vec<u8>, FrameTooLong> {
        let mut end = 0;
        while let Some((length, _)) = self.bytes[end..].split_first_chunk() {
            let announced = usize::from(u16::from_be_bytes(*length));
            if announced > MAX_FRAMED_BYTES {
                return Err(FrameTooLong { announced });
            }
            let next = end + LENGTH_BYTES + announced;
            if next > self.bytes.len() {
                break;
            }
            end = next;
        }
        let rest = self.bytes.split_off(end);
        Ok(std::mem::replace(&mut self.bytes, rest))
    }

    /// Whether the stream has begun a frame that it has not ended.
    pub fn is_mid_frame(&self) -> bool {
        !self.bytes.is_empty()
    }
}

/// The packets in whole frames.
pub fn frames(mut whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = whole.split_first_chunk()?;
        let (packet, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        whole = rest;
        Some(packet)
    })
}

/// Adds a packet to what a stream is to be sent; whether it is short enough to be framed.
pub fn put_frame(stream: &mut Vec<u8>, packet: &[u8]) -> bool {
    let Ok(length) = u16::try_from(packet.len()) else {
        return false;
    };
    stream.extend_from_slice(&length.to_be_bytes());
    stream.extend_from_slice(packet);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes out of a stream that is read in pieces.
    fn read(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, FrameTooLong> {
        let mut buffer = FrameBuffer::default();
        let mut packets = Vec::new();
        for piece in pieces {
            buffer.extend(piece);
            let whole = buffer.take_whole()?;
            packets.extend(frames(&whole).map(<[u8]>::to_vec));
        }
        Ok(packets)
    }

    #[test]
    fn a_frame_is_its_length_and_its_packet() {
        let mut stream = Vec::new();
        assert!(put_frame(&mut stream, b"abc"));
        assert_eq!(stream, b"\0\x03abc");
        assert!(!put_frame(&mut stream, &[0; 65_536]));
        assert_eq!(read(&[&stream]), Ok(vec![b"abc".to_vec()]));
    }

    #[test]
    fn a_frame_of_one_byte_more_than_the_limit_ends_the_stream() {
        let mut stream = Vec::new();
        put_frame(&mut stream, &[7; MAX_FRAMED_BYTES]);
        assert_eq!(read(&[&stream]).map(|packets| packets.len()), Ok(1));
        let announced = MAX_FRAMED_BYTES + 1;
        let length = (announced as u16).to_be_bytes();
        assert_eq!(read(&[&length]), Err(FrameTooLong { announced }));
    }

    #[test]
    fn a_frame_that_has_begun_is_known() {
        let mut buffer = FrameBuffer::default();
        assert!(!buffer.is_mid_frame());
        for piece in [&b"\0"[..], b"\x02", b"a"] {
            buffer.extend(piece);
            assert_eq!(buffer.take_whole(), Ok(Vec::new()));
            assert!(buffer.is_mid_frame());
        }
        buffer.extend(b"b");
        assert_eq!(buffer.take_whole(), Ok(b"\0\x02ab".to_vec()));
        assert!(!buffer.is_mid_frame());
    }

    proptest! {
        #[test]
        fn packets_survive_any_split(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
            cuts in prop::collection::vec(1usize..30, 1..60),
        ) {
            let mut stream = Vec::new();
            for packet in &packets {
                put_frame(&mut stream, packet);
            }
            let (mut rest, mut pieces) = (stream.as_slice(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            prop_assert_eq!(read(&pieces), Ok(packets));
        }

        #[test]
        fn any_bytes_are_packets_or_the_end(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..5),
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            for packet in read(&pieces).into_iter().flatten() {
                prop_assert!(packet.len() <= MAX_FRAMED_BYTES);
            }
        }
    }
}
