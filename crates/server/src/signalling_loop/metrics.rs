//! The hub's counts as metrics. The names that are not described here are in `crate::metrics`.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, gauge, histogram};
use protocol::id::PairId;
use signalling::{Dialect, Stats};

/// Says what the metrics mean.
pub(super) fn describe() {
    describe_counter!(
        "helio_signalling_closed_total",
        "Signalling sockets closed by us, by close code"
    );
    describe_histogram!(
        "helio_signalling_answer_seconds",
        "Time from a relayed offer to its answer"
    );
}

/// Brings the metrics up to date.
pub(super) fn publish(stats: &Stats) {
    for (dialect, sockets) in &stats.sockets {
        // A count of sockets is far below 2^52.
        gauge!("helio_signalling_sockets", "kind" => kind(*dialect)).set(*sockets as f64);
    }
    for (dialect, messages) in &stats.messages {
        counter!("helio_signalling_messages_total", "kind" => kind(*dialect)).absolute(*messages);
    }
    for ((dialect, code), refusals) in &stats.refusals {
        let (kind, code) = (kind(*dialect), code.as_str());
        counter!("helio_signalling_refused_total", "kind" => kind, "code" => code)
            .absolute(*refusals);
    }
    for (code, closes) in &stats.closes {
        counter!("helio_signalling_closed_total", "code" => code.number().to_string())
            .absolute(*closes);
    }
}

/// An offer was answered.
pub(super) fn answered(pair: &PairId, elapsed: Duration) {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%pair, elapsed_ms, "offer answered");
    histogram!("helio_signalling_answer_seconds").record(elapsed.as_secs_f64());
}

fn kind(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Link => "link",
        Dialect::Register => "register",
        Dialect::Pairing => "pairing",
    }
}
