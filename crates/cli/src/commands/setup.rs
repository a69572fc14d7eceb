//! `helio setup`: a fresh link with which one more admin sets up a device.

use hyper::Method;
use serde_json::json;

use crate::admin;
use crate::arguments::{OutputArguments, ServerArguments};
use crate::output::{self, Failure};

pub(crate) fn run(server: &ServerArguments, output: OutputArguments) -> Result<(), Failure> {
    let reply = admin::call(server, Method::POST, "/setup", &json!({}))?;
    if output.json {
        output::json(&reply);
        return Ok(());
    }
    let url = reply["url"].as_str().unwrap_or_default();
    output::line(server::welcome::qr_code(url));
    output::line(format!(
        "Open this within 15 minutes, on the device to set up:\n{url}"
    ));
    Ok(())
}
