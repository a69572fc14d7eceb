//! Playlists of segments (RFC 8216). Each file begins with its own first part, which players load
//! by itself where it differs from the one before.

use std::fmt::Write;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::recording::Segment;

/// Writes the playlist of segments, oldest first; one that `grows` gets more at its end.
pub(super) fn write(segments: &[Segment], grows: bool) -> String {
    let longest_ms = segments.iter().map(|segment| segment.duration_ms).max();
    // Rounded up to seconds (§4.3.3.1).
    let target = longest_ms.unwrap_or(0).div_ceil(1000).max(1);
    let kind = if grows { "EVENT" } else { "VOD" };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n\
         #EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    let mut before: Option<&Segment> = None;
    for segment in segments {
        write_segment(&mut text, segment, before);
        before = Some(segment);
    }
    if !grows {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

fn write_segment(text: &mut String, segment: &Segment, before: Option<&Segment>) {
    let Segment {
        start_ms,
        duration_ms,
        init_bytes,
        bytes,
        ..
    } = segment;
    let follows = before.is_some_and(|before| {
        before.run_ms == segment.run_ms && before.end_ms().abs_diff(*start_ms) <= 1
    });
    let is_alike = before.is_some_and(|before| before.init_hash == segment.init_hash);
    if before.is_some() && !(follows && is_alike) {
        text.push_str("#EXT-X-DISCONTINUITY\n");
    }
    let (seconds, rest_ms) = (duration_ms / 1000, duration_ms % 1000);
    let media_bytes = bytes.saturating_sub(*init_bytes);
    let map = format!("#EXT-X-MAP:URI=\"{start_ms}.mp4\",BYTERANGE=\"{init_bytes}@0\"\n");
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "{map}#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:{seconds}.{rest_ms:03},\n\
         #EXT-X-BYTERANGE:{media_bytes}@{init_bytes}\n{start_ms}.mp4\n",
        map = if is_alike { "" } else { &map },
        date = date(*start_ms),
    );
}

/// A time as ISO 8601 has it.
fn date(unix_ms: u64) -> String {
    let nanos = i128::from(unix_ms) * 1_000_000;
    let date = OffsetDateTime::from_unix_timestamp_nanos(nanos);
    let date = date.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(&Rfc3339).expect("a year of four digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start_ms: u64, run_ms: u64, init_hash: u32) -> Segment {
        Segment {
            start_ms,
            duration_ms: 10_012,
            run_ms,
            init_bytes: 700,
            init_hash,
            bytes: 5000,
        }
    }

    #[test]
    fn a_playlist_says_where_runs_end_and_how_segments_are_coded() {
        let first = segment(1_763_779_500_000, 1_763_779_500_000, 1);
        let segments = [
            first,
            segment(first.end_ms(), first.run_ms, 1),
            segment(first.end_ms() + 60_000, first.end_ms() + 60_000, 1),
        ];
        let head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:11\n\
                    #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:0\n\
                    #EXT-X-INDEPENDENT-SEGMENTS\n";
        let part = |before: &str, date: &str, start_ms: u64| {
            format!(
                "{before}#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:10.012,\n\
                 #EXT-X-BYTERANGE:4300@700\n{start_ms}.mp4\n"
            )
        };
        let map = "#EXT-X-MAP:URI=\"1763779500000.mp4\",BYTERANGE=\"700@0\"\n";
        let expected = [
            head.to_owned(),
            part(map, "2025-11-22T02:45:00Z", 1_763_779_500_000),
            part("", "2025-11-22T02:45:10.012Z", 1_763_779_510_012),
            part(
                "#EXT-X-DISCONTINUITY\n",
                "2025-11-22T02:46:10.012Z",
                1_763_779_570_012,
            ),
            "#EXT-X-ENDLIST\n".to_owned(),
        ];
        assert_eq!(write(&segments, false), expected.concat());
    }

    #[test]
    fn a_playlist_that_grows_has_no_end() {
        let text = write(&[segment(0, 0, 1), segment(10_012, 0, 2)], true);
        assert!(
            text.contains("TYPE:EVENT") && !text.contains("ENDLIST"),
            "{text}"
        );
        assert_eq!(text.matches("#EXT-X-MAP").count(), 2, "{text}");
    }
}
