//! The same requests to coturn and to us: the same answers, unless listed with a reason.
//!
//! An answer is its class, its error code and the attributes in it (with the
//! lifetime's value). A difference that is not listed fails, and so does a
//! listed one that does not occur. Needs Debian's `coturn`.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

use std::fmt;

mod turn_differential_parts;
mod turn_session;

use turn_differential_parts::listed::{LISTED, Listed};
use turn_differential_parts::scenarios::SCENARIOS;
use turn_differential_parts::servers::{Coturn, is_installed, start_ours};
use turn_session::Session;

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_coturns_unless_listed() {
    if !is_installed("turnserver") {
        return;
    }
    let (turn, ours) = start_ours().await;
    let differences = tokio::task::spawn_blocking(move || {
        let coturn = Coturn::start();
        let mut differences = Vec::new();
        let mut answers = 0;
        for (scenario, play) in SCENARIOS {
            let [ours, theirs] = [ours, coturn.addr()].map(|server| {
                let mut session = Session::new(server);
                play(&mut session);
                session.answers
            });
            assert_eq!(ours.len(), theirs.len(), "{scenario}");
            answers += ours.len();
            for ((step, ours), (_, coturn)) in ours.into_iter().zip(theirs) {
                if ours != coturn {
                    differences.push(Difference {
                        scenario,
                        step,
                        ours,
                        coturn,
                    });
                }
            }
        }
        println!("{answers} answers compared, {} differ", differences.len());
        differences
    })
    .await
    .unwrap();
    turn.shutdown().await;

    let mut unlisted = Vec::new();
    for difference in &differences {
        let listed = LISTED.iter().find(|listed| difference.is(listed));
        println!("{difference}");
        match listed {
            Some(listed) => println!("    because {}", listed.reason),
            None => unlisted.push(difference.to_string()),
        }
    }
    let is_gone = |listed: &&Listed| !differences.iter().any(|difference| difference.is(listed));
    let gone: Vec<&str> = LISTED
        .iter()
        .filter(is_gone)
        .map(|listed| listed.step)
        .collect();
    assert!(unlisted.is_empty(), "not listed:\n{}", unlisted.join("\n"));
    assert!(gone.is_empty(), "listed, and no difference: {gone:?}");
}

/// One step that is answered differently.
struct Difference {
    scenario: &'static str,
    step: &'static str,
    ours: String,
    coturn: String,
}

impl Difference {
    fn is(&self, listed: &Listed) -> bool {
        self.scenario == listed.scenario
            && self.step == listed.step
            && self.ours == listed.ours
            && self.coturn == listed.coturn
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.scenario, self.step)?;
        writeln!(f, "    ours    {}", self.ours)?;
        write!(f, "    coturn  {}", self.coturn)
    }
}
