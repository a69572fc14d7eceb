//! `helio doctor`: what links need, checked one by one; what was measured, and where it fails, why
//! and what to do.

use peer::device::{Device, DeviceError};
use peer::doctor::{Check, Finding, State, Subject, examine};
use peer::server_api::{ApiError, Trust};
use peer::store::Store;
use serde_json::json;

use crate::arguments::{DeviceArguments, DoctorArguments, OutputArguments};
use crate::device_home::{api_failure, device_failure, given_authority, home_dir, server_named};
use crate::output::{self, Failure, plain};

/// How wide the word before a title is.
const WORD: usize = 8;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &DoctorArguments,
) -> Result<(), Failure> {
    let subject = subject(device, arguments)?;
    let origin = subject.origin.clone();
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let examined = runtime.block_on(examine(subject, |check| tell(check, output)));
    // A name that is still being looked up must not hold us.
    runtime.shutdown_background();
    let diagnosis = examined.map_err(|error| api_failure(&error))?;
    let faults = diagnosis.faults();
    if output.json {
        output::json_line(&json!({ "event": "verdict", "faults": faults }));
    }
    let verdict = match faults {
        0 if output.json => return Ok(()),
        0 => {
            output::line("No check found a fault.");
            return Ok(());
        }
        1 => "one check found a fault".to_owned(),
        several => format!("{several} checks found faults"),
    };
    if diagnosis.is_reachable {
        return Err(Failure::Failed(verdict));
    }
    let verdict = format!("{verdict}: {} does not answer", plain(&origin));
    Err(Failure::Unreachable(verdict))
}

/// The device that lives here, or nobody, and the server that is named, or the only one known.
fn subject(
    arguments: &DeviceArguments,
    DoctorArguments { origin }: &DoctorArguments,
) -> Result<Subject, Failure> {
    let authority = given_authority(arguments)?;
    let home = home_dir(arguments)?;
    let device = match Device::open(&home) {
        Ok(device) => Some(device),
        // A stranger can ask too, where it says whom.
        Err(DeviceError::None(_)) if origin.is_some() => None,
        Err(error) => return Err(device_failure(error)),
    };
    let origin = match &device {
        Some(device) => server_named(device, "helio doctor SERVER", origin.as_deref())?,
        None => origin.clone().unwrap_or_default(),
    };
    let believed = |store: &Store| match (&authority, &device) {
        (Some(pem), _) => Trust::only(pem),
        (None, Some(_)) => Trust::pinned(store, &origin),
        (None, None) => Trust::on_first_use(store, &origin),
    };
    let trust = believed(&Store::new(home)).map_err(|error: ApiError| api_failure(&error))?;
    Ok(Subject {
        origin,
        device,
        trust,
    })
}

fn tell(Check { id, finding }: &Check, output: OutputArguments) {
    if output.json {
        let mut fact = json!({ "event": "check", "check": id.as_str(), "title": id.title() });
        if let (Some(fact), Ok(finding)) = (fact.as_object_mut(), serde_json::to_value(finding)) {
            fact.extend(finding.as_object().cloned().unwrap_or_default());
        }
        return output::json_line(&fact);
    }
    let word = match finding.state {
        State::Good => "ok",
        State::Note => "note",
        State::Bad => "FAULT",
        State::Untold => "not told",
    };
    output::line(format!("{word:WORD$}  {}", id.title()));
    for text in words(finding) {
        output::line(format!("{:WORD$}  {}", "", plain(&text)));
    }
}

/// What stands under the title, line by line.
fn words(finding: &Finding) -> Vec<String> {
    let named =
        |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}: {text}"));
    let mut words = finding.measured.clone();
    words.extend(named("Cause", &finding.cause));
    words.extend(named("Do", &finding.remedy));
    words.extend(named("Configuration", &finding.line));
    words
}
