//! `helio devices`: list, rename, revoke.

use hyper::Method;
use serde_json::{Value, json};

use crate::admin;
use crate::arguments::{DeviceArguments, DevicesAction, OutputArguments, ServerArguments};
use crate::device_home;
use crate::output::{self, Failure, cell};

pub(crate) fn run(
    device: &DeviceArguments,
    server: &ServerArguments,
    output: OutputArguments,
    action: Option<&DevicesAction>,
) -> Result<(), Failure> {
    if let Some(home) = device_home::lists_the_device(device, server)? {
        return home.devices(output, action);
    }
    let call = |method, path: &str, body: Value| admin::call(server, method, path, &body);
    match action {
        None | Some(DevicesAction::List) => {
            let reply = call(Method::GET, "/devices", Value::Null)?;
            if output.json {
                output::json(&reply);
            } else {
                print(&reply);
            }
        }
        Some(DevicesAction::Rename { id, name }) => {
            call(
                Method::PATCH,
                &format!("/devices/{id}"),
                json!({ "label": name }),
            )?;
            output::line(format!("{id} is called {name}"));
        }
        Some(DevicesAction::Revoke { id }) => {
            call(Method::DELETE, &format!("/devices/{id}"), Value::Null)?;
            output::line(format!(
                "{id} is revoked; its sockets, links and relays are cut"
            ));
        }
    }
    Ok(())
}

fn print(reply: &Value) {
    let rows: Vec<Vec<String>> = reply["devices"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|device| {
            let name = [cell(device, "label"), cell(device, "name")];
            let name = name
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default();
            vec![
                cell(device, "deviceId"),
                name,
                cell(device, "kind"),
                cell(device, "role"),
                cell(device, "online"),
                cell(device, "lastSeen"),
            ]
        })
        .collect();
    let headings = ["DEVICE", "NAME", "KIND", "ROLE", "ONLINE", "LAST SEEN (MS)"];
    output::table(&headings, &rows);
}
