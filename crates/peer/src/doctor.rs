//! The doctor: what a person would ask for when links fail, measured one after the other. Each
//! check says what it measured; a cause is named only where a measurement stands behind it.
//!
//! The conclusions are pure, and those of the page `/doctor` word for word: `testdata/doctor` holds
//! both to it. What measures (feature `tokio`) uses the sockets and streams of a real link.

mod access;
mod finding;
mod gathered;
mod mapping;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod measuring;
mod relays;
#[cfg(test)]
mod tests;
mod trial;

pub use access::{
    CLOCK_NOTE_MS, ServerReply, SocketAttempt, SocketEnd, TokenGrant, server_finding,
    socket_finding, token_finding,
};
pub use finding::{Check, CheckId, Finding, State};
pub use gathered::{Gathered, IceError, NOT_REACHED};
pub use mapping::{
    StunAnswer, comparable, has_no_nat, hidden_finding, ipv6_finding, mapping_finding,
    names_finding, no_nat, stun_finding,
};
#[cfg(feature = "tokio")]
pub use measuring::{Diagnosis, Subject, examine};
pub use relays::{Tried, relay_finding, udp_finding};
pub use trial::{Trial, TrialPath, trial_finding};

use std::time::Duration;

/// No answer within this is taken for none; UDP requests are repeated by then.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// No link within this is taken for none.
pub const LINK_LIMIT: Duration = Duration::from_secs(10);
/// Round trips whose median is told.
pub const PINGS: usize = 10;

/// A figure as the findings write it.
fn milliseconds(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}
