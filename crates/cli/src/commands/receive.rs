//! `helio receive`: tells of the stills that come over a link, and saves them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use peer::LinkOptions;
use peer::stills::{PictureFormat, ReceivedStill, Stills, StillsEvent};
use serde_json::json;

use super::linking::{self, Linked, over_link, until_ctrl_c};
use crate::arguments::{DeviceArguments, FormatArgument, OutputArguments, ReceiveArguments};
use crate::output::{self, Failure, kilobytes};

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &ReceiveArguments,
) -> Result<(), Failure> {
    if let Some(folder) = &arguments.save {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    }
    over_link(
        device,
        output,
        &arguments.link,
        LinkOptions::default(),
        async |linked| until_ctrl_c(receive(linked, arguments)).await,
    )
}

/// Receives stills, so many or until the link is over.
async fn receive(linked: &mut Linked, arguments: &ReceiveArguments) -> Result<(), Failure> {
    let Linked {
        link,
        peer,
        output,
        course,
    } = linked;
    let mut stills = Stills::new(link).map_err(Failure::because)?;
    let mut left = arguments.count.unwrap_or(u32::MAX);
    while left > 0 {
        match stills.next().await.ok_or_else(linking::over)? {
            StillsEvent::Still(still) => {
                left = left.saturating_sub(u32::from(arguments.count.is_some()));
                let file = match &arguments.save {
                    Some(folder) => Some(save(&still, folder, arguments.format).await?),
                    None => None,
                };
                tell_still(&still, file.as_deref(), *output);
            }
            StillsEvent::Live => {
                let sentence = format!("{peer} sends live video; only stills are received.");
                output::fact(*output, &json!({ "event": "live" }), &sentence);
            }
            StillsEvent::Link(event) => course.hear(&event, peer, *output)?,
        }
    }
    Ok(())
}

/// Saves a still while the link goes on.
async fn save(
    still: &ReceivedStill,
    folder: &Path,
    format: FormatArgument,
) -> Result<String, Failure> {
    let format = match format {
        FormatArgument::Png => PictureFormat::Png,
        FormatArgument::Jpeg => PictureFormat::Jpeg,
    };
    let (still, folder) = (still.clone(), folder.to_owned());
    let saving = tokio::task::spawn_blocking(move || still.save(&folder, unix_ms(), format));
    let saved = saving.await.map_err(Failure::because)?;
    let path = saved.map_err(Failure::because)?;
    Ok(path.display().to_string())
}

fn tell_still(still: &ReceivedStill, file: Option<&str>, output: OutputArguments) {
    let latency_ms = still.latency.map(|latency| latency.as_millis() as u64);
    let fact = json!({
        "event": "still",
        "seq": still.seq,
        "bytes": still.bytes,
        "width": still.picture.width(),
        "height": still.picture.height(),
        "latencyMs": latency_ms,
        "asks": still.asks,
        "file": file,
    });
    let size = kilobytes(still.bytes);
    let age = latency_ms.map_or(String::new(), |ms| format!(", {ms} ms after its capture"));
    let saved = file.map_or(String::new(), |file| format!(": {file}"));
    let sentence = format!("Still {}, {size}{age}{saved}", still.seq);
    output::fact(output, &fact, &sentence);
}

fn unix_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
