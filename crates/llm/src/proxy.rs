//! A linked host's models for programs of this machine that know Ollama or OpenAI: their HTTP in,
//! chats over the link out. Chat and the list of models are all that there is.
//!
//! It listens on loopback, where also pages of other sites reach it through a browser: what names
//! another host, or comes from another origin, is refused (DNS rebinding).

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use protocol::llm::Chat;
use serde_json::json;

use crate::chatting::{Answer, Chats, Part};
use crate::client::{AskError, Failed, Outcome};

mod ollama;
mod openai;

/// The largest request, in bytes: what a link takes is less (`docs/llm.md`), and is told as such.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The routes of the proxy.
pub fn router(chats: Chats) -> Router {
    Router::new()
        .route("/api/tags", get(ollama::tags))
        .route("/api/chat", post(ollama::chat))
        .route("/v1/models", get(openai::models))
        .route("/v1/chat/completions", post(openai::chat))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(check_origin))
        .with_state(Arc::new(chats))
}

/// The chats that requests are made of.
type Asked = State<Arc<Chats>>;

/// Why a request is not answered; each language writes it its own way.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refused {
    fn bad(message: impl ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "bad-message".to_owned(),
            message: message.to_string(),
        }
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        let status = match failed.code.as_str() {
            "model-not-found" => StatusCode::NOT_FOUND,
            "model-not-allowed" => StatusCode::FORBIDDEN,
            "too-many-chats" => StatusCode::TOO_MANY_REQUESTS,
            "bad-message" | "bad-json" => StatusCode::BAD_REQUEST,
            "too-large" => StatusCode::PAYLOAD_TOO_LARGE,
            "upstream-timeout" => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self {
            status,
            code: failed.code,
            message: failed.message,
        }
    }
}

impl From<AskError> for Refused {
    fn from(error: AskError) -> Self {
        let is_large = matches!(
            error,
            AskError::Unsayable(protocol::json::DecodeError::TooLarge { .. })
        );
        let status = if is_large {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        };
        Self {
            status,
            ..Self::bad(error)
        }
    }
}

/// Asks, and waits for the first part: what fails before it is told by a status.
async fn begin(chats: &Chats, chat: Chat) -> Result<(Answer, Part), Refused> {
    let mut answer = chats.ask(chat).await?;
    match answer.next().await {
        Some(Part::Over(Outcome::Failed(failed))) => Err(failed.into()),
        Some(part) => Ok((answer, part)),
        None => Err(Refused::bad("the answer is over before it began")),
    }
}

/// The whole answer.
async fn collect(mut answer: Answer, first: Part) -> Result<(String, Outcome), Refused> {
    let (mut text, mut part) = (String::new(), Some(first));
    loop {
        match part {
            Some(Part::Text(more)) => text.push_str(&more),
            Some(Part::Over(Outcome::Failed(failed))) => return Err(failed.into()),
            Some(Part::Over(done)) => return Ok((text, done)),
            None => return Err(Refused::bad("the answer broke off")),
        }
        part = answer.next().await;
    }
}

async fn unknown(uri: Uri) -> Response {
    let message = format!(
        "{} is not offered: chat and the list of models are all that there is",
        uri.path()
    );
    (StatusCode::NOT_FOUND, Json(json!({ "error": message }))).into_response()
}

async fn check_origin(request: Request, next: Next) -> Response {
    match foreign(request.uri(), request.headers()) {
        None => next.run(request).await,
        Some(what) => {
            let message = format!("{what} is not this machine's: only its own programs are served");
            (StatusCode::FORBIDDEN, Json(json!({ "error": message }))).into_response()
        }
    }
}

/// What of a request says that it is not a program's of this machine.
fn foreign(uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(header::HOST).or(uri.authority().map(|it| it.as_str()));
    if !host.is_some_and(is_loopback) {
        return Some("the host that is named");
    }
    let is_own = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(_, host)| is_loopback(host))
    };
    if text(header::ORIGIN).is_some_and(|origin| !is_own(origin)) {
        return Some("the page that asks");
    }
    let site = headers.get("sec-fetch-site");
    let site = site.map(|value| value.to_str().unwrap_or(""));
    if site.is_some_and(|site| !["same-origin", "none"].contains(&site)) {
        return Some("the page that asks");
    }
    None
}

/// Whether an authority is a name or address of loopback, whatever its port.
fn is_loopback(authority: &str) -> bool {
    let authority = authority.parse::<axum::http::uri::Authority>();
    let Ok(authority) = authority else {
        return false;
    };
    let host = authority.host().trim_matches(['[', ']']);
    let address: Result<std::net::IpAddr, _> = host.parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
