//! `helio watch`: what comes of a stream, in figures, in a file, as a picture.

use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use peer::stills::H264Decoder;
use serde_json::json;
use tokio::signal::ctrl_c;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use whip::{Carriage, Codec, Event, Frame, Options, Session};

use super::streaming;
use crate::arguments::{DeviceArguments, OutputArguments, WatchArguments};
use crate::output::{self, Failure};

mod figures;
mod saving;

use figures::Figures;
use saving::Saved;

/// How often the figures are told.
const FIGURES_INTERVAL: Duration = Duration::from_secs(2);
/// JPEG quality of a picture, 1 to 100.
const JPEG_QUALITY: u8 = 90;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &WatchArguments,
) -> Result<(), Failure> {
    let url = streaming::url(&arguments.url)?;
    let saved = arguments.save.as_deref().map(Saved::create).transpose()?;
    if let Some(picture) = &arguments.picture {
        is_new_picture(picture)?;
    }
    let mut options = Options::watch(url, Carriage::Frames);
    if saved.is_some() || arguments.picture.is_some() {
        // What can be saved; a server that has something else says so.
        options.codecs = vec![Codec::Opus, Codec::H264];
    }
    let options = streaming::with(&arguments.stream, options);
    let http = streaming::http(device)?;
    let watching = Watching {
        output,
        saved,
        picture: arguments.picture.as_deref(),
        figures: Figures::default(),
        end: None,
        seconds: arguments.seconds,
    };
    streaming::run(options, http, |session| watching.run(session))
}

struct Watching<'a> {
    output: OutputArguments,
    saved: Option<Saved>,
    /// Where the first picture goes, as long as there is none.
    picture: Option<&'a Path>,
    figures: Figures,
    end: Option<Instant>,
    seconds: Option<u64>,
}

impl Watching<'_> {
    /// Watches until the time is over, the session is, or somebody presses Ctrl-C; the session,
    /// where it is still there.
    async fn run(mut self, mut session: Session) -> (Option<Session>, Result<(), Failure>) {
        let mut ticks = interval(FIGURES_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // One for the whole loop: a signal between two of them would be nobody's.
        let mut interrupted = pin!(ctrl_c());
        let outcome = loop {
            let end = async {
                match self.end {
                    Some(end) => sleep_until(end.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = session.next() => {
                    let Some(event) = event else { return (None, self.finish(Ok(()))) };
                    if let Err(failure) = streaming::tell(&event, self.output) {
                        return (None, self.finish(Err(failure)));
                    }
                    if let Err(failure) = self.hear(event, &mut session) {
                        break Err(failure);
                    }
                }
                _ = ticks.tick() => if self.figures.has_any() {
                    self.figures.tell(self.output, Instant::now());
                },
                () = end => break Ok(()),
                _ = &mut interrupted => break Ok(()),
            }
        };
        let outcome = self.finish(outcome);
        (Some(session), outcome)
    }

    fn hear(&mut self, event: Event, session: &mut Session) -> Result<(), Failure> {
        match event {
            Event::Frame(frame) => {
                let now = frame.heard_at;
                let seconds = self.seconds.map(Duration::from_secs);
                self.end = self.end.or(seconds.map(|seconds| now + seconds));
                self.figures.handle_frame(&frame);
                if !frame.is_contiguous && frame.codec.is_video() {
                    session.ask_key_frame();
                }
                self.take_picture(&frame)?;
                if let Some(saved) = &mut self.saved {
                    saved.push(&frame)?;
                }
            }
            Event::Received(received) => self.figures.handle_received(received),
            Event::Lost(_) => self.figures.handle_lost(),
            _ => {}
        }
        Ok(())
    }

    /// Saves the first key frame as a picture, where that is asked for.
    fn take_picture(&mut self, frame: &Frame) -> Result<(), Failure> {
        if frame.codec != Codec::H264 || !frame.is_key {
            return Ok(());
        }
        let Some(path) = self.picture.take() else {
            return Ok(());
        };
        let mut decoder = H264Decoder::new().map_err(Failure::because)?;
        let picture = decoder.decode(&frame.data).map_err(Failure::because)?;
        let bytes = match ending(path).as_str() {
            "png" => picture.to_png(),
            _ => picture.to_jpeg(JPEG_QUALITY),
        };
        let named = path.display();
        std::fs::write(path, bytes)
            .map_err(|error| Failure::Failed(format!("{named}: {error}")))?;
        let (width, height) = (picture.width(), picture.height());
        let file = named.to_string();
        let fact = json!({ "event": "picture", "width": width, "height": height, "file": file });
        let sentence = format!("Picture of {width}×{height}: {named}");
        output::fact(self.output, &fact, &sentence);
        Ok(())
    }

    /// Ends the file, and says what came.
    fn finish(&mut self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        if self.figures.has_any() {
            self.figures.tell(self.output, Instant::now());
        }
        let Some(saved) = self.saved.take() else {
            return outcome;
        };
        let finished = saved.finish();
        if let Ok(saved) = &finished {
            let fact = json!({
                "event": "saved", "file": saved.file, "frames": saved.frames, "bytes": saved.bytes,
            });
            let (frames, size) = (saved.frames, output::kilobytes(saved.bytes as usize));
            let sentence = format!("Saved {frames} frames, {size}: {}", saved.file);
            output::fact(self.output, &fact, &sentence);
        }
        outcome.and(finished.map(drop))
    }
}

/// What a file's name ends with, in lower case.
fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

fn is_new_picture(path: &Path) -> Result<(), Failure> {
    let named = path.display();
    if !matches!(ending(path).as_str(), "png" | "jpg" | "jpeg") {
        return Err(Failure::Usage(format!(
            "{named}: a picture is .png or .jpg"
        )));
    }
    if path.exists() {
        return Err(Failure::Usage(format!("{named} is there already")));
    }
    Ok(())
}
