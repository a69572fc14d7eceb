//! Secrets that only their hash is kept of: those of invites, which work once, and the codes of
//! shares, which work until they end.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use protocol::base64url::Base64Url;

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context
        .finish()
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

/// What stands after `#` in a setup link. Shown once, never stored.
#[derive(Clone)]
pub struct OneTimeSecret(Base64Url<16>);

/// What opens a share: a link carries it after `#`, a media program as its bearer token. Told
/// once, never stored.
#[derive(Clone)]
pub struct ShareCode(Base64Url<32>);

/// What is stored of a secret: its SHA-256. 128 random bits need no salt and no stretching.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not 22 characters of base64url")]
pub struct SecretError;

impl OneTimeSecret {
    /// The secret of 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Base64Url(bytes))
    }

    /// Reads what stood after `#`.
    ///
    /// # Errors
    /// Not the base64url of 16 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Base64Url::parse(text).map(Self).map_err(|_| SecretError)
    }

    /// The 22 characters for the link. The one place where the secret is shown.
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[self.0.as_bytes()]))
    }
}

impl ShareCode {
    /// The code of 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Base64Url(bytes))
    }

    /// Reads a code, if the text is the base64url of 32 bytes. No token is: a JWT has dots.
    pub fn parse(text: &str) -> Option<Self> {
        Base64Url::parse(text).ok().map(Self)
    }

    /// The 43 characters to pass on. The one place where the code is shown.
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[self.0.as_bytes()]))
    }
}

impl SecretHash {
    /// A hash that was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeSecret(…)")
    }
}

impl fmt::Debug for ShareCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareCode(…)")
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_from_its_link_and_has_one_hash() {
        let secret = OneTimeSecret::from_bytes([0xa5; 16]);
        assert_eq!(secret.reveal().len(), 22);
        assert_eq!(
            OneTimeSecret::parse(&secret.reveal()).unwrap().hash(),
            secret.hash()
        );
        assert_ne!(OneTimeSecret::from_bytes([0xa6; 16]).hash(), secret.hash());
    }

    #[test]
    fn a_text_of_another_length_or_alphabet_is_no_secret() {
        for text in [
            "",
            "paWlpaWlpaWlpaWlpaWlp",
            "paWlpaWlpaWlpaWlpaWl+Q",
            &"A".repeat(1000),
        ] {
            assert_eq!(
                OneTimeSecret::parse(text).map(|_| ()),
                Err(SecretError),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let secret = OneTimeSecret::from_bytes([0; 16]);
        assert!(!format!("{secret:?} {:?}", secret.hash()).contains("AAAA"));
        let code = ShareCode::from_bytes([0; 32]);
        assert!(!format!("{code:?} {:?}", code.hash()).contains("AAAA"));
    }

    #[test]
    fn a_share_code_reads_back_and_is_stored_as_its_sha_256() {
        let code = ShareCode::from_bytes([0xa5; 32]);
        let text = code.reveal();
        assert_eq!(text.len(), 43);
        let read = ShareCode::parse(&text).unwrap();
        assert_eq!(read.hash(), code.hash());
        assert_eq!(code.hash().as_bytes(), &sha256(&[&[0xa5; 32]]));
        let token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbg";
        let longer = format!("{text}A");
        for other in ["", &text[1..], &longer, token] {
            assert!(ShareCode::parse(other).is_none(), "{other:?}");
        }
    }
}
