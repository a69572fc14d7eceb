//! The payload descriptor of VP8 (RFC 7741 §4.2), and what a key frame says of its size (§4.3, RFC
//! 6386 §9.1).
//!
//! The payload is a stranger's: what is too short or odd says nothing.

/// Bits of the descriptor's bytes.
const EXTENDED: u8 = 0x80;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
const HAS_PICTURE_ID: u8 = 0x80;
const HAS_TL0: u8 = 0x40;
const HAS_TID_OR_KEY: u8 = 0x30;
const IS_LONG: u8 = 0x80;
/// Of the first byte of a frame: it predicts from another.
const IS_INTER: u8 = 0x01;
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The upper two bits of a side scale it up for display.
const SIDE: u16 = 0x3fff;

/// Where what stands in a descriptor, in bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// A frame begins with this packet.
    pub(crate) starts: bool,
    /// The picture's number: 7 bits in a byte, or 15 bits in two.
    pub(crate) picture_id: Option<usize>,
    pub(crate) is_picture_id_long: bool,
    /// The number of the last picture of the lowest temporal layer.
    pub(crate) tl0: Option<usize>,
    /// The frame.
    pub(crate) body: usize,
}

impl Descriptor {
    /// Reads it; none where the payload ends within it, or with it.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut read = Self {
            starts: first & START != 0 && first & PARTITION == 0,
            picture_id: None,
            is_picture_id_long: false,
            tl0: None,
            body: 1,
        };
        if first & EXTENDED != 0 {
            let flags = *payload.get(1)?;
            read.body = 2;
            if flags & HAS_PICTURE_ID != 0 {
                read.picture_id = Some(read.body);
                read.is_picture_id_long = payload.get(read.body)? & IS_LONG != 0;
                read.body += if read.is_picture_id_long { 2 } else { 1 };
            }
            if flags & HAS_TL0 != 0 {
                read.tl0 = Some(read.body);
                read.body += 1;
            }
            if flags & HAS_TID_OR_KEY != 0 {
                read.body += 1;
            }
        }
        (read.body < payload.len()).then_some(read)
    }

    /// Whether a key frame begins with this packet.
    pub(crate) fn begins_key_frame(&self, payload: &[u8]) -> bool {
        let frame = payload.get(self.body);
        self.starts && frame.is_some_and(|first| first & IS_INTER == 0)
    }
}

/// Width and height of the key frame that begins with this packet.
pub(crate) fn size(payload: &[u8]) -> Option<(u16, u16)> {
    let descriptor = Descriptor::parse(payload)?;
    if !descriptor.begins_key_frame(payload) {
        return None;
    }
    let header = payload
        .get(descriptor.body + 3..)?
        .strip_prefix(&START_CODE)?;
    let side = |at: usize| {
        let bytes = header.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_le_bytes(bytes) & SIDE)
    };
    Some((side(0)?, side(2)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_descriptor_says_where_its_numbers_stand() {
        let bare = Descriptor::parse(&[0x10, 0]).expect("a frame follows");
        assert_eq!((bare.starts, bare.body), (true, 1));
        assert_eq!((bare.picture_id, bare.tl0), (None, None));
        let all = Descriptor::parse(&[0x90, 0xf0, 0x81, 0x02, 7, 0x20, 0]);
        let all = all.expect("a frame follows");
        assert_eq!((all.picture_id, all.tl0, all.body), (Some(2), Some(4), 6));
        assert!(all.is_picture_id_long);
        let short = Descriptor::parse(&[0x80, 0x80, 0x05, 1]).expect("a frame follows");
        assert_eq!((short.picture_id, short.body), (Some(2), 3));
        assert!(!short.is_picture_id_long && !short.starts);
    }

    #[test]
    fn a_key_frame_says_its_size() {
        let key = [0x10, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0xc0, 0x43, 0x1c, 0x02];
        assert_eq!(size(&key), Some((960, 540)), "and not how it is scaled up");
        assert_eq!(size(&key[..10]), None, "cut off");
        let mut inter = key;
        inter[1] = 1;
        assert_eq!(size(&inter), None);
        let mut odd = key;
        odd[4] = 0;
        assert_eq!(size(&odd), None, "no start code");
    }

    proptest! {
        #[test]
        fn no_payload_is_read_beyond_its_end(payload: Vec<u8>) {
            let _ = size(&payload);
            if let Some(read) = Descriptor::parse(&payload) {
                prop_assert!(read.body < payload.len());
            }
        }
    }
}
