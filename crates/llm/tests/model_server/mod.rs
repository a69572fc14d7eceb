//! A model server that speaks Ollama's API and OpenAI's over real HTTP, and streams tokens at a
//! set pace. The name of the model says how it behaves.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) const TOKENS: usize = 200;

/// What the tests see of it.
#[derive(Clone)]
pub(crate) struct ModelServer {
    pub(crate) url: String,
    /// How many answers it is giving.
    #[allow(dead_code, reason = "not every test counts")]
    pub(crate) running: watch::Receiver<usize>,
    #[allow(dead_code, reason = "not every test counts")]
    pub(crate) asked: Arc<AtomicUsize>,
}

struct Inside {
    running: watch::Sender<usize>,
    asked: Arc<AtomicUsize>,
    pace: Duration,
    is_openai: bool,
}

/// Counts an answer until it is whole or nobody wants it.
struct Counted(Arc<Inside>);

impl Counted {
    fn new(inside: &Arc<Inside>) -> Self {
        inside.running.send_modify(|running| *running += 1);
        Self(Arc::clone(inside))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// What the whole answer is.
#[allow(dead_code, reason = "not every test reads to the end")]
pub(crate) fn answer() -> String {
    (0..TOKENS).map(token).collect()
}

fn token(at: usize) -> String {
    format!("w{at} ")
}

impl ModelServer {
    pub(crate) async fn start(is_openai: bool, pace: Duration) -> Self {
        let (running, seen) = watch::channel(0);
        let asked = Arc::<AtomicUsize>::default();
        let inside = Arc::new(Inside {
            running,
            asked: Arc::clone(&asked),
            pace,
            is_openai,
        });
        let router = if is_openai {
            Router::new()
                .route("/v1/models", get(openai_models))
                .route("/v1/chat/completions", post(chat))
        } else {
            Router::new()
                .route("/api/tags", get(ollama_models))
                .route("/api/chat", post(chat))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            let served = axum::serve(listener, router.with_state(inside)).await;
            served.expect("it serves until the test ends");
        });
        Self {
            url,
            running: seen,
            asked,
        }
    }
}

async fn ollama_models() -> Json<Value> {
    Json(json!({"models": [{"name": "steady"}, {"name": "cut"}]}))
}

async fn openai_models() -> Json<Value> {
    Json(json!({"object": "list", "data": [{"id": "steady"}, {"id": "cut"}]}))
}

async fn chat(State(inside): State<Arc<Inside>>, Json(body): Json<Value>) -> Response {
    inside.asked.fetch_add(1, Ordering::Relaxed);
    match body["model"].as_str() {
        Some("steady") => said(&inside, TOKENS, true),
        Some("cut") => said(&inside, 3, false),
        Some("garbage") => "<html>no</html>\n\n".into_response(),
        Some("endless-line") => "x".repeat(10 * 1024 * 1024).into_response(),
        Some("redirect") => Redirect::temporary("http://169.254.169.254/").into_response(),
        _ => {
            let error = json!({"error": "model not found, try pulling it first"});
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
    }
}

/// Tokens at the pace, and an end where the answer is to be whole.
fn said(inside: &Arc<Inside>, tokens: usize, is_whole: bool) -> Response {
    let state = (0, Counted::new(inside));
    let body = stream::unfold(state, move |(at, counted)| async move {
        let last = if is_whole { tokens } else { tokens - 1 };
        if at > last {
            return None;
        }
        tokio::time::sleep(counted.0.pace).await;
        let text = if counted.0.is_openai {
            openai_words(at, tokens)
        } else {
            ollama_words(at, tokens)
        };
        Some((Ok::<_, Infallible>(Bytes::from(text)), (at + 1, counted)))
    });
    Body::from_stream(body).into_response()
}

fn ollama_words(at: usize, tokens: usize) -> String {
    let is_end = at == tokens;
    let content = if is_end { String::new() } else { token(at) };
    let line = json!({
        "model": "steady", "message": {"role": "assistant", "content": content}, "done": is_end,
        "done_reason": is_end.then_some("stop"), "eval_count": is_end.then_some(tokens),
    });
    format!("{line}\n")
}

fn openai_words(at: usize, tokens: usize) -> String {
    if at == tokens {
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"completion_tokens": tokens}});
        return format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    }
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": token(at)}}]});
    format!("data: {chunk}\n\n")
}
