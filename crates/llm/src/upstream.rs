//! What a model server is asked and what it says: Ollama's API, or OpenAI's, which many speak.
//! Chat and the list of models are all that there is.
//!
//! Bytes and words only, no sockets: [`http`] carries them.

use std::collections::VecDeque;

use protocol::llm::{Chat, Code, Reason, Usage};
use serde_json::{Value, json};

use lines::{LineTooLong, Lines};

#[cfg(feature = "tokio")]
pub mod http;
mod lines;
mod words;

/// The longest line of a model server, in bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The longest message of an error, in characters.
const MAX_ERROR_CHARS: usize = 256;

/// The language of a model server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Ollama: `/api/chat` as NDJSON, `/api/tags`.
    Ollama,
    /// OpenAI and those like it: `/v1/chat/completions` as server-sent events, `/v1/models`.
    OpenAi,
}

/// A model server did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// What the client is told.
    pub code: Code,
    /// For people.
    pub message: String,
}

impl UpstreamError {
    /// `message` is cut where it is long.
    pub fn new(code: Code, message: impl AsRef<str>) -> Self {
        let message = message.as_ref().chars().take(MAX_ERROR_CHARS).collect();
        Self { code, message }
    }

    fn broken(message: &str) -> Self {
        Self::new(Code::UpstreamBroken, message)
    }
}

/// What a model server says of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamEvent {
    /// More of the answer.
    Text(String),
    /// The answer is whole.
    End {
        /// Why.
        reason: Reason,
        /// What it cost.
        usage: Option<Usage>,
    },
    /// There is no more of it.
    Failed(UpstreamError),
}

impl Api {
    /// Where chats go, behind the model server's address.
    pub fn chat_path(self) -> &'static str {
        match self {
            Api::Ollama => "/api/chat",
            Api::OpenAi => "/v1/chat/completions",
        }
    }

    /// Where the models are listed, behind the model server's address.
    pub fn models_path(self) -> &'static str {
        match self {
            Api::Ollama => "/api/tags",
            Api::OpenAi => "/v1/models",
        }
    }

    /// The body of a request to answer; always streamed, so that it can be broken off.
    pub fn chat_body(self, chat: &Chat) -> Value {
        let (model, messages, options) = (&chat.model, chat.turns(), &chat.options);
        match self {
            Api::Ollama => {
                json!({"model": model, "messages": messages, "stream": true, "options": options})
            }
            Api::OpenAi => {
                let mut body = json!({
                    "model": model,
                    "messages": messages,
                    "stream": true,
                    "stream_options": {"include_usage": true},
                });
                let known = [
                    ("temperature", json!(options.temperature)),
                    ("top_p", json!(options.top_p)),
                    ("seed", json!(options.seed)),
                    ("max_tokens", json!(options.num_predict)),
                    ("presence_penalty", json!(options.presence_penalty)),
                    ("frequency_penalty", json!(options.frequency_penalty)),
                    ("stop", json!(options.stop)),
                ];
                let said = known.into_iter().filter(|(_, value)| !value.is_null());
                for (name, value) in said {
                    body[name] = value;
                }
                body
            }
        }
    }

    /// The names in a list of models.
    ///
    /// # Errors
    /// It is no such list.
    pub fn read_models(self, body: &[u8]) -> Result<Vec<String>, UpstreamError> {
        let (list, name) = match self {
            Api::Ollama => ("models", "name"),
            Api::OpenAi => ("data", "id"),
        };
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| UpstreamError::broken("the list of models is no JSON"))?;
        let no_list = || UpstreamError::broken("there is no list of models in the answer");
        let models = body[list].as_array().ok_or_else(no_list)?;
        let names = models.iter().filter_map(|model| model[name].as_str());
        Ok(names.map(str::to_owned).collect())
    }
}

/// Reads the body of an answer as it comes.
#[derive(Debug)]
pub struct Reader {
    api: Api,
    lines: Lines,
    /// The data of the server-sent event whose end has not come.
    data: String,
    /// Why the answer ended, where it said so, while its last words may follow.
    reason: Option<Reason>,
    usage: Option<Usage>,
    is_over: bool,
    events: VecDeque<UpstreamEvent>,
}

