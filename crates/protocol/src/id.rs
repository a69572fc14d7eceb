//! Names of devices, pairs, accounts and shares: base64url of a fixed length (`docs/protocol.md`,
//! Identity). That a device's name is the thumbprint of its key is checked with its record.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base64url;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Too short or too long.
    #[error("{what} has {found} characters, not {expected}")]
    Length {
        /// Which id.
        what: &'static str,
        /// How many characters it has, in bytes of UTF-8.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A character outside `A-Z a-z 0-9 - _`.
    #[error("{what} is not base64url")]
    Alphabet {
        /// Which id.
        what: &'static str,
    },
}

fn check(what: &'static str, text: &str, expected: usize) -> Result<(), IdError> {
    if text.len() != expected {
        return Err(IdError::Length {
            what,
            found: text.len(),
            expected,
        });
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    {
        return Err(IdError::Alphabet { what });
    }
    Ok(())
}

/// A macro because a function cannot make types; they differ in nothing but name and length.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $chars:literal, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Length of the text, in characters.
            pub const CHARS: usize = $chars;

            /// Checks length and alphabet.
            ///
            /// # Errors
            /// Another length, or a character outside base64url.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check($what, text, $chars)?;
                Ok(Self(text.into()))
            }

            /// The id that stands for these bytes.
            pub fn from_bytes(bytes: &[u8; $bytes]) -> Self {
                Self(base64url::encode(bytes).into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

id!(
    /// A device: the RFC 7638 thumbprint of its Ed25519 key. Ordered as ASCII bytes.
    DeviceId, "deviceId", 43, 32
);
id!(
    /// A pair: the hash of both device ids and both contributions.
    PairId, "pairId", 43, 32
);
id!(
    /// An account: 16 random bytes.
    AccountId, "accountId", 22, 16
);
id!(
    /// A share of a stream: 16 random bytes. Its code is another thing, and a secret.
    ShareId, "shareId", 22, 16
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_length_and_one_alphabet() {
        let good = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(DeviceId::parse(good).unwrap().as_str(), good);
        assert!(DeviceId::parse(&good[1..]).is_err());
        assert!(DeviceId::parse(&format!("{good}k")).is_err());
        assert!(DeviceId::parse(&good.replace('_', "/")).is_err());
        assert!(DeviceId::parse(&good.replace('_', "é")).is_err());
        assert!(serde_json::from_str::<AccountId>(&format!("\"{good}\"")).is_err());
    }

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let pair = PairId::from_bytes(&[7; 32]);
        let json = serde_json::to_string(&pair).unwrap();
        assert_eq!(serde_json::from_str::<PairId>(&json).unwrap(), pair);
        assert_eq!(
            AccountId::from_bytes(&[7; 16]).as_str().len(),
            AccountId::CHARS
        );
    }

    #[test]
    fn ids_are_ordered_as_ascii_bytes() {
        let id = |first: char| DeviceId::parse(&format!("{first}{}", "0".repeat(42))).unwrap();
        assert!(id('-') < id('0') && id('0') < id('A') && id('A') < id('_') && id('_') < id('a'));
    }
}
