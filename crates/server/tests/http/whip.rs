//! WHIP and WHEP as far as HTTP goes: each refusal of the checklist by name (RFC 9725,
//! draft-ietf-wish-whep). That media flows is shown with browsers.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::json;

use crate::client::Reply;
use crate::stage::{Stage, people, token_of};

/// As a browser makes it, shortened.
pub(crate) const OFFER: &str = include_str!("../../../../fuzz/corpus/gateway_offer/browser");
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// Of the offer's own ICE session.
const TRICKLE: &str = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=candidate:1 1 udp 1 4a5b.local 9 typ host\r\na=candidate:2 1 tcp 1 192.0.2.1 9 typ host\r\n";
const RESTART: &str = "a=ice-ufrag:anew\r\na=ice-pwd:0123456789012345678901\r\n";

/// A server with a device that holds tokens for `cam0`.
pub(crate) struct Studio {
    pub(crate) stage: Stage,
    publish: String,
    view: String,
}

impl Studio {
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub(crate) async fn open_with(settings: &[(&str, &str)]) -> Self {
        let stage = Stage::start_with(settings).await;
        let [ada, ..] = people();
        stage.set_up(&ada).await;
        let mut tokens = Vec::new();
        for scope in ["publish:cam0", "view:cam0"] {
            let body = json!({"assertion": stage.assertion(&ada), "scope": scope});
            tokens.push(token_of(
                &stage.post("/api/auth/webrtc-token", "", body).await,
            ));
        }
        let [publish, view] = tokens.try_into().expect("two tokens");
        Self {
            stage,
            publish,
            view,
        }
    }

    async fn send(&self, method: Method, path: &str, head: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.stage
            .send(request.body(body).expect("a request"))
            .await
    }

    /// With the token to publish.
    pub(crate) async fn publishing(
        &self,
        method: Method,
        path: &str,
        head: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let bearer = format!("Bearer {}", self.publish);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(head);
        self.send(method, path, &all, body).await
    }

    pub(crate) async fn offer(&self, sdp: &str) -> Reply {
        let head = [("content-type", SDP)];
        self.publishing(Method::POST, "/cam0/whip", &head, sdp)
            .await
    }

    async fn patch(&self, session: &str, tag: &str, body: &str) -> Reply {
        let head = [("content-type", FRAGMENT), ("if-match", tag)];
        self.publishing(Method::PATCH, session, &head, body).await
    }
}

