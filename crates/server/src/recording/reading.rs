//! A file of ours read back: its first part, then one fragment after the other.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use shiguredo_mp4::boxes::{FtypBox, MdatBox, MoofBox, MoovBox};
use shiguredo_mp4::{BoxHeader, BoxType, Decode};

/// No box of ours is longer.
const MAX_BOX_BYTES: u64 = 256 << 20;

/// The parts of a file, from its beginning.
#[derive(Debug)]
pub(super) struct Parts {
    file: File,
}

impl Parts {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { file })
    }

    /// `ftyp` and `moov`.
    pub(super) fn init(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.pair(FtypBox::TYPE, MoovBox::TYPE)
    }

    /// The next `moof` and `mdat`; none where there is no whole one.
    pub(super) fn fragment(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.pair(MoofBox::TYPE, MdatBox::TYPE)
    }

    fn pair(&mut self, first: BoxType, second: BoxType) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let is_whole = self.take(first, &mut bytes)? && self.take(second, &mut bytes)?;
        Ok(is_whole.then_some(bytes))
    }

    /// Whether the next box is there, whole and of this kind.
    fn take(&mut self, kind: BoxType, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let mut head = Vec::new();
        let limit = BoxHeader::MIN_SIZE as u64;
        (&mut self.file).take(limit).read_to_end(&mut head)?;
        let Ok((header, length)) = BoxHeader::decode(&head) else {
            return Ok(false);
        };
        let Some(rest) = header.box_size.get().checked_sub(length as u64) else {
            return Ok(false);
        };
        if header.box_type != kind || rest > MAX_BOX_BYTES {
            return Ok(false);
        }
        bytes.extend_from_slice(&head);
        let read = (&mut self.file).take(rest).read_to_end(bytes)?;
        Ok(read as u64 == rest)
    }
}
