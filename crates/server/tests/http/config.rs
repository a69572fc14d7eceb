//! The configuration's layers: the example, environment, flags, and what is printed of them.

use server::config::{EXAMPLE, Sources, read};
use server::settings::{ExternalRelay, Settings};
use toml::{Table, Value};

use crate::faults::{faults_of, prove};

/// `section.key` of every value in the example.
pub(crate) fn example_keys() -> Vec<String> {
    fn walk(prefix: &str, table: &Table, keys: &mut Vec<String>) {
        for (name, value) in table {
            match value {
                Value::Table(section) => walk(&format!("{prefix}{name}."), section, keys),
                _ => keys.push(format!("{prefix}{name}")),
            }
        }
    }
    let mut keys = Vec::new();
    walk("", &EXAMPLE.parse().expect("TOML"), &mut keys);
    keys
}

#[test]
fn the_defaults_are_sound() {
    prove(&[]).expect("no fault");
}

#[test]
fn every_key_of_the_example_is_read() {
    let keys = example_keys();
    assert!(keys.len() > 35, "{keys:?}");
    for key in keys {
        // A wrong value for every key, so a key that is read is complained about.
        let faults = faults_of(&[(&key, "[[1]]")]);
        assert!(
            faults.starts_with(&key),
            "{key} is read by nobody: {faults:?}"
        );
    }
}

#[test]
fn the_keys_that_scripts_rely_on_exist() {
    let keys = example_keys();
    for key in [
        "data_dir http.listen http.tls http.public_origins http.trusted_proxies turn.listen",
        "turn.realm turn.secrets turn.relay_ip turn.external_ip turn.relay_ports",
        "turn.allow_peers turn.external ice.stun_urls media.listen media.external",
        "signalling.open_rooms limits.connects_per_ip_per_minute limits.sockets_per_ip",
        "limits.sockets_per_account limits.unauthenticated_sockets limits.messages_burst",
        "limits.messages_per_second registry.url bus.url metrics.listen paths_api.listen",
    ]
    .iter()
    .flat_map(|line| line.split(' '))
    {
        assert!(keys.iter().any(|known| known == key), "{key} is missing");
    }
}

#[test]
fn every_key_has_a_comment() {
    let mut is_explained = false;
    for line in EXAMPLE.lines() {
        if line.starts_with('#') {
            is_explained = true;
        } else if line.is_empty() || line.starts_with('[') {
            is_explained = false;
        } else {
            let speaks_for_itself = ["realm =", "relay_ports ="];
            let is_plain = speaks_for_itself.iter().any(|key| line.starts_with(key));
            assert!(is_explained || is_plain, "{line} has no comment");
        }
    }
}

#[test]
fn environment_sets_any_key_and_flags_win() {
    let sources = Sources {
        file: None,
        env: [
            ("HELIOGRAPH_HTTP__LISTEN", "[\"127.0.0.1:1\"]"),
            ("HELIOGRAPH_TURN__REALM", "env"),
            ("HELIOGRAPH_DATA_DIR", "/tmp/env"),
            ("HELIOGRAPH_LIMITS__MESSAGES_BURST", "7"),
            ("OTHER_TURN__REALM", "no"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec(),
        flags: vec![("turn.realm".into(), "flag".into())],
    };
    let settings = Settings::prove(read(&sources)).expect("sound");
    assert_eq!(
        settings.http.listen,
        ["127.0.0.1:1".parse().expect("it is")]
    );
    assert_eq!(settings.turn.realm, "flag");
    assert_eq!(settings.data_dir.to_str(), Some("/tmp/env"));
    assert_eq!(
        settings.registry_path.to_str(),
        Some("/tmp/env/heliograph.db")
    );
    assert_eq!(settings.limits.messages_burst, 7);
}

#[test]
fn a_variable_that_names_no_key_is_a_fault() {
    let sources = Sources {
        env: vec![("HELIOGRAPH_HTTP__LISTENS".into(), "[]".into())],
        ..Sources::default()
    };
    let faults = Settings::prove(read(&sources)).expect_err("refused");
    assert_eq!(faults.to_string(), "http.listens: unknown key");
}

#[test]
fn a_relay_comes_from_three_variables() {
    let relay = |env: &[(&str, &str)]| {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let sources = Sources {
            env: env.collect(),
            ..Sources::default()
        };
        Settings::prove(read(&sources)).map(|settings| settings.turn.external)
    };
    let whole = [
        ("TURN_URLS", "turn:a.example, turns:b.example:5349"),
        ("TURN_USER", "ada"),
        ("TURN_PASS", "word"),
    ];
    let expected = ExternalRelay::Static {
        urls: vec!["turn:a.example".into(), "turns:b.example:5349".into()],
        username: "ada".into(),
        credential: "word".into(),
    };
    assert_eq!(relay(&whole).expect("sound"), [expected]);
    assert_eq!(relay(&[("TURN_URLS", "")]).expect("sound"), []);
    let faults = relay(&whole[..1]).expect_err("no password");
    assert!(faults.to_string().contains("username and credential"));
    let faults = relay(&[("TURN_URLS", "http://x"), whole[1], whole[2]]);
    assert!(faults.expect_err("no url").to_string().contains("RFC 7065"));
}

#[test]
fn secrets_are_not_printed() {
    let sources = Sources {
        file: None,
        env: vec![
            ("TURN_URLS".into(), "turn:a.example".into()),
            ("TURN_USER".into(), "ada".into()),
            ("TURN_PASS".into(), "hush-one".into()),
        ],
        flags: vec![(
            "turn.secrets".into(),
            "[\"hush-two\", \"hush-three\"]".into(),
        )],
    };
    let printed = read(&sources).to_redacted_toml();
    assert!(!printed.contains("hush"), "{printed}");
    assert!(
        printed.contains("<secret>") && printed.contains("ada"),
        "{printed}"
    );
    let again: Table = printed.parse().expect("what is printed is TOML");
    assert!(again.contains_key("turn"));
}
