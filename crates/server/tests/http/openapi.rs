//! `docs/openapi.json` is what the code says, and what the server serves.
//!
//! `HELIO_WRITE_DOCS=1 cargo test -p server --test http` writes it anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::stage::Stage;

fn document() -> Value {
    serde_json::from_str(&server::openapi_document()).expect("json")
}

#[test]
fn the_document_in_docs_is_the_codes() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/openapi.json"
    ));
    let made = server::openapi_document();
    if std::env::var_os("HELIO_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).expect("docs are writable");
    }
    let kept = std::fs::read_to_string(&path).expect("docs/openapi.json exists");
    assert!(kept == made, "HELIO_WRITE_DOCS=1 writes it anew");
}

#[tokio::test]
async fn the_server_serves_it() {
    let stage = Stage::start().await;
    let served = stage.get("/api/openapi.json", "").await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.ok(), document());
}

#[test]
fn every_route_states_who_may() {
    let known = [
        json!([{}]),
        json!([{"account": []}]),
        json!([{"account": ["admin"]}]),
        json!([{"link": []}]),
        // Pairing: the inviter shows a token, the joiner has none yet.
        json!([{"account": []}, {}]),
        // Streams: by token or by code, or, where they are public, by neither.
        json!([{"stream": []}, {"share": []}, {}]),
        json!([{"share": []}]),
    ];
    let document = document();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let security = &operation["security"];
            assert!(known.contains(security), "{method} {path}: {security}");
        }
    }
    assert_eq!(document["paths"]["/api/audit"]["get"]["security"], known[2]);
}

#[test]
fn every_request_of_the_protocol_is_described() {
    let document = document();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().expect("operations").keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    for socket in ["/api/signal", "/ws", "/api/pairing/{id}"] {
        assert!(described.contains(&format!("GET {socket}")), "{socket}");
    }
    let protocol = include_str!("../../../../docs/protocol.md");
    let rows = protocol.lines().filter(|line| line.starts_with("| `"));
    let requests = rows.filter_map(|row| row.split('|').nth(1));
    let mut named = 0;
    for request in requests.flat_map(|cell| cell.split(',')) {
        let request = request.trim().trim_matches('`');
        let is_request = ["GET /", "POST /", "PUT /", "PATCH /", "DELETE /"]
            .iter()
            .any(|start| request.starts_with(start));
        if is_request {
            named += 1;
            assert!(described.contains(request), "{request} is not described");
        }
    }
    assert!(named >= 18, "only {named} requests found in the protocol");
}
