//! `helio pairs`: list, rename, revoke, add for foreign clients.

use hyper::Method;
use serde_json::{Value, json};

use crate::admin;
use crate::arguments::{DeviceArguments, OutputArguments, PairsAction, ServerArguments};
use crate::device_home;
use crate::output::{self, Failure, cell};

pub(crate) fn run(
    device: &DeviceArguments,
    server: &ServerArguments,
    output: OutputArguments,
    action: Option<&PairsAction>,
) -> Result<(), Failure> {
    if let Some(home) = device_home::lists_the_device(device, server)? {
        return home.pairs(output, action);
    }
    let call = |method, path: &str, body: Value| admin::call(server, method, path, &body);
    match action {
        None | Some(PairsAction::List) => {
            let reply = call(Method::GET, "/pairs", Value::Null)?;
            if output.json {
                output::json(&reply);
            } else {
                print(&reply);
            }
        }
        Some(PairsAction::Rename { id, name }) => {
            call(
                Method::PATCH,
                &format!("/pairs/{id}"),
                json!({ "label": name }),
            )?;
            output::line(format!("{id} is called {name}"));
        }
        Some(PairsAction::Revoke { id }) => {
            call(Method::DELETE, &format!("/pairs/{id}"), Value::Null)?;
            output::line(format!("{id} is revoked; its link and sockets are cut"));
        }
        Some(PairsAction::Add { a, b, .. }) => {
            let reply = call(
                Method::POST,
                "/pairs",
                json!({ "a": a, "b": b, "unverified": true }),
            )?;
            if output.json {
                output::json(&reply);
            } else {
                output::line(format!("{} added, not verified", cell(&reply, "pairId")));
            }
        }
    }
    Ok(())
}

fn print(reply: &Value) {
    let rows: Vec<Vec<String>> = reply["pairs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| {
            let end = |index: usize| cell(&pair["devices"][index]["record"], "name");
            vec![
                cell(pair, "pairId"),
                cell(pair, "label"),
                end(0),
                end(1),
                cell(pair, "verified"),
            ]
        })
        .collect();
    output::table(&["PAIR", "LABEL", "DEVICE", "DEVICE", "VERIFIED"], &rows);
}
