//! Lines out of bytes as they come, each of bounded length.

use super::MAX_LINE_BYTES;

/// A line is longer than [`MAX_LINE_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineTooLong;

#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// How many of them were taken as lines.
    taken: usize,
    /// How many of the rest are known to hold no end of a line.
    searched: usize,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line, without its end; none until more comes.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, LineTooLong> {
        let rest = &self.bytes[self.taken..];
        let end = rest[self.searched..].iter().position(|byte| *byte == b'\n');
        let length = end.map_or(rest.len(), |end| self.searched + end);
        if length > MAX_LINE_BYTES {
            return Err(LineTooLong);
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        let line = rest[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&rest[..length]);
        let line = line.to_vec();
        self.taken += length + 1;
        self.searched = 0;
        Ok(Some(line))
    }

    /// What came behind the last end of a line.
    pub(super) fn take_rest(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.split_off(self.taken);
        (!rest.is_empty()).then_some(rest)
    }
}
