//! Names of streams, and what one may do with them (`docs/protocol.md`, Streams).
//!
//! A stream's name is the first segment of its addresses, `/cam0/whip`, `/cam0/whep` and `/cam0/`,
//! so that it can be none of those that the site itself uses.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// First segments of the site's own paths, of those that are planned, and words that would make
/// a confusing address (`/whip/whip`). Compared without case: a person reads `API` as `api`.
pub const RESERVED_NAMES: [&str; 30] = [
    "404",
    "admin",
    "api",
    "assets",
    "chat",
    "doctor",
    "embed",
    "favicon",
    "healthz",
    "index",
    "invite",
    "link",
    "metrics",
    "p",
    "publish",
    "readyz",
    "receiver",
    "recordings",
    "s",
    "sender",
    "settings",
    "setup",
    "share",
    "streams",
    "trust",
    "v3",
    "watch",
    "whep",
    "whip",
    "ws",
];

/// A stream: 1 to 64 of `A-Z a-z 0-9 - _`, the first a letter or a digit, and not reserved.
///
/// ```
/// use protocol::stream::StreamName;
/// assert_eq!(StreamName::parse("cam0").unwrap().as_str(), "cam0");
/// assert_eq!(
///     StreamName::parse("api").unwrap_err().to_string(),
///     "the stream name \"api\" is one of the site's own addresses",
/// );
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

/// What one may do with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum StreamAction {
    /// Send into it. Does not imply viewing it.
    Publish,
    /// Receive it.
    View,
}

/// What a token may do with which stream, written `publish:cam0` or `view:cam0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamScope {
    /// What.
    pub action: StreamAction,
    /// With which stream.
    pub stream: StreamName,
}

/// Why a text names no stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamNameError {
    /// Empty or too long.
    #[error("a stream name has 1 to {max} characters, not {found}", max = StreamName::MAX_CHARS)]
    Length {
        /// How many it has, in bytes of UTF-8.
        found: usize,
    },
    /// A character outside the alphabet.
    #[error("a stream name is made of A-Z a-z 0-9 - _, without {found:?}")]
    Alphabet {
        /// The first such character.
        found: char,
    },
    /// `-` or `_` at the beginning.
    #[error("a stream name begins with a letter or a digit, not with {found:?}")]
    FirstCharacter {
        /// What it begins with.
        found: char,
    },
    /// One of [`RESERVED_NAMES`].
    #[error("the stream name {name:?} is one of the site's own addresses")]
    Reserved {
        /// The name.
        name: String,
    },
}

/// Why a text is no [`StreamScope`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamScopeError {
    /// Not `publish:` or `view:` before the name.
    #[error("a stream scope reads publish:NAME or view:NAME")]
    Form,
    /// What stands after the colon is no name.
    #[error(transparent)]
    Name(#[from] StreamNameError),
}

impl StreamName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Checks length, alphabet and that the name is free to use.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, StreamNameError> {
        if !(1..=Self::MAX_CHARS).contains(&text.len()) {
            return Err(StreamNameError::Length { found: text.len() });
        }
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
        if let Some(found) = text.chars().find(|c| !is_allowed(c)) {
            return Err(StreamNameError::Alphabet { found });
        }
        if let Some(found) = text.chars().next().filter(|c| !c.is_ascii_alphanumeric()) {
            return Err(StreamNameError::FirstCharacter { found });
        }
        if RESERVED_NAMES
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(text))
        {
            let name = text.to_owned();
            return Err(StreamNameError::Reserved { name });
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StreamAction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::View => "view",
        }
    }

    /// The action of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Publish, Self::View]
            .into_iter()
            .find(|action| action.as_str() == word)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamName({})", self.0)
    }
}

impl FromStr for StreamName {
    type Err = StreamNameError;

    fn from_str(text: &str) -> Result<Self, StreamNameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for StreamName {
    type Error = StreamNameError;

    fn try_from(text: String) -> Result<Self, StreamNameError> {
        Self::parse(&text)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for StreamAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StreamScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.action, self.stream)
    }
}

impl FromStr for StreamScope {
    type Err = StreamScopeError;

    fn from_str(text: &str) -> Result<Self, StreamScopeError> {
        let (word, name) = text.split_once(':').ok_or(StreamScopeError::Form)?;
        let action = StreamAction::from_word(word).ok_or(StreamScopeError::Form)?;
        let stream = StreamName::parse(name)?;
        Ok(Self { action, stream })
    }
}

impl TryFrom<String> for StreamScope {
    type Error = StreamScopeError;

    fn try_from(text: String) -> Result<Self, StreamScopeError> {
        text.parse()
    }
}

impl From<StreamScope> for String {
    fn from(scope: StreamScope) -> Self {
        scope.to_string()
    }
}