#[tokio::test]
async fn an_offer_becomes_a_session_with_an_address_a_tag_and_ice_servers() {
    let studio = Studio::open().await;
    let first = studio.offer(OFFER).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.header("content-type"), SDP);
    assert_eq!(first.header("accept-patch"), FRAGMENT);
    assert!(first.header("location").starts_with("/cam0/whip/"));
    assert!(first.header("etag").starts_with('"'));
    assert!(first.header("link").contains("rel=\"ice-server\""));
    assert_eq!(first.header("access-control-allow-origin"), "*");
    let answer = String::from_utf8_lossy(&first.body).into_owned();
    for line in ["a=recvonly", "a=rtcp-mux", "a=candidate:", "a=ice-lite"] {
        assert!(answer.contains(line), "{line}");
    }
    let second = studio.offer(OFFER).await;
    for name in ["location", "etag"] {
        assert_ne!(first.header(name), second.header(name), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_offer_is_the_clients_fault_by_name() {
    let studio = Studio::open().await;
    let refusal = |reply: Reply| reply.refusal();
    let cases = [
        (
            OFFER.replace("a=sendonly", "a=recvonly"),
            400,
            "offer-malformed",
        ),
        (
            OFFER.replace("a=sendonly", "a=inactive"),
            400,
            "offer-malformed",
        ),
        ("{}".to_owned(), 400, "offer-malformed"),
        (String::new(), 400, "offer-malformed"),
        (
            OFFER.replace("m=audio 9", "m=application 9"),
            422,
            "offer-unsupported",
        ),
        (
            OFFER.replace("m=audio 9", "m=video 9"),
            422,
            "offer-unsupported",
        ),
        (
            format!("{OFFER}{}", "a=x\r\n".repeat(20_000)),
            413,
            "too-large",
        ),
    ];
    for (sdp, status, code) in cases {
        let reply = studio.offer(&sdp).await;
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(refusal(reply), (status, code.to_owned()));
    }
    let json = [("content-type", "application/json")];
    let reply = studio
        .publishing(Method::POST, "/cam0/whip", &json, OFFER)
        .await;
    assert_eq!(refusal(reply), (415, "unsupported-media-type".into()));
    for name in ["api", "..%2f", "-cam", "%20"] {
        let path = format!("/{name}/whip");
        let head = [("content-type", SDP)];
        let reply = studio.publishing(Method::POST, &path, &head, OFFER).await;
        assert_eq!(refusal(reply), (404, "not-found".into()), "{name}");
    }
}

#[tokio::test]
async fn only_who_may_publishes_watches_changes_and_ends() {
    let studio = Studio::open().await;
    let session = studio.offer(OFFER).await.header("location").to_owned();
    let cases = [
        (Method::POST, "/cam0/whip", SDP),
        (Method::POST, "/cam0/whep", SDP),
        (Method::PATCH, session.as_str(), FRAGMENT),
        (Method::DELETE, session.as_str(), SDP),
    ];
    for (method, path, media_type) in cases {
        let nobody = [("content-type", media_type)];
        let reply = studio.send(method.clone(), path, &nobody, OFFER).await;
        assert_eq!(reply.status, 401, "{method} {path}");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    let viewing = format!("Bearer {}", studio.view);
    let head = [("content-type", SDP), ("authorization", viewing.as_str())];
    let reply = studio.send(Method::POST, "/cam0/whip", &head, OFFER).await;
    assert_eq!(reply.refusal(), (403, "wrong-scope".into()));
    let watching = OFFER.replace("a=sendonly", "a=recvonly");
    let reply = studio
        .send(Method::POST, "/cam0/whep", &head, &watching)
        .await;
    assert_eq!(reply.header("retry-after"), "2");
    assert_eq!(reply.refusal(), (409, "nothing-published".into()));
}

#[tokio::test]
async fn a_page_of_another_site_is_told_what_it_may_send_without_a_token() {
    let studio = Studio::open().await;
    let session = studio.offer(OFFER).await.header("location").to_owned();
    for path in ["/cam0/whip", "/cam0/whep", &session] {
        let reply = studio.send(Method::OPTIONS, path, &[], "").await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("accept-post"), SDP);
        assert_eq!(reply.header("link"), "", "nothing that needs a token");
        let allowed = reply.header("access-control-allow-headers");
        assert_eq!(allowed, "Authorization, Content-Type, If-Match");
        let exposed = reply.header("access-control-expose-headers");
        assert!(exposed.contains("ETag") && exposed.contains("Location"));
    }
    let endpoint = studio.send(Method::GET, "/cam0/whip", &[], "").await;
    assert_eq!((endpoint.status, endpoint.body.len()), (204, 0));
    let endpoint = studio.send(Method::HEAD, "/cam0/whep", &[], "").await;
    assert_eq!(endpoint.status, 200);
    assert_eq!(endpoint.header("content-type"), SDP);
    let open = studio.publishing(Method::GET, &session, &[], "").await;
    assert_eq!((open.status, open.body.len()), (204, 0));
    let put = studio.publishing(Method::PUT, "/cam0/whip", &[], "").await;
    assert_eq!(put.refusal(), (405, "method-not-allowed".into()));
}

#[tokio::test]
async fn a_patch_says_which_ice_session_it_is_for() {
    let studio = Studio::open().await;
    let opened = studio.offer(OFFER).await;
    let (session, tag) = (opened.header("location"), opened.header("etag"));
    let trickled = studio.patch(session, tag, TRICKLE).await;
    assert_eq!((trickled.status, trickled.body.len()), (204, 0));
    assert_eq!(trickled.header("etag"), "");
    let head = [("content-type", FRAGMENT)];
    let reply = studio
        .publishing(Method::PATCH, session, &head, TRICKLE)
        .await;
    assert_eq!(reply.refusal(), (428, "precondition-required".into()));
    let stale = studio.patch(session, "\"before\"", TRICKLE).await;
    assert_eq!(stale.refusal(), (412, "precondition-failed".into()));
    let foreign = studio.patch(session, tag, RESTART).await;
    assert_eq!(foreign.refusal(), (400, "offer-malformed".into()));
    let odd = studio.patch(session, tag, "{\"candidate\":1}").await;
    assert_eq!(odd.refusal(), (400, "offer-malformed".into()));
    let head = [("content-type", SDP), ("if-match", tag)];
    let reply = studio
        .publishing(Method::PATCH, session, &head, TRICKLE)
        .await;
    assert_eq!(reply.refusal(), (415, "unsupported-media-type".into()));
}

#[tokio::test]
async fn ice_restarts_by_a_star_and_gets_another_tag() {
    let studio = Studio::open().await;
    for star in ["*", "\"*\""] {
        let opened = studio.offer(OFFER).await;
        let (session, tag) = (opened.header("location"), opened.header("etag"));
        let restarted = studio.patch(session, star, RESTART).await;
        assert_eq!(restarted.status, 200, "{star}");
        assert_eq!(restarted.header("content-type"), FRAGMENT);
        let fragment = String::from_utf8_lossy(&restarted.body).into_owned();
        assert!(fragment.contains("a=ice-pwd:"), "{fragment}");
        let anew = restarted.header("etag");
        assert_ne!(anew, tag);
        assert_eq!(studio.patch(session, tag, RESTART).await.status, 412);
        assert_eq!(studio.patch(session, anew, RESTART).await.status, 204);
    }
}

#[tokio::test]
async fn an_event_stream_is_for_a_session_that_is_there_and_for_events_that_there_are() {
    let studio = Studio::open().await;
    let viewing = format!("Bearer {}", studio.view);
    let head = [("authorization", viewing.as_str())];
    let nobodys = "/cam0/whep/AAAAAAAAAAAAAAAAAAAAAA/events";
    let reply = studio.send(Method::POST, nobodys, &[], "[]").await;
    assert_eq!(reply.status, 401);
    let reply = studio.send(Method::POST, nobodys, &head, "[]").await;
    assert_eq!(reply.refusal(), (404, "not-found".into()));
    let reply = studio.send(Method::GET, nobodys, &head, "").await;
    assert_eq!(reply.refusal(), (405, "method-not-allowed".into()));
    let stream = format!("{nobodys}/AAAAAAAAAAAAAAAAAAAAAA");
    for method in [Method::GET, Method::DELETE] {
        let reply = studio.send(method, &stream, &[], "").await;
        assert_eq!(reply.refusal(), (404, "not-found".into()));
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_gone() {
    let studio = Studio::open().await;
    let opened = studio.offer(OFFER).await;
    let (session, tag) = (opened.header("location"), opened.header("etag"));
    let head = [("if-match", "\"whatever\"")];
    let ended = studio.publishing(Method::DELETE, session, &head, "").await;
    assert_eq!((ended.status, ended.body.len()), (200, 0));
    let again = studio.publishing(Method::DELETE, session, &[], "").await;
    assert_eq!(again.refusal(), (404, "not-found".into()));
    let late = studio.patch(session, tag, TRICKLE).await;
    assert_eq!(late.refusal(), (404, "not-found".into()));
    let odd = studio
        .publishing(Method::DELETE, "/cam0/whip/odd", &[], "")
        .await;
    assert_eq!(odd.refusal(), (404, "not-found".into()));
}

#[tokio::test]
async fn a_full_gateway_says_when_to_come_back() {
    let studio = Studio::open_with(&[("limits.gateway_sessions", "2")]).await;
    for _ in 0..2 {
        assert_eq!(studio.offer(OFFER).await.status, 201);
    }
    let reply = studio.offer(OFFER).await;
    assert_eq!(reply.header("retry-after"), "10");
    assert_eq!(reply.refusal(), (503, "unavailable".into()));
}

#[tokio::test]
async fn camera_tools_read_a_list_of_what_is_live() {
    let studio = Studio::open().await;
    let [ada, ..] = people();
    let account = studio.stage.account_token(&ada).await;
    let empty = studio.stage.get("/v3/paths/list", &account).await.ok();
    assert_eq!(empty, json!({"itemCount": 0, "pageCount": 0, "items": []}));
    let reply = studio.stage.get("/v3/paths/get/cam0", &account).await;
    assert_eq!(reply.refusal(), (404, "not-found".into()));
    let reply = studio.stage.get("/v3/paths/list", &studio.view).await;
    assert_eq!(reply.refusal(), (403, "wrong-scope".into()));
    let odd = studio.stage.get("/v3/paths/list?page=two", &account);
    assert_eq!(odd.await.refusal(), (400, "bad-message".into()));
    let kick = "/v3/webrtcsessions/kick/AAAAAAAAAAAAAAAAAAAAAA";
    let reply = studio.stage.post(kick, &account, json!({})).await;
    assert_eq!(reply.refusal(), (404, "not-found".into()));
}
