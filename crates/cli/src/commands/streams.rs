//! `helio streams`: list, share, open to anybody.

use hyper::Method;
use protocol::stream::StreamAction;
use serde_json::{Value, json};

use crate::admin;
use crate::arguments::{
    OutputArguments, ServerArguments, ShareArguments, StreamsAction, SwitchArguments,
};
use crate::output::{self, Failure, cell};

pub(crate) fn run(
    server: &ServerArguments,
    output: OutputArguments,
    action: Option<&StreamsAction>,
) -> Result<(), Failure> {
    let call = |method, path: &str, body: Value| admin::call(server, method, path, &body);
    match action {
        None | Some(StreamsAction::List) => {
            let reply = call(Method::GET, "/streams", Value::Null)?;
            show(output, &reply, "streams", &STREAMS);
        }
        Some(StreamsAction::Shares { name }) => {
            let reply = call(Method::GET, &format!("/streams/{name}/shares"), Value::Null)?;
            show(output, &reply, "shares", &SHARES);
        }
        Some(StreamsAction::Share(asked)) => {
            let body = json!({
                "action": asked.action(), "expiresIn": asked.expires, "label": asked.label,
            });
            let path = format!("/streams/{}/shares", asked.name);
            print_share(output, asked, &call(Method::POST, &path, body)?);
        }
        Some(StreamsAction::Revoke { name, share }) => {
            let path = format!("/streams/{name}/shares/{share}");
            call(Method::DELETE, &path, Value::Null)?;
            output::line(format!("{share} is revoked; its link opens nothing"));
        }
        Some(StreamsAction::Public(SwitchArguments { name, state })) => {
            let body = json!({ "isPublic": state == "on" });
            call(Method::PUT, &format!("/streams/{name}"), body)?;
            output::line(match state.as_str() {
                "on" => format!("anybody may view {name}"),
                _ => format!("only its account and holders of links may view {name}"),
            });
        }
        Some(StreamsAction::Record(SwitchArguments { name, state })) => {
            let body = json!({ "isRecorded": state == "on" });
            call(Method::PUT, &format!("/streams/{name}"), body)?;
            output::line(match state.as_str() {
                "on" => format!("{name} is recorded whenever it is published"),
                _ => format!("{name} is recorded no longer; what was recorded stays"),
            });
        }
    }
    Ok(())
}

/// Heading and member of each column.
type Columns<'a> = [(&'a str, &'a str)];

const STREAMS: [(&str, &str); 4] = [
    ("STREAM", "name"),
    ("PUBLIC", "isPublic"),
    ("RECORDING", "recording"),
    ("CREATED (MS)", "createdAt"),
];
const SHARES: [(&str, &str); 4] = [
    ("SHARE", "id"),
    ("ACTION", "action"),
    ("LABEL", "label"),
    ("EXPIRES (MS)", "expiresAt"),
];

fn show(output: OutputArguments, reply: &Value, list: &str, columns: &Columns<'_>) {
    if output.json {
        output::json(reply);
        return;
    }
    let entries = reply[list].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = entries
        .map(|entry| {
            let cells = columns.iter().map(|(_, member)| cell(entry, member));
            cells.collect()
        })
        .collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    output::table(&headings, &rows);
}

fn print_share(output: OutputArguments, asked: &ShareArguments, made: &Value) {
    if output.json {
        output::json(made);
        return;
    }
    let (name, id) = (&asked.name, cell(made, "id"));
    let (what, place) = match asked.action() {
        StreamAction::Publish => ("publishes to", "whip"),
        StreamAction::View => ("views", "whep"),
    };
    output::line(cell(made, "url"));
    output::line(format!(
        "Whoever opens it {what} {name}. For media programs: /{name}/{place}, bearer token {}",
        cell(made, "code")
    ));
    output::line(format!(
        "This is shown once. It ends with `helio streams revoke {name} {id}`"
    ));
}
