//! The native device that lives on this machine, as `devices`, `pairs` and `keys` list it.
//!
//! These commands speak of the server whose data directory is here. With `--home`, or where there
//! is no such directory but a device, they speak of the device: nobody should have to know which
//! of the two made a machine's pair.

use std::path::PathBuf;

use peer::device::{Device, DeviceError};
use peer::server_api::{ApiError, ServerApi};
use peer::store::StoredPair;
use protocol::id::PairId;
use serde_json::json;

use crate::admin;
use crate::arguments::{
    DeviceArguments, DevicesAction, KeysAction, OutputArguments, PairsAction, ServerArguments,
};
use crate::output::{self, Failure, plain};

/// Where the device lives.
pub(crate) fn home_dir(arguments: &DeviceArguments) -> Result<PathBuf, Failure> {
    let home = arguments.home.clone();
    let home = home.or_else(|| peer::store::home_dir(|name| std::env::var_os(name)));
    home.ok_or_else(|| Failure::Usage("HOME is not set: say where with --home DIR".to_owned()))
}

/// The failure that an error of the device is.
pub(crate) fn device_failure(error: DeviceError) -> Failure {
    match error {
        DeviceError::None(_) | DeviceError::Name(_) => Failure::Usage(error.to_string()),
        DeviceError::Store(_) | DeviceError::OtherKeys(_) => Failure::because(error),
    }
}

/// The failure that an error of a server is.
pub(crate) fn api_failure(error: &ApiError) -> Failure {
    let reason = error.to_string();
    match error {
        ApiError::Unreachable { .. } => Failure::Unreachable(reason),
        ApiError::Refused { .. } | ApiError::Trust(_) => Failure::Refused(reason),
        ApiError::Origin(_) | ApiError::Unencrypted(_) => Failure::Usage(reason),
        ApiError::NotHeliograph { .. } | ApiError::Store(_) => Failure::Failed(reason),
    }
}

/// Bytes of the file that `--ca` names.
pub(crate) fn given_authority(arguments: &DeviceArguments) -> Result<Option<Vec<u8>>, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
    };
    arguments.ca.as_ref().map(read).transpose()
}

/// The server at this address, or the only one that the device knows; `how` is how to say which.
pub(crate) fn server_named(
    device: &Device,
    how: &str,
    origin: Option<&str>,
) -> Result<String, Failure> {
    if let Some(origin) = origin {
        return Ok(origin.trim_end_matches('/').to_owned());
    }
    let servers = device.store().servers().map_err(Failure::because)?;
    match servers.as_slice() {
        [one] => Ok(one.origin.clone()),
        [] => Err(Failure::Usage(
            "this device is on no server yet: open a setup link with `helio pair LINK`, or \
             the link of a device that is"
                .to_owned(),
        )),
        several => {
            let origins: Vec<_> = several.iter().map(|each| each.origin.as_str()).collect();
            let origins = origins.join(", ");
            Err(Failure::Usage(format!(
                "say which server with {how}: {origins}"
            )))
        }
    }
}

/// The pair of this id, or with the one device of this name; without a name the only one.
pub(crate) fn pair_named(device: &Device, named: Option<&str>) -> Result<StoredPair, Failure> {
    let pairs = device.store().pairs().map_err(Failure::because)?;
    let is_meant = |pair: &StoredPair| {
        named.is_none_or(|named| pair.pair_id.as_str() == named || pair.peer.name == named)
    };
    let mut found = pairs.into_iter().filter(is_meant);
    let reason = match (found.next(), found.next(), named) {
        (Some(pair), None, _) => return Ok(pair),
        (Some(_), Some(_), Some(named)) => {
            format!("several paired devices are called {named}; say the pair's id (`helio pairs`)")
        }
        (Some(_), Some(_), None) => {
            "this device has several pairs; say which one (`helio pairs`)".to_owned()
        }
        (None, _, Some(named)) => {
            format!("this device has no pair {named}; `helio pairs` lists them")
        }
        (None, _, None) => "this device is not paired; `helio pair` pairs it".to_owned(),
    };
    Err(Failure::Usage(reason))
}

/// The device, where the command is about it.
pub(crate) fn lists_the_device(
    arguments: &DeviceArguments,
    server: &ServerArguments,
) -> Result<Option<DeviceHome>, Failure> {
    let is_asked = arguments.home.is_some();
    if !is_asked && admin::settings(server)?.data_dir.exists() {
        return Ok(None);
    }
    let home = match home_dir(arguments) {
        Ok(home) => home,
        // Nowhere a device could live.
        Err(_) if !is_asked => return Ok(None),
        Err(failure) => return Err(failure),
    };
    match Device::open(home) {
        Ok(device) => {
            let authority = given_authority(arguments)?;
            Ok(Some(DeviceHome { device, authority }))
        }
        Err(DeviceError::None(_)) if !is_asked => Ok(None),
        Err(error) => Err(device_failure(error)),
    }
}

