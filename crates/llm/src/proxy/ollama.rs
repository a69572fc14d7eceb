//! Ollama's API, as its clients know it: `/api/chat` as NDJSON or one object, `/api/tags`.

use std::convert::Infallible;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use protocol::llm::{Chat, ChatOptions, Reason, Turn, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Asked, Refused, begin, collect};
use crate::chatting::Part;
use crate::client::Outcome;

#[derive(Debug, Deserialize)]
struct ChatBody {
    model: String,
    messages: Vec<Turn>,
    #[serde(default = "yes")]
    stream: bool,
    #[serde(default)]
    options: Option<ChatOptions>,
}

fn yes() -> bool {
    true
}

impl IntoResponse for OllamaRefusal {
    fn into_response(self) -> Response {
        let Refused {
            status, message, ..
        } = self.0;
        (status, Json(json!({ "error": message }))).into_response()
    }
}

pub(super) struct OllamaRefusal(Refused);

impl<E: Into<Refused>> From<E> for OllamaRefusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

pub(super) async fn tags(State(chats): Asked) -> Result<Json<Value>, OllamaRefusal> {
    let models = chats.models().await?;
    let models: Vec<_> = models
        .into_iter()
        .map(|model| json!({ "name": model.name, "model": model.name }))
        .collect();
    Ok(Json(json!({ "models": models })))
}

/// Clients do not agree on what they call their JSON, so its type is not looked at.
pub(super) async fn chat(State(chats): Asked, body: Bytes) -> Result<Response, OllamaRefusal> {
    let body: ChatBody = serde_json::from_slice(&body).map_err(Refused::bad)?;
    let (model, is_streamed) = (body.model.clone(), body.stream);
    let chat = Chat {
        id: None,
        model: body.model,
        prompt: None,
        messages: body.messages,
        stream: body.stream,
        options: body.options.unwrap_or_default(),
    };
    let (answer, first) = begin(&chats, chat).await?;
    if !is_streamed {
        let (text, outcome) = collect(answer, first).await?;
        return Ok(Json(line(&model, &text, Some(&outcome))).into_response());
    }
    let lines = stream::unfold(Some((answer, first)), move |state| {
        let model = model.clone();
        async move {
            let (mut answer, part) = state?;
            let written = match &part {
                Part::Text(text) => line(&model, text, None),
                Part::Over(Outcome::Failed(failed)) => json!({ "error": failed.message }),
                Part::Over(done) => line(&model, "", Some(done)),
            };
            let next = answer.next().await.map(|next| (answer, next));
            Some((Ok::<_, Infallible>(format!("{written}\n")), next))
        }
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(lines)).into_response())
}

fn line(model: &str, text: &str, end: Option<&Outcome>) -> Value {
    let mut line = json!({
        "model": model,
        "created_at": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        "message": { "role": "assistant", "content": text },
        "done": end.is_some(),
    });
    if let Some(Outcome::Done { reason, usage }) = end {
        let Usage {
            prompt_tokens,
            completion_tokens,
        } = usage.unwrap_or_default();
        line["done_reason"] = match reason {
            Reason::Stop => "stop".into(),
            Reason::Length => "length".into(),
        };
        line["prompt_eval_count"] = json!(prompt_tokens.unwrap_or(0));
        line["eval_count"] = json!(completion_tokens.unwrap_or(0));
    }
    line
}
