//! Link, account and stream tokens: what the server hands to a device that proved itself
//! (RFC 9068 in style; `docs/protocol.md`, tokens).

use protocol::http::TOKEN_LIFETIME_S;
use protocol::id::{AccountId, DeviceId, PairId};
use protocol::problem::ProblemCode;
use protocol::stream::{StreamAction, StreamName, StreamScope};
use serde::{Deserialize, Serialize};

use crate::jws::{self, Jws, JwsError, MAX_JTI_BYTES, SKEW_S};
use crate::key_ring::KeyRing;

const TYPE: &str = "at+jwt";

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Signalling and telemetry of one pair.
    Link(PairId),
    /// The HTTP API.
    Account,
    /// One thing to do with one stream.
    Stream(StreamAction, StreamName),
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who holds it.
    pub device: DeviceId,
    /// Whose device it is.
    pub account: AccountId,
    /// What it is for.
    pub scope: Scope,
    /// Unix seconds from which it serves.
    pub issued_s: u64,
    /// Unix seconds from which it no longer serves.
    pub expires_s: u64,
    /// The key that signed it; killing that key ends what it opened.
    pub kid: DeviceId,
}

/// The token is for something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token's scope is {found}, not {expected}")]
pub struct WrongScope {
    /// What it is for.
    pub found: String,
    /// What was due.
    pub expected: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    iss: String,
    aud: String,
    sub: DeviceId,
    account_id: AccountId,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair_id: Option<PairId>,
    iat: u64,
    exp: u64,
    jti: String,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("the token: {0}")]
    Jws(#[from] JwsError),
    /// `kid` is missing or names no key of the ring.
    #[error("kid names no key of this server")]
    UnknownKey,
    /// The signature is not by that key.
    #[error("the token's signature does not verify")]
    Signature,
    /// `iss` or `aud` is another server.
    #[error("iss or aud is not this server")]
    OtherServer,
    /// A scope that does not exist, or `pairId` where it does not belong.
    #[error("scope and pairId do not fit")]
    Scope,
    /// `jti` is empty or too long.
    #[error("jti has {found} bytes, not 1 to {MAX_JTI_BYTES}")]
    JtiLength {
        /// How many it has.
        found: usize,
    },
    /// `exp` is too long after `iat`.
    #[error("a lifetime of {found_s} s, more than {TOKEN_LIFETIME_S}")]
    TooLong {
        /// The lifetime in seconds.
        found_s: u64,
    },
    /// `iat` is in the future: the clocks of two servers differ.
    #[error("issued {ahead_s} s in the future, more than {SKEW_S}")]
    Ahead {
        /// By how much, in seconds.
        ahead_s: u64,
    },
    /// At or past `exp`.
    #[error("expired {ago_s} s ago")]
    Expired {
        /// How long ago, in seconds.
        ago_s: u64,
    },
}

impl TokenError {
    /// What the API answers.
    pub fn problem(&self) -> ProblemCode {
        match self {
            TokenError::Jws(JwsError::Algorithm) => ProblemCode::TokenAlgorithm,
            TokenError::Jws(_)
            | TokenError::OtherServer
            | TokenError::Scope
            | TokenError::JtiLength { .. }
            | TokenError::Ahead { .. } => ProblemCode::TokenMalformed,
            TokenError::UnknownKey => ProblemCode::TokenUnknownKey,
            TokenError::Signature => ProblemCode::TokenSignature,
            TokenError::TooLong { .. } => ProblemCode::TokenTooLong,
            TokenError::Expired { .. } => ProblemCode::TokenExpired,
        }
    }
}

impl Scope {
    /// Which kind it is, without the pair or the stream.
    pub fn kind(&self) -> &'static str {
        match self {
            Scope::Link(_) => "link",
            Scope::Account => "account",
            Scope::Stream(action, _) => action.as_str(),
        }
    }

    /// The claims `scope` and `pairId`.
    fn claims(&self) -> (String, Option<PairId>) {
        match self {
            Scope::Link(pair) => ("link".to_owned(), Some(pair.clone())),
            Scope::Account => ("account".to_owned(), None),
            Scope::Stream(action, stream) => {
                let stream = stream.clone();
                let scope = StreamScope {
                    action: *action,
                    stream,
                };
                (scope.to_string(), None)
            }
        }
    }

    /// The scope of a token with these claims.
    fn from_claims(scope: &str, pair: Option<PairId>) -> Result<Self, TokenError> {
        match (scope, pair) {
            ("link", Some(pair)) => Ok(Scope::Link(pair)),
            ("account", None) => Ok(Scope::Account),
            (text, None) => {
                let scope: StreamScope = text.parse().map_err(|_| TokenError::Scope)?;
                Ok(Scope::Stream(scope.action, scope.stream))
            }
            _ => Err(TokenError::Scope),
        }
    }
}

