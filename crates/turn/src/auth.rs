//! TURN REST credentials: `username = <expiry>:<id>`, `password = base64(HMAC-SHA1(secret, username))`.
//!
//! The same bytes that coturn's `use-auth-secret` takes. The long-term key is
//! MD5 of `username:realm:password` (RFC 8489 section 9.2.2), the one that
//! browsers and coturn's clients use.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stun_types::attribute::MessageIntegrity;
use stun_types::message::{
    IntegrityAlgorithm, IntegrityKey, LongTermKeyCredentials, Message, ShortTermCredentials,
};

/// An id that begins so belongs to an anonymous or shared viewer: it reaches the media port only.
pub const GUEST_PREFIX: &str = "guest:";

/// Longer user names are nobody's (RFC 8489 section 14.3 allows 508 bytes).
const MAX_USERNAME_BYTES: usize = 256;

/// What a REST user name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestUsername {
    /// The name as sent.
    pub(crate) name: String,
    /// Seconds of Unix time after which no allocation is made.
    pub(crate) expires: Duration,
    /// The device, or `guest:…`; what quotas and revocation go by.
    pub(crate) id: String,
}

impl RestUsername {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name.len() > MAX_USERNAME_BYTES {
            return None;
        }
        let (expires_secs, id) = name.split_once(':')?;
        if id.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            expires: Duration::from_secs(expires_secs.parse().ok()?),
            id: id.to_owned(),
        })
    }

    pub(crate) fn is_guest(&self) -> bool {
        self.id.starts_with(GUEST_PREFIX)
    }
}

/// Verifies MESSAGE-INTEGRITY against every secret in force.
#[derive(Debug)]
pub(crate) struct Authenticator {
    realm: String,
    secrets: Vec<IntegrityKey>,
}

impl Authenticator {
    pub(crate) fn new(realm: String, secrets: &[String]) -> Self {
        let mut authenticator = Self {
            realm,
            secrets: Vec::new(),
        };
        authenticator.replace_secrets(secrets);
        authenticator
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    pub(crate) fn replace_secrets(&mut self, secrets: &[String]) {
        self.secrets = secrets
            .iter()
            .map(|secret| ShortTermCredentials::new(secret.clone()).make_key())
            .collect();
    }

    /// The key that the message was signed with, if one of the secrets made it.
    pub(crate) fn verify(&self, message: &Message<'_>, username: &str) -> Option<IntegrityKey> {
        self.secrets.iter().find_map(|secret| {
            let key = long_term_key(&self.realm, username, &password(secret, username));
            message.validate_integrity_with_key(&key).ok()?;
            Some(key)
        })
    }
}

/// The password that goes with a REST user name.
///
/// ```
/// assert_eq!(turn::rest_password("north", "1700000000:device").len(), 28);
/// ```
pub fn rest_password(secret: &str, username: &str) -> String {
    let key = ShortTermCredentials::new(secret.to_owned()).make_key();
    password(&key, username)
}

fn password(secret: &IntegrityKey, username: &str) -> String {
    let mac = MessageIntegrity::compute(&[username.as_bytes()], secret)
        .expect("HMAC takes a key of any length");
    STANDARD.encode(mac)
}

fn long_term_key(realm: &str, username: &str, password: &str) -> IntegrityKey {
    LongTermKeyCredentials::new(username.to_owned(), password.to_owned(), realm.to_owned())
        .make_key(IntegrityAlgorithm::Sha1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `openssl dgst -sha1 -hmac north -binary | base64`.
    #[test]
    fn password_is_the_one_that_coturn_computes() {
        assert_eq!(
            rest_password("north", "1700000000:device"),
            "97ya5fD55FaFAfBJUyQG2tUmLGk="
        );
    }

    #[test]
    fn username_needs_a_number_and_an_id() {
        let parsed = RestUsername::parse("1700000000:guest:abc").unwrap();
        assert_eq!(parsed.expires, Duration::from_secs(1_700_000_000));
        assert_eq!(parsed.id, "guest:abc");
        assert!(parsed.is_guest());
        assert!(!RestUsername::parse("1:guestbook").unwrap().is_guest());
        for bad in [
            "",
            "abc",
            "1700000000",
            "1700000000:",
            ":abc",
            "x:abc",
            "-1:abc",
        ] {
            assert_eq!(RestUsername::parse(bad), None, "{bad}");
        }
        let long = format!("1:{}", "x".repeat(MAX_USERNAME_BYTES - 1));
        assert_eq!(RestUsername::parse(&long), None);
    }
}
