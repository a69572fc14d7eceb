//! The vectors of `testdata/doctor`, which the page checks too: what was measured, and in which
//! words the finding tells it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::link::Transport;

const FINDINGS: &str = include_str!("../../../../testdata/doctor/findings.json");

#[derive(Deserialize)]
struct Row {
    check: String,
    name: String,
    given: Value,
    finding: Option<Finding>,
    urls: Option<Vec<String>>,
}

impl Row {
    fn read<T: DeserializeOwned>(&self, field: &str) -> T {
        read(self.given[field].clone())
    }

    fn host(&self) -> String {
        self.read("ownHost")
    }

    fn tried(&self) -> Vec<Tried> {
        let rows: Vec<Value> = self.read("tried");
        let tried = |row: Value| Tried {
            url: read(row["url"].clone()),
            transport: transport(&row["transport"]),
            gathered: read(row["gathered"].clone()),
        };
        rows.into_iter().map(tried).collect()
    }

    fn conclusion(&self) -> Option<Finding> {
        Some(match self.check.as_str() {
            "server" => server_finding(&read(self.given.clone())),
            "token" => token_finding(&read(self.given.clone())),
            "websocket" => socket_finding(&SocketAttempt {
                origin: &self.read::<String>("origin"),
                end: match &self.given["end"] {
                    Value::String(word) if word == "open" => SocketEnd::Open,
                    Value::String(_) => SocketEnd::Silent,
                    code => SocketEnd::Closed(read(code.clone())),
                },
                took_ms: self.read("tookMs"),
            }),
            "stun" => stun_finding(&self.read::<Vec<_>>("answers"), &self.host()),
            "no-nat" => {
                return has_no_nat(&self.read::<Vec<_>>("answers")).then(no_nat);
            }
            "mapping" => {
                let answering: Vec<StunAnswer> = self.read("answering");
                let both: Option<Gathered> = self.read("both");
                mapping_finding(&answering.iter().collect::<Vec<_>>(), both.as_ref())
            }
            "ipv6" => {
                let gatherings: Vec<Gathered> = self.read("gatherings");
                ipv6_finding(&gatherings.iter().collect::<Vec<_>>())
            }
            "mdns" => hidden_finding(&self.read("gathered")),
            "relay" => {
                let tried = self.tried();
                let transport = transport(&self.given["transport"]);
                relay_finding(transport, &tried.iter().collect::<Vec<_>>(), &self.host())
            }
            "udp" => {
                let stun: Vec<Gathered> = self.read("stun");
                let stun: Vec<_> = stun.iter().collect();
                udp_finding(&stun, &self.tried(), self.read("isReachable"))
            }
            "link" => {
                let trial = &self.given["trial"];
                let path = match self.given["path"].as_str() {
                    Some("direct") => TrialPath::Direct,
                    _ => TrialPath::Relay,
                };
                let trial = Trial {
                    opened_ms: read(trial["openedMs"].clone()),
                    round_trip_ms: read(trial["roundTripMs"].clone()),
                    ice: read(trial["ice"].clone()),
                };
                trial_finding(path, &trial)
            }
            other => panic!("no conclusion is called {other}"),
        })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a vector has what its check needs")
}

fn transport(name: &Value) -> Transport {
    match name.as_str() {
        Some("udp") => Transport::Udp,
        Some("tcp") => Transport::Tcp,
        Some("tls") => Transport::Tls,
        _ => panic!("{name} is no transport"),
    }
}

#[test]
fn findings_are_those_of_the_page() {
    let rows: Vec<Row> = serde_json::from_str(FINDINGS).expect("vectors");
    let mut checks = BTreeSet::new();
    for row in &rows {
        checks.insert(row.check.as_str());
        if row.check == "comparable" {
            let answers: Vec<StunAnswer> = row.read("answers");
            let urls: Vec<_> = comparable(&answers)
                .into_iter()
                .map(|answer| answer.url.clone())
                .collect();
            assert_eq!(Some(urls), row.urls, "{}", row.name);
        } else {
            assert_eq!(row.conclusion(), row.finding, "{}: {}", row.check, row.name);
        }
    }
    assert_eq!(checks.len(), 12, "a vector for each conclusion");
}

#[test]
fn names_that_are_not_found_here_are_worth_knowing_and_a_fault_stays_one() {
    let own = Gathered {
        hosts: vec!["192.0.2.1".to_owned()],
        ..Gathered::default()
    };
    let found = names_finding(&own, Some(Duration::from_millis(812)));
    assert_eq!(found.state, State::Good);
    let told = [
        "shown to peers: 192.0.2.1",
        "a name under .local was found after 812 ms",
    ];
    assert_eq!(found.measured, told);
    let lost = names_finding(&own, None);
    assert_eq!(lost.state, State::Note);
    assert_eq!(lost.measured[1], "a name under .local was not found");
    assert!(lost.cause.is_some() && lost.remedy.is_some());
    let none = names_finding(&Gathered::default(), None);
    assert_eq!(none, hidden_finding(&Gathered::default()));
}

#[test]
fn a_check_has_a_name_and_a_title_of_its_own() {
    let names: BTreeSet<_> = CheckId::ALL.iter().map(|id| id.as_str()).collect();
    let titles: BTreeSet<_> = CheckId::ALL.iter().map(|id| id.title()).collect();
    assert_eq!([names.len(), titles.len()], [CheckId::ALL.len(); 2]);
}

#[test]
fn a_socket_that_is_answered_without_an_upgrade_is_told_with_the_status() {
    let attempt = SocketAttempt {
        origin: "https://helio.test",
        end: SocketEnd::Answered(502),
        took_ms: 4.0,
    };
    let finding = socket_finding(&attempt);
    assert_eq!(finding.state, State::Bad);
    assert_eq!(
        finding.measured,
        ["not opened: the answer had status 502 after 4.0 ms"]
    );
}
