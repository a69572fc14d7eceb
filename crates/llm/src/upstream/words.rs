//! What is read of the answers of model servers; they say much more.

use protocol::llm::{Reason, Usage};
use serde::Deserialize;
use serde_json::Value;

/// A line of Ollama's `/api/chat`.
#[derive(Debug, Deserialize)]
pub(super) struct OllamaLine {
    #[serde(default)]
    pub(super) message: Option<OllamaMessage>,
    #[serde(default)]
    pub(super) done: bool,
    #[serde(default)]
    pub(super) done_reason: Option<String>,
    #[serde(default)]
    pub(super) prompt_eval_count: Option<u64>,
    #[serde(default)]
    pub(super) eval_count: Option<u64>,
    #[serde(default)]
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OllamaMessage {
    #[serde(default)]
    pub(super) content: String,
}

/// An event of OpenAI's `/v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(super) struct OpenAiChunk {
    #[serde(default)]
    pub(super) choices: Vec<OpenAiChoice>,
    #[serde(default)]
    pub(super) usage: Option<OpenAiUsage>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OpenAiChoice {
    #[serde(default)]
    pub(super) delta: OpenAiDelta,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OpenAiDelta {
    #[serde(default)]
    pub(super) content: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OpenAiUsage {
    #[serde(default)]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(default)]
    pub(super) completion_tokens: Option<u64>,
}

pub(super) fn usage(prompt_tokens: Option<u64>, completion_tokens: Option<u64>) -> Option<Usage> {
    let is_said = prompt_tokens.is_some() || completion_tokens.is_some();
    is_said.then_some(Usage {
        prompt_tokens,
        completion_tokens,
    })
}

pub(super) fn reason(said: Option<&str>) -> Reason {
    match said {
        Some("length") => Reason::Length,
        _ => Reason::Stop,
    }
}
