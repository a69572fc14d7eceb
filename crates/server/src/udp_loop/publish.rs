//! The loop's metrics. Causes, codes and directions are labels, names never.

use gateway::PathState;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::TurnStats;

/// Says what each metric is; once, at start.
pub(super) fn describe() {
    describe_gauge!(
        "helio_turn_allocations",
        Unit::Count,
        "TURN allocations alive"
    );
    describe_gauge!(
        "helio_turn_streams",
        Unit::Count,
        "TURN clients connected over TCP or TLS"
    );
    describe_counter!(
        "helio_turn_relayed_bytes_total",
        Unit::Bytes,
        "payload bytes relayed, by direction"
    );
    describe_counter!(
        "helio_turn_refused_total",
        Unit::Count,
        "TURN requests refused, by error code"
    );
    describe_counter!(
        "helio_turn_dropped_total",
        Unit::Count,
        "TURN packets dropped, by cause"
    );
    describe_gauge!(
        "helio_gateway_streams",
        Unit::Count,
        "streams that are published"
    );
    describe_gauge!(
        "helio_gateway_viewers",
        Unit::Count,
        "viewers connected, of all streams"
    );
    describe_gauge!(
        "helio_gateway_connections",
        Unit::Count,
        "publishers' and viewers' connections over TCP"
    );
    describe_counter!(
        "helio_gateway_dropped_total",
        Unit::Count,
        "packets of the gateway dropped because their client's TCP connection is slower"
    );
    describe_counter!(
        "helio_gateway_sessions_total",
        Unit::Count,
        "sessions of the gateway that connected, by role"
    );
    describe_counter!(
        "helio_gateway_layer_changes_total",
        Unit::Count,
        "times that a viewer was given a layer of a simulcast, its first or another"
    );
    describe_counter!(
        "helio_gateway_ended_total",
        Unit::Count,
        "sessions of the gateway that ended, by role and cause"
    );
}

/// Sets the gateway's gauges to what is live.
pub(super) fn publish_gateway(paths: &[PathState]) {
    let published = paths.iter().filter(|path| path.source.is_some()).count();
    let viewers: usize = paths.iter().map(|path| path.readers.len()).sum();
    gauge!("helio_gateway_streams").set(published as f64);
    gauge!("helio_gateway_viewers").set(viewers as f64);
}

/// Sets them to the totals.
pub(super) fn publish(stats: &TurnStats) {
    let core = &stats.core;
    gauge!("helio_turn_allocations").set(core.allocations as f64);
    gauge!("helio_turn_streams").set(stats.streams as f64);
    counter!("helio_turn_relayed_bytes_total", "direction" => "to_peer")
        .absolute(core.relayed_to_peers_bytes);
    counter!("helio_turn_relayed_bytes_total", "direction" => "to_client")
        .absolute(core.relayed_to_clients_bytes);
    for (code, count) in &core.refused {
        counter!("helio_turn_refused_total", "code" => code.to_string()).absolute(*count);
    }
    for (cause, count) in &core.dropped {
        counter!("helio_turn_dropped_total", "cause" => cause.as_str()).absolute(*count);
    }
    counter!("helio_turn_dropped_total", "cause" => "not_sent").absolute(stats.unsent);
    gauge!("helio_gateway_connections").set(stats.connections as f64);
    counter!("helio_gateway_dropped_total").absolute(stats.media_unsent);
}
