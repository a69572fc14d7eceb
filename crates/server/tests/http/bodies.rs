//! Request bodies and paths that are wrong before anything is decided.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::client::Reply;
use crate::stage::{Stage, people};

const MAX_BODY_BYTES: usize = 64 * 1024;

async fn post(stage: &Stage, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut request = Request::post("/api/setup");
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    let request = request.body(Full::new(body.into())).expect("a request");
    stage.send(request).await
}

#[tokio::test]
async fn one_byte_more_than_a_body_may_have_is_refused() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let body = stage
        .setup_body(&stage.setup_secret().await, &ada)
        .to_string();
    let padded = |length: usize| body.clone() + &" ".repeat(length - body.len());
    let refused = post(&stage, "application/json", padded(MAX_BODY_BYTES + 1)).await;
    assert_eq!(refused.refusal(), (413, "too-large".into()));
    let taken = post(&stage, "application/json", padded(MAX_BODY_BYTES)).await;
    assert_eq!(taken.status, 201, "{taken:?}");
}

#[tokio::test]
async fn json_nested_17_levels_deep_is_refused() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let secret = stage.setup_secret().await;
    let nested = |levels: usize| {
        let mut body = stage.setup_body(&secret, &ada);
        let inner = (1..levels).fold(json!([]), |inner, _| json!([inner]));
        body["extra"] = inner;
        body.to_string()
    };
    for levels in [16, 100, 10_000] {
        let refused = post(&stage, "application/json", nested_text(&nested(1), levels)).await;
        assert_eq!(refused.refusal(), (400, "bad-json".into()), "{levels}");
    }
    let taken = post(&stage, "application/json", nested(15)).await;
    assert_eq!(taken.status, 201, "unknown members are ignored: {taken:?}");
}

/// The object with `extra` nested so deep; a `Value` of 10 000 levels could not be written.
fn nested_text(body: &str, levels: usize) -> String {
    let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    body.replace("\"extra\":[]", &format!("\"extra\":{deep}"))
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stage = Stage::start().await;
    for (body, code) in [
        ("", "bad-json"),
        ("{", "bad-json"),
        ("nonsense", "bad-json"),
        ("{\"a\":NaN}", "bad-json"),
        ("{}{}", "bad-message"),
        ("{}", "bad-message"),
        ("null", "bad-message"),
        ("[\"secret\",{},\"assertion\"]", "bad-message"),
        ("{\"secret\":5}", "bad-message"),
        ("{\"secret\":\"a\",\"secret\":\"b\"}", "bad-message"),
    ] {
        let refused = post(&stage, "application/json", body).await;
        let (status, found) = refused.refusal();
        assert_eq!(status, 400, "{body}");
        let either = ["bad-json", "bad-message"];
        assert!(either.contains(&found.as_str()), "{body}: {found}");
        if body != "{}{}" {
            assert_eq!(found, code, "{body}: {refused:?}");
        }
    }
    let refused = post(&stage, "application/json", vec![b'{', 0xff, 0xfe, b'}']).await;
    assert_eq!(refused.refusal(), (400, "bad-json".into()));
}

#[tokio::test]
async fn another_media_type_is_refused_so_that_forms_reach_nothing() {
    let stage = Stage::start().await;
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
    ] {
        let refused = post(&stage, content_type, "{}").await;
        let expected = (415, "unsupported-media-type".into());
        assert_eq!(refused.refusal(), expected, "{content_type}");
    }
    let read = post(&stage, "Application/JSON; charset=utf-8", "{}").await;
    assert_eq!(read.problem(), "bad-message");
}

#[tokio::test]
async fn every_path_below_api_answers_in_problems() {
    let stage = Stage::start().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/devices/a/b/c",
        "/api/../api/x",
    ] {
        let refused = stage.get(path, "").await;
        assert_eq!(refused.refusal(), (404, "not-found".into()), "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "/api/server"),
        (Method::GET, "/api/setup"),
        (Method::PUT, "/api/devices"),
        (Method::POST, "/healthz"),
        (Method::OPTIONS, "/api/devices"),
        (Method::TRACE, "/api/server"),
    ] {
        let refused = stage.call(method.clone(), path, "", Value::Null).await;
        let expected = (405, "method-not-allowed".into());
        assert_eq!(refused.refusal(), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn no_page_of_another_origin_is_told_that_it_may_read() {
    let stage = Stage::start().await;
    for (method, path) in [
        (Method::GET, "/api/server"),
        (Method::GET, "/.well-known/jwks.json"),
        (Method::GET, "/api/devices"),
        (Method::POST, "/api/setup"),
        (Method::OPTIONS, "/api/setup"),
        (Method::GET, "/"),
    ] {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ] {
            request = request.header(name, value);
        }
        let request = request.body(Full::default()).expect("a request");
        let reply = stage.send(request).await;
        let mut names = reply.headers.keys().map(|name| name.as_str());
        assert!(
            !names.any(|name| name.starts_with("access-control")),
            "{path}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn head_and_health_answer_anybody() {
    let stage = Stage::start().await;
    for path in ["/healthz", "/readyz"] {
        let reply = stage.get(path, "").await;
        assert_eq!((reply.status, &reply.body[..]), (200, &b"ok"[..]));
    }
    let head = stage
        .call(Method::HEAD, "/api/server", "", Value::Null)
        .await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let reply = stage.get("/api/server", "").await;
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("server"), "", "says nothing of its software");
    let public = stage.get("/.well-known/jwks.json", "").await.ok();
    let keys = public["keys"].as_array().expect("a list");
    assert!(keys.len() >= 2, "current and next: {public}");
    assert!(keys.iter().all(|key| key.get("d").is_none()), "{public}");
}
