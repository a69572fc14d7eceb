//! `POST /api/telemetry`: what a peer saw of its link.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use protocol::http::telemetry::{MAX_STILLS_PER_REPORT, Report};
use protocol::problem::{Problem, ProblemCode};

use super::caller::LinkCaller;
use super::json_body::JsonBody;
use super::refused::Refused;
use crate::site::Site;

/// The longest span of one report, in milliseconds: an hour.
const MAX_SPAN_MS: f64 = 3_600_000.0;
/// The most bytes or packets of one report: 1 TiB.
const MAX_COUNT: u64 = 1 << 40;

/// Takes a report into the metrics.
#[utoipa::path(post, path = "/api/telemetry", tag = "links", security(("link" = [])),
    request_body = Report, responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn report(
    State(site): State<Arc<Site>>,
    caller: LinkCaller,
    JsonBody(report): JsonBody<Report>,
) -> Result<StatusCode, Refused> {
    check_plausible(&report).map_err(|what| Refused::because(ProblemCode::BadMessage, what))?;
    site.telemetry
        .record(&caller.token.device, &caller.pair, &report, Instant::now())
        .map_err(|wait| {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Refused::from(Problem::new(ProblemCode::RateLimited).with_retry_after_ms(wait_ms))
        })?;
    if let Some(link) = &report.link {
        let cause = link.cause.map(|cause| cause.as_str());
        tracing::info!(device = %caller.token.device, pair = %caller.pair, event = ?link.event, cause, "link");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// One report must not be able to spoil a sum that a year of others went into.
fn check_plausible(report: &Report) -> Result<(), String> {
    let stats = report.stats.clone().unwrap_or_default();
    let stills = stats.still_bytes.len();
    if stills > MAX_STILLS_PER_REPORT {
        return Err(format!(
            "{stills} stills, more than {MAX_STILLS_PER_REPORT}"
        ));
    }
    let phases = report.link.as_ref().and_then(|link| link.phases_ms);
    let phases = phases.iter().flat_map(|phases| {
        [
            phases.offer_to_answer,
            phases.answer_to_connected,
            phases.connected_to_channel,
        ]
    });
    let channel = stats.channel_rtt_ms.iter();
    let channel = channel.flat_map(|rtt| [rtt.p50, rtt.p95, rtt.p99].map(Some));
    let spans = phases.chain(channel).chain([stats.rtt_ms, stats.jitter_ms]);
    if let Some(ms) = spans.flatten().find(|ms| !(0.0..=MAX_SPAN_MS).contains(ms)) {
        return Err(format!("{ms} ms is not within 0 to {MAX_SPAN_MS}"));
    }
    let sums = [stats.media_bytes, stats.data_bytes, stats.retransmits];
    let counts = sums.into_iter().flatten().chain(stats.still_bytes);
    match counts.max() {
        Some(count) if count > MAX_COUNT => Err(format!("{count} is more than {MAX_COUNT}")),
        _ => Ok(()),
    }
}
