//! Received stills as files.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::receiver::ReceivedStill;

/// What loses little that H.264 left.
const JPEG_QUALITY: u8 = 90;

/// How a still is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// Exactly as it was decoded.
    Png,
    /// A tenth of the bytes.
    Jpeg,
}

/// A still cannot be saved.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {why}", path.display())]
pub struct SaveError {
    /// Where it should be.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

impl ReceivedStill {
    /// Saves it in a folder that exists, named by the time of its arrival (UTC, `unix_ms`) and its
    /// number, and returns where. Under that name there is the whole picture or nothing.
    ///
    /// # Errors
    /// [`SaveError`]; nothing is left behind then.
    pub fn save(
        &self,
        folder: &Path,
        unix_ms: u64,
        format: PictureFormat,
    ) -> Result<PathBuf, SaveError> {
        let (bytes, ending) = match format {
            PictureFormat::Png => (self.picture.to_png(), "png"),
            PictureFormat::Jpeg => (self.picture.to_jpeg(JPEG_QUALITY), "jpg"),
        };
        let name = format!("{}-{:06}.{ending}", stamp(unix_ms), self.seq);
        let path = folder.join(&name);
        // Hidden: programs that watch the folder for pictures pass it over.
        let partial = folder.join(format!(".{name}.part"));
        let written =
            write_durably(&partial, &bytes).and_then(|()| std::fs::rename(&partial, &path));
        match written {
            Ok(()) => Ok(path),
            Err(why) => {
                // It may not even have been made.
                let _ = std::fs::remove_file(&partial);
                Err(SaveError { path, why })
            }
        }
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// For example `20261121T154309.012Z`: sorts by time, and every file system takes it.
fn stamp(unix_ms: u64) -> String {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let millis = unix_ms % 1000;
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::{Picture, pattern};
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some instant of arrival")]
    fn still(picture: Picture) -> ReceivedStill {
        ReceivedStill {
            seq: 7,
            bytes: 1000,
            arrived_at: Instant::now(),
            latency: None,
            asks: 0,
            picture,
        }
    }

    #[test]
    fn a_still_is_saved_as_it_is_under_its_time_and_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let still = still(pattern(1, 2, 60, 40));
        let save = |format| still.save(folder.path(), 1_795_275_789_012, format);
        let png = save(PictureFormat::Png).expect("it is saved");
        assert_eq!(
            png.file_name().and_then(|name| name.to_str()),
            Some("20261121T154309.012Z-000007.png")
        );
        let read = |path: PathBuf| Picture::read(&std::fs::read(path).expect("it is there"));
        assert_eq!(read(png).expect("a picture"), still.picture);
        let jpeg = save(PictureFormat::Jpeg).expect("it is saved");
        assert_eq!(read(jpeg).expect("a picture").width(), 60);
        let names = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(names, 2, "nothing is left beside them");
    }

    #[test]
    fn what_cannot_be_written_is_named_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let still = still(pattern(1, 2, 60, 40));
        let missing = folder.path().join("missing");
        let error = still
            .save(&missing, 0, PictureFormat::Png)
            .expect_err("there is no folder");
        assert!(
            error
                .to_string()
                .contains("19700101T000000.000Z-000007.png")
        );

        // A folder of the picture's name cannot be replaced by it.
        let taken = folder.path().join("19700101T000000.000Z-000007.png");
        std::fs::create_dir(&taken).expect("a folder");
        still
            .save(folder.path(), 0, PictureFormat::Png)
            .expect_err("the name is taken");
        let names = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(names, 1, "the unfinished file is gone");
    }
}
