//! `helio message`: says a text to a paired device over a link of its own, or shows the texts that
//! come.

use peer::ctl::CtlEvent;
use peer::link::Event;
use peer::{LinkOptions, NotSaid};
use serde_json::json;

use super::linking::{Linked, over_link};
use crate::arguments::{DeviceArguments, MessageArguments, OutputArguments};
use crate::output::{self, Failure, plain};

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &MessageArguments,
) -> Result<(), Failure> {
    over_link(
        device,
        output,
        &arguments.link,
        LinkOptions::default(),
        async |linked| match &arguments.text {
            Some(text) => say(linked, text).await,
            None => tokio::select! {
                outcome = listen(linked, arguments.count) => outcome,
                _ = tokio::signal::ctrl_c() => Ok(()),
            },
        },
    )
}

async fn say(linked: &Linked, text: &str) -> Result<(), Failure> {
    linked.link.say(text).await.map_err(|error| match error {
        NotSaid::Refused(error) => Failure::Usage(error.to_string()),
        NotSaid::NotDelivered | NotSaid::TooManyWaiting | NotSaid::Over => Failure::because(error),
    })?;
    linked.tell("delivered", "Delivered.");
    Ok(())
}

/// Shows texts, so many or until the link is over.
async fn listen(linked: &mut Linked, count: Option<u64>) -> Result<(), Failure> {
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        if let Event::Talk(CtlEvent::Text(text)) = linked.next().await? {
            left -= 1;
            show(linked, &text);
        }
    }
    Ok(())
}

fn show(linked: &Linked, text: &str) {
    if linked.output.json {
        output::json_line(&json!({ "event": "text", "text": text }));
    } else {
        output::line(format!("{}: {}", linked.peer, plain(text)));
    }
}
