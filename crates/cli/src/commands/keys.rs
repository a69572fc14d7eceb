//! `helio keys`: the keys that sign tokens.

use hyper::Method;
use serde_json::Value;

use crate::admin;
use crate::arguments::{DeviceArguments, KeysAction, OutputArguments, ServerArguments};
use crate::device_home;
use crate::output::{self, Failure, cell};

pub(crate) fn run(
    device: &DeviceArguments,
    server: &ServerArguments,
    output: OutputArguments,
    action: Option<&KeysAction>,
) -> Result<(), Failure> {
    if let Some(home) = device_home::lists_the_device(device, server)? {
        return home.keys(output, action);
    }
    let call = |method, path: &str| admin::call(server, method, path, &Value::Null);
    let reply = match action {
        None | Some(KeysAction::List) => call(Method::GET, "/keys")?,
        Some(KeysAction::Rotate) => call(Method::POST, "/keys/rotate")?,
        Some(KeysAction::Kill { kid }) => call(Method::DELETE, &format!("/keys/{kid}"))?,
    };
    if output.json {
        output::json(&reply);
        return Ok(());
    }
    let keys = reply["keys"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = keys
        .map(|key| vec![cell(key, "kid"), cell(key, "state")])
        .collect();
    output::table(&["KEY", "STATE"], &rows);
    Ok(())
}
