//! `helio send`: sends pictures over a link, as stills or as live video.

use std::path::Path;
use std::time::Duration;

use peer::LinkOptions;
use peer::stills::{
    LiveEvent, LiveFigures, LiveSettings, STILL_HEIGHT, STILL_WIDTH, SendError, SendLive,
    SendStills, SendingEvent, SentStill, Source, SourceError,
};
use serde_json::json;

use super::linking::{Linked, over_link, until_ctrl_c};
use crate::arguments::{DeviceArguments, OutputArguments, PresetArgument, SendArguments};
use crate::output::{self, Failure, kilobytes};

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &SendArguments,
) -> Result<(), Failure> {
    // A file that cannot be sent is told before anybody waits for a link.
    let source = source(arguments)?;
    over_link(
        device,
        output,
        &arguments.link,
        LinkOptions {
            live_bits_per_second: arguments
                .live
                .then(|| settings(arguments.preset).bits_per_second),
            ..LinkOptions::default()
        },
        async |linked| until_ctrl_c(send(linked, source, arguments)).await,
    )
}

async fn send(
    linked: &mut Linked,
    source: Source,
    arguments: &SendArguments,
) -> Result<(), Failure> {
    if arguments.live {
        send_live(linked, source, arguments).await
    } else {
        send_stills(linked, source, arguments).await
    }
}

async fn send_stills(
    linked: &mut Linked,
    source: Source,
    arguments: &SendArguments,
) -> Result<(), Failure> {
    let Linked {
        link,
        peer,
        output,
        course,
    } = linked;
    let interval = Duration::from_secs(u64::from(arguments.every));
    let mut sending = SendStills::new(link, source, interval, arguments.count);
    let (mut sent, mut unseen) = (0, 0);
    while let Some(event) = sending.next().await.map_err(send_failure)? {
        match event {
            SendingEvent::Sent(still) => {
                sent += 1;
                unseen += u32::from(still.shown.is_none());
                tell_still(&still, *output);
            }
            SendingEvent::Link(event) => course.hear(&event, peer, *output)?,
        }
    }
    match (sent, unseen) {
        (0, _) => Err(Failure::because("there is no picture to send")),
        (_, 0) => Ok(()),
        _ => Err(Failure::Failed(format!(
            "{peer} did not confirm {unseen} of {sent} stills"
        ))),
    }
}

fn tell_still(still: &SentStill, output: OutputArguments) {
    let encode_ms = still.encode.as_millis() as u64;
    let shown_ms = still.shown.map(|shown| shown.as_millis() as u64);
    let fact = json!({
        "event": "still",
        "seq": still.seq,
        "bytes": still.bytes,
        "encodeMs": encode_ms,
        "shownMs": shown_ms,
        "resends": still.resends,
    });
    let shown = shown_ms.map_or("not confirmed".to_owned(), |ms| {
        format!("shown after {ms} ms")
    });
    let (seq, size) = (still.seq, kilobytes(still.bytes));
    let sentence = format!("Still {seq}: {size}, encoded in {encode_ms} ms, {shown}.");
    output::fact(output, &fact, &sentence);
}

async fn send_live(
    linked: &mut Linked,
    source: Source,
    arguments: &SendArguments,
) -> Result<(), Failure> {
    let Linked {
        link,
        peer,
        output,
        course,
    } = linked;
    let settings = settings(arguments.preset);
    let mut sending = SendLive::new(link, source, settings, arguments.count)
        .map_err(|error| send_failure(error.into()))?;
    while let Some(event) = sending.next().await.map_err(send_failure)? {
        match event {
            LiveEvent::Figures(figures) => tell_live(&figures, *output),
            LiveEvent::Link(event) => course.hear(&event, peer, *output)?,
        }
    }
    tell_live(&sending.figures(), *output);
    Ok(())
}

fn tell_live(figures: &LiveFigures, output: OutputArguments) {
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

fn settings(preset: PresetArgument) -> LiveSettings {
    match preset {
        PresetArgument::Low => LiveSettings::LOW,
        PresetArgument::Medium => LiveSettings::MEDIUM,
        PresetArgument::High => LiveSettings::HIGH,
        PresetArgument::Hd => LiveSettings::HD,
    }
}

/// The pictures that the arguments name.
fn source(arguments: &SendArguments) -> Result<Source, Failure> {
    let live = settings(arguments.preset);
    let (width, height, frames_per_second) = if arguments.live {
        (live.width, live.height, f64::from(live.frames_per_second))
    } else {
        (STILL_WIDTH, STILL_HEIGHT, 1.0 / f64::from(arguments.every))
    };
    let source = match arguments.files.as_slice() {
        [] if let Some(camera) = &arguments.camera => {
            Source::camera(camera, frames_per_second, width, height)
        }
        [] => Ok(Source::pattern(width, height)),
        files if files.iter().all(|path| holds_images(path)) => {
            Source::images(files, width, height)
        }
        [video] => Source::video(video, frames_per_second, width, height),
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

/// By its name, as in a folder.
fn holds_images(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase);
    path.is_dir() || matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg"))
}

fn send_failure(error: SendError) -> Failure {
    Failure::because(error)
}
