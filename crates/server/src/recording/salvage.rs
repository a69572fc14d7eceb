//! What is found at start: finished segments by their names, and files that were open when the
//! process before ended, which are cut after their last whole fragment and finished.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use protocol::stream::StreamName;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;

use super::Shared;
use super::catalog::Segment;
use super::open_file::{Place, hash, rename, span};
use super::reading::Parts;

/// Lists what a directory holds; what is odd in it is told and left alone.
pub(super) fn list(dir: &Path, shared: &Shared) {
    for name in names(dir) {
        let Ok(stream) = StreamName::parse(&name) else {
            tracing::warn!(name, "no folder of a stream among the recordings");
            continue;
        };
        let folder = dir.join(&name);
        for file in names(&folder) {
            match segment(&folder, &file) {
                Ok(Some(segment)) => shared.write().insert(&stream, segment),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, file, "recording not listed"),
            }
        }
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::warn!(%error, dir = %dir.display(), "recordings cannot be listed");
            return Vec::new();
        }
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.collect()
}

/// The segment that a file is, or becomes.
fn segment(folder: &Path, name: &str) -> io::Result<Option<Segment>> {
    let path = folder.join(name);
    if let Some(segment) = Segment::parse(name, path.metadata()?.len()) {
        return Ok(Some(segment));
    }
    match Place::parse(name) {
        Some(place) => salvage(&path, place),
        None => Ok(None),
    }
}

/// Finishes a file that was open; one without a whole fragment is removed.
fn salvage(path: &Path, place: Place) -> io::Result<Option<Segment>> {
    let Some((mut segment, end_ms)) = measure(path, place)? else {
        std::fs::remove_file(path)?;
        return Ok(None);
    };
    segment.duration_ms = end_ms.saturating_sub(segment.start_ms);
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(segment.bytes)?;
    File::sync_all(&file)?;
    rename(path, &segment)?;
    tracing::info!(
        bytes = segment.bytes,
        duration_ms = segment.duration_ms,
        "recording salvaged"
    );
    Ok(Some(segment))
}

/// What can be played of a file, and when it ends, in Unix milliseconds.
fn measure(path: &Path, place: Place) -> io::Result<Option<(Segment, u64)>> {
    let mut parts = Parts::open(path)?;
    let mut demuxer = Fmp4SegmentDemuxer::new();
    let Some(init) = parts
        .init()?
        .filter(|init| demuxer.handle_init_segment(init).is_ok())
    else {
        return Ok(None);
    };
    let mut segment = Segment {
        start_ms: place.start_ms,
        duration_ms: 0,
        run_ms: place.run_ms,
        init_bytes: init.len() as u64,
        init_hash: hash(&init),
        bytes: init.len() as u64,
    };
    let mut end_ms = None;
    while let Some(fragment) = parts.fragment()? {
        let Ok(samples) = demuxer.handle_media_segment(&fragment) else {
            break;
        };
        let ends = samples.iter().map(|sample| {
            let end = sample.timestamp + u64::from(sample.duration);
            let ms = span(end, sample.track.timescale).as_millis();
            (
                sample.track.kind == TrackKind::Video,
                u64::try_from(ms).unwrap_or(u64::MAX),
            )
        });
        // The picture's end counts, the sound's where there is none.
        let end = ends.max().map(|(_, end)| place.run_ms + end);
        end_ms = end.max(end_ms);
        segment.bytes += fragment.len() as u64;
    }
    Ok(end_ms.map(|end_ms| (segment, end_ms)))
}
