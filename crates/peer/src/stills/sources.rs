//! Where pictures come from: the test pattern, image files, or a video or camera through `ffmpeg`.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::pattern::pattern;
use super::picture::{Picture, PictureError};

/// Files of a folder that are looked at.
const MAX_IMAGES: usize = 1000;
/// Largest image file, in bytes.
const MAX_IMAGE_BYTES: u64 = 256 * 1024 * 1024;
/// What is kept of the reason that `ffmpeg` gives.
const MAX_REASON_BYTES: u64 = 500;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A file is no picture.
    #[error("{}: {why}", path.display())]
    NoPicture {
        /// Which.
        path: PathBuf,
        /// Why.
        why: PictureError,
    },
    /// A file is larger than 256 MiB.
    #[error("{} is larger than 256 MiB", .0.display())]
    TooLarge(PathBuf),
    /// A folder without any PNG or JPEG, or with more than a thousand.
    #[error("{} holds {count} files named .png, .jpg or .jpeg; 1 to {MAX_IMAGES} can be sent", path.display())]
    WrongCount {
        /// Which.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// No file is named.
    #[error("no file is named")]
    Nothing,
    /// `ffmpeg` is not installed.
    #[error("ffmpeg is not installed; install it, or send images or the pattern")]
    NoFfmpeg,
    /// `ffmpeg` failed.
    #[error("ffmpeg cannot read it: {0}")]
    Ffmpeg(String),
}

/// A source of pictures of one size.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    width: u32,
    height: u32,
}

#[derive(Debug)]
enum Kind {
    Pattern {
        number: u32,
    },
    Images {
        paths: Vec<PathBuf>,
        next: usize,
    },
    Ffmpeg {
        child: Child,
        frames: ChildStdout,
        /// Frames of a file wait for whoever takes them; a camera's do not.
        is_file: bool,
    },
}

impl Source {
    /// The test pattern; its number counts from 1.
    pub fn pattern(width: u32, height: u32) -> Self {
        let kind = Kind::Pattern { number: 0 };
        Self {
            kind,
            width,
            height,
        }
    }

    /// Image files, and the PNG and JPEG files of folders by name: all in this order, again and
    /// again.
    ///
    /// # Errors
    /// A path cannot be read, or holds no pictures.
    pub fn images(from: &[PathBuf], width: u32, height: u32) -> Result<Self, SourceError> {
        let mut paths = Vec::new();
        for path in from {
            if path.is_dir() {
                paths.extend(images_of(path)?);
            } else {
                paths.push(path.to_owned());
            }
        }
        // What cannot be sent is told before anything is.
        read_image(paths.first().ok_or(SourceError::Nothing)?)?;
        let kind = Kind::Images { paths, next: 0 };
        Ok(Self {
            kind,
            width,
            height,
        })
    }

    /// `frames_per_second` of a video file, as fast as they are asked for.
    ///
    /// # Errors
    /// [`SourceError::NoFfmpeg`], [`SourceError::Unreadable`].
    pub fn video(
        path: &Path,
        frames_per_second: f64,
        width: u32,
        height: u32,
    ) -> Result<Self, SourceError> {
        let command = Command::new("ffmpeg");
        Self::video_by(command, path, frames_per_second, width, height)
    }

    /// As [`Source::video`], which begins again where it ends.
    ///
    /// # Errors
    /// [`SourceError::NoFfmpeg`], [`SourceError::Unreadable`].
    pub fn endless_video(
        path: &Path,
        frames_per_second: f64,
        width: u32,
        height: u32,
    ) -> Result<Self, SourceError> {
        let mut command = Command::new("ffmpeg");
        command.args(["-stream_loop", "-1"]);
        Self::video_by(command, path, frames_per_second, width, height)
    }

