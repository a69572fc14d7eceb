//! `/api/pairs`: the pairs that the caller's account takes part in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::VerifiedPair;
use protocol::http::{NewPair, Pair, Pairs, Rename};
use protocol::id::PairId;
use protocol::problem::{Problem, ProblemCode};

use super::caller::AccountCaller;
use super::json_body::JsonBody;
use super::path_id::PathId;
use super::refused::Refused;
use crate::site::Site;

/// The pairs with a device of the account that are not revoked.
#[utoipa::path(get, path = "/api/pairs", tag = "pairs", security(("account" = [])),
    responses((status = 200, body = Pairs), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
) -> Result<Json<Pairs>, Refused> {
    Ok(Json(Pairs {
        pairs: site.control.pairs(Some(&caller.token.account)).await?,
    }))
}

/// Stores a pair that both devices signed. A device nobody knows joins the caller's account.
#[utoipa::path(post, path = "/api/pairs", tag = "pairs", security(("account" = [])),
    request_body = NewPair,
    responses((status = 201, body = Pair), (status = "4XX", body = Problem)))]
pub(crate) async fn add(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    JsonBody(pair): JsonBody<NewPair>,
) -> Result<(StatusCode, Json<Pair>), Refused> {
    let pair = VerifiedPair::new(pair).map_err(|error| Refused::because(error.problem(), error))?;
    let statement = pair.statement();
    if ![&statement.a, &statement.b].contains(&&caller.token.device) {
        return Err(ProblemCode::WrongPair.into());
    }
    site.control.add_pair(&pair, &caller.token.device).await?;
    metrics::counter!("helio_pairs_made_total").increment(1);
    let stored = site
        .control
        .pair(&statement.pair_id, &caller.token.account)
        .await?;
    Ok((StatusCode::CREATED, Json(stored)))
}

/// Gives a pair another name in lists; an empty one takes it away.
#[utoipa::path(patch, path = "/api/pairs/{id}", tag = "pairs", security(("account" = [])),
    request_body = Rename,
    responses((status = 200, body = Pair), (status = "4XX", body = Problem)))]
pub(crate) async fn rename(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<PairId>,
    JsonBody(body): JsonBody<Rename>,
) -> Result<Json<Pair>, Refused> {
    let account = &caller.token.account;
    site.control.pair(&id, account).await?;
    site.control
        .rename_pair(&id, Some(account), &body.label)
        .await?;
    Ok(Json(site.control.pair(&id, account).await?))
}

/// Ends a pair at once, for both devices.
#[utoipa::path(delete, path = "/api/pairs/{id}", tag = "pairs", security(("account" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn revoke(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<PairId>,
) -> Result<StatusCode, Refused> {
    site.control.pair(&id, &caller.token.account).await?;
    site.control
        .revoke_pair(&id, Some(&caller.token.account))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
