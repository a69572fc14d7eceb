//! A file, or the part of it that was asked for (RFC 9110 §14).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::http::refused::Refused;

/// What is read at once.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Answers with a file of this length; none where there is no such file. What is finished does not
/// change.
pub(super) async fn respond(
    path: &Path,
    length: u64,
    headers: &HeaderMap,
) -> Result<Option<Response>, Refused> {
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let part = asked.and_then(|asked| part(asked, length));
    if part.as_ref().is_some_and(Range::is_empty) {
        let head = [(CONTENT_RANGE, format!("bytes */{length}"))];
        return Ok(Some(
            (StatusCode::RANGE_NOT_SATISFIABLE, head).into_response(),
        ));
    }
    let (status, bytes) = match part {
        Some(part) => (StatusCode::PARTIAL_CONTENT, part),
        None => (StatusCode::OK, 0..length),
    };
    let Some(file) = open(path.to_owned(), bytes.start).await? else {
        return Ok(None);
    };
    let left = bytes.end - bytes.start;
    let head = [
        (CONTENT_TYPE, "video/mp4".to_owned()),
        (CONTENT_LENGTH, left.to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CACHE_CONTROL, "private, max-age=3600, immutable".to_owned()),
    ];
    let body = Body::from_stream(stream::try_unfold((file, left), next));
    let mut response = (status, head, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
        let range = range.try_into().expect("digits fit a header");
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    Ok(Some(response))
}

async fn open(path: PathBuf, begin: u64) -> Result<Option<File>, Refused> {
    let opened = tokio::task::spawn_blocking(move || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(begin))?;
        Ok(file)
    });
    match opened.await.map_err(io::Error::other).flatten() {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::internal(&error)),
    }
}

/// The next chunk, read where reading may wait.
async fn next((mut file, left): (File, u64)) -> io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = Vec::new();
        let limit = left.min(CHUNK_BYTES);
        (&mut file).take(limit).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = left - chunk.len() as u64;
        Ok(Some((Bytes::from(chunk), (file, left))))
    });
    read.await.map_err(io::Error::other)?
}

/// The bytes of a range of one part; none where the whole file is the answer, an empty one where
/// there are no such bytes.
fn part(asked: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok();
    if first.is_empty() {
        return Some(length.saturating_sub(number(last)?)..length);
    }
    let first = number(first)?;
    let end = match last {
        "" => length,
        last => number(last)?.saturating_add(1).min(length),
    };
    Some(first.min(end)..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_file() {
        for (asked, expected) in [
            ("bytes=0-9", Some(0..10)),
            ("bytes=90-", Some(90..100)),
            ("bytes=90-200", Some(90..100)),
            ("bytes=-5", Some(95..100)),
            ("bytes=-500", Some(0..100)),
            ("bytes=100-", Some(100..100)),
            ("bytes=-0", Some(100..100)),
            ("bytes=0-18446744073709551615", Some(0..100)),
            ("bytes=0-1,5-6", None),
            ("bytes=a-", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(part(asked, 100), expected, "{asked}");
        }
    }
}
