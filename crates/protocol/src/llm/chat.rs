//! The request to answer: its parts and their limits.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{MAX_ID_CHARS, MAX_MODEL_BYTES, MAX_STOPS, MAX_TURNS};
use crate::json::DecodeError;

/// The name of a chat among those of one device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChatId(String);

/// A text that is no [`ChatId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chat's id is 1 to {MAX_ID_CHARS} of A-Z, a-z, 0-9, - and _")]
pub struct NoChatId;

impl ChatId {
    /// A name that was chosen.
    ///
    /// # Errors
    /// [`NoChatId`] where it has other characters, or none, or more than [`MAX_ID_CHARS`].
    pub fn new(text: impl Into<String>) -> Result<Self, NoChatId> {
        let text = text.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=MAX_ID_CHARS).contains(&text.len()) || !text.bytes().all(is_plain) {
            return Err(NoChatId);
        }
        Ok(Self(text))
    }

    /// As it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for ChatId {
    type Error = NoChatId;

    fn try_from(text: String) -> Result<Self, NoChatId> {
        Self::new(text)
    }
}

impl From<ChatId> for String {
    fn from(id: ChatId) -> Self {
        id.0
    }
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// How the model is to behave.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Whose.
    pub role: Role,
    /// What.
    pub content: String,
}

/// Something to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// What the client calls it; the host chooses where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ChatId>,
    /// Who is to answer.
    pub model: String,
    /// The person's last message, behind `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Turn>,
    /// Whether pieces come as the model says them.
    #[serde(default = "yes")]
    pub stream: bool,
    /// How to answer.
    #[serde(default, skip_serializing_if = "ChatOptions::is_default")]
    pub options: ChatOptions,
}

/// How to answer; what is not said is the model server's to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "Ollama's names, which its documentation explains"
)]
pub struct ChatOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_ctx: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_predict: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

/// Texts that end an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl ChatOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Chat {
    /// The whole conversation: what was said before, and the prompt.
    pub fn turns(&self) -> Vec<Turn> {
        let prompt = self.prompt.clone().map(|content| Turn {
            role: Role::User,
            content,
        });
        self.messages.iter().cloned().chain(prompt).collect()
    }

    /// Checks what its types do not say.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let wrong = |what: String| Err(DecodeError::BadMessage(what));
        if !(1..=MAX_MODEL_BYTES).contains(&self.model.len()) {
            return wrong(format!("a model is 1 to {MAX_MODEL_BYTES} bytes"));
        }
        if self.messages.len() > MAX_TURNS {
            return wrong(format!("more than {MAX_TURNS} messages"));
        }
        if self.messages.is_empty() && self.prompt.is_none() {
            return wrong("neither prompt nor messages".to_owned());
        }
        if matches!(&self.options.stop, Some(Stop::Any(stops)) if stops.len() > MAX_STOPS) {
            return wrong(format!("more than {MAX_STOPS} texts in options.stop"));
        }
        Ok(())
    }
}

fn yes() -> bool {
    true
}
