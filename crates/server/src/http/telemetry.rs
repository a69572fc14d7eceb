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

/// Takes a report into the metrics.
#[utoipa::path(post, path = "/api/telemetry", tag = "links", security(("link" = [])),
    request_body = Report, responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn report(
    State(site): State<Arc<Site>>,
    caller: LinkCaller,
    JsonBody(report): JsonBody<Report>,
) -> Result<StatusCode, Refused> {
    let stills = report
        .stats
        .as_ref()
        .map_or(0, |stats| stats.still_bytes.len());
    if stills > MAX_STILLS_PER_REPORT {
        let detail = format!("{stills} stills, more than {MAX_STILLS_PER_REPORT}");
        return Err(Refused::because(ProblemCode::BadMessage, detail));
    }
    if let Some(link) = &report.link {
        let cause = link.cause.map(|cause| cause.as_str());
        tracing::info!(device = %caller.token.device, pair = %caller.pair, event = ?link.event, cause, "link");
    }
    site.telemetry
        .record(&caller.token.device, &caller.pair, &report, Instant::now())
        .map_err(|wait| {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Refused::from(Problem::new(ProblemCode::RateLimited).with_retry_after_ms(wait_ms))
        })?;
    Ok(StatusCode::NO_CONTENT)
}
