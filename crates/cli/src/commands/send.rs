//! `helio send`: sends pictures over a link, as stills or as live video.

use std::time::Duration;

use peer::LinkOptions;
use peer::stills::{
    LiveEvent, STILL_HEIGHT, STILL_WIDTH, SendError, SendLive, SendStills, SendingEvent, SentStill,
    Source,
};
use serde_json::json;

use super::linking::{Linked, over_link, until_ctrl_c};
use super::pictures::{Pictures, settings, tell_live};
use crate::arguments::{DeviceArguments, OutputArguments, SendArguments};
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

/// The pictures that the arguments name.
fn source(arguments: &SendArguments) -> Result<Source, Failure> {
    let live = settings(arguments.preset);
    let (width, height, frames_per_second) = if arguments.live {
        (live.width, live.height, f64::from(live.frames_per_second))
    } else {
        (STILL_WIDTH, STILL_HEIGHT, 1.0 / f64::from(arguments.every))
    };
    let pictures = Pictures {
        files: &arguments.files,
        camera: arguments.camera.as_deref(),
        width,
        height,
        frames_per_second,
        is_endless: false,
    };
    pictures.source()
}

fn send_failure(error: SendError) -> Failure {
    Failure::because(error)
}
