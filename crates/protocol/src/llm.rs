//! Words of the ordered, reliable channel `llm`: one JSON object a message (`docs/llm.md`).
//!
//! Types, limits and bytes; who answers, remembers and resumes is the `llm` crate's affair.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{self, DecodeError};

pub use chat::{Chat, ChatId, ChatOptions, Role, Stop, Turn};

mod chat;

/// The label of the data channel.
pub const LABEL: &str = "llm";
/// The largest message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The longest id of a chat, in ASCII characters.
pub const MAX_ID_CHARS: usize = 64;
/// The longest name of a model, in bytes.
pub const MAX_MODEL_BYTES: usize = 256;
/// How many messages a chat may bring with it.
pub const MAX_TURNS: usize = 512;
/// How many texts may end an answer.
pub const MAX_STOPS: usize = 16;
/// The longest text of one piece of an answer, in bytes: escaped as JSON it still fits a message.
pub const MAX_PIECE_BYTES: usize = 8 * 1024;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum ClientOp {
    /// Answer this.
    Chat(Box<Chat>),
    /// Go on behind a piece.
    Resume {
        /// The chat.
        id: ChatId,
        /// The number of the last piece that came; 0 where none did.
        after: u64,
    },
    /// Stop an answer, or forget one.
    Cancel {
        /// The chat.
        id: ChatId,
    },
    /// Which models may be used?
    Models,
}

/// What the host says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum HostOp {
    /// A piece of an answer.
    Delta {
        /// The chat.
        id: ChatId,
        /// Counts the pieces of the chat from 1.
        seq: u64,
        /// Text.
        content: String,
    },
    /// The answer is whole.
    Done {
        /// The chat.
        id: ChatId,
        /// The last piece's number.
        seq: u64,
        /// Why it ends here.
        #[serde(default)]
        reason: Reason,
        /// What it cost, where the model server says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// A request was refused, or, with `seq`, an answer ends early.
    Error {
        /// The chat, where the request named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ChatId>,
        /// The last piece's number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// For programs; see [`Code`].
        code: String,
        /// For people.
        message: String,
    },
    /// The models that may be used.
    Models {
        /// In the model server's order.
        models: Vec<Model>,
    },
}

/// Why an answer that is whole ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The model had said all.
    #[default]
    Stop,
    /// It had said as much as it may.
    Length,
}

/// What an answer cost, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// What was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// What was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
}

/// A model that may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What requests call it.
    pub name: String,
}

/// Why a host refuses a request or ends an answer early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "docs/llm.md explains each, by its name")]
pub enum Code {
    BadJson,
    BadMessage,
    UnknownOp,
    TooLarge,
    TooManyChats,
    ChatExists,
    UnknownChat,
    ModelNotFound,
    ModelNotAllowed,
    UpstreamUnreachable,
    UpstreamRefused,
    UpstreamRedirect,
    UpstreamTimeout,
    UpstreamBroken,
    AnswerTooLong,
    Cancelled,
    Abandoned,
}

impl Code {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::BadJson => "bad-json",
            Code::BadMessage => "bad-message",
            Code::UnknownOp => "unknown-op",
            Code::TooLarge => "too-large",
            Code::TooManyChats => "too-many-chats",
            Code::ChatExists => "chat-exists",
            Code::UnknownChat => "unknown-chat",
            Code::ModelNotFound => "model-not-found",
            Code::ModelNotAllowed => "model-not-allowed",
            Code::UpstreamUnreachable => "upstream-unreachable",
            Code::UpstreamRefused => "upstream-refused",
            Code::UpstreamRedirect => "upstream-redirect",
            Code::UpstreamTimeout => "upstream-timeout",
            Code::UpstreamBroken => "upstream-broken",
            Code::AnswerTooLong => "answer-too-long",
            Code::Cancelled => "cancelled",
            Code::Abandoned => "abandoned",
        }
    }
}

/// A message that is none, and which chat it named, where it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Unreadable {
    /// The chat that it is about.
    pub id: Option<ChatId>,
    /// What is wrong.
    #[source]
    pub error: DecodeError,
}

impl Unreadable {
    /// What a host answers.
    pub fn code(&self) -> Code {
        match self.error {
            DecodeError::TooLarge { .. } => Code::TooLarge,
            DecodeError::TooDeep | DecodeError::BadJson(_) => Code::BadJson,
            DecodeError::BadMessage(_) => Code::BadMessage,
            DecodeError::UnknownType(_) => Code::UnknownOp,
        }
    }
}

impl From<DecodeError> for Unreadable {
    fn from(error: DecodeError) -> Self {
        Self { id: None, error }
    }
}

impl ClientOp {
    /// The bytes of the message.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] above [`MAX_MESSAGE_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`Unreadable`] says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = checked(bytes)?;
        let head: Head = json::body(text)?;
        let id = head.id.and_then(|id| ChatId::new(id.as_str()?).ok());
        let about = |error| Unreadable {
            id: id.clone(),
            error,
        };
        if !["chat", "resume", "cancel", "models"].contains(&head.op.as_str()) {
            return Err(about(DecodeError::UnknownType(head.op)));
        }
        let op: Self = json::body(text).map_err(&about)?;
        match &op {
            Self::Chat(chat) => chat.check().map_err(about)?,
            Self::Resume { .. } | Self::Cancel { .. } | Self::Models => {}
        }
        Ok(op)
    }
}

impl HostOp {
    /// The bytes of the message.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] above [`MAX_MESSAGE_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        json::body(checked(bytes)?)
    }
}

#[derive(Deserialize)]
struct Head {
    op: String,
    #[serde(default)]
    id: Option<Value>,
}

fn checked(bytes: &[u8]) -> Result<&str, DecodeError> {
    // Before anything else: nobody looks through a message that is too large.
    json::check_size("message", bytes.len(), MAX_MESSAGE_BYTES)?;
    let text = std::str::from_utf8(bytes).map_err(|error| DecodeError::BadJson(error.to_string()));
    let text = text?;
    json::check_message(text, MAX_MESSAGE_BYTES)?;
    Ok(text)
}

fn encode(message: &impl Serialize) -> Result<Vec<u8>, DecodeError> {
    let bytes = serde_json::to_vec(message)?;
    json::check_size("message", bytes.len(), MAX_MESSAGE_BYTES)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
