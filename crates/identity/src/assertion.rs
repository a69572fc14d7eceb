//! Assertions: a device proves its key to the server (RFC 7523 §3 in style; `docs/protocol.md`).
//!
//! That an assertion works once is the registry's part: it keeps `jti` until
//! [`Assertion::forget_after_s`].

use protocol::base64url::Base64Url;
use protocol::id::DeviceId;
use protocol::problem::ProblemCode;
use serde::{Deserialize, Serialize};

use crate::ed25519::SigningKey;
use crate::jws::{self, Jws, JwsError, MAX_JTI_BYTES, SKEW_S};
use crate::secret::sha256;
use crate::thumbprint::thumbprint;

/// The longest lifetime, in seconds.
const MAX_LIFETIME_S: u64 = 60;

/// An assertion that was read, but not believed yet: the key is looked up by its issuer first.
#[derive(Debug, Clone)]
pub struct ReadAssertion {
    jws: Jws,
    claims: Claims,
}

/// An assertion that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The device.
    pub issuer: DeviceId,
    /// The origin that the device came to.
    pub audience: String,
    /// SHA-256 of its `jti`.
    pub jti_hash: [u8; 32],
    /// Unix seconds after which it is refused as expired, so that its `jti` may be forgotten.
    pub forget_after_s: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: DeviceId,
    sub: DeviceId,
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
}

/// Why an assertion is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It cannot be read.
    #[error("the assertion: {0}")]
    Jws(#[from] JwsError),
    /// `iss` and `sub` differ.
    #[error("iss and sub differ")]
    Subject,
    /// `jti` is empty or too long.
    #[error("jti has {found} bytes, not 1 to {MAX_JTI_BYTES}")]
    JtiLength {
        /// How many it has.
        found: usize,
    },
    /// The key is not the issuer's.
    #[error("iss is not the thumbprint of the key")]
    OtherKey,
    /// The signature is not by the key.
    #[error("the assertion's signature does not verify")]
    Signature,
    /// `aud` is none of the server's origins.
    #[error("aud is none of this server's origins")]
    WrongAudience,
    /// `exp` is too long after `iat`.
    #[error("a lifetime of {found_s} s, more than {MAX_LIFETIME_S}")]
    TooLong {
        /// The lifetime in seconds.
        found_s: u64,
    },
    /// Past `exp`.
    #[error("expired {ago_s} s ago")]
    Expired {
        /// How long ago, in seconds.
        ago_s: u64,
    },
    /// `iat` is in the future.
    #[error("the device's clock is {ahead_s} s ahead, more than {SKEW_S}")]
    Ahead {
        /// By how much, in seconds.
        ahead_s: u64,
    },
}

impl AssertionError {
    /// What the API answers.
    pub fn problem(&self) -> ProblemCode {
        match self {
            AssertionError::Jws(_)
            | AssertionError::Subject
            | AssertionError::JtiLength { .. }
            | AssertionError::OtherKey
            | AssertionError::Signature => ProblemCode::AssertionInvalid,
            AssertionError::WrongAudience => ProblemCode::WrongAudience,
            AssertionError::TooLong { .. } => ProblemCode::AssertionTooLong,
            AssertionError::Expired { .. } => ProblemCode::AssertionExpired,
            AssertionError::Ahead { .. } => ProblemCode::ClockSkew,
        }
    }
}

impl ReadAssertion {
    /// Reads an assertion: header and claims, no signature.
    ///
    /// # Errors
    /// It is no JWT signed with EdDSA, or a claim is missing or too long.
    pub fn read(token: &str) -> Result<Self, AssertionError> {
        let jws = Jws::read(token, "JWT")?;
        let claims: Claims = jws.claims()?;
        if claims.iss != claims.sub {
            return Err(AssertionError::Subject);
        }
        if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) {
            return Err(AssertionError::JtiLength {
                found: claims.jti.len(),
            });
        }
        Ok(Self { jws, claims })
    }

    /// Whose key to look up.
    pub fn issuer(&self) -> &DeviceId {
        &self.claims.iss
    }

    /// Checks the signature by the issuer's `key`, the audience and the times.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn verify(
        &self,
        key: &Base64Url<32>,
        origins: &[String],
        now_s: u64,
    ) -> Result<Assertion, AssertionError> {
        let claims = &self.claims;
        if thumbprint(key) != claims.iss {
            return Err(AssertionError::OtherKey);
        }
        if !self.jws.is_signed_by(key) {
            return Err(AssertionError::Signature);
        }
        if !origins.contains(&claims.aud) {
            return Err(AssertionError::WrongAudience);
        }
        let forget_after_s = check_times(claims, now_s)?;
        Ok(Assertion {
            issuer: claims.iss.clone(),
            audience: claims.aud.clone(),
            jti_hash: sha256(&[claims.jti.as_bytes()]),
            forget_after_s,
        })
    }
}

/// What a device says to prove its key: to `audience`, an origin of the server, from `now_s` (Unix
/// seconds, by the server's clock) on for a minute. `jti` is randomness, never used twice.
pub fn sign_assertion(key: &SigningKey, audience: &str, now_s: u64, jti: [u8; 16]) -> String {
    let device = key.thumbprint();
    let claims = Claims {
        iss: device.clone(),
        sub: device,
        aud: audience.to_owned(),
        iat: now_s,
        exp: now_s + MAX_LIFETIME_S,
        jti: Base64Url(jti).to_string(),
    };
    jws::sign(&claims, "JWT", None, key)
}

/// Until when it is accepted.
fn check_times(claims: &Claims, now_s: u64) -> Result<u64, AssertionError> {
    let found_s = claims.exp.saturating_sub(claims.iat);
    if found_s > MAX_LIFETIME_S {
        return Err(AssertionError::TooLong { found_s });
    }
    let ahead_s = claims.iat.saturating_sub(now_s);
    if ahead_s > SKEW_S {
        return Err(AssertionError::Ahead { ahead_s });
    }
    let last_s = claims.exp.saturating_add(SKEW_S);
    if now_s > last_s {
        return Err(AssertionError::Expired {
            ago_s: now_s - claims.exp,
        });
    }
    Ok(last_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_asserts_is_what_the_server_verifies() {
        let key = SigningKey::from_seed([1; 32]);
        let origins = ["https://helio.example".to_owned()];
        let text = sign_assertion(&key, &origins[0], 1_760_000_000, [7; 16]);
        let read = ReadAssertion::read(&text).unwrap();
        let verified = read.verify(key.public(), &origins, 1_760_000_000).unwrap();
        assert_eq!(verified.issuer, key.thumbprint());
        assert_eq!(verified.audience, origins[0]);
        let late = read.verify(key.public(), &origins, 1_760_000_000 + 60 + SKEW_S + 1);
        assert!(matches!(late, Err(AssertionError::Expired { .. })));
    }
}
