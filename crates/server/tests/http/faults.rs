//! What is wrong with a configuration: everything at once, each with its key, no secrets.

use server::config::{Faults, Sources, read};
use server::settings::Settings;

pub(crate) fn prove(flags: &[(&str, &str)]) -> Result<Settings, Faults> {
    let flags = flags
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    Settings::prove(read(&Sources {
        flags: flags.collect(),
        ..Sources::default()
    }))
}

/// All faults, one a line; empty where there are none.
pub(crate) fn faults_of(flags: &[(&str, &str)]) -> String {
    prove(flags)
        .err()
        .map_or_else(String::new, |faults| faults.to_string())
}

/// Faults of a file's text.
fn faults_of_file(text: &str) -> String {
    let dir = tempfile::TempDir::new().expect("a directory");
    let file = dir.path().join("helio.toml");
    std::fs::write(&file, text).expect("writable");
    let sources = Sources {
        file: Some(file),
        ..Sources::default()
    };
    let faults = Settings::prove(read(&sources)).expect_err("it is wrong");
    let path = dir.path().display().to_string();
    faults.to_string().replace(&path, "DIR")
}

#[test]
fn every_fault_of_a_wrong_file_is_named_at_once() {
    insta::assert_snapshot!(faults_of_file(include_str!("very_wrong.toml")));
}

#[test]
fn parts_that_are_not_built_yet_are_refused_by_name() {
    for (key, value) in [
        ("http.tls", "acme"),
        ("http.acme_domains", "[\"link.example\"]"),
        ("bus.url", "redis://127.0.0.1"),
        ("registry.url", "postgres://127.0.0.1/helio"),
        (
            "turn.external",
            "[{ kind = \"twilio\", urls = [\"turn:x\"] }]",
        ),
        (
            "turn.external",
            "[{ kind = \"cloudflare\", urls = [\"turn:x\"] }]",
        ),
    ] {
        let faults = faults_of(&[(key, value)]);
        assert!(faults.starts_with(key), "{key}: {faults}");
        assert!(faults.contains("not built yet"), "{key}: {faults}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let nine = format!("[{}]", ["\"192.0.2.1:1/tcp\""; 9].join(", "));
    for (flags, key) in [
        (&[("http.tls", "off")][..], "http.tls"),
        (&[("http.listen", "[]")], "http.listen"),
        (&[("http.behind_proxy", "true")], "http.behind_proxy"),
        (
            &[("http.behind_proxy", "true"), ("http.tls", "off")],
            "http.public_origins",
        ),
        (
            &[
                ("media.external", "[\"192.0.2.1:8443/udp\"]"),
                ("media.listen", "[]"),
            ],
            "media.external",
        ),
        (&[("media.external", &nine)], "media.external"),
        (
            &[("signalling.open_rooms", "true")],
            "signalling.open_rooms",
        ),
        (
            &[
                ("signalling.open_rooms", "true"),
                ("http.listen", "[\"127.0.0.1:1\", \"192.0.2.1:1\"]"),
            ],
            "signalling.open_rooms",
        ),
        (
            &[("turn.external_ip", "[\"192.0.2.1\"]")],
            "turn.external_ip",
        ),
    ] {
        let faults = faults_of(flags);
        let named = faults.lines().any(|line| line.starts_with(key));
        assert!(named, "{flags:?}: {faults}");
    }
    for flags in [
        &[("http.tls", "off"), ("http.listen", "[\"127.0.0.1:1\"]")][..],
        &[
            ("signalling.open_rooms", "true"),
            ("http.listen", "[\"[::1]:1\", \"10.0.0.1:1\"]"),
        ],
    ] {
        assert_eq!(faults_of(flags), "", "{flags:?}");
    }
}

#[test]
fn numbers_end_where_they_say() {
    for (key, low, high) in [
        ("turn.credential_ttl_seconds", 5, 600),
        ("limits.connects_per_ip_per_minute", 1, 1_000_000),
        ("limits.handshake_timeout_ms", 100, 600_000),
        ("limits.turn_bytes_per_second", 0, i64::MAX),
    ] {
        for (number, is_right) in [
            (low - 1, false),
            (low, true),
            (high, true),
            (high.saturating_add(1), high == i64::MAX),
        ] {
            let faults = faults_of(&[(key, &number.to_string())]);
            assert_eq!(faults.is_empty(), is_right, "{key} = {number}: {faults}");
        }
    }
}

#[test]
fn a_secret_of_the_wrong_type_is_not_repeated() {
    for (key, value) in [
        ("turn.secrets", "hush"),
        ("turn.secrets", "[[\"hush\"]]"),
        (
            "turn.external",
            "[{ kind = \"coturn\", urls = [\"turn:x\"], secret = [\"hush\"] }]",
        ),
    ] {
        let faults = faults_of(&[(key, value)]);
        assert!(faults.starts_with(key), "{faults}");
        assert!(!faults.contains("hush"), "{faults}");
    }
    let torn = "[turn]\nsecrets = [\"hush\"\nrealm = \"x\"\n";
    let faults = faults_of_file(torn);
    assert!(faults.contains("line"), "says where: {faults}");
    assert!(!faults.contains("hush"), "{faults}");
}

#[test]
fn files_that_cannot_be_read_are_faults() {
    let faults = faults_of(&[("turn.secrets_file", "/nonexistent/file")]);
    assert!(faults.starts_with("turn.secrets_file"), "{faults}");
    let relay = "[{ kind = \"coturn\", urls = [\"turn:x\"], secret_file = \"/nonexistent\" }]";
    let faults = faults_of(&[("turn.external", relay)]);
    assert!(faults.contains("/nonexistent"), "{faults}");
    let sources = Sources {
        file: Some("/nonexistent/helio.toml".into()),
        ..Sources::default()
    };
    let faults = Settings::prove(read(&sources)).expect_err("no file");
    assert!(faults.to_string().starts_with("/nonexistent/helio.toml"));
}
