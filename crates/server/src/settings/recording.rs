//! Section `[recording]`: where recordings are, and how long they stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Reader;
use crate::recording::RecordingSettings;

pub(super) fn read(reader: &mut Reader, data_dir: &Path) -> RecordingSettings {
    let dir = reader.value::<String>("recording.dir");
    let dir = dir.replace("DATA_DIR", &data_dir.display().to_string());
    let max_age = reader.value::<String>("recording.max_age");
    let max_age = age(&max_age).unwrap_or_else(|what| {
        reader.fault("recording.max_age", format!("\"{max_age}\" {what}"));
        None
    });
    let max_bytes = reader.number("recording.max_bytes", 0..=u64::MAX);
    RecordingSettings {
        dir: PathBuf::from(dir),
        segment: Duration::from_secs(reader.number("recording.segment_seconds", 2..=60)),
        max_age,
        max_bytes: (max_bytes > 0).then_some(max_bytes),
        min_free_bytes: reader.number("recording.min_free_bytes", 0..=u64::MAX),
    }
}

/// A number and its unit; nothing is for ever.
fn age(text: &str) -> Result<Option<Duration>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let unit_s = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        Some('w') => 7 * 24 * 60 * 60,
        _ => return Err("needs a unit: s, m, h, d or w"),
    };
    // The unit is one byte long.
    let count: u64 = text[..text.len() - 1]
        .parse()
        .map_err(|_| "needs a number before its unit")?;
    match count.checked_mul(unit_s) {
        Some(seconds) if seconds > 0 => Ok(Some(Duration::from_secs(seconds))),
        _ => Err("is no age"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_its_unit() {
        let seconds = |text| age(text).map(|age| age.map(|age| age.as_secs()));
        assert_eq!(seconds(""), Ok(None));
        assert_eq!(seconds("90s"), Ok(Some(90)));
        assert_eq!(seconds("30d"), Ok(Some(2_592_000)));
        for odd in [
            "7",
            "d",
            "0d",
            "-1d",
            "1.5h",
            "7 d",
            "7é",
            "9999999999999999999w",
        ] {
            assert!(age(odd).is_err(), "{odd}");
        }
    }
}
