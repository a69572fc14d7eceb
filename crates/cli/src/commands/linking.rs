//! What the commands over a link share: it opens in time, or they say why not; it is closed when
//! they are done.

use std::time::{Duration, Instant};

use peer::device::Device;
use peer::link::{Cause, EndedBy, Event, IcePolicy, Path, PathEnd, Phase};
use peer::{Link, LinkError, LinkOptions};
use serde_json::{Value, json};

use crate::arguments::{DeviceArguments, LinkArguments, OutputArguments, PathsArgument};
use crate::device_home::{api_failure, device_failure, given_authority, home_dir, pair_named};
use crate::output::{self, Failure, plain};

/// A link that is open.
pub(crate) struct Linked {
    pub(crate) link: Link,
    /// What the other device is called.
    pub(crate) peer: String,
    pub(crate) output: OutputArguments,
    wait: Duration,
    server: String,
    phase: Option<Phase>,
    /// Why the last attempt failed.
    cause: Option<Cause>,
    /// Since when frames do not flow.
    lost: Option<Instant>,
}

/// Does some work over a link, and closes it.
pub(crate) fn over_link(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &LinkArguments,
    options: LinkOptions,
    work: impl AsyncFnOnce(&mut Linked) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = LinkOptions {
        policy: policy(arguments.paths),
        ca_pem: given_authority(device)?,
        ..options
    };
    let device = Device::open(home_dir(device)?).map_err(device_failure)?;
    let pair = pair_named(&device, &arguments.pair)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let outcome = runtime.block_on(async {
        let mut linked = Linked {
            link: device.link(&pair.pair_id, options).map_err(link_failure)?,
            peer: plain(&pair.peer.name),
            output,
            wait: Duration::from_secs(arguments.wait),
            server: pair.server.clone(),
            phase: None,
            cause: None,
            lost: Some(Instant::now()),
        };
        let outcome = match linked.open().await {
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
    async fn open(&mut self) -> Result<(), Failure> {
        while self.lost.is_some() {
            self.next_in_time().await?;
        }
        self.tell("linked", &format!("Linked with {}.", self.peer));
        Ok(())
    }

    /// The next event; waits for ever, also while the link is lost.
    ///
    /// # Errors
    /// The link is over.
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        let event = self.link.next().await;
        let event = event.ok_or_else(|| Failure::because("the link is over"))?;
        match &event {
            Event::Path(path) => self.tell_path(path),
            Event::Phase(Phase::Ended(by)) => return Err(ended(*by)),
            Event::Phase(Phase::Open) => (self.lost, self.cause) = (None, None),
            Event::Phase(phase) => {
                self.lost.get_or_insert_with(Instant::now);
                self.phase = Some(*phase);
            }
            Event::Failed(cause) => self.cause = Some(*cause),
            Event::Refused(refusal) => output::error_line(refusal),
            _ => {}
        }
        Ok(event)
    }

    /// The next event, for work that is not worth more than `--wait` without a link.
    ///
    /// # Errors
    /// The link is over, or was lost for so long.
    pub(crate) async fn next_in_time(&mut self) -> Result<Event, Failure> {
        let Some(lost) = self.lost else {
            return self.next().await;
        };
        let until = (lost + self.wait).into();
        let next = tokio::time::timeout_at(until, self.next()).await;
        next.unwrap_or_else(|_| Err(Failure::Unreachable(self.why_not())))
    }

    /// Why there is no link, by the last that was seen of it.
    fn why_not(&self) -> String {
        let Self { server, peer, .. } = self;
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

    /// Says a fact that has no figures.
    pub(crate) fn tell(&self, event: &str, sentence: &str) {
        self.tell_of(&json!({ "event": event }), sentence);
    }

    /// Says a fact: to programs as it is, to people as a sentence.
    pub(crate) fn tell_of(&self, fact: &Value, sentence: &str) {
        if self.output.json {
            output::json_line(fact);
        } else {
            output::line(sentence);
        }
    }

    fn tell_path(&self, path: &Path) {
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

/// Why a link that was up is over.
fn ended(by: EndedBy) -> Failure {
    match by {
        EndedBy::Revoked => Failure::Refused("the pair was revoked; pair again".to_owned()),
        EndedBy::Refused => Failure::Refused(Cause::NoiseFailed.to_string()),
        EndedBy::Replaced => {
            Failure::because("another program of this device took the link over; end it first")
        }
        EndedBy::Closed => Failure::because("the link was closed"),
    }
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
