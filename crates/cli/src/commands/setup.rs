//! `helio setup`: a fresh link with which one more admin sets up a device.

use hyper::Method;
use serde_json::json;

use crate::admin;
use crate::arguments::SetupArguments;
use crate::output::{self, Failure};

pub(crate) fn run(arguments: &SetupArguments) -> Result<(), Failure> {
    let reply = admin::call(&arguments.server, Method::POST, "/setup", &json!({}))?;
    if arguments.output.json {
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