/// A device that lists what it knows.
pub(crate) struct DeviceHome {
    device: Device,
    authority: Option<Vec<u8>>,
}

impl DeviceHome {
    /// `helio devices`: this one and those it is paired with.
    pub(crate) fn devices(
        &self,
        output: OutputArguments,
        action: Option<&DevicesAction>,
    ) -> Result<(), Failure> {
        if !matches!(action, None | Some(DevicesAction::List)) {
            return Err(on_the_server("devices"));
        }
        let pairs = self.device.store().pairs().map_err(Failure::because)?;
        let own = self.device.keys().record();
        let records = std::iter::once(own).chain(pairs.iter().map(|pair| &pair.peer));
        if output.json {
            let is_own = |id| id == self.device.id();
            let devices: Vec<_> = records
                .map(|record| {
                    json!({
                        "deviceId": record.device_id, "name": record.name, "kind": record.kind,
                        "created": record.created, "self": is_own(&record.device_id),
                    })
                })
                .collect();
            output::json(&json!({ "devices": devices }));
            return Ok(());
        }
        let rows: Vec<_> = records
            .map(|record| {
                let kind = record.kind.as_str().to_owned();
                vec![record.device_id.to_string(), plain(&record.name), kind]
            })
            .collect();
        output::table(&["DEVICE", "NAME", "KIND"], &rows);
        Ok(())
    }

    /// `helio pairs`: its pairs; revoking one asks the server and forgets it.
    pub(crate) fn pairs(
        &self,
        output: OutputArguments,
        action: Option<&PairsAction>,
    ) -> Result<(), Failure> {
        match action {
            None | Some(PairsAction::List) => self.list_pairs(output),
            Some(PairsAction::Revoke { id }) => self.revoke(id),
            Some(PairsAction::Rename { .. } | PairsAction::Add { .. }) => {
                Err(on_the_server("pairs"))
            }
        }
    }

    fn list_pairs(&self, output: OutputArguments) -> Result<(), Failure> {
        let pairs = self.device.store().pairs().map_err(Failure::because)?;
        if output.json {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|pair| {
                    json!({
                        "pairId": pair.pair_id, "server": pair.server, "state": pair.state,
                        "created": pair.created, "peer": pair.peer,
                    })
                })
                .collect();
            output::json(&json!({ "pairs": pairs }));
            return Ok(());
        }
        let rows: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let state = match pair.state {
                    peer::store::PairState::Pending => "pending",
                    peer::store::PairState::Paired => "paired",
                };
                let id = pair.pair_id.to_string();
                vec![
                    id,
                    plain(&pair.peer.name),
                    pair.server.clone(),
                    state.to_owned(),
                ]
            })
            .collect();
        output::table(&["PAIR", "DEVICE", "SERVER", "STATE"], &rows);
        Ok(())
    }

    fn revoke(&self, id: &str) -> Result<(), Failure> {
        let unknown = || Failure::Usage(format!("this device has no pair {id}"));
        let id = PairId::parse(id).map_err(|_| unknown())?;
        let store = self.device.store();
        let pair = store.pair(&id).map_err(Failure::because)?;
        let pair = pair.ok_or_else(unknown)?;
        let api = ServerApi::for_device(&pair.server, &self.device, self.authority.as_deref());
        let api = api.map_err(|error| api_failure(&error))?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
        match runtime.block_on(api.revoke_pair(&id)) {
            Ok(()) => {}
            // The server does not know it: nothing is left but this device's own memory of it.
            Err(error) if error.is_final_refusal() => {}
            Err(error) => return Err(api_failure(&error)),
        }
        store.delete_pair(&id).map_err(Failure::because)?;
        output::line(format!("{id} is revoked; its link and sockets are cut"));
        Ok(())
    }

    /// `helio keys`: the public halves of the device's own.
    pub(crate) fn keys(
        &self,
        output: OutputArguments,
        action: Option<&KeysAction>,
    ) -> Result<(), Failure> {
        if !matches!(action, None | Some(KeysAction::List)) {
            return Err(on_the_server("keys"));
        }
        let record = self.device.keys().record();
        if output.json {
            output::json(&json!({
                "deviceId": record.device_id, "key": record.key, "x25519": record.x25519,
            }));
            return Ok(());
        }
        let row = |what: &str, value: String| vec![what.to_owned(), value];
        let rows = [
            row("device id", record.device_id.to_string()),
            row("Ed25519", record.key.to_string()),
            row("X25519", record.x25519.to_string()),
        ];
        output::table(&["KEY", "PUBLIC"], &rows);
        Ok(())
    }
}

fn on_the_server(command: &str) -> Failure {
    Failure::Usage(format!(
        "a device only lists here: run `helio {command}` on the server, or use its page"
    ))
}