impl Token {
    /// The pair of a link token.
    ///
    /// # Errors
    /// [`WrongScope`] for a token of another kind.
    pub fn link_pair(&self) -> Result<&PairId, WrongScope> {
        match &self.scope {
            Scope::Link(pair) => Ok(pair),
            _ => Err(self.not_for("link")),
        }
    }

    /// That it is an account token.
    ///
    /// # Errors
    /// [`WrongScope`] for a token of another kind.
    pub fn check_account(&self) -> Result<(), WrongScope> {
        match &self.scope {
            Scope::Account => Ok(()),
            _ => Err(self.not_for("account")),
        }
    }

    /// That it is a token for `action` with `stream`. One to publish does not serve to view.
    ///
    /// # Errors
    /// [`WrongScope`] for a token of another kind, action or stream.
    pub fn check_stream(
        &self,
        action: StreamAction,
        stream: &StreamName,
    ) -> Result<(), WrongScope> {
        match &self.scope {
            Scope::Stream(own, name) if *own == action && name == stream => Ok(()),
            _ => Err(self.not_for(&format!("{action}:{stream}"))),
        }
    }

    fn not_for(&self, expected: &str) -> WrongScope {
        WrongScope {
            found: self.scope.claims().0,
            expected: expected.to_owned(),
        }
    }
}

impl KeyRing {
    /// A token for `device` that serves for [`TOKEN_LIFETIME_S`]. `issuer` is the server's first
    /// public origin, `jti` 16 random bytes.
    pub fn issue(
        &self,
        issuer: &str,
        (account, device): (&AccountId, &DeviceId),
        scope: &Scope,
        now_s: u64,
        jti: [u8; 16],
    ) -> String {
        let (scope, pair_id) = scope.claims();
        let claims = Claims {
            iss: issuer.to_owned(),
            aud: issuer.to_owned(),
            sub: device.clone(),
            account_id: account.clone(),
            scope,
            pair_id,
            iat: now_s,
            exp: now_s.saturating_add(TOKEN_LIFETIME_S),
            jti: protocol::base64url::encode(&jti),
        };
        let kid = self.current().thumbprint().to_string();
        jws::sign(&claims, TYPE, Some(kid), self.current())
    }

    /// What a token says, once everything about it is right. `issuer` is the server's first
    /// public origin.
    ///
    /// # Errors
    /// The first thing that is wrong. Whether the device or pair was revoked since is the
    /// registry's to say.
    pub fn verify(&self, issuer: &str, token: &str, now_s: u64) -> Result<Token, TokenError> {
        let jws = Jws::read(token, TYPE)?;
        let kid = jws.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let key = self.find(kid, now_s).ok_or(TokenError::UnknownKey)?;
        if !jws.is_signed_by(key.public()) {
            return Err(TokenError::Signature);
        }
        let claims: Claims = jws.claims()?;
        if claims.iss != issuer || claims.aud != issuer {
            return Err(TokenError::OtherServer);
        }
        if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) {
            return Err(TokenError::JtiLength {
                found: claims.jti.len(),
            });
        }
        check_times(claims.iat, claims.exp, now_s)?;
        let scope = Scope::from_claims(&claims.scope, claims.pair_id)?;
        Ok(Token {
            device: claims.sub,
            account: claims.account_id,
            scope,
            issued_s: claims.iat,
            expires_s: claims.exp,
            kid: key.thumbprint(),
        })
    }
}

fn check_times(issued_s: u64, expires_s: u64, now_s: u64) -> Result<(), TokenError> {
    let found_s = expires_s.saturating_sub(issued_s);
    if found_s > TOKEN_LIFETIME_S {
        return Err(TokenError::TooLong { found_s });
    }
    let ahead_s = issued_s.saturating_sub(now_s);
    if ahead_s > SKEW_S {
        return Err(TokenError::Ahead { ahead_s });
    }
    if now_s >= expires_s {
        return Err(TokenError::Expired {
            ago_s: now_s - expires_s,
        });
    }
    Ok(())
}
