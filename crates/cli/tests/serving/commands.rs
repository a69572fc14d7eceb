//! The commands of `helio` beside a server that runs, and on its data while none does.

use hyper::Method;
use identity::testing::TestDevice;
use serde_json::{Value, json};

use crate::people::{assertion, pair, redeem, setup_secret, token};
use crate::process::{Process, free_address, run};

async fn account_token(server: &Process, device: &TestDevice) -> String {
    let asked = token(server, &assertion(server, device), None).await;
    let (status, reply) = asked.expect("an answer");
    assert_eq!(status, 200, "{reply}");
    reply["token"].as_str().expect("a token").to_owned()
}

async fn with_pair(data: &std::path::Path) -> (Process, [TestDevice; 2], String) {
    let server = Process::start(data, free_address(), &[]);
    let [ada, bob] = [(1, "Ada"), (2, "Bob")].map(|(n, name)| TestDevice::new(n, name));
    let secret = setup_secret(&server);
    let (status, _) = redeem(&server, &secret, &ada).await.expect("an answer");
    assert_eq!(status, 201);
    let token = account_token(&server, &ada).await;
    let (id, reply) = pair(&server, &token, &ada, &bob).await;
    assert_eq!(reply.expect("an answer").0, 201);
    (server, [ada, bob], id)
}

fn json_of(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("json")
}

#[tokio::test]
async fn lists_names_and_ends_are_the_servers_and_work_without_it() {
    let data = tempfile::TempDir::new().expect("a directory");
    let (server, [ada, bob], id) = with_pair(data.path()).await;
    let address = server.address;
    let devices = json_of(&server.run(&["devices", "--json"]));
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(2));
    let renamed = server.run(&["devices", "rename", ada.id().as_str(), "Kitchen"]);
    assert!(renamed.status.success(), "{renamed:?}");
    let table = String::from_utf8(server.run(&["devices"]).stdout).expect("text");
    assert!(
        table.contains("Kitchen") && table.contains("Bob"),
        "{table}"
    );
    let revoked = server.run(&["pairs", "revoke", &id]);
    assert!(revoked.status.success(), "{revoked:?}");
    let asked = token(&server, &assertion(&server, &bob), Some(&id)).await;
    assert_eq!(asked.expect("an answer").1["code"], "revoked");
    let (code, _, _) = server.stop();
    assert_eq!(code, Some(0));
    let revoked = run(
        data.path(),
        address,
        &["devices", "revoke", bob.id().as_str()],
    );
    assert!(revoked.status.success(), "{revoked:?}");
    let devices = json_of(&run(data.path(), address, &["devices", "--json"]));
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1));
    let audit = json_of(&run(data.path(), address, &["audit", "--json"]));
    assert_eq!(audit["entries"][0]["action"], "device-revoked");
    let server = Process::start(data.path(), address, &[]);
    let asked = token(&server, &assertion(&server, &bob), None).await;
    assert_eq!(asked.expect("an answer").1["code"], "revoked");
}

#[tokio::test]
async fn rotated_keys_let_old_tokens_live_and_killed_ones_do_not() {
    let data = tempfile::TempDir::new().expect("a directory");
    let (server, [ada, _], _) = with_pair(data.path()).await;
    let old = account_token(&server, &ada).await;
    let rotated = json_of(&server.run(&["keys", "rotate", "--json"]));
    let keys = rotated["keys"].as_array().expect("a list");
    let states: Vec<_> = keys.iter().map(|key| key["state"].as_str()).collect();
    assert_eq!(states, [Some("previous"), Some("current"), Some("next")]);
    let new = account_token(&server, &ada).await;
    let list = async |token: &str| {
        let call = server.call(Method::GET, "/api/devices", token, &Value::Null);
        call.await.expect("an answer")
    };
    assert_eq!((list(&old).await.0, list(&new).await.0), (200, 200));
    let rotated = json_of(&server.run(&["keys", "rotate", "--json"]));
    let keys = rotated["keys"].as_array().expect("a list");
    assert_eq!(keys[0]["state"], "retired");
    assert_eq!((list(&old).await.0, list(&new).await.0), (200, 200));
    let kid = keys[0]["kid"].as_str().expect("a kid");
    json_of(&server.run(&["keys", "kill", kid, "--json"]));
    let (status, refused) = list(&old).await;
    let expected = (401, json!("token-unknown-key"));
    assert_eq!((status, refused["code"].clone()), expected);
    assert_eq!(list(&new).await.0, 200);
}

#[tokio::test]
async fn what_does_not_exist_is_said_with_exit_code_1() {
    let data = tempfile::TempDir::new().expect("a directory");
    let (server, [ada, _], _) = with_pair(data.path()).await;
    let nobody = "A".repeat(43);
    let long = "x".repeat(65);
    for arguments in [
        &["devices", "revoke", "x"][..],
        &["devices", "revoke", &nobody],
        &["devices", "rename", ada.id().as_str(), &long],
        &["pairs", "revoke", "../setup"],
        &["pairs", "add", "--unverified", ada.id().as_str(), &nobody],
        &["keys", "kill", &nobody],
    ] {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.starts_with("helio: "), "{error}");
        assert!(!error.contains("no reason given"), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_until_the_first_is_killed() {
    let data = tempfile::TempDir::new().expect("a directory");
    let first = Process::start(data.path(), free_address(), &[]);
    let second = run(data.path(), free_address(), &["serve"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let reason = String::from_utf8(second.stderr).expect("text");
    assert!(reason.contains("another helio serves"), "{reason}");
    first.kill();
    drop(first);
    Process::start(data.path(), free_address(), &[]).stop();
}
