//! Who calls: the token of a request, checked against keys, clock and registry.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use identity::Token;
use protocol::http::Role;
use protocol::id::PairId;
use protocol::problem::ProblemCode;

use super::connection::Connection;
use super::refused::Refused;
use crate::signalling_loop::bearer;
use crate::site::Site;

/// A device with an account token, known and not revoked.
#[derive(Debug)]
pub(crate) struct AccountCaller {
    /// What the token says.
    pub(crate) token: Token,
    /// What its account may do.
    pub(crate) role: Role,
}

impl AccountCaller {
    /// # Errors
    /// `forbidden` for members.
    pub(crate) fn check_admin(&self) -> Result<(), Refused> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Member => Err(Refused::because(
                ProblemCode::Forbidden,
                "only admins may do this",
            )),
        }
    }
}

/// A device with a link token, known and not revoked, and neither is the pair.
#[derive(Debug)]
pub(crate) struct LinkCaller {
    /// What the token says.
    pub(crate) token: Token,
    /// The pair it is for.
    pub(crate) pair: PairId,
}

impl FromRequestParts<Arc<Site>> for AccountCaller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Refused> {
        let (token, role) = caller(parts, site).await?;
        token
            .check_account()
            .map_err(|error| Refused::because(ProblemCode::WrongScope, error))?;
        Ok(Self { token, role })
    }
}

impl FromRequestParts<Arc<Site>> for LinkCaller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Refused> {
        let (token, _) = caller(parts, site).await?;
        let pair = token
            .link_pair()
            .map_err(|error| Refused::because(ProblemCode::WrongScope, error))?;
        let pair = pair.clone();
        let standing = site.control.standing_pair(&pair).await?;
        if !standing.has_device(&token.device) {
            return Err(ProblemCode::WrongPair.into());
        }
        Ok(Self { token, pair })
    }
}

async fn caller(parts: &Parts, site: &Site) -> Result<(Token, Role), Refused> {
    let token = bearer(&parts.headers, &parts.uri)?;
    let token = token.ok_or(ProblemCode::Unauthorized)?;
    let token = site.verify_token(token)?;
    let role = site.standing_role(&token).await?;
    if let Some(connection) = parts.extensions.get::<Connection>() {
        connection.authenticated();
    }
    Ok((token, role))
}
