//! Names, units and help texts of all metrics, and the exporter that renders them.
//!
//! Whoever counts something uses the `metrics` macros where it happens; this is the list that an
//! operator reads. Labels are enumerations, never names of people, devices or addresses.

use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::routing::get;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bucket edges of durations, in seconds.
const SECONDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Bucket edges of stills, in bytes.
const STILL_BYTES: [f64; 7] = [10e3, 20e3, 40e3, 60e3, 80e3, 100e3, 200e3];

/// The process-wide recorder; the first call installs it.
pub(crate) fn install() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|builder| {
                    builder
                        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &STILL_BYTES)
                })
                .expect("the bucket lists are not empty")
                .install_recorder()
                .expect("no other recorder is installed in this process");
            describe();
            recorder
        })
        .clone()
}

/// Serves `/metrics` on its own port.
///
/// `refresh` brings gauges up to date that change by time alone.
pub(crate) async fn serve(
    listener: TcpListener,
    handle: PrometheusHandle,
    refresh: impl Fn() + Clone + Send + Sync + 'static,
    stop: CancellationToken,
) {
    let render = move || async move {
        refresh();
        handle.render()
    };
    let router = Router::new().route("/metrics", get(render));
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "metrics listener ended");
    }
}

/// Binds the metrics listener; a port that is taken is worth a warning, not a failed start.
pub(crate) async fn bind(address: SocketAddr) -> Option<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "metrics are off: cannot listen (metrics.listen)");
            None
        }
    }
}

fn describe() {
    describe_counter!(
        "helio_connections_refused_total",
        "TCP connections refused or given up, by cause"
    );
    describe_gauge!(
        "helio_signalling_sockets",
        "Open signalling sockets, by kind"
    );
    describe_counter!(
        "helio_signalling_messages_total",
        "Signalling messages relayed, by kind of socket"
    );
    describe_counter!(
        "helio_signalling_refused_total",
        "Signalling messages and sockets refused, by code"
    );
    describe_counter!(
        "helio_http_problems_total",
        "HTTP requests refused, by problem code"
    );
    describe_counter!("helio_tokens_issued_total", "Tokens issued, by scope");
    describe_counter!("helio_pairs_made_total", "Pairs confirmed by both devices");
    describe_counter!(
        "helio_revocations_total",
        "Devices, pairs and shares revoked, by kind"
    );
    describe_gauge!("helio_links", "Links that their peers report as up");
    describe_counter!("helio_links_total", "Links established, by whether relayed");
    describe_counter!("helio_link_failures_total", "Links that failed, by cause");
    describe_histogram!(
        "helio_link_phase_seconds",
        "Set-up phases of links, as peers report them"
    );
    describe_histogram!(
        "helio_link_rtt_seconds",
        "Round-trip time of links, as peers report it"
    );
    describe_histogram!(
        "helio_link_channel_rtt_seconds",
        "Median round-trip time of control channels"
    );
    describe_counter!(
        "helio_link_bytes_total",
        "Bytes of links as their peers report them, by kind"
    );
    describe_counter!(
        "helio_link_retransmits_total",
        "Packets that peers report to have sent again"
    );
    describe_histogram!("helio_still_bytes", "Sizes of stills that were sent");
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_histogram_has_its_unit_in_its_name() {
        let source = include_str!("metrics.rs");
        let names = source.lines().filter_map(|line| {
            line.trim()
                .strip_prefix("describe_histogram!(\"")
                .and_then(|rest| rest.split('"').next())
        });
        for name in names {
            assert!(
                name.ends_with("_seconds") || name.ends_with("_bytes"),
                "{name} lacks a unit"
            );
        }
    }
    #[test]
    fn the_operations_page_explains_every_metric() {
        let page = include_str!("../../../docs/operations.md");
        let sources = [
            include_str!("metrics.rs"),
            include_str!("signalling_loop/metrics.rs"),
            include_str!("udp_loop/publish.rs"),
            include_str!("recording/metrics.rs"),
        ];
        let described = sources
            .iter()
            .flat_map(|source| source.split("\"helio_").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| !name.is_empty());
        for name in described {
            assert!(page.contains(&["`helio_", name, "`"].concat()), "{name}");
        }
    }
}
