//! `helio recordings`: what is recorded of a stream, and the end of it.

use hyper::Method;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::admin;
use crate::arguments::{DeleteArguments, OutputArguments, RecordingsAction, ServerArguments};
use crate::output::{self, Failure};

pub(crate) fn run(
    server: &ServerArguments,
    output: OutputArguments,
    action: &RecordingsAction,
) -> Result<(), Failure> {
    let call = |method, path: &str| admin::call(server, method, path, &Value::Null);
    match action {
        RecordingsAction::List { name } => {
            let reply = call(Method::GET, &format!("/streams/{name}/recordings"))?;
            list(output, &reply);
        }
        RecordingsAction::Delete(asked) => {
            let ((from, to), name) = (asked.range(), &asked.name);
            let path = format!("/streams/{name}/recordings?from={from}&to={to}");
            say_deleted(output, asked, &call(Method::DELETE, &path)?);
        }
    }
    Ok(())
}

fn list(output: OutputArguments, reply: &Value) {
    if output.json {
        return output::json(reply);
    }
    let spans = reply["spans"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = spans
        .map(|span| {
            let number = |member: &str| span[member].as_u64().unwrap_or_default();
            let (from, to) = (number("from"), number("to"));
            let megabytes = number("bytes") as f64 / 1e6;
            vec![time(from), time(to), format!("{megabytes:.1}")]
        })
        .collect();
    output::table(&["FROM", "TO", "MB"], &rows);
}

fn say_deleted(output: OutputArguments, asked: &DeleteArguments, reply: &Value) {
    if output.json {
        return output::json(reply);
    }
    let (name, count) = (&asked.name, &reply["deleted"]);
    let when = match asked.range() {
        (0, u64::MAX) => "were all that there was".to_owned(),
        (0, to) => format!("began before {}", time(to)),
        (from, u64::MAX) => format!("began at {} or later", time(from)),
        (from, to) => format!("began from {} to {}", time(from), time(to)),
    };
    output::line(format!("{count} files of {name} are deleted, which {when}"));
}

/// A Unix millisecond as people and programs read it (RFC 3339).
fn time(unix_ms: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
    let time = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    time.unwrap_or_else(|| unix_ms.to_string())
}
