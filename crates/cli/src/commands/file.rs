//! `helio file`: sends files to a paired device, or stores those that it sends.

use std::path::{Path, PathBuf};

use peer::files::disk::describe;
use peer::files::{FileEvent, FileOffer};
use peer::link::Event;
use peer::{LinkOptions, NotOffered};
use serde_json::json;

use super::linking::{Linked, over_link, until_ctrl_c};
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
            // A file that cannot be sent is told before anybody waits for a link.
            let offers = files
                .iter()
                .map(|path| offer(path))
                .collect::<Result<Vec<_>, _>>()?;
            let options = LinkOptions::default();
            over_link(device, output, link, options, async |linked| {
                check(linked)?;
                send(linked, offers).await
            })
        }
        FileAction::Receive { link, save, count } => {
            let options = LinkOptions {
                save_files_to: Some(save.clone()),
                ..LinkOptions::default()
            };
            over_link(device, output, link, options, async |linked| {
                check(linked)?;
                until_ctrl_c(receive(linked, save, *count)).await
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

fn offer(path: &Path) -> Result<(PathBuf, FileOffer), Failure> {
    match describe(path) {
        Ok(offer) => Ok((path.to_owned(), offer)),
        Err(error) => Err(Failure::Usage(format!("{}: {error}", path.display()))),
    }
}

/// Sends files one after another; done when the other device has decided about each.
async fn send(linked: &mut Linked, offers: Vec<(PathBuf, FileOffer)>) -> Result<(), Failure> {
    let mut progress = Progress::new(linked.output);
    let mut results = Results::default();
    for (path, offer) in offers {
        let offered = linked.link.offer_file(path, offer.clone()).await;
        progress.begin(offered.map_err(not_offered)?.into(), offer);
    }
    while progress.has_open() {
        let Event::File(event) = linked.next_in_time().await? else {
            continue;
        };
        match event {
            FileEvent::Sending { id, stored } => progress.advance(id.into(), stored),
            FileEvent::Sent(id) => {
                let name = progress.end(id.into()).unwrap_or_default();
                results.done += 1;
                linked.tell_of(
                    &json!({ "event": "sent", "name": name }),
                    &format!("{} has {name}.", linked.peer),
                );
            }
            FileEvent::NotSent { id, code } => {
                let name = progress.end(id.into()).unwrap_or_default();
                let fact = json!({ "event": "not-sent", "name": name, "code": code });
                let reason = why(&code, &linked.peer);
                linked.tell_of(&fact, &format!("Not sent: {name}: {reason}."));
                results.failed.push(code);
            }
            _ => {}
        }
    }
    results.outcome("sent")
}

/// Stores what is offered, so many files or until the link is over.
async fn receive(linked: &mut Linked, save: &Path, count: Option<u64>) -> Result<(), Failure> {
    let mut progress = Progress::new(linked.output);
    let mut results = Results::default();
    while count.is_none_or(|count| results.count() < count) {
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
                results.done += 1;
                let path = save.join(&name);
                linked.tell_of(
                    &json!({ "event": "received", "name": name, "path": path }),
                    &format!("{}", path.display()),
                );
            }
            FileEvent::NotReceived { id, code } => {
                let name = progress.end(id.into()).unwrap_or_default();
                let fact = json!({ "event": "not-received", "name": name, "code": code });
                let reason = why(&code, &linked.peer);
                linked.tell_of(&fact, &format!("Not received: {name}: {reason}."));
                results.failed.push(code);
            }
            FileEvent::Interrupted(id) => {
                progress.end(id.into());
            }
            _ => {}
        }
    }
    results.outcome("received")
}

/// The name as it may be shown.
fn shown(offer: &FileOffer) -> String {
    plain(&offer.name)
}

/// What became of the files; each was told of when it was decided.
#[derive(Default)]
struct Results {
    done: u64,
    /// Codes of those that failed.
    failed: Vec<String>,
}

impl Results {
    fn count(&self) -> u64 {
        self.done + self.failed.len() as u64
    }

    fn outcome(&self, done: &str) -> Result<(), Failure> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let reason = format!("{} of {} files not {done}", self.failed.len(), self.count());
        Err(if self.failed.iter().all(|code| code == "refused") {
            Failure::Refused(reason)
        } else {
            Failure::Failed(reason)
        })
    }
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
