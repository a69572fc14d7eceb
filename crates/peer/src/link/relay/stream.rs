//! TURN messages on a stream: ChannelData is padded to four bytes there, which its length does not
//! count (RFC 8656 §12.5). The TURN client neither writes nor skips the padding.

const CHANNEL_HEADER_BYTES: usize = 4;
const STUN_HEADER_BYTES: usize = 20;

/// What came on a stream, cut into whole messages. Holds at most one that is not whole, of 64 KiB.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

/// The stream is neither STUN nor ChannelData: nothing that follows can be found in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotTurn;

impl Frames {
    /// The whole messages so far, without padding.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, NotTurn> {
        self.bytes.extend_from_slice(bytes);
        let (mut frames, mut start) = (Vec::new(), 0);
        while let Some(length) = frame_length(&self.bytes[start..])? {
            let padded = length.next_multiple_of(4);
            if self.bytes.len() < start + padded {
                break;
            }
            frames.push(self.bytes[start..start + length].to_vec());
            start += padded;
        }
        self.bytes.drain(..start);
        Ok(frames)
    }
}

/// A message as it goes onto a stream.
pub(super) fn padded(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

/// The length of the message that begins here (RFC 8656 §12.4, RFC 8489 §5), once it can be told.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, NotTurn> {
    let header = match bytes.first() {
        None => return Ok(None),
        Some(0..=3) => STUN_HEADER_BYTES,
        Some(0x40..=0x4F) => CHANNEL_HEADER_BYTES,
        Some(_) => return Err(NotTurn),
    };
    let Some(&[high, low]) = bytes.get(2..4) else {
        return Ok(None);
    };
    Ok(Some(header + usize::from(u16::from_be_bytes([high, low]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A STUN message without attributes, and ChannelData of five bytes.
    fn messages() -> [Vec<u8>; 2] {
        let mut binding = vec![1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        binding.resize(20, 7);
        [binding, vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5]]
    }

    #[test]
    fn messages_come_out_whole_and_without_padding_however_the_stream_is_cut() {
        let stream: Vec<u8> = messages()
            .into_iter()
            .chain(messages())
            .flat_map(padded)
            .collect();
        assert_eq!(stream.len(), 2 * (20 + 12));
        for cut in 1..=stream.len() {
            let mut frames = Frames::default();
            let parts = stream.chunks(cut).map(|part| frames.handle_bytes(part));
            let whole: Vec<Vec<u8>> = parts.flat_map(|part| part.expect("it is TURN")).collect();
            assert_eq!(whole, [messages(), messages()].concat(), "parts of {cut}");
        }
    }

    #[test]
    fn a_stream_of_something_else_is_given_up() {
        assert_eq!(Frames::default().handle_bytes(b"HTTP/1.1 400"), Ok(vec![]));
        assert_eq!(Frames::default().handle_bytes(&[0x15, 3, 1]), Err(NotTurn));
    }
}
