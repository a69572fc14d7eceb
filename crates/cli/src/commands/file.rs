//! `helio file`: sends files to a paired device, or stores those that it sends.

use std::path::{Path, PathBuf};

use peer::files::{FileEvent, FileOffer};
use peer::link::Event;
use peer::{LinkOptions, NotOffered};
use serde_json::json;

use super::linking::{Linked, over_link};
use crate::arguments::{DeviceArguments, FileAction, OutputArguments};
use crate::output::{Failure, plain};
use progress::Progress;

mod progress;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    action: &FileAction,
) -> Result<(), Failure> {
    match action {
        FileAction::Send { link, files } => {
            let options = LinkOptions::default();
            over_link(device, output, link, options, async |linked| {
                check(linked)?;
                send(linked, files).await
            })
        }
        FileAction::Receive { link, save, count } => {
            let options = LinkOptions {
                save_files_to: Some(save.clone()),
                ..LinkOptions::default()
            };
            over_link(device, output, link, options, async |linked| {
                check(linked)?;
                tokio::select! {
                    outcome = receive(linked, save, *count) => outcome,
                    _ = tokio::signal::ctrl_c() => Ok(()),
                }
            })
        }
    }
}

/// Both devices' records have to say that they take files.
fn check(linked: &Linked) -> Result<(), Failure> {
    if linked.link.takes_files() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{} does not take files; update it, and pair again",
        linked.peer
    )))
}

/// Sends files one after another; done when the other device has decided about each.
async fn send(linked: &mut Linked, files: &[PathBuf]) -> Result<(), Failure> {
    let mut progress = Progress::new(linked.output);
    for path in files {
        let offer = peer::files::disk::describe(path)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        let id = linked.link.send_file(path).await.map_err(not_offered)?;
        progress.begin(id.into(), offer);
    }
    let mut unsent = Vec::new();
    while progress.has_open() {
        let Event::File(event) = linked.next_in_time().await? else {
            continue;
        };
        match event {
            FileEvent::Sending { id, stored } => progress.advance(id.into(), stored),
            FileEvent::Sent(id) => {
                if let Some(name) = progress.end(id.into()) {
                    linked.tell_of(
                        &json!({ "event": "sent", "name": name }),
                        &format!("{} has {name}.", linked.peer),
                    );
                }
            }
            FileEvent::NotSent { id, code } => {
                let name = progress.end(id.into()).unwrap_or_default();
                let reason = why(&code, &linked.peer);
                linked.tell_of(
                    &json!({ "event": "not-sent", "name": name, "code": code }),
                    &format!("{name} was not sent: {reason}."),
                );
                unsent.push((name, code));
            }
            _ => {}
        }
    }
    outcome(&unsent, "sent", &linked.peer)
}

/// Stores what is offered, so many files or until the link is over.
async fn receive(linked: &mut Linked, save: &Path, count: Option<u64>) -> Result<(), Failure> {
    let mut progress = Progress::new(linked.output);
    let mut left = count.unwrap_or(u64::MAX);
    let mut lost = Vec::new();
    while left > 0 {
        let Event::File(event) = linked.next().await? else {
            continue;
        };
        match event {
            FileEvent::Offered { id, offer } => {
                linked.link.accept_file(id).await;
                progress.begin(id.into(), offer);
            }
            FileEvent::Receiving { id, stored } => progress.advance(id.into(), stored),
            FileEvent::Received { id, name } => {
                progress.end(id.into());
                left -= 1;
                let path = save.join(&name);
                linked.tell_of(
                    &json!({ "event": "received", "name": name, "path": path }),
                    &format!("{}", path.display()),
                );
            }
            FileEvent::NotReceived { id, code } => {
                let name = progress.end(id.into()).unwrap_or_default();
                left -= 1;
                let reason = why(&code, &linked.peer);
                linked.tell_of(
                    &json!({ "event": "not-received", "name": name, "code": code }),
                    &format!("{name} was not received: {reason}."),
                );
                lost.push((name, code));
            }
            FileEvent::Interrupted(id) => {
                progress.end(id.into());
            }
            _ => {}
        }
    }
    outcome(&lost, "received", &linked.peer)
}

/// The name as it may be shown.
fn shown(offer: &FileOffer) -> String {
    plain(&offer.name)
}

fn outcome(failed: &[(String, String)], done: &str, peer: &str) -> Result<(), Failure> {
    let Some((name, code)) = failed.first() else {
        return Ok(());
    };
    let reason = match failed.len() {
        1 => format!("{name} was not {done}: {}", why(code, peer)),
        count => format!("{count} files were not {done}"),
    };
    let is_refused = failed.iter().all(|(_, code)| code == "refused");
    Err(if is_refused {
        Failure::Refused(reason)
    } else {
        Failure::Failed(reason)
    })
}

/// What a code of `docs/protocol.md`, Files, means, and what to do.
fn why(code: &str, peer: &str) -> String {
    match code {
        "refused" => format!("{peer} did not want it"),
        "cancelled" => format!("{peer} stopped it"),
        "too-many" => format!("{peer} has too many files waiting; send fewer at a time"),
        "disk-full" => {
            "the disk is full; what was stored is kept, so make room and send it again".to_owned()
        }
        "write-failed" => "it could not be written; what was stored is kept".to_owned(),
        "read-failed" => "it could not be read".to_owned(),
        "changed" => "it changed while it was sent; send it again".to_owned(),
        "hash-differs" => "what arrived is not what was sent; send it again".to_owned(),
        other => plain(other),
    }
}

fn not_offered(error: NotOffered) -> Failure {
    match error {
        NotOffered::Unreadable(..) | NotOffered::Refused(_) => Failure::Usage(error.to_string()),
        NotOffered::Over => Failure::because(error),
    }
}
