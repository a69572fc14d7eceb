//! Who is served.

use axum::http::HeaderValue;

use super::*;

fn is_served(host: &str, others: &[(&'static str, &str)]) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(host).expect("a host"));
    for (name, value) in others {
        headers.insert(*name, HeaderValue::from_str(value).expect("a value"));
    }
    foreign(&Uri::from_static("/api/chat"), &headers).is_none()
}

#[test]
fn programs_of_this_machine_are_served_and_pages_of_other_sites_are_not() {
    for host in [
        "127.0.0.1:11435",
        "localhost:11435",
        "[::1]:11435",
        "LOCALHOST",
    ] {
        assert!(is_served(host, &[]), "{host}");
    }
    for host in [
        "evil.example",
        "192.168.1.5:11435",
        "localhost.evil.example",
        "",
        "a b",
    ] {
        assert!(!is_served(host, &[]), "{host}");
    }
    let with = |name, value| is_served("127.0.0.1:11435", &[(name, value)]);
    assert!(with("origin", "http://localhost:3000"));
    assert!(!with("origin", "https://evil.example"));
    assert!(!with("origin", "null"));
    assert!(with("sec-fetch-site", "none"));
    assert!(!with("sec-fetch-site", "cross-site"));
    assert!(!with("sec-fetch-site", "same-site"));
    assert!(foreign(&Uri::from_static("/"), &HeaderMap::new()).is_some());
}