impl Reader {
    /// An answer of which nothing came.
    pub fn new(api: Api) -> Self {
        Self {
            api,
            lines: Lines::default(),
            data: String::new(),
            reason: None,
            usage: None,
            is_over: false,
            events: VecDeque::new(),
        }
    }

    /// What the answer says; drain it to `None` after every other call. Nothing follows an
    /// [`UpstreamEvent::End`] or [`UpstreamEvent::Failed`].
    pub fn poll_event(&mut self) -> Option<UpstreamEvent> {
        self.events.pop_front()
    }

    /// A part of the body.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
        while !self.is_over {
            match self.lines.next() {
                Ok(Some(line)) => self.handle_line(&line),
                Ok(None) => return,
                Err(LineTooLong) => {
                    let message = format!("a line has more than {MAX_LINE_BYTES} bytes");
                    self.fail(UpstreamError::broken(&message));
                }
            }
        }
    }

    /// The body is over.
    pub fn handle_end(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(line) = self.lines.take_rest() {
            self.handle_line(&line);
        }
        if self.api == Api::OpenAi {
            self.handle_line(b"");
        }
        match self.reason {
            _ if self.is_over => {}
            Some(reason) => self.finish(reason),
            None => self.fail(UpstreamError::broken("the answer broke off")),
        }
    }

    fn handle_line(&mut self, line: &[u8]) {
        match self.api {
            Api::Ollama if line.is_empty() => {}
            Api::Ollama => self.handle_ollama(line),
            Api::OpenAi => self.handle_event_line(line),
        }
    }

    /// A line of a stream of events (WHATWG HTML §9.2.6): only data matters here.
    fn handle_event_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if !data.is_empty() {
                self.handle_openai(&data);
            }
            return;
        }
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        let data = data.strip_prefix(b" ").unwrap_or(data);
        let Ok(data) = std::str::from_utf8(data) else {
            return self.fail(UpstreamError::broken("the answer is not UTF-8"));
        };
        if self.data.len() + data.len() > MAX_LINE_BYTES {
            let message = format!("an event has more than {MAX_LINE_BYTES} bytes");
            return self.fail(UpstreamError::broken(&message));
        }
        if !self.data.is_empty() {
            self.data.push('\n');
        }
        self.data.push_str(data);
    }

    fn handle_ollama(&mut self, line: &[u8]) {
        let Ok(words) = serde_json::from_slice::<words::OllamaLine>(line) else {
            return self.fail(UpstreamError::broken("a line is no JSON of Ollama's"));
        };
        if let Some(error) = words.error {
            return self.fail(UpstreamError::new(Code::UpstreamRefused, error));
        }
        self.say(words.message.map(|message| message.content));
        if words.done {
            self.usage = words::usage(words.prompt_eval_count, words.eval_count);
            self.finish(words::reason(words.done_reason.as_deref()));
        }
    }

    fn handle_openai(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            return self.finish(self.reason.unwrap_or_default());
        }
        let Ok(words) = serde_json::from_str::<words::OpenAiChunk>(data) else {
            return self.fail(UpstreamError::broken("an event is no JSON of OpenAI's"));
        };
        if let Some(error) = words.error {
            let message = error["message"].as_str().unwrap_or("it did not say why");
            return self.fail(UpstreamError::new(Code::UpstreamRefused, message));
        }
        if let Some(usage) = words.usage {
            self.usage = words::usage(usage.prompt_tokens, usage.completion_tokens);
        }
        if let Some(choice) = words.choices.into_iter().next() {
            self.say(choice.delta.content);
            if let Some(reason) = &choice.finish_reason {
                self.reason = Some(words::reason(Some(reason)));
            }
        }
    }

    fn say(&mut self, text: Option<String>) {
        let text = text.filter(|text| !text.is_empty());
        self.events.extend(text.map(UpstreamEvent::Text));
    }

    fn finish(&mut self, reason: Reason) {
        self.is_over = true;
        let usage = self.usage;
        self.events.push_back(UpstreamEvent::End { reason, usage });
    }

    fn fail(&mut self, error: UpstreamError) {
        self.is_over = true;
        self.events.push_back(UpstreamEvent::Failed(error));
    }
}

#[cfg(test)]
mod tests;