    fn video_by(
        mut command: Command,
        path: &Path,
        frames_per_second: f64,
        width: u32,
        height: u32,
    ) -> Result<Self, SourceError> {
        std::fs::metadata(path).map_err(|why| SourceError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        command.arg("-i").arg(input(path));
        Self::ffmpeg(command, true, frames_per_second, width, height)
    }

    /// The newest pictures of a camera, for example `/dev/video0`.
    ///
    /// # Errors
    /// [`SourceError::NoFfmpeg`].
    pub fn camera(
        device: &Path,
        frames_per_second: f64,
        width: u32,
        height: u32,
    ) -> Result<Self, SourceError> {
        let mut command = Command::new("ffmpeg");
        let format = if cfg!(target_os = "macos") {
            "avfoundation"
        } else {
            "v4l2"
        };
        command.args(["-fflags", "nobuffer", "-f", format, "-i"]);
        command.arg(device);
        Self::ffmpeg(command, false, frames_per_second, width, height)
    }

    fn ffmpeg(
        mut command: Command,
        is_file: bool,
        frames_per_second: f64,
        width: u32,
        height: u32,
    ) -> Result<Self, SourceError> {
        let fitted = format!(
            "fps={frames_per_second},\
             scale={width}:{height}:force_original_aspect_ratio=decrease,\
             pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
        );
        command
            .args(["-v", "error", "-nostdin", "-an", "-vf"])
            .arg(fitted)
            .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => SourceError::NoFfmpeg,
            _ => SourceError::Ffmpeg(error.to_string()),
        })?;
        let frames = child.stdout.take().expect("its output was asked for");
        let kind = Kind::Ffmpeg {
            child,
            frames,
            is_file,
        };
        Ok(Self {
            kind,
            width,
            height,
        })
    }

    /// The next picture, none where a video is over. `unix_ms` is shown by the pattern. It may
    /// take as long as the file system or the camera does.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn next(&mut self, unix_ms: u64) -> Result<Option<Picture>, SourceError> {
        let (width, height) = (self.width, self.height);
        match &mut self.kind {
            Kind::Pattern { number } => {
                *number = number.wrapping_add(1);
                Ok(Some(pattern(*number, unix_ms, width, height)))
            }
            Kind::Images { paths, next } => {
                let path = &paths[*next];
                *next = (*next + 1) % paths.len();
                Ok(Some(read_image(path)?.fitted(width, height)))
            }
            Kind::Ffmpeg { child, frames, .. } => {
                let mut rgb = vec![0; frame_bytes(width, height)];
                match frames.read_exact(&mut rgb) {
                    Ok(()) => Ok(Picture::from_rgb(width, height, rgb).ok()),
                    Err(_) => over(child),
                }
            }
        }
    }

    /// Passes over so many pictures of a video that were due while nobody could take them, so that
    /// it keeps its pace and its sound. Other sources have no pace of their own.
    pub(super) fn pass_over(&mut self, count: u32) {
        let mut rgb = vec![0; frame_bytes(self.width, self.height)];
        if let Kind::Ffmpeg {
            frames,
            is_file: true,
            ..
        } = &mut self.kind
        {
            // That it is over is told of the next one that is taken.
            let _ = (0..count).try_for_each(|_| frames.read_exact(&mut rgb));
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Kind::Ffmpeg { child, .. } = &mut self.kind {
            // It may be over already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Of RGB.
fn frame_bytes(width: u32, height: u32) -> usize {
    width as usize * height as usize * 3
}

/// A file as `ffmpeg` is told it: without the prefix a name with a colon would be an address.
pub(super) fn input(path: &Path) -> OsString {
    let mut input = OsString::from("file:");
    input.push(path);
    input
}

/// There are no more frames: whether that is the end, or a fault.
fn over(child: &mut Child) -> Result<Option<Picture>, SourceError> {
    let mut reason = String::new();
    if let Some(stderr) = &mut child.stderr {
        // A reason that cannot be read is no reason.
        let _ = stderr.take(MAX_REASON_BYTES).read_to_string(&mut reason);
    }
    let is_end = child.wait().is_ok_and(|status| status.success());
    if is_end {
        Ok(None)
    } else {
        Err(SourceError::Ffmpeg(reason.trim().to_owned()))
    }
}

fn images_of(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |why| SourceError::Unreadable {
        path: folder.to_owned(),
        why,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.map(str::to_ascii_lowercase);
        if matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg")) {
            paths.push(path);
        }
    }
    paths.sort();
    let count = paths.len();
    if count == 0 || count > MAX_IMAGES {
        let path = folder.to_owned();
        return Err(SourceError::WrongCount { path, count });
    }
    Ok(paths)
}

fn read_image(path: &Path) -> Result<Picture, SourceError> {
    let unreadable = |why| SourceError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_IMAGE_BYTES {
        return Err(SourceError::TooLarge(path.to_owned()));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Picture::read(&bytes).map_err(|why| SourceError::NoPicture {
        path: path.to_owned(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shade(picture: Option<Picture>) -> u8 {
        let picture = picture.expect("there is a picture");
        assert_eq!((picture.width(), picture.height()), (60, 40));
        picture.rgb()[(20 * 60 + 30) * 3]
    }

    fn grey(shade: u8) -> Picture {
        Picture::from_fn(31, 57, |_, _| [shade; 3])
    }

    #[test]
    fn a_folder_gives_its_pictures_by_name_again_and_again() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, shade) in [("b.png", 20), ("a.PNG", 10), ("c.jpeg", 30)] {
            let picture = grey(shade);
            let is_jpeg = name == "c.jpeg";
            let bytes = if is_jpeg {
                picture.to_jpeg(95)
            } else {
                picture.to_png()
            };
            std::fs::write(folder.path().join(name), bytes).expect("it is written");
        }
        std::fs::write(folder.path().join("notes.txt"), "no picture").expect("it is written");
        let mut source =
            Source::images(&[folder.path().to_owned()], 60, 40).expect("there are pictures");
        let shades: Vec<u8> = (0..4)
            .map(|_| shade(source.next(0).expect("it is read")))
            .collect();
        assert_eq!(shades, [10, 20, 30, 10]);

        let named = ["c.jpeg", "a.PNG"].map(|name| folder.path().join(name));
        let mut source = Source::images(&named, 60, 40).expect("there are pictures");
        let shades = [(); 3].map(|()| shade(source.next(0).expect("it is read")));
        assert_eq!(shades, [30, 10, 30], "in the order that was asked for");
        let nothing = Source::images(&[], 60, 40).expect_err("nothing is named");
        assert!(matches!(nothing, SourceError::Nothing));
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = Source::images(&[folder.path().to_owned()], 60, 40).expect_err("it is empty");
        assert!(matches!(empty, SourceError::WrongCount { count: 0, .. }));
        let path = folder.path().join("broken.png");
        let missing =
            Source::images(std::slice::from_ref(&path), 60, 40).expect_err("it is missing");
        assert!(missing.to_string().contains("broken.png"));
        std::fs::write(&path, "no picture").expect("it is written");
        let broken = Source::images(std::slice::from_ref(&path), 60, 40).expect_err("it is broken");
        assert!(matches!(broken, SourceError::NoPicture { .. }));
    }

    #[test]
    fn more_files_than_the_limit_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..MAX_IMAGES {
            std::fs::write(folder.path().join(format!("{number}.png")), "").expect("it is written");
        }
        assert!(images_of(folder.path()).is_ok());
        std::fs::write(folder.path().join("more.png"), "").expect("it is written");
        let refused = images_of(folder.path()).expect_err("one too many");
        assert!(
            matches!(refused, SourceError::WrongCount { count, .. } if count == MAX_IMAGES + 1)
        );
    }

    #[test]
    fn a_video_gives_its_frames_and_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("grey: 1.avi");
        let made = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "color=gray:size=90x60:rate=10:duration=1",
            ])
            .args(["-c:v", "mjpeg"])
            .arg(format!("file:{}", path.display()))
            .status();
        if made.is_err() {
            println!("skipped: ffmpeg is not installed");
            return;
        }
        let mut source = Source::video(&path, 5.0, 60, 40).expect("ffmpeg runs");
        let mut frames = 0;
        while let Some(picture) = source.next(0).expect("it is read") {
            assert!((120..=135).contains(&shade(Some(picture))));
            frames += 1;
        }
        assert_eq!(frames, 5);

        let mut hurried = Source::video(&path, 5.0, 60, 40).expect("ffmpeg runs");
        hurried.pass_over(4);
        assert!(hurried.next(0).expect("it is read").is_some(), "the fifth");
        assert!(hurried.next(0).expect("it is over").is_none());

        std::fs::write(&path, "no video").expect("it is written");
        let mut broken = Source::video(&path, 5.0, 60, 40).expect("ffmpeg runs");
        let fault = broken.next(0).expect_err("it is no video").to_string();
        assert!(
            fault.starts_with("ffmpeg cannot read it: ") && fault.len() > 30,
            "{fault}"
        );
    }
}
