//! TURN REST credentials: `username = <expiry>:<id>`,
//! `password = base64(HMAC-SHA1(secret, username))`, as coturn's `use-auth-secret` reads them.
//!
//! Only made here; the turn crate checks them, without a look at any registry.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest that a credential may serve to allocate, in seconds.
pub const MAX_TTL_S: u64 = 600;

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnCredentials {
    /// `<expiry>:<id>`.
    pub username: String,
    /// A secret.
    pub credential: String,
    /// Unix time in seconds.
    pub expires_s: u64,
}

impl TurnCredentials {
    /// Credentials of `id` for `ttl_s` seconds from `now_s`, at most [`MAX_TTL_S`].
    pub fn issue(secret: &[u8], id: &str, now_s: u64, ttl_s: u64) -> Self {
        let expires_s = now_s.saturating_add(ttl_s.min(MAX_TTL_S));
        let username = format!("{expires_s}:{id}");
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        let credential = STANDARD.encode(sign(&key, username.as_bytes()));
        Self {
            username,
            credential,
            expires_s,
        }
    }
}

impl std::fmt::Debug for TurnCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TurnCredentials({})", self.username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_one_that_openssl_computes() {
        // printf 1700000000:device | openssl dgst -sha1 -hmac north -binary | base64
        let credentials = TurnCredentials::issue(b"north", "device", 1_699_999_400, 600);
        assert_eq!(credentials.username, "1700000000:device");
        assert_eq!(credentials.credential, "97ya5fD55FaFAfBJUyQG2tUmLGk=");
        assert_eq!(credentials.expires_s, 1_700_000_000);
    }

    #[test]
    fn a_credential_serves_for_at_most_600_seconds() {
        assert_eq!(
            TurnCredentials::issue(b"north", "device", 1000, 601).expires_s,
            1600
        );
        assert_eq!(
            TurnCredentials::issue(b"north", "device", 1000, 5).expires_s,
            1005
        );
    }
}
