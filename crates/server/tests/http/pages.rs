//! The pages: confined by their headers, and nothing outside them readable.

use serde_json::json;

use crate::stage::Stage;

const HOSTILE_PATHS: [&str; 6] = [
    "/../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/Cargo.toml",
    "/.env",
    "/heliograph.db",
    "//etc/passwd",
];

#[tokio::test]
async fn every_page_is_confined_to_its_origin() {
    let stage = Stage::start().await;
    for path in ["/", "/setup", "/cam0/", "/s/", "/no.such.page"] {
        let page = stage.get(path, "").await;
        assert!(page.header("content-type").starts_with("text/html"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(policy.contains("object-src 'none'"), "{path}");
        for lax in ["'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"] {
            assert!(!policy.contains(lax), "{path}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert_eq!(page.header("strict-transport-security"), "", "{path}");
        assert_eq!(page.header("set-cookie"), "", "{path}");
    }
}

#[tokio::test]
async fn pages_have_neither_inline_scripts_nor_things_of_third_parties() {
    let stage = Stage::start().await;
    for path in [
        "/",
        "/setup",
        "/link",
        "/invite",
        "/streams",
        "/cam0/",
        "/cam0/publish",
        "/s/",
    ] {
        let page = stage.get(path, "").await;
        let html = String::from_utf8(page.body.to_vec()).expect("utf-8");
        for tag in html.split("<script").skip(1) {
            let (attributes, rest) = tag.split_once('>').expect("a tag ends");
            assert!(attributes.contains("src="), "{path}: {attributes}");
            assert!(rest.trim_start().starts_with("</script>"), "{path}");
        }
        for third in [
            "src=\"http",
            "href=\"http",
            "src=\"//",
            "onload=",
            "onclick=",
        ] {
            assert!(!html.contains(third), "{path} has {third}");
        }
    }
}

#[tokio::test]
async fn nothing_but_pages_can_be_read() {
    let stage = Stage::start().await;
    for path in HOSTILE_PATHS {
        let reply = stage.get(path, "").await;
        let body = String::from_utf8_lossy(&reply.body);
        assert!(!body.contains("root:"), "{path}");
        assert!(!body.contains("[package]"), "{path}");
        assert!(!body.contains("SQLite format"), "{path}");
        let is_page = reply.header("content-type").starts_with("text/html");
        assert!(is_page, "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_stream_without_its_slash_leads_to_its_page() {
    let stage = Stage::start().await;
    for (path, location) in [
        ("/cam0", "/cam0/"),
        ("/cam0?muted=1", "/cam0/?muted=1"),
        ("/s", "/s/"),
        ("//cam0", "/cam0/"),
    ] {
        let reply = stage.get(path, "").await;
        assert_eq!(reply.status, 307, "{path}");
        assert_eq!(reply.header("location"), location, "{path}");
    }
}

#[tokio::test]
async fn a_page_takes_no_other_method_than_reading() {
    let stage = Stage::start().await;
    for path in ["/", "/cam0/", "/settings"] {
        assert_eq!(stage.post(path, "", json!({})).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn the_player_is_for_pages_of_any_site_and_nothing_else_of_the_pages_is() {
    let stage = Stage::start().await;
    let player = stage.get("/player.js", "").await;
    assert_eq!(player.status, 200);
    assert!(player.header("content-type").starts_with("text/javascript"));
    assert_eq!(player.header("access-control-allow-origin"), "*");
    for path in ["/", "/streams", "/cam0/", "/icon.svg"] {
        let page = stage.get(path, "").await;
        assert_eq!(page.header("access-control-allow-origin"), "", "{path}");
    }
}
