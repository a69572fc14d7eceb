//! `helio host`: lets this machine's language model answer its paired devices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use llm::host::Allowed;
use llm::serving::serve;
use llm::upstream::Api;
use llm::upstream::http::Upstream;
use peer::device::Device;
use peer::link::{Event, Phase};
use peer::store::{PairState, StoredPair};
use peer::{Link, LinkOptions};
use protocol::id::PairId;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::linking;
use crate::arguments::{ApiArgument, DeviceArguments, HostArguments, OutputArguments};
use crate::device_home::{device_failure, given_authority, home_dir};
use crate::output::{self, Failure, plain};

/// How often a pair that was made meanwhile is looked for.
const PAIRS_INTERVAL: Duration = Duration::from_secs(2);

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &HostArguments,
) -> Result<(), Failure> {
    let upstream = upstream(arguments)?;
    let options = LinkOptions {
        policy: linking::policy(arguments.paths),
        ca_pem: given_authority(device)?,
        has_llm: true,
        ..LinkOptions::default()
    };
    let device = Device::open(home_dir(device)?).map_err(device_failure)?;
    let pairs = device.store().pairs().map_err(Failure::because)?;
    let (stop, stopped) = watch::channel(false);
    let hosting = Hosting {
        allowed: allowed(&arguments.allow, &pairs)?,
        device,
        options,
        upstream: Arc::new(upstream),
        output,
        served: BTreeSet::new(),
        links: JoinSet::new(),
        stopped,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let outcome = runtime.block_on(hosting.run(stop));
    runtime.shutdown_background();
    outcome
}

fn upstream(arguments: &HostArguments) -> Result<Upstream, Failure> {
    let api = arguments.api.map(|api| match api {
        ApiArgument::Ollama => Api::Ollama,
        ApiArgument::Openai => Api::OpenAi,
    });
    let key = arguments.key_file.as_deref().map(read_key).transpose()?;
    Upstream::new(&arguments.upstream, api, key.as_deref())
        .map_err(|error| Failure::Usage(error.to_string()))
}

fn read_key(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// What each pair may use. A name that is nobody's would leave a device free that was meant.
fn allowed(
    named: &[(String, String)],
    pairs: &[StoredPair],
) -> Result<BTreeMap<PairId, BTreeSet<String>>, Failure> {
    let mut allowed = BTreeMap::<PairId, BTreeSet<String>>::new();
    for (device, model) in named {
        let is_meant = |pair: &&StoredPair| {
            [pair.pair_id.as_str(), pair.peer.device_id.as_str()].contains(&device.as_str())
                || pair.peer.name == *device
        };
        let mut meant = pairs.iter().filter(is_meant).peekable();
        if meant.peek().is_none() {
            let reason = format!("--allow {device}: no paired device is called so; `helio pairs`");
            return Err(Failure::Usage(reason));
        }
        for pair in meant {
            let models = allowed.entry(pair.pair_id.clone()).or_default();
            models.insert(model.clone());
        }
    }
    Ok(allowed)
}

struct Hosting {
    device: Device,
    options: LinkOptions,
    upstream: Arc<Upstream>,
    allowed: BTreeMap<PairId, BTreeSet<String>>,
    output: OutputArguments,
    /// Pairs that have, or had, a link here.
    served: BTreeSet<PairId>,
    links: JoinSet<()>,
    stopped: watch::Receiver<bool>,
}

impl Hosting {
    async fn run(mut self, stop: watch::Sender<bool>) -> Result<(), Failure> {
        self.tell_models().await;
        let mut looks = tokio::time::interval(PAIRS_INTERVAL);
        let outcome = loop {
            tokio::select! {
                _ = looks.tick() => {
                    if let Err(failure) = self.link_pairs() {
                        break Err(failure);
                    }
                }
                Some(_) = self.links.join_next() => {}
                _ = tokio::signal::ctrl_c() => break Ok(()),
            }
        };
        stop.send_replace(true);
        while self.links.join_next().await.is_some() {}
        outcome
    }

    /// Says what the model server offers. It may well be started later.
    async fn tell_models(&self) {
        match self.upstream.models().await {
            Ok(models) => {
                let fact = json!({ "event": "models", "models": models });
                let sentence = format!("The model server has {}.", plain(&models.join(", ")));
                output::fact(self.output, &fact, &sentence);
            }
            Err(error) => output::error_line(format!("{error}; it is asked again by each chat")),
        }
    }

    fn link_pairs(&mut self) -> Result<(), Failure> {
        let pairs = self.device.store().pairs().map_err(Failure::because)?;
        for pair in pairs {
            if pair.state != PairState::Paired || !self.served.insert(pair.pair_id.clone()) {
                continue;
            }
            match self.device.link(&pair.pair_id, self.options.clone()) {
                Ok(link) => self.serve(link, &pair),
                Err(error) => output::error_line(format!("{}: {error}", plain(&pair.peer.name))),
            }
        }
        if self.served.is_empty() {
            return Err(Failure::Usage(
                "this device is not paired; `helio pair` pairs it".to_owned(),
            ));
        }
        Ok(())
    }

    fn serve(&mut self, mut link: Link, pair: &StoredPair) {
        let name = plain(&pair.peer.name);
        let sentence = format!("Answering {name}.");
        let fact = json!({ "event": "hosting", "pair": pair.pair_id, "device": name });
        output::fact(self.output, &fact, &sentence);
        let models = self.allowed.get(&pair.pair_id).cloned();
        let allowed = models.map_or(Allowed::All, Allowed::Only);
        let channel = link.take_llm().expect("it is taken once");
        let serving = serve(channel, Arc::clone(&self.upstream), allowed);
        let (stopped, output) = (self.stopped.clone(), self.output);
        self.links.spawn(async move {
            tokio::select! {
                () = serving => {}
                () = follow(&mut link, &name, output) => {}
                () = stop(stopped) => link.close("done").await,
            }
        });
    }
}

async fn stop(mut stopped: watch::Receiver<bool>) {
    // Whoever stops it goes after this.
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

/// Tells how a link fares until it is over.
async fn follow(link: &mut Link, name: &str, output: OutputArguments) {
    while let Some(event) = link.next().await {
        match event {
            Event::Phase(phase @ (Phase::Open | Phase::Waiting | Phase::Reconnecting)) => {
                let fact = json!({ "event": "phase", "device": name, "phase": phase.as_str() });
                let is_there = if phase == Phase::Open { "" } else { "not " };
                output::fact(output, &fact, &format!("{name} is {is_there}linked."));
            }
            Event::Phase(Phase::Ended(by)) => {
                let fact = json!({ "event": "ended", "device": name });
                output::fact(output, &fact, &format!("{name}: {}.", linking::ended(by)));
            }
            Event::Failed(cause) => output::error_line(format!("{name}: {cause}")),
            Event::Refused(refusal) => output::error_line(format!("{name}: {refusal}")),
            _ => {}
        }
    }
}
