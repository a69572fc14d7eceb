//! `helio config`: what would run, and every fault before anything does.

use std::process::{Command, Output};

fn helio(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio"))
        .args(arguments)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .expect("helio runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn secrets_are_left_out_wherever_they_come_from() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let file = dir.path().join("helio.toml");
    let written =
        "[[turn.external]]\nkind = \"coturn\"\nurls = [\"turn:a\"]\nsecret = \"hush-1\"\n";
    std::fs::write(&file, written).expect("writable");
    let file = file.to_str().expect("utf-8");
    let env = [
        ("HELIOGRAPH_TURN__SECRETS", "[\"hush-2\"]"),
        ("TURN_URLS", "turn:b"),
        ("TURN_USER", "ada"),
        ("TURN_PASS", "hush-3"),
    ];
    let shown = helio(&["config", "--config", file], &env);
    assert!(shown.status.success(), "{shown:?}");
    let shown = text(&shown.stdout);
    assert!(!shown.contains("hush"), "{shown}");
    assert_eq!(shown.matches("<secret>").count(), 3, "{shown}");
    let checked = helio(&["config", "check", "--config", file], &env);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn every_command_ends_with_2_and_all_faults_when_the_configuration_is_wrong() {
    let wrong = [
        "--set",
        "http.listen=[\"nowhere\"]",
        "--set",
        "log.level=loud",
    ];
    for command in [
        &["serve"][..],
        &["setup"],
        &["devices"],
        &["keys", "rotate"],
        &["config", "check"],
    ] {
        let arguments: Vec<_> = command.iter().chain(&wrong).copied().collect();
        let output = helio(&arguments, &[("HELIOGRAPH_NO__SUCH_KEY", "1")]);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {output:?}");
        let error = text(&output.stderr);
        for named in ["http.listen", "log.level", "no: unknown key"] {
            assert!(error.contains(named), "{command:?}: {error}");
        }
        assert_eq!(text(&output.stdout), "", "nothing was done");
    }
}

#[test]
fn the_example_is_the_defaults() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let file = dir.path().join("helio.toml");
    let example = helio(&["config", "example"], &[]).stdout;
    std::fs::write(&file, &example).expect("writable");
    let file = file.to_str().expect("utf-8");
    let of_file = helio(&["config", "--config", file], &[]).stdout;
    let of_nothing = helio(&["config"], &[]).stdout;
    assert_eq!(text(&of_file), text(&of_nothing));
}
