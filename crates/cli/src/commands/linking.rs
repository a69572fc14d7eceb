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

mod tried;

/// A link that is open.
pub(crate) struct Linked {
    pub(crate) link: Link,
    /// What the other device is called.
    pub(crate) peer: String,
    pub(crate) output: OutputArguments,
    pub(crate) course: Course,
}

/// What became of a link so far.
pub(crate) struct Course {
    wait: Duration,
    server: String,
    phase: Option<Phase>,
    /// Why the last attempt failed.
    cause: Option<Cause>,
    /// Since when frames do not flow.
    lost: Option<Instant>,
}

/// Does some work over a link with the pair that is named, or the only one, and closes it.
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
    let pair = pair_named(&device, arguments.pair.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let outcome = runtime.block_on(async {
        let mut linked = Linked {
            link: device.link(&pair.pair_id, options).map_err(link_failure)?,
            peer: plain(&pair.peer.name),
            output,
            course: Course {
                wait: Duration::from_secs(arguments.wait),
                server: pair.server.clone(),
                phase: None,
                cause: None,
                lost: Some(Instant::now()),
            },
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

/// Work that goes on until somebody has had enough: Ctrl-C is its good end, and the link is closed.
pub(crate) async fn until_ctrl_c(
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

impl Linked {
    /// Waits until frames flow.
    async fn open(&mut self) -> Result<(), Failure> {
        while self.course.lost.is_some() {
            self.next_in_time().await?;
        }
        Ok(())
    }

    /// The next event; waits for ever, also while the link is lost.
    ///
    /// # Errors
    /// The link is over.
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        let event = self.link.next().await.ok_or_else(over)?;
        self.course.hear(&event, &self.peer, self.output)?;
        Ok(event)
    }

    /// The next event, for work that is not worth more than `--wait` without a link.
    ///
    /// # Errors
    /// The link is over, or was lost for so long.
    pub(crate) async fn next_in_time(&mut self) -> Result<Event, Failure> {
        let Some(lost) = self.course.lost else {
            return self.next().await;
        };
        let until = (lost + self.course.wait).into();
        match tokio::time::timeout_at(until, self.next()).await {
            Ok(next) => next,
            Err(_) => Err(self.late().await),
        }
    }

    /// Why there is no link by now, with what was tried where the devices met.
    async fn late(&self) -> Failure {
        let attempt = match self.course.has_met() {
            true => self.link.attempt().await,
            false => None,
        };
        let cause = attempt.as_ref().map(|attempt| attempt.cause);
        let reason = self.course.why_not(&self.peer, cause);
        let Some(attempt) = attempt else {
            return Failure::Unreachable(reason);
        };
        if self.output.json {
            tried::tell(&attempt);
        }
        Failure::Unreachable(tried::explanation(&reason, &attempt))
    }

    /// Says a fact that has no figures.
    pub(crate) fn tell(&self, event: &str, sentence: &str) {
        self.tell_of(&json!({ "event": event }), sentence);
    }

    /// Says a fact: to programs as it is, to people as a sentence.
    pub(crate) fn tell_of(&self, fact: &Value, sentence: &str) {
        output::fact(self.output, fact, sentence);
    }
}

impl Course {
    /// Notes what happened to the link, and tells of it.
    ///
    /// # Errors
    /// The link is over.
    pub(crate) fn hear(
        &mut self,
        event: &Event,
        peer: &str,
        output: OutputArguments,
    ) -> Result<(), Failure> {
        tell_phase(event, output);
        match event {
            Event::Path(path) => tell_path(path, output),
            Event::Phase(Phase::Ended(by)) => return Err(ended(*by)),
            Event::Phase(Phase::Open) => {
                (self.lost, self.cause) = (None, None);
                let fact = json!({ "event": "linked" });
                output::fact(output, &fact, &format!("Linked with {peer}."));
            }
            Event::Phase(phase) => {
                self.lost.get_or_insert_with(Instant::now);
                self.phase = Some(*phase);
                tell_wait(*phase, peer, output);
            }
            Event::Failed(cause) => self.cause = Some(*cause),
            Event::Refused(refusal) => output::error_line(refusal),
            _ => {}
        }
        Ok(())
    }

    /// Whether the devices came as far as looking for a path.
    fn has_met(&self) -> bool {
        let is_before = matches!(self.phase, None | Some(Phase::Signalling | Phase::Waiting));
        let is_servers = self.cause == Some(Cause::SignallingLost);
        !is_servers && (self.cause.is_some() || !is_before)
    }

    /// Why there is no link, by the last that was seen of it and of an attempt that goes on.
    fn why_not(&self, peer: &str, cause: Option<Cause>) -> String {
        let server = &self.server;
        match (self.cause, self.phase) {
            (Some(cause), _) => cause.to_string(),
            (None, None | Some(Phase::Signalling)) => {
                format!("{server} does not answer; is the server running?")
            }
            (None, Some(Phase::Waiting)) => {
                format!("{peer} is not there; open the link on it, or wait longer with --wait")
            }
            (None, Some(_)) => cause.unwrap_or(Cause::ChecksFailed).to_string(),
        }
    }
}

/// Programs are told every phase; people hear of it when it matters.
fn tell_phase(event: &Event, output: OutputArguments) {
    if let (true, Event::Phase(phase)) = (output.json, event) {
        output::json_line(&json!({ "event": "phase", "phase": phase.as_str() }));
    }
}

/// Tells people what a link waits for, where that may take long.
fn tell_wait(phase: Phase, peer: &str, output: OutputArguments) {
    match phase {
        _ if output.json => {}
        Phase::Waiting => output::line(format!("Waiting for {peer} …")),
        Phase::Reconnecting => output::line("The path is lost; looking for another …"),
        _ => {}
    }
}

fn tell_path(path: &Path, output: OutputArguments) {
    let (local, remote) = (path.local.as_str(), path.remote.as_str());
    let fact = json!({ "event": "path", "local": local, "remote": remote });
    let is_relayed = [path.local, path.remote].contains(&PathEnd::Relayed);
    let way = if is_relayed {
        "Over a relay"
    } else {
        "Directly"
    };
    output::fact(output, &fact, &format!("{way} ({local}, {remote})."));
}

/// The events of a link ended without a reason.
pub(crate) fn over() -> Failure {
    Failure::because("the link is over")
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

pub(crate) fn policy(paths: PathsArgument) -> IcePolicy {
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
