//! The web pages, embedded in the binary, and the headers that confine them.
//!
//! One page serves every stream: `/cam0/` is `watch.html`, `/cam0/publish` is `publish.html`,
//! `/cam0/recordings` is `recordings.html`, and the page reads the name from its address. Built without `web/dist` the server serves a one-page
//! notice in their place.

use axum::Router;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use protocol::stream::StreamName;
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

/// Pages that have no address of their own name: they are shown at those of streams and shares.
const PAGES_ELSEWHERE: [&str; 4] = ["publish", "recordings", "share", "watch"];

/// A module that pages of other sites load; it holds nothing of anybody's.
const PLAYER: &str = "player.js";

/// What an address stands for.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    /// A file of `web/dist`, or else a page.
    FileOrPage(&'a str),
    /// One of [`PAGES_ELSEWHERE`].
    Elsewhere(&'static str),
    /// A stream or the share page, without the slash that its page's address ends with.
    WithoutSlash,
    /// Nothing.
    Nothing,
}

/// Whatever no other route takes: `/`, every page and asset, and the pages of streams.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().fallback_service(get(serve))
}

/// The player alone.
pub(super) fn player_route<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/player.js", get(serve))
}

async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    match address(path) {
        Address::FileOrPage(path) => match Dist::get(path) {
            Some(file) => respond(path, &file, StatusCode::OK, &headers),
            None => page(path.trim_end_matches('/'), &headers),
        },
        Address::Elsewhere(name) => page(name, &headers),
        Address::WithoutSlash => {
            Redirect::temporary(&with_slash(path, uri.query())).into_response()
        }
        Address::Nothing => not_found(&headers),
    }
}

/// `path` without its first slash.
fn address(path: &str) -> Address<'_> {
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let is_stream = StreamName::parse(first).is_ok();
    match rest {
        _ if PAGES_ELSEWHERE.contains(&first.trim_end_matches(".html")) => Address::Nothing,
        Some("") if first == "s" => Address::Elsewhere("share"),
        None if first == "s" => Address::WithoutSlash,
        Some("") if is_stream => Address::Elsewhere("watch"),
        Some("publish") if is_stream => Address::Elsewhere("publish"),
        Some("recordings") if is_stream => Address::Elsewhere("recordings"),
        None if is_stream => Address::WithoutSlash,
        _ => Address::FileOrPage(if path.is_empty() { "index.html" } else { path }),
    }
}

/// `/cam0?muted` becomes `/cam0/?muted`.
fn with_slash(path: &str, query: Option<&str>) -> String {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{path}/{query}")
}

/// `/invite` is `invite.html`.
fn page(name: &str, headers: &HeaderMap) -> Response {
    let path = format!("{name}.html");
    match Dist::get(&path) {
        Some(file) => respond(&path, &file, StatusCode::OK, headers),
        None => not_found(headers),
    }
}

fn not_found(headers: &HeaderMap) -> Response {
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
    let mut response = confined((status, head, file.data.clone().into_owned()));
    if path == PLAYER {
        let anybody = HeaderValue::from_static("*");
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    }
    response
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_pages_to_watch_to_publish_and_to_look_back() {
        assert_eq!(address("cam0/"), Address::Elsewhere("watch"));
        assert_eq!(address("cam0/publish"), Address::Elsewhere("publish"));
        assert_eq!(address("cam0/recordings"), Address::Elsewhere("recordings"));
        assert_eq!(address("cam0"), Address::WithoutSlash);
        assert_eq!(with_slash("cam0", Some("a=1")), "/cam0/?a=1");
    }

    #[test]
    fn a_share_has_its_page() {
        assert_eq!(address("s/"), Address::Elsewhere("share"));
        assert_eq!(address("s"), Address::WithoutSlash);
        assert_eq!(address("s/publish"), Address::FileOrPage("s/publish"));
    }

    #[test]
    fn pages_and_assets_keep_their_addresses() {
        assert_eq!(address(""), Address::FileOrPage("index.html"));
        for path in [
            "settings",
            "settings/",
            "assets/x.js",
            "icon.svg",
            "sender.html",
        ] {
            assert_eq!(address(path), Address::FileOrPage(path), "{path}");
        }
    }

    #[test]
    fn the_pages_of_streams_have_no_other_address() {
        for name in PAGES_ELSEWHERE {
            assert_eq!(address(name), Address::Nothing, "{name}");
            assert_eq!(address(&format!("{name}.html")), Address::Nothing, "{name}");
            assert_eq!(address(&format!("{name}/")), Address::Nothing, "{name}");
        }
    }

    #[test]
    fn what_is_no_stream_name_is_no_stream() {
        for path in [
            "-cam/",
            "a.b/",
            "cam0/other",
            "cam0/publish/more",
            "%63am0/",
            "/cam0/",
        ] {
            assert_eq!(address(path), Address::FileOrPage(path), "{path}");
        }
    }
}
