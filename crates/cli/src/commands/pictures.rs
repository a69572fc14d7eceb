//! The pictures that commands send, as their arguments name them.

use std::path::{Path, PathBuf};

use peer::stills::{LiveFigures, LiveSettings, Sound, Source, SourceError};
use serde_json::json;

use crate::arguments::{OutputArguments, PresetArgument};
use crate::output::{self, Failure, kilobytes};

/// Which pictures.
pub(crate) struct Pictures<'a> {
    pub(crate) files: &'a [PathBuf],
    pub(crate) camera: Option<&'a Path>,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    pub(crate) frames_per_second: f64,
    /// Whether a video begins again where it ends.
    pub(crate) is_endless: bool,
}

impl Pictures<'_> {
    /// Where they come from.
    pub(crate) fn source(&self) -> Result<Source, Failure> {
        let (width, height, rate) = (self.width, self.height, self.frames_per_second);
        let source = match self.files {
            [] if let Some(camera) = self.camera => Source::camera(camera, rate, width, height),
            [] => Ok(Source::pattern(width, height)),
            files if files.iter().all(|path| holds_images(path)) => {
                Source::images(files, width, height)
            }
            [video] if self.is_endless => Source::endless_video(video, rate, width, height),
            [video] => Source::video(video, rate, width, height),
            _ => {
                return Err(Failure::Usage(
                    "a video is sent alone; pictures are .png, .jpg, .jpeg, or folders of them"
                        .to_owned(),
                ));
            }
        };
        source.map_err(|error| match error {
            SourceError::NoFfmpeg | SourceError::Ffmpeg(_) => Failure::because(error),
            _ => Failure::Usage(error.to_string()),
        })
    }
}

/// The sound of the video, where one is sent that has any, or the tone that is asked for.
pub(crate) fn sound(files: &[PathBuf], tone: Option<u32>) -> Result<Option<Sound>, Failure> {
    match (files, tone) {
        ([video], None) if !holds_images(video) => Sound::of_video(video).map_err(Failure::because),
        ([video], Some(_)) if !holds_images(video) => Err(Failure::Usage(
            "a video brings its own sound: --tone goes with pictures, a camera and the pattern"
                .to_owned(),
        )),
        (_, tone) => Ok(tone.map(Sound::tone)),
    }
}

/// By its name, as in a folder.
fn holds_images(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase);
    path.is_dir() || matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// What a preset means.
pub(crate) fn settings(preset: PresetArgument) -> LiveSettings {
    match preset {
        PresetArgument::Low => LiveSettings::LOW,
        PresetArgument::Medium => LiveSettings::MEDIUM,
        PresetArgument::High => LiveSettings::HIGH,
        PresetArgument::Hd => LiveSettings::HD,
    }
}

/// Says what was filmed so far.
pub(crate) fn tell_live(figures: &LiveFigures, output: OutputArguments) {
    let LiveFigures {
        frames,
        key_frames,
        bytes,
        skipped,
        bits_per_second,
    } = figures;
    let fact = json!({
        "event": "live",
        "frames": frames,
        "keyFrames": key_frames,
        "bytes": bytes,
        "skipped": skipped,
        "bitsPerSecond": bits_per_second,
    });
    let size = kilobytes(*bytes as usize);
    let aim = bits_per_second / 1000;
    let sentence = format!(
        "{frames} frames, {key_frames} of them key frames, {size}; {skipped} skipped; {aim} kbit/s."
    );
    output::fact(output, &fact, &sentence);
}
