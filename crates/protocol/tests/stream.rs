//! Which texts name a stream: the vectors that the pages read too, the site's own addresses, and
//! every text at random.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use protocol::stream::{RESERVED_NAMES, StreamName, StreamNameError, StreamScope};
use serde_json::Value;

const NAMES: &str = include_str!("../../../testdata/stream/names.json");
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

fn vectors() -> Value {
    serde_json::from_str(NAMES).expect("the vectors are well formed")
}

fn texts(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).expect("the vectors are well formed")
}

fn fault(error: &StreamNameError) -> &'static str {
    match error {
        StreamNameError::Length { .. } => "length",
        StreamNameError::Alphabet { .. } => "alphabet",
        StreamNameError::FirstCharacter { .. } => "first-character",
        StreamNameError::Reserved { .. } => "reserved",
    }
}

#[test]
fn a_name_is_taken_or_refused_as_the_vectors_say() {
    let vectors = vectors();
    for text in texts(&vectors["accepted"]) {
        let name = StreamName::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(name.as_str(), text);
    }
    for vector in vectors["refused"].as_array().expect("a list") {
        let text = vector["text"].as_str().expect("a text");
        let error = StreamName::parse(text).expect_err(text);
        assert_eq!(vector["fault"], fault(&error), "{text:?}: {error}");
    }
}

#[test]
fn a_scope_is_an_action_and_a_name() {
    let vectors = vectors();
    for text in texts(&vectors["scopes"]["accepted"]) {
        let scope: StreamScope = text.parse().expect(&text);
        assert_eq!(scope.to_string(), text);
        assert_eq!(serde_json::to_value(&scope).expect("a text"), text);
    }
    for text in texts(&vectors["scopes"]["refused"]) {
        assert!(text.parse::<StreamScope>().is_err(), "{text:?}");
        assert!(serde_json::from_value::<StreamScope>(text.into()).is_err());
    }
}

/// What `web/` builds, by the names that the server gives its pages and files.
fn web_names() -> BTreeSet<String> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let listed = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("a folder of the repository");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.into_string().expect("ASCII"))
            .collect::<Vec<_>>()
    };
    let files = listed(&web);
    let pages = files.iter().filter_map(|file| file.strip_suffix(".html"));
    let mut names: BTreeSet<String> = pages.map(str::to_owned).collect();
    assert!(names.contains("index"), "the pages are elsewhere");
    names.extend(listed(&web.join("public")));
    names
}

#[test]
fn no_page_of_the_site_can_be_hidden_by_a_stream() {
    for name in web_names() {
        assert!(
            StreamName::parse(&name).is_err(),
            "web/ has {name}: add it to RESERVED_NAMES"
        );
    }
}

#[test]
fn no_request_of_the_api_can_be_hidden_by_a_stream() {
    let document: Value = serde_json::from_str(OPENAPI).expect("json");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 10);
    for path in paths.keys() {
        let first = path.split('/').nth(1).expect("a path begins with a slash");
        // `/{stream}/whip` is a stream's own.
        assert!(
            StreamName::parse(first).is_err(),
            "{path}: add {first} to RESERVED_NAMES"
        );
    }
}

#[test]
fn each_reserved_name_would_be_a_name_otherwise() {
    for name in RESERVED_NAMES {
        for text in [name.to_owned(), name.to_ascii_uppercase()] {
            let reserved = StreamNameError::Reserved { name: text.clone() };
            assert_eq!(StreamName::parse(&text), Err(reserved));
        }
        assert!(StreamName::parse(&format!("{name}0")).is_ok());
    }
    assert!(
        RESERVED_NAMES.is_sorted(),
        "sorted, so that doubles are seen"
    );
}

proptest! {
    #[test]
    fn whatever_is_taken_is_safe_in_an_address_and_reads_back(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,70}") {
        if let Ok(name) = StreamName::parse(&text) {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert!((1..=StreamName::MAX_CHARS).contains(&text.len()));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert!(text.as_bytes()[0].is_ascii_alphanumeric());
            let json = serde_json::to_string(&name).expect("a text");
            prop_assert_eq!(serde_json::from_str::<StreamName>(&json).expect("a name"), name);
        } else {
            prop_assert!(serde_json::from_value::<StreamName>(text.into()).is_err());
        }
    }

    #[test]
    fn every_text_of_the_alphabet_is_a_name_unless_it_is_reserved(text in "[A-Za-z0-9][A-Za-z0-9_-]{0,63}") {
        let is_reserved = RESERVED_NAMES.contains(&text.to_ascii_lowercase().as_str());
        prop_assert_eq!(StreamName::parse(&text).is_err(), is_reserved);
    }
}
