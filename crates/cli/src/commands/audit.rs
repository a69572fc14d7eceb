//! `helio audit`: the newest entries of the audit log.

use hyper::Method;
use serde_json::Value;

use crate::admin;
use crate::arguments::{OutputArguments, ServerArguments};
use crate::output::{self, Failure, cell};

pub(crate) fn run(server: &ServerArguments, output: OutputArguments) -> Result<(), Failure> {
    let reply = admin::call(server, Method::GET, "/audit", &Value::Null)?;
    if output.json {
        output::json(&reply);
        return Ok(());
    }
    let entries = reply["entries"].as_array().into_iter().flatten();
    let fields = [
        "time",
        "action",
        "account",
        "device",
        "pair",
        "replacedBy",
        "stream",
        "share",
    ];
    let rows: Vec<Vec<String>> = entries
        .map(|entry| fields.iter().map(|field| cell(entry, field)).collect())
        .collect();
    let headings = [
        "TIME (MS)",
        "ACTION",
        "ACCOUNT",
        "DEVICE",
        "PAIR",
        "REPLACED BY",
        "STREAM",
        "SHARE",
    ];
    output::table(&headings, &rows);
    Ok(())
}
