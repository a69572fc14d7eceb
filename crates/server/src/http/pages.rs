//! The web pages, embedded in the binary, and the headers that confine them.
//!
//! Built without `web/dist` the server serves a one-page notice in their place.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `web/` builds.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Dist;

const NOTICE: &str = include_str!("notice.html");

/// Everything from ourselves, nothing inline, no text run as code; WebAssembly hashes files. Pages
/// talk to this origin alone.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    img-src 'self' data: blob:; \
    media-src 'self' blob: mediastream:; worker-src 'self'; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers on every page.
const HEADERS: [(&str, &str); 5] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    ),
];

/// `/` and every page and asset.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/",
            get(|headers: HeaderMap| async move { page("index", &headers) }),
        )
        .route("/{*path}", get(serve))
}

async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match Dist::get(&path) {
        Some(file) => respond(&path, &file, StatusCode::OK, &headers),
        None => page(path.trim_end_matches('/'), &headers),
    }
}

/// `/invite` is `invite.html`.
fn page(name: &str, headers: &HeaderMap) -> Response {
    let path = format!("{name}.html");
    if let Some(file) = Dist::get(&path) {
        return respond(&path, &file, StatusCode::OK, headers);
    }
    match Dist::get("404.html") {
        Some(file) => respond("404.html", &file, StatusCode::NOT_FOUND, headers),
        None => confined((
            StatusCode::OK,
            [(CONTENT_TYPE, "text/html; charset=utf-8")],
            NOTICE,
        )),
    }
}

fn respond(path: &str, file: &EmbeddedFile, status: StatusCode, headers: &HeaderMap) -> Response {
    let etag = etag(file);
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes())
    {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    // Names under assets/ change with their content.
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let content_type = content_type(path);
    let head = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CACHE_CONTROL, caching.to_owned()),
        (ETAG, etag),
    ];
    confined((status, head, file.data.clone().into_owned()))
}

fn confined(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}

/// The kinds of file that `web/` builds.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
