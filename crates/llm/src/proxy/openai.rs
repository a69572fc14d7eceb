//! OpenAI's API, as its clients know it: `/v1/chat/completions` as server-sent events or one
//! object, `/v1/models`.

use std::convert::Infallible;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use protocol::llm::{Chat, ChatOptions, Reason, Role, Stop, Turn, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Asked, Refused, begin, collect};
use crate::chatting::{Answer, Part};
use crate::client::Outcome;

#[derive(Debug, Deserialize)]
struct ChatBody {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(default)]
    top_p: Option<f64>,
    #[serde(default)]
    seed: Option<i64>,
    #[serde(default, alias = "max_completion_tokens")]
    max_tokens: Option<i64>,
    #[serde(default)]
    presence_penalty: Option<f64>,
    #[serde(default)]
    frequency_penalty: Option<f64>,
    #[serde(default)]
    stop: Option<Stop>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: Speaker,
    content: Content,
}

/// OpenAI calls how a model is to behave either.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    Developer,
    User,
    Assistant,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<TextPart>),
}

/// Pictures and sound are no text, and refused.
#[derive(Debug, Deserialize)]
struct TextPart {
    text: String,
}

impl From<Message> for Turn {
    fn from(message: Message) -> Self {
        let role = match message.role {
            Speaker::System | Speaker::Developer => Role::System,
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        let content = match message.content {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
        };
        Turn { role, content }
    }
}

pub(super) struct OpenAiRefusal(Refused);

impl<E: Into<Refused>> From<E> for OpenAiRefusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for OpenAiRefusal {
    fn into_response(self) -> Response {
        let Refused {
            status,
            code,
            message,
        } = self.0;
        (status, Json(error(&code, &message))).into_response()
    }
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": "heliograph", "code": code } })
}

pub(super) async fn models(State(chats): Asked) -> Result<Json<Value>, OpenAiRefusal> {
    let models = chats.models().await?;
    let models: Vec<_> = models
        .into_iter()
        .map(|model| {
            json!({ "id": model.name, "object": "model", "created": 0, "owned_by": "heliograph" })
        })
        .collect();
    Ok(Json(json!({ "object": "list", "data": models })))
}

/// Clients do not agree on what they call their JSON, so its type is not looked at.
pub(super) async fn chat(State(chats): Asked, body: Bytes) -> Result<Response, OpenAiRefusal> {
    let body: ChatBody = serde_json::from_slice(&body).map_err(Refused::bad)?;
    let wants_usage = body.stream_options.is_some_and(|it| it.include_usage);
    let is_streamed = body.stream;
    let chat = Chat {
        id: None,
        model: body.model,
        prompt: None,
        messages: body.messages.into_iter().map(Turn::from).collect(),
        stream: body.stream,
        options: ChatOptions {
            temperature: body.temperature,
            top_p: body.top_p,
            seed: body.seed,
            num_predict: body.max_tokens,
            presence_penalty: body.presence_penalty,
            frequency_penalty: body.frequency_penalty,
            stop: body.stop,
            ..ChatOptions::default()
        },
    };
    let model = chat.model.clone();
    let (answer, first) = begin(&chats, chat).await?;
    let head = Head {
        id: format!("chatcmpl-{}", answer.id()),
        model,
        created: OffsetDateTime::now_utc().unix_timestamp(),
    };
    if !is_streamed {
        let (text, outcome) = collect(answer, first).await?;
        return Ok(Json(head.whole(&text, &outcome)).into_response());
    }
    Ok(streamed(head, answer, first, wants_usage))
}

/// What every object of one answer begins with.
struct Head {
    id: String,
    model: String,
    created: i64,
}

impl Head {
    fn object(&self, kind: &str, choices: &Value) -> Value {
        json!({
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
            "choices": choices,
        })
    }

    fn chunk(&self, choices: &Value) -> String {
        let chunk = self.object("chat.completion.chunk", choices);
        format!("data: {chunk}\n\n")
    }

    fn whole(&self, text: &str, outcome: &Outcome) -> Value {
        let (reason, usage) = end_of(outcome);
        let message = json!({ "role": "assistant", "content": text });
        let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
        let mut whole = self.object("chat.completion", &json!([choice]));
        whole["usage"] = usage;
        whole
    }

    /// The events that a part is.
    fn events(&self, part: &Part, wants_usage: bool) -> String {
        match part {
            Part::Text(text) => {
                let delta = json!({ "role": "assistant", "content": text });
                let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
                self.chunk(&json!([choice]))
            }
            Part::Over(Outcome::Failed(failed)) => {
                format!("data: {}\n\n", error(&failed.code, &failed.message))
            }
            Part::Over(done) => {
                let (reason, usage) = end_of(done);
                let choice = json!({ "index": 0, "delta": {}, "finish_reason": reason });
                let mut events = self.chunk(&json!([choice]));
                if wants_usage {
                    let mut last = self.object("chat.completion.chunk", &json!([]));
                    last["usage"] = usage;
                    events.push_str(&format!("data: {last}\n\n"));
                }
                events.push_str("data: [DONE]\n\n");
                events
            }
        }
    }
}

fn end_of(outcome: &Outcome) -> (&'static str, Value) {
    let (reason, usage) = match outcome {
        Outcome::Done { reason, usage } => (*reason, usage.unwrap_or_default()),
        Outcome::Failed(_) => (Reason::Stop, Usage::default()),
    };
    let reason = match reason {
        Reason::Stop => "stop",
        Reason::Length => "length",
    };
    let (prompt, completion) = (
        usage.prompt_tokens.unwrap_or(0),
        usage.completion_tokens.unwrap_or(0),
    );
    let usage = json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt.saturating_add(completion),
    });
    (reason, usage)
}

fn streamed(head: Head, answer: Answer, first: Part, wants_usage: bool) -> Response {
    let state = Some((head, answer, first));
    let events = stream::unfold(state, move |state| async move {
        let (head, mut answer, part) = state?;
        let events = head.events(&part, wants_usage);
        let next = answer.next().await.map(|next| (head, answer, next));
        Some((Ok::<_, Infallible>(events), next))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events)).into_response()
}
