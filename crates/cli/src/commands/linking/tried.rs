//! What was tried before a link was given up: the table under the error, as the page shows it.

use std::net::SocketAddr;

use peer::link::{Attempt, PathEnd, TriedPair};
use serde_json::json;

use crate::output::{self, plain};

/// People read the first rows.
const ROWS: usize = 24;

/// Tells programs of each pair.
pub(super) fn tell(attempt: &Attempt) {
    let pairs: Vec<_> = attempt
        .pairs
        .iter()
        .map(|pair| {
            let TriedPair {
                path,
                requests,
                responses,
            } = pair;
            json!({
                "local": end(path.local, path.local_addr),
                "remote": end(path.remote, path.remote_addr),
                "requests": requests, "responses": responses,
            })
        })
        .collect();
    let refusal = &attempt.refusal;
    output::json_line(&json!({ "event": "tried", "pairs": pairs, "refusal": refusal }));
}

/// The reason, what was tried, and where to ask further.
pub(super) fn explanation(reason: &str, attempt: &Attempt) -> String {
    let mut lines = vec![reason.to_owned()];
    if let Some(refusal) = &attempt.refusal {
        lines.push(format!("A relay refused: {}", plain(refusal)));
    }
    lines.push(match attempt.pairs.len() {
        0 => "No path was tried: neither device told an address that the other can use.".to_owned(),
        1 => "One path was tried:".to_owned(),
        several => format!("{several} paths were tried:"),
    });
    if !attempt.pairs.is_empty() {
        let rows: Vec<_> = attempt.pairs.iter().take(ROWS).map(row).collect();
        let table = output::aligned(&["HERE", "THERE", "ANSWERS"], &rows);
        lines.extend(table.into_iter().map(|row| format!("  {row}")));
    }
    lines.push("`helio doctor` measures from here what is in the way.".to_owned());
    lines.join("\n")
}

fn row(pair: &TriedPair) -> Vec<String> {
    let TriedPair {
        path,
        requests,
        responses,
    } = pair;
    vec![
        end(path.local, path.local_addr),
        end(path.remote, path.remote_addr),
        format!("{responses} of {requests}"),
    ]
}

/// `host 192.168.1.20:50000`.
fn end(kind: PathEnd, addr: SocketAddr) -> String {
    format!("{} {addr}", kind.as_str())
}

#[cfg(test)]
mod tests {
    use peer::link::{Cause, Path};

    use super::*;

    fn pair(last: u8, responses: u64) -> TriedPair {
        TriedPair {
            path: Path {
                local: PathEnd::Host,
                remote: PathEnd::ServerReflexive,
                local_addr: SocketAddr::from(([10, 0, 0, 2], 4000)),
                remote_addr: SocketAddr::from(([203, 0, 113, last], 60_000)),
            },
            requests: 25,
            responses,
        }
    }

    #[test]
    fn an_explanation_has_the_table_of_what_was_tried() {
        let attempt = Attempt {
            cause: Cause::ChecksFailed,
            pairs: vec![pair(7, 0), pair(110, 3)],
            refusal: Some("486 Allocation Quota Reached".to_owned()),
        };
        insta::assert_snapshot!(explanation("the two devices found no path.", &attempt));
    }

    #[test]
    fn no_more_rows_are_shown_than_people_read() {
        let attempt = Attempt {
            cause: Cause::ChecksFailed,
            pairs: vec![pair(7, 0); ROWS + 1],
            refusal: None,
        };
        let lines = explanation("no path", &attempt).lines().count();
        assert_eq!(lines, 2 + 1 + ROWS + 1);
    }

    #[test]
    fn an_attempt_without_addresses_says_so() {
        let attempt = Attempt {
            cause: Cause::ChecksFailed,
            pairs: Vec::new(),
            refusal: None,
        };
        let text = explanation("no path", &attempt);
        assert!(text.contains("No path was tried"), "{text}");
    }
}
