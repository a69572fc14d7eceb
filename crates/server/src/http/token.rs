//! `POST /api/auth/webrtc-token`: an assertion, which works once, becomes a token of five minutes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use identity::{ReadAssertion, Scope};
use protocol::http::{TOKEN_LIFETIME_S, TokenReply, TokenRequest};
use protocol::problem::{Problem, ProblemCode};
use protocol::stream::StreamAction;
use registry::Device;

use super::host::host;
use super::json_body::JsonBody;
use super::refused::Refused;
use crate::clock::unix_now;
use crate::site::Site;

/// Issues a token for the pair of `pairId`, for the stream of `scope`, or else for the account.
///
/// Whoever asks to publish to a stream that nobody has gets its name.
#[utoipa::path(post, path = "/api/auth/webrtc-token", tag = "tokens", security(()),
    request_body = TokenRequest,
    responses((status = 200, body = TokenReply), (status = "4XX", body = Problem)))]
pub(crate) async fn issue(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Json<TokenReply>, Refused> {
    let read = ReadAssertion::read(&request.assertion)
        .map_err(|error| Refused::because(error.problem(), error))?;
    let device = site.control.standing_device(read.issuer()).await?;
    let assertion = site.verify_assertion(&request.assertion, &device.record.key)?;
    site.control.spend_assertion(&assertion).await?;
    let scope = granted(&site, &device, request).await?;
    let holder = (&device.account, read.issuer());
    let token = site.issue_token(holder, &scope);
    metrics::counter!("helio_tokens_issued_total", "scope" => scope.kind()).increment(1);
    let (ice_servers, _) = site.ice_servers(host(&headers), read.issuer(), unix_now());
    Ok(Json(TokenReply {
        token,
        expires_in: TOKEN_LIFETIME_S,
        ice_servers,
    }))
}

/// What the device is given of what it asks for.
async fn granted(site: &Site, device: &Device, asked: TokenRequest) -> Result<Scope, Refused> {
    match (asked.pair_id, asked.scope) {
        (None, None) => Ok(Scope::Account),
        (Some(pair_id), None) => {
            let pair = site.control.standing_pair(&pair_id).await?;
            if !pair.has_device(device.id()) {
                return Err(ProblemCode::WrongPair.into());
            }
            Ok(Scope::Link(pair_id))
        }
        (None, Some(scope)) => {
            let (control, account) = (&site.control, &device.account);
            let (action, stream) = (scope.action, scope.stream);
            match action {
                StreamAction::Publish => drop(control.claim_stream(&stream, account).await?),
                StreamAction::View => control.check_stream(&stream, action, account).await?,
            }
            Ok(Scope::Stream(action, stream))
        }
        (Some(_), Some(_)) => {
            let detail = "a token is for a pair or for a stream, not for both";
            Err(Refused::because(ProblemCode::BadMessage, detail))
        }
    }
}
