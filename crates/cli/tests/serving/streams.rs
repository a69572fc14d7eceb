//! `helio streams` beside a server that runs, and on its data while none does.

use hyper::Method;
use identity::testing::TestDevice;
use serde_json::{Value, json};

use crate::people::{assertion, redeem, setup_secret};
use crate::process::{Process, free_address, run};

/// A server on which Ada's account has `cam0`.
pub(crate) async fn with_cam0(data: &std::path::Path) -> Process {
    let server = Process::start(data, free_address(), &[]);
    let ada = TestDevice::new(1, "Ada");
    let redeemed = redeem(&server, &setup_secret(&server), &ada).await;
    assert_eq!(redeemed.expect("an answer").0, 201);
    let body = json!({"assertion": assertion(&server, &ada), "scope": "publish:cam0"});
    let asked = server.call(Method::POST, "/api/auth/webrtc-token", "", &body);
    let (status, reply) = asked.await.expect("an answer");
    assert_eq!(status, 200, "{reply}");
    server
}

fn text_of(output: std::process::Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

async fn opened(server: &Process, code: &str) -> (u16, Value) {
    let asked = server.call(Method::GET, "/api/share", code, &Value::Null);
    asked.await.expect("an answer")
}

#[tokio::test]
async fn a_stream_is_listed_shared_and_opened_to_anybody() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let listed = text_of(server.run(&["streams"]));
    assert!(listed.contains("cam0") && listed.contains("no"), "{listed}");
    let share = [
        "streams",
        "share",
        "cam0",
        "--view",
        "--expires",
        "1h",
        "--label",
        "Door",
    ];
    let said = text_of(server.run(&share));
    let (url, rest) = said.split_once('\n').expect("lines");
    let (_, code) = url.split_once("/s/#").expect("a link");
    assert!(rest.contains("/cam0/whep") && rest.contains(code), "{rest}");
    let (status, reply) = opened(&server, code).await;
    assert_eq!((status, &reply["action"]), (200, &json!("view")));
    let listed = text_of(server.run(&["streams", "shares", "cam0", "--json"]));
    assert!(!listed.contains(code), "{listed}");
    let listed: Value = serde_json::from_str(&listed).expect("json");
    assert_eq!(listed["shares"][0]["label"], "Door");
    let id = listed["shares"][0]["id"].as_str().expect("an id");
    text_of(server.run(&["streams", "revoke", "cam0", id]));
    assert_eq!(opened(&server, code).await.1["code"], "share-revoked");
    text_of(server.run(&["streams", "public", "cam0", "on"]));
    let path = "/api/streams/cam0/access?action=view";
    let access = async || {
        let asked = server.call(Method::GET, path, "", &Value::Null);
        asked.await.expect("an answer").0
    };
    assert_eq!(access().await, 200);
    text_of(server.run(&["streams", "public", "cam0", "off"]));
    assert_eq!(access().await, 401);
    let audit = text_of(server.run(&["audit"]));
    let newest = audit.lines().nth(1).expect("an entry");
    assert!(
        newest.contains("stream-closed") && newest.contains("cam0"),
        "{newest}"
    );
}

#[tokio::test]
async fn shares_are_made_and_ended_without_the_server_too() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let address = server.address;
    let (code, _, _) = server.stop();
    assert_eq!(code, Some(0));
    let share = ["streams", "share", "cam0", "--publish", "--json"];
    let [kept, ended] = [(); 2].map(|()| {
        let made = text_of(run(data.path(), address, &share));
        serde_json::from_str::<Value>(&made).expect("json")
    });
    let id = ended["id"].as_str().expect("an id");
    text_of(run(
        data.path(),
        address,
        &["streams", "revoke", "cam0", id],
    ));
    let server = Process::start(data.path(), address, &[]);
    let code = |share: &Value| share["code"].as_str().expect("a code").to_owned();
    assert_eq!(opened(&server, &code(&kept)).await.0, 200);
    assert_eq!(
        opened(&server, &code(&ended)).await.1["code"],
        "share-revoked"
    );
}

#[tokio::test]
async fn a_stream_or_share_that_does_not_exist_is_said_with_exit_code_1() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let nobody = "A".repeat(22);
    for arguments in [
        &["streams", "shares", "cam1"][..],
        &["streams", "share", "cam1", "--view"],
        &["streams", "public", "cam1", "on"],
        &["streams", "revoke", "cam0", &nobody],
        &["streams", "revoke", "cam0", "x"],
    ] {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.starts_with("helio: "), "{error}");
        assert!(!error.contains("no reason given"), "{arguments:?}: {error}");
    }
}
