//! What `helio --help` and each command's help say, and how wrong usage ends.

use std::process::{Command, Output};

fn helio(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio"))
        .args(arguments)
        .env_clear()
        // Wrapped the same on every terminal.
        .env("COLUMNS", "100")
        .output()
        .expect("helio runs")
}

fn said(arguments: &[&str]) -> String {
    let output = helio(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_help_of_helio_reads_so() {
    insta::assert_snapshot!(said(&["--help"]));
}

#[test]
fn the_help_of_each_command_reads_so() {
    for command in [
        "serve",
        "setup",
        "pair",
        "message",
        "file",
        "send",
        "receive",
        "host",
        "chat",
        "proxy",
        "doctor",
        "devices",
        "pairs",
        "streams",
        "recordings",
        "publish",
        "watch",
        "bench",
        "conform",
        "keys",
        "audit",
        "config",
    ] {
        insta::assert_snapshot!(format!("help-{command}"), said(&[command, "--help"]));
    }
}

#[test]
fn the_help_of_each_action_reads_so() {
    for (command, action) in [
        ("devices", "rename"),
        ("devices", "revoke"),
        ("pairs", "add"),
        ("streams", "share"),
        ("streams", "public"),
        ("recordings", "delete"),
        ("bench", "watch"),
        ("keys", "kill"),
        ("config", "check"),
    ] {
        let name = format!("help-{command}-{action}");
        insta::assert_snapshot!(name, said(&[command, action, "--help"]));
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_where_to_look() {
    for arguments in [
        &["fly"][..],
        &["serve", "--port", "1"],
        &["devices", "revoke"],
        &["pairs", "add", "a", "b"],
        &["streams", "share", "cam0"],
        &["streams", "share", "cam0", "--view", "--publish"],
        &["streams", "share", "api", "--view"],
        &["streams", "share", "cam0", "--view", "--expires", "1y"],
        &["streams", "public", "cam0", "maybe"],
        &["recordings", "delete", "cam0"],
        &[
            "recordings",
            "delete",
            "cam0",
            "--all",
            "--to",
            "2026-11-22T14:00:00Z",
        ],
        &["recordings", "delete", "cam0", "--to", "yesterday"],
        &["serve", "--set", "turn.realm"],
        &["pair"],
        &["send"],
        &["send", "laptop", "--every", "0"],
        &["send", "laptop", "--every", "3601"],
        &["send", "laptop", "--count", "0"],
        &["send", "laptop", "--preset", "high"],
        &["send", "laptop", "--live", "--every", "5"],
        &["receive", "--format", "jpeg"],
        &["host", "--allow", "phone"],
        &["chat", "laptop", "Hello", "--models"],
        &["proxy", "laptop", "--listen", "11435"],
        &["publish"],
        &["publish", "https://h/cam0/whip", "--wait", "86401"],
        &["watch", "https://h/cam0/whep", "--seconds", "0"],
        &["bench", "watch", "https://h/cam0/whep", "--viewers", "501"],
        &["bench", "watch", "https://h/cam0/whep", "--seconds", "3601"],
        &[
            "bench",
            "watch",
            "https://h/cam0/whep",
            "--existing",
            "--preset",
            "low",
        ],
        &["pair", "https://h/p#1", "--invite"],
        &["pair", "https://h/p#1", "--kind", "toaster"],
    ] {
        let output = helio(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains("--help"), "{error}");
    }
}
