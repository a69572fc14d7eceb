//! `kill -9` at random moments: what was acknowledged is there, and nothing is there by half.
//!
//! `HELIO_SEED` repeats a run as far as the operating system lets it.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use hyper::Method;
use identity::testing::TestDevice;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::people::{assertion, fresh, now_ms, pair, redeem, setup_secret, token};
use crate::process::{Process, free_address};

const ROUNDS: usize = 6;
/// Assertions serve this long after they were made; later they are refused as expired.
const ASSERTION_LIFE_MS: u64 = 60_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What the server said that it did.
#[derive(Default)]
struct Acknowledged {
    accounts: Vec<TestDevice>,
    pairs: Vec<String>,
    ended_pairs: Vec<String>,
    assertions: Vec<(u64, String)>,
}

impl Acknowledged {
    fn count(&self) -> usize {
        self.accounts.len() + self.pairs.len() + self.ended_pairs.len() + self.assertions.len()
    }
}

/// A token by a fresh assertion, which is noted once the server has answered.
async fn fresh_token(
    server: &Process,
    device: &TestDevice,
    done: &RefCell<Acknowledged>,
) -> Option<String> {
    let made_ms = now_ms();
    let assertion = assertion(server, device);
    let (status, reply) = token(server, &assertion, None).await?;
    assert_eq!(status, 200, "{reply}");
    done.borrow_mut().assertions.push((made_ms, assertion));
    Some(reply["token"].as_str().expect("a token").to_owned())
}

/// Invites and sets up account after account, until the server dies.
async fn found_accounts(
    server: &Process,
    admin: &TestDevice,
    done: &RefCell<Acknowledged>,
) -> Option<()> {
    loop {
        let token = fresh_token(server, admin, done).await?;
        let nothing = json!({});
        let call = server.call(Method::POST, "/api/invites", &token, &nothing);
        let (status, invite) = call.await?;
        assert_eq!(status, 201, "{invite}");
        let url = invite["url"].as_str().expect("a url");
        let (_, secret) = url.split_once('#').expect("a secret");
        let device = TestDevice::new(fresh(), "Founder");
        let (status, reply) = redeem(server, secret, &device).await?;
        assert_eq!(status, 201, "{reply}");
        done.borrow_mut().accounts.push(device);
    }
}

/// Pairs device after device with the admin's, ends every third pair, until the server dies.
async fn make_pairs(
    server: &Process,
    admin: &TestDevice,
    done: &RefCell<Acknowledged>,
) -> Option<()> {
    let token = fresh_token(server, admin, done).await?;
    let mut made = 0;
    loop {
        let device = TestDevice::new(fresh(), "Joiner");
        let (id, reply) = pair(server, &token, admin, &device).await;
        let (status, reply) = reply?;
        assert_eq!(status, 201, "{reply}");
        made += 1;
        if made % 3 != 0 {
            done.borrow_mut().pairs.push(id);
            continue;
        }
        let path = format!("/api/pairs/{id}");
        let call = server.call(Method::DELETE, &path, &token, &Value::Null);
        let (status, reply) = call.await?;
        assert_eq!(status, 204, "{reply}");
        done.borrow_mut().ended_pairs.push(id);
    }
}

async fn kill_after(
    server: &Process,
    writes: usize,
    pause: Duration,
    done: &RefCell<Acknowledged>,
) {
    let due = done.borrow().count() + writes;
    while done.borrow().count() < due {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(pause).await;
    server.kill();
}

async fn database_is_whole(data: &Path) {
    let options = SqliteConnectOptions::new().filename(data.join("heliograph.db"));
    let mut database = options.connect().await.expect("it opens");
    let check: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut database)
        .await
        .expect("it can be checked");
    assert_eq!(check, "ok");
    for half in [
        "SELECT count(*) FROM pragma_foreign_key_check",
        "SELECT count(*) FROM device_pairs WHERE sig_a IS NULL OR sig_b IS NULL",
        "SELECT count(*) FROM accounts WHERE account_id NOT IN (SELECT account_id FROM devices)",
    ] {
        let found: i64 = sqlx::query_scalar(half)
            .fetch_one(&mut database)
            .await
            .expect("it can be asked");
        assert_eq!(found, 0, "{half}");
    }
}

async fn everything_is_there(server: &Process, admin: &TestDevice, done: &Acknowledged) {
    for device in &done.accounts {
        let asked = token(server, &assertion(server, device), None).await;
        let (status, reply) = asked.expect("it answers");
        assert_eq!(status, 200, "a lost account: {reply}");
    }
    let asked = token(server, &assertion(server, admin), None).await;
    let reply = asked.expect("it answers").1;
    let account = reply["token"].as_str().expect("a token");
    let call = server.call(Method::GET, "/api/pairs", account, &Value::Null);
    let (_, list) = call.await.expect("it answers");
    let listed = list["pairs"].as_array().expect("a list");
    let is_listed = |id: &String| listed.iter().any(|pair| pair["pairId"] == json!(id));
    assert!(done.pairs.iter().all(is_listed), "a lost pair");
    assert!(!done.ended_pairs.iter().any(is_listed), "a pair came back");
    let recent = now_ms().saturating_sub(ASSERTION_LIFE_MS);
    for (_, used) in done.assertions.iter().filter(|(made, _)| *made > recent) {
        let (status, reply) = token(server, used, None).await.expect("it answers");
        let refused = (status, reply["code"].as_str());
        assert_eq!(refused, (401, Some("assertion-used")), "{reply}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_9_at_any_moment() {
    let seed = std::env::var("HELIO_SEED").ok();
    let seed = seed
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(now_ms);
    println!("HELIO_SEED={seed}");
    let mut random = Random(seed);
    let data = tempfile::TempDir::new().expect("a directory");
    let address = free_address();
    let admin = TestDevice::new(1, "Admin");
    let done = RefCell::new(Acknowledged::default());
    let mut server = Process::start(data.path(), address, &[]);
    let secret = setup_secret(&server);
    let (status, reply) = redeem(&server, &secret, &admin).await.expect("an answer");
    assert_eq!(status, 201, "{reply}");
    for round in 0..ROUNDS {
        let writes = 3 + usize::try_from(random.below(25)).expect("small");
        let pause = Duration::from_micros(random.below(4_000));
        let _dead = tokio::join!(
            found_accounts(&server, &admin, &done),
            make_pairs(&server, &admin, &done),
            make_pairs(&server, &admin, &done),
            kill_after(&server, writes, pause, &done),
        );
        database_is_whole(data.path()).await;
        server = Process::start(data.path(), address, &[]);
        let so_far = done.take();
        everything_is_there(&server, &admin, &so_far).await;
        done.replace(so_far);
        println!("round {round}: {} writes", done.borrow().count());
    }
    assert!(!done.borrow().accounts.is_empty() && !done.borrow().pairs.is_empty());
    let (code, _, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
}
