//! Base64url without padding (RFC 4648 §5), for byte strings of one length inside JSON.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// `N` bytes, in JSON their base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64Url<const N: usize>(pub [u8; N]);

/// Why a text is not the base64url of `N` bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Base64UrlError {
    /// A character outside the alphabet, padding, or bits left over.
    #[error("not base64url without padding")]
    NotBase64Url,
    /// The bytes are too few or too many.
    #[error("{found} bytes where {expected} are due")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
}

/// The base64url of any bytes.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of any base64url.
///
/// # Errors
/// [`Base64UrlError::NotBase64Url`].
pub fn decode(text: &str) -> Result<Vec<u8>, Base64UrlError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Base64UrlError::NotBase64Url)
}

impl<const N: usize> Base64Url<N> {
    /// Reads the base64url of exactly `N` bytes.
    ///
    /// # Errors
    /// Another alphabet, padding, or another length.
    pub fn parse(text: &str) -> Result<Self, Base64UrlError> {
        let bytes = decode(text)?;
        let found = bytes.len();
        let bytes = bytes
            .try_into()
            .map_err(|_| Base64UrlError::Length { found, expected: N })?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Base64Url<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Base64Url<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64Url({self})")
    }
}

impl<const N: usize> TryFrom<String> for Base64Url<N> {
    type Error = Base64UrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl<const N: usize> From<Base64Url<N>> for String {
    fn from(bytes: Base64Url<N>) -> Self {
        bytes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unpadded_base64url_of_the_right_length_is_taken() {
        assert_eq!(Base64Url::<2>::parse("-_8"), Ok(Base64Url([0xfb, 0xff])));
        assert_eq!(
            Base64Url::<2>::parse("-_8="),
            Err(Base64UrlError::NotBase64Url)
        );
        assert_eq!(
            Base64Url::<2>::parse("+/8"),
            Err(Base64UrlError::NotBase64Url)
        );
        // The last character carries bits beyond the second byte.
        assert_eq!(
            Base64Url::<2>::parse("-_9"),
            Err(Base64UrlError::NotBase64Url)
        );
        let wrong_length = Base64UrlError::Length {
            found: 2,
            expected: 3,
        };
        assert_eq!(Base64Url::<3>::parse("-_8"), Err(wrong_length));
    }
}
