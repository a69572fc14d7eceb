//! `POST /api/auth/webrtc-token`: an assertion, which works once, becomes a token of five minutes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use identity::{ReadAssertion, Scope};
use protocol::http::{TOKEN_LIFETIME_S, TokenReply, TokenRequest};
use protocol::problem::{Problem, ProblemCode};

use super::host::host;
use super::json_body::JsonBody;
use super::refused::Refused;
use crate::clock::unix_now;
use crate::site::Site;

/// Issues a link token where `pairId` is given, else an account token.
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
    let scope = match request.pair_id {
        None => Scope::Account,
        Some(pair_id) => {
            let pair = site.control.standing_pair(&pair_id).await?;
            if !pair.has_device(read.issuer()) {
                return Err(ProblemCode::WrongPair.into());
            }
            Scope::Link(pair_id)
        }
    };
    let holder = (&device.account, read.issuer());
    let token = site.issue_token(holder, &scope);
    metrics::counter!("helio_tokens_issued_total", "scope" => scope.as_str()).increment(1);
    let (ice_servers, _) = site.ice_servers(host(&headers), read.issuer(), unix_now());
    Ok(Json(TokenReply {
        token,
        expires_in: TOKEN_LIFETIME_S,
        ice_servers,
    }))
}
