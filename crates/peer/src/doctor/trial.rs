//! What a whole link inside this device tells: two ends, one path, a round trip.

use super::finding::{Finding, State};
use super::{LINK_LIMIT, PINGS, milliseconds};

/// The path of a trial link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialPath {
    /// Between this device's own addresses.
    Direct,
    /// Between two addresses at a relay.
    Relay,
}

/// How a link between two ends of this device went.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Until the channel was open, in milliseconds; none where it did not open in time.
    pub opened_ms: Option<f64>,
    /// The median round trip over the channel, in milliseconds.
    pub round_trip_ms: f64,
    /// How far ICE was at the end (W3C WebRTC §5.6.4).
    pub ice: String,
}

/// What it tells of its path.
pub fn trial_finding(path: TrialPath, trial: &Trial) -> Finding {
    if let Some(opened_ms) = trial.opened_ms {
        let opened = milliseconds(opened_ms);
        let trip = milliseconds(trial.round_trip_ms);
        return Finding::good(vec![format!(
            "open after {opened}, round trip {trip}, the median of {PINGS}"
        )]);
    }
    let (seconds, ice) = (LINK_LIMIT.as_secs(), &trial.ice);
    let measured = vec![format!("not open after {seconds} s, ICE is {ice}")];
    let finding = Finding::of(State::Bad, measured);
    match path {
        TrialPath::Direct => finding
            .because("this device cannot connect to itself, so it is nothing on the way to others")
            .remedied("Allow it in this device's own firewall, then try again."),
        TrialPath::Relay => finding
            .because("the relay gave addresses, and passes nothing from one to the other")
            .remedied("Allow the relay's own addresses as peers, and open its ports.")
            .at_line("turn.allow_peers = [\"the relay's address\"]"),
    }
}
