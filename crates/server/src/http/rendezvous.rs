//! `GET /api/pairing/{id}`: an inviter with an account token waits for a joiner without one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use identity::Token;
use protocol::problem::{Problem, ProblemCode};
use signalling::InviteGrant;

use super::path_id::PathId;
use super::refused::Refused;
use crate::signalling_loop::{Handshake, bearer};
use crate::site::Site;

/// Characters of a rendezvous id: 16 bytes, base64url.
const ID_CHARS: usize = 22;

/// A WebSocket on which two devices pair: the inviter's with a token, the joiner's without.
#[utoipa::path(get, path = "/api/pairing/{id}", tag = "pairs", security(("account" = []), ()),
    params(("id" = String, Path)),
    responses((status = 101), (status = "4XX", body = Problem)))]
pub(crate) async fn open(
    State(site): State<Arc<Site>>,
    PathId(id): PathId<String>,
    mut request: Request,
) -> Result<Response, Refused> {
    let handshake = Handshake::from_request(&mut request, |origin| site.origin_allowed(origin))?;
    if !is_rendezvous_id(&id) {
        return Err(Refused::because(
            ProblemCode::NotFound,
            "a rendezvous id has 22 characters",
        ));
    }
    let inviter = match bearer(request.headers(), request.uri())? {
        Some(token) => {
            let token = site.verify_token(token)?;
            site.standing_role(&token).await?;
            handshake.authenticated();
            Some(invite_grant(token)?)
        }
        None => None,
    };
    let socket = site.signalling.open_rendezvous(id, inviter).await?;
    Ok(handshake.complete(socket))
}

fn invite_grant(token: Token) -> Result<InviteGrant, Refused> {
    token
        .check_account()
        .map_err(|error| Refused::because(ProblemCode::WrongScope, error))?;
    Ok(InviteGrant {
        device: token.device,
        account: token.account,
        kid: token.kid.to_string(),
    })
}

fn is_rendezvous_id(id: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    id.len() == ID_CHARS && id.bytes().all(is_base64url)
}
