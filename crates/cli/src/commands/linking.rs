//! What the commands over a link share: it opens in time, or they say why not; it is closed when
//! they are done.

use std::time::Duration;

use peer::device::Device;
use peer::link::{Cause, EndedBy, Event, IcePolicy, Path, PathEnd, Phase};
use peer::{Link, LinkError, LinkOptions};
use serde_json::json;

use crate::arguments::{DeviceArguments, LinkArguments, OutputArguments, PathsArgument};
use crate::device_home::{api_failure, device_failure, given_authority, home_dir, pair_named};
use crate::output::{self, Failure, plain};

/// A link that is open.
pub(crate) struct Linked {
    pub(crate) link: Link,
    /// What the other device is called.
    pub(crate) peer: String,
    pub(crate) output: OutputArguments,
}

/// Does some work over a link, and closes it.
pub(crate) fn over_link(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &LinkArguments,
    work: impl AsyncFnOnce(&mut Linked) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = LinkOptions {
        policy: policy(arguments.paths),
        ca_pem: given_authority(device)?,
        ..LinkOptions::default()
    };
    let device = Device::open(home_dir(device)?).map_err(device_failure)?;
    let pair = pair_named(&device, &arguments.pair)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let outcome = runtime.block_on(async {
        let mut linked = Linked {
            link: device.link(&pair.pair_id, options).map_err(link_failure)?,
            peer: plain(&pair.peer.name),
            output,
        };
        let wait = Duration::from_secs(arguments.wait);
        let outcome = match linked.open(wait, pair.server.as_str()).await {
            Ok(()) => work(&mut linked).await,
            Err(failure) => Err(failure),
        };
        linked.link.close("done").await;
        outcome
    });
    // Nothing is left to do, and a name that is still being looked up must not hold us.
    runtime.shutdown_background();
    outcome
}

impl Linked {
    /// Waits until frames flow.
    async fn open(&mut self, wait: Duration, server: &str) -> Result<(), Failure> {
        let mut seen = Seen::default();
        match tokio::time::timeout(wait, self.follow(&mut seen)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Unreachable(seen.why_not(&self.peer, server))),
        }
    }

    async fn follow(&mut self, seen: &mut Seen) -> Result<(), Failure> {
        while let Some(event) = self.link.next().await {
            match event {
                Event::Path(path) => self.tell_path(&path),
                Event::Phase(Phase::Open) => {
                    self.tell("linked", &format!("Linked with {}.", self.peer));
                    return Ok(());
                }
                Event::Phase(Phase::Ended(by)) => return Err(ended(by)),
                Event::Phase(phase) => seen.phase = Some(phase),
                Event::Failed(cause) => seen.cause = Some(cause),
                Event::Refused(refusal) => output::error_line(&refusal),
                _ => {}
            }
        }
        Err(over())
    }

    /// Says a fact that has no figures.
    pub(crate) fn tell(&self, event: &str, sentence: &str) {
        if self.output.json {
            output::json_line(&json!({ "event": event }));
        } else {
            output::line(sentence);
        }
    }

    pub(crate) fn tell_path(&self, path: &Path) {
        let (local, remote) = (path.local.as_str(), path.remote.as_str());
        if self.output.json {
            output::json_line(&json!({ "event": "path", "local": local, "remote": remote }));
        } else if [path.local, path.remote].contains(&PathEnd::Relayed) {
            output::line(format!("Over a relay ({local}, {remote})."));
        } else {
            output::line(format!("Directly ({local}, {remote})."));
        }
    }
}

/// What a link told of itself before it opened.
#[derive(Default)]
struct Seen {
    phase: Option<Phase>,
    cause: Option<Cause>,
}

impl Seen {
    /// Why the link did not open in time, by the last that was seen of it.
    fn why_not(&self, peer: &str, server: &str) -> String {
        match (self.cause, self.phase) {
            (Some(cause), _) => cause.to_string(),
            (None, None | Some(Phase::Signalling)) => {
                format!("{server} does not answer; is the server running?")
            }
            (None, Some(Phase::Waiting)) => {
                format!("{peer} is not there; open the link on it, or wait longer with --wait")
            }
            (None, Some(_)) => Cause::ChecksFailed.to_string(),
        }
    }
}

/// Why a link that was up is over.
pub(crate) fn ended(by: EndedBy) -> Failure {
    match by {
        EndedBy::Revoked => Failure::Refused("the pair was revoked; pair again".to_owned()),
        EndedBy::Refused => Failure::Refused(Cause::NoiseFailed.to_string()),
        EndedBy::Replaced => {
            Failure::because("another program of this device took the link over; end it first")
        }
        EndedBy::Closed => Failure::because("the link was closed"),
    }
}

/// The link's events ended without saying why.
pub(crate) fn over() -> Failure {
    Failure::because("the link is over")
}

fn policy(paths: PathsArgument) -> IcePolicy {
    match paths {
        PathsArgument::All => IcePolicy::All,
        PathsArgument::Relay => IcePolicy::Relay,
        PathsArgument::Local => IcePolicy::Local {
            includes_cgnat: false,
        },
    }
}

fn link_failure(error: LinkError) -> Failure {
    match error {
        LinkError::NotPaired(_) => Failure::Usage(error.to_string()),
        LinkError::Server(error) => api_failure(&error),
        LinkError::Store(_) | LinkError::Directory(..) => Failure::because(error),
    }
}
