//! `helio message`: says a text to a paired device over a link of its own, or line after line, or
//! shows the texts that come.

use std::io::BufRead as _;

use peer::ctl::{CtlEvent, MAX_PENDING_TEXTS};
use peer::link::Event;
use peer::{LinkOptions, NotSaid};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::linking::{Linked, over_link, until_ctrl_c};
use crate::arguments::{DeviceArguments, MessageArguments, OutputArguments};
use crate::output::{self, Failure, plain};

/// Lines that wait for the peer's word; the next ones wait to be read.
const MAX_UNDER_WAY: usize = MAX_PENDING_TEXTS / 2;

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
            Some(text) if text == "-" => converse(linked).await,
            Some(text) => say(linked, text).await,
            None => until_ctrl_c(listen(linked, arguments.count)).await,
        },
    )
}

async fn say(linked: &Linked, text: &str) -> Result<(), Failure> {
    linked.link.say(text).await.map_err(not_said)?;
    linked.tell("delivered", "Delivered.");
    Ok(())
}

fn not_said(error: NotSaid) -> Failure {
    match error {
        NotSaid::Refused(error) => Failure::Usage(error.to_string()),
        NotSaid::NotDelivered | NotSaid::TooManyWaiting | NotSaid::Over => Failure::because(error),
    }
}

/// Says each line of standard input, and shows what comes; done when the input has ended and the
/// peer has all of it. A text that does not arrive is told at once, and fails the command when it
/// ends: those after it are said all the same.
async fn converse(linked: &mut Linked) -> Result<(), Failure> {
    let mut lines = lines_of_input();
    let mut has_input = true;
    let mut under_way = JoinSet::new();
    let mut outcome = Ok(());
    while has_input || !under_way.is_empty() {
        tokio::select! {
            line = lines.recv(), if has_input && under_way.len() < MAX_UNDER_WAY => match line {
                Some(line) => {
                    let voice = linked.link.voice();
                    under_way.spawn(async move { (voice.say(&line).await, line) });
                }
                None => has_input = false,
            },
            Some(said) = under_way.join_next() => {
                let (said, text) = said.map_err(Failure::because)?;
                if linked.output.json {
                    let event = if said.is_ok() { "delivered" } else { "undelivered" };
                    output::json_line(&json!({ "event": event, "text": text }));
                } else if let Err(error) = &said {
                    output::error_line(format!("{}: {error}", plain(&text)));
                }
                outcome = outcome.and(said.map_err(not_said));
            }
            event = linked.next() => {
                if let Event::Talk(CtlEvent::Text(text)) = event? {
                    show(linked, &text);
                }
            }
        }
    }
    outcome
}

/// Lines as they are typed. A thread reads them: the runtime would wait for the next one to end.
pub(super) fn lines_of_input() -> mpsc::Receiver<String> {
    let (lines, typed) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    typed
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
