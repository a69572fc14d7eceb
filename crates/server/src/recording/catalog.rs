//! What is recorded, as the names of the files say it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use protocol::stream::StreamName;

use super::Segments;

/// How a file is called that is not finished.
pub(super) const OPEN_EXTENSION: &str = "part";
const EXTENSION: &str = "mp4";

/// A finished segment. All that its name does not say is its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// When it begins, in Unix milliseconds.
    pub(crate) start_ms: u64,
    /// How long it is, in milliseconds.
    pub(crate) duration_ms: u64,
    /// When the run that it belongs to began, in Unix milliseconds.
    pub(crate) run_ms: u64,
    /// Length of its first part, which says how the rest is coded.
    pub(crate) init_bytes: u64,
    /// Tells first parts that differ apart.
    pub(crate) init_hash: u32,
    /// Length of all of it.
    pub(crate) bytes: u64,
}

impl Segment {
    /// When the next one of its run begins, in Unix milliseconds.
    pub(crate) fn end_ms(&self) -> u64 {
        self.start_ms + self.duration_ms
    }

    /// The name of its file, without the folder.
    pub(crate) fn file_name(&self) -> String {
        let Self {
            start_ms,
            duration_ms,
            run_ms,
            init_bytes,
            init_hash,
            ..
        } = self;
        format!("{start_ms}-{duration_ms}-{run_ms}-{init_bytes}-{init_hash:08x}.{EXTENSION}")
    }

    /// What a file of this name and length is; none where the name is none of ours.
    pub(super) fn parse(name: &str, bytes: u64) -> Option<Self> {
        let mut parts = name.strip_suffix(&format!(".{EXTENSION}"))?.split('-');
        let mut number = || parts.next()?.parse().ok();
        let segment = Self {
            start_ms: number()?,
            duration_ms: number()?,
            run_ms: number()?,
            init_bytes: number()?,
            init_hash: u32::from_str_radix(parts.next()?, 16).ok()?,
            bytes,
        };
        (segment.file_name() == name).then_some(segment)
    }
}

/// The folder of a stream. A name is letters, digits, `-` and `_`: it leads nowhere else.
pub(crate) fn folder(dir: &Path, stream: &StreamName) -> PathBuf {
    dir.join(stream.as_str())
}

/// Every segment of every stream.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    by_stream: BTreeMap<StreamName, Segments>,
    /// Streams with a file that grows.
    open: BTreeSet<StreamName>,
}

impl Catalog {
    pub(super) fn insert(&mut self, stream: &StreamName, segment: Segment) {
        let segments = self.by_stream.entry(stream.clone()).or_default();
        segments.insert(segment.start_ms, segment);
    }

    pub(super) fn remove(&mut self, stream: &StreamName, start_ms: u64) {
        if let Some(segments) = self.by_stream.get_mut(stream) {
            segments.remove(&start_ms);
            if segments.is_empty() {
                self.by_stream.remove(stream);
            }
        }
    }

    pub(super) fn set_open(&mut self, stream: &StreamName, is_open: bool) {
        match is_open {
            true => self.open.insert(stream.clone()),
            false => self.open.remove(stream),
        };
    }

    pub(super) fn is_open(&self, stream: &StreamName) -> bool {
        self.open.contains(stream)
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Those of a stream that begin in a range, oldest first.
    pub(super) fn range(
        &self,
        stream: &StreamName,
        range: (Bound<u64>, Bound<u64>),
    ) -> impl Iterator<Item = &Segment> {
        let segments = self.by_stream.get(stream).into_iter();
        segments.flat_map(move |segments| segments.range(range).map(|(_, segment)| segment))
    }

    /// Whether a segment begins at this Unix millisecond.
    pub(super) fn has(&self, stream: &StreamName, start_ms: u64) -> bool {
        let segments = self.by_stream.get(stream);
        segments.is_some_and(|segments| segments.contains_key(&start_ms))
    }

    /// All, each stream's in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&StreamName, &Segment)> {
        let streams = self.by_stream.iter();
        streams.flat_map(|(stream, segments)| segments.values().map(move |each| (stream, each)))
    }

    /// Of all together.
    pub(super) fn bytes(&self) -> u64 {
        self.all().map(|(_, segment)| segment.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_known_by_the_name_of_its_file() {
        let segment = Segment {
            start_ms: 1_763_779_512_123,
            duration_ms: 10_012,
            run_ms: 1_763_779_500_001,
            init_bytes: 1234,
            init_hash: 0x00ab_cdef,
            bytes: 5,
        };
        let name = segment.file_name();
        assert_eq!(name, "1763779512123-10012-1763779500001-1234-00abcdef.mp4");
        assert_eq!(Segment::parse(&name, 5), Some(segment));
        for odd in [
            "1-2-3-4-00abcdef.part",
            "1-2-3-4-abcdef.mp4",
            "+1-2-3-4-00abcdef.mp4",
            "1-2-3-4-00abcdef-5.mp4",
            "1-2-3-00abcdef.mp4",
            "../1-2-3-4-00abcdef.mp4",
            "",
        ] {
            assert_eq!(Segment::parse(odd, 5), None, "{odd}");
        }
    }
}
