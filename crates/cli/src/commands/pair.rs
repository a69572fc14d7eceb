//! `helio pair`: follows a pairing link, shows a code to another device (`--invite`), or opens a
//! server's setup link. One command opens every link: its path says which it is, so that nobody
//! has to tell them apart.

use std::time::{SystemTime, UNIX_EPOCH};

use peer::device::{Device, DeviceProfile};
use peer::pairing::{self, JoinError, PairingError, Progress, settle};
use peer::server_api::{ServerApi, Trust};
use peer::store::PinnedServer;
use protocol::invite_link::{LinkError, PairingLink, SetupLink};
use protocol::record::{DeviceKind, DeviceRecord};
use serde_json::{Value, json};

use crate::arguments::{DeviceArguments, OutputArguments, PairArguments};
use crate::device_home::{api_failure, device_failure, given_authority, home_dir};
use crate::output::{self, Failure, plain};

mod invite;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &PairArguments,
) -> Result<(), Failure> {
    let link = arguments.link.as_deref().map(Link::read).transpose()?;
    let authority = given_authority(device)?;
    let device = Device::open_or_create(home_dir(device)?, &profile(arguments)?);
    let command = Command {
        device: device.map_err(device_failure)?,
        authority,
        output,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let outcome = runtime.block_on(async {
        match link {
            Some(Link::Pairing(link)) => command.join(link).await,
            Some(Link::Setup(link)) => command.set_up(&link).await,
            None => command.invite(arguments.origin.as_deref()).await,
        }
    });
    // Nothing is left to do, and a name that is still being looked up must not hold us.
    runtime.shutdown_background();
    outcome
}

/// What a person can open.
enum Link {
    Pairing(PairingLink),
    Setup(SetupLink),
}

impl Link {
    fn read(text: &str) -> Result<Self, Failure> {
        let usage = |error: LinkError| {
            Failure::Usage(format!("{error}; scan it again, or copy the whole link"))
        };
        if text.contains("/setup#") {
            return text.parse().map(Link::Setup).map_err(usage);
        }
        text.parse().map(Link::Pairing).map_err(usage)
    }
}

fn profile(arguments: &PairArguments) -> Result<DeviceProfile, Failure> {
    let host = || {
        let name = hostname::get()
            .ok()
            .and_then(|name| name.into_string().ok());
        name.filter(|name| !name.is_empty())
    };
    let name = arguments.name.clone().or_else(host);
    let kind = serde_json::from_value(Value::String(arguments.kind.clone()));
    Ok(DeviceProfile {
        name: name
            .unwrap_or_else(|| "helio".to_owned())
            .chars()
            .take(64)
            .collect(),
        kind: kind.unwrap_or(DeviceKind::Desktop),
        now_ms: unix_ms(),
    })
}

fn unix_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// What every form of the command has.
struct Command {
    device: Device,
    authority: Option<Vec<u8>>,
    output: OutputArguments,
}

impl Command {
    /// The server of a link: its authority is believed at the first use, and pinned if it pairs.
    fn server_of_link(&self, origin: &str) -> Result<ServerApi, Failure> {
        let trust = match &self.authority {
            Some(pem) => Trust::only(pem),
            None => Trust::on_first_use(self.device.store(), origin),
        };
        let keys = self.device.keys().clone();
        trust
            .and_then(|trust| ServerApi::new(origin, keys, trust))
            .map_err(|error| api_failure(&error))
    }

    async fn join(self, link: PairingLink) -> Result<(), Failure> {
        let api = self.server_of_link(&link.origin)?;
        self.settle(&api).await?;
        self.say("connecting", json!({ "server": link.origin }), || {
            format!("Asking {} for the other device …", link.origin)
        });
        let pairing = pairing::join(self.device.clone(), api, link).await;
        let mut pairing = pairing.map_err(join_failure)?;
        while let Some(progress) = pairing.next().await {
            self.show(&progress);
            if let Progress::Failed(error) = progress {
                return Err(pairing_failure(&error));
            }
        }
        Ok(())
    }

    /// Redeems a setup or account link: this device gets an account, so that it can invite.
    async fn set_up(self, link: &SetupLink) -> Result<(), Failure> {
        let api = self.server_of_link(&link.origin)?;
        let secret = link.secret.to_string();
        let reply = api.set_up(&secret).await;
        let reply = reply.map_err(|error| api_failure(&error))?;
        let store = self.device.store();
        let server = PinnedServer {
            origin: link.origin.clone(),
            authority: api.authority(),
        };
        store.put_server(&server).map_err(Failure::because)?;
        let facts =
            json!({ "server": link.origin, "deviceId": reply.device_id, "role": reply.role });
        self.say("set-up", facts, || {
            format!(
                "This device has an account on {} ({}).\nInvite another one: helio pair --invite",
                link.origin,
                reply.role.as_str()
            )
        });
        Ok(())
    }

    /// Pairs that an earlier run was killed in are known before another one begins.
    async fn settle(&self, api: &ServerApi) -> Result<(), Failure> {
        let settled = settle(&self.device, api, unix_ms()).await;
        settled.map_err(Failure::because)?;
        Ok(())
    }

    /// Tells one fact: a line of JSON, or words.
    fn say(&self, event: &str, facts: Value, words: impl FnOnce() -> String) {
        if !self.output.json {
            return output::line(words());
        }
        let mut line = json!({ "event": event });
        if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
            line.extend(facts);
        }
        output::json_line(&line);
    }

    fn show(&self, progress: &Progress) {
        match progress {
            Progress::Waiting => self.say("waiting", json!({}), || {
                "Waiting for the other device …".to_owned()
            }),
            Progress::Joining => self.say("joining", json!({}), || {
                "A device opened the link …".to_owned()
            }),
            Progress::Retrying(error) => self.say("retrying", facts_of(error), || {
                format!("That attempt failed: {error}. The code still serves.")
            }),
            Progress::Showing { peer, words } => {
                let facts = json!({ "peer": brief(peer), "words": words.to_string() });
                self.say("showing", facts, || {
                    let name = plain(&peer.name);
                    format!("Choose these words on {name}:\n\n    {words}\n")
                });
            }
            Progress::Choosing { peer, sets } => {
                let sets = sets.map(|set| set.to_string());
                let facts = json!({ "peer": brief(peer), "sets": sets });
                self.say("choosing", facts, || {
                    let name = plain(&peer.name);
                    let [one, two, three] = &sets;
                    format!(
                        "Which words does {name} show?\n\n    1  {one}\n    2  {two}\n    3  {three}\n\n\
                         Type 1, 2 or 3; anything else ends the pairing."
                    )
                });
            }
            Progress::Confirming => self.say("confirming", json!({}), || "Confirming …".to_owned()),
            Progress::Paired(pair) => {
                let facts = json!({ "pairId": pair.pair_id, "peer": brief(&pair.peer) });
                self.say("paired", facts, || {
                    format!("Paired with {}: {}", plain(&pair.peer.name), pair.pair_id)
                });
            }
            // People read it as the reason on standard error.
            Progress::Failed(error) if self.output.json => {
                self.say("failed", facts_of(error), String::new);
            }
            Progress::Failed(_) => {}
        }
    }
}

fn brief(record: &DeviceRecord) -> Value {
    json!({ "deviceId": record.device_id, "name": record.name, "kind": record.kind })
}

fn facts_of(error: &PairingError) -> Value {
    json!({ "code": error.code, "message": error.message })
}

fn pairing_failure(error: &PairingError) -> Failure {
    let reason = error.to_string();
    match error.code.as_str() {
        _ if error.is_refusal => Failure::Refused(reason),
        "signalling-lost" | "pair-unsettled" | "draining" => Failure::Unreachable(reason),
        _ => Failure::Failed(reason),
    }
}

fn join_failure(error: JoinError) -> Failure {
    match error {
        JoinError::Api(error) => api_failure(&error),
        JoinError::Pairing(error) => pairing_failure(&error),
    }
}
