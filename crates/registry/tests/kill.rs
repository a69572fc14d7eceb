//! `kill -9` at any moment: what was answered is there, and nothing is there by half.
//!
//! The test runs itself as a child, which writes as fast as it can and says what was answered;
//! the parent kills it at a random moment and looks at what is left.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use identity::testing::{CREATED_MS, TestDevice, sign_pair};
use identity::{Assertion, OneTimeSecret, ReadAssertion, VerifiedPair, verify_signature};
use protocol::base64url::Base64Url;
use protocol::id::{AccountId, PairId};
use protocol::record::{DeviceRecord, PairStatement};
use registry::Registry;
use sqlx::{Connection, Row, SqliteConnection};

const CHILD_FILE: &str = "HELIOGRAPH_KILL_TEST_FILE";
const CHILD_START: &str = "HELIOGRAPH_KILL_TEST_START";
const KILLS: u64 = 6;
/// Numbers of one child's devices and assertions begin here times its round.
const ROUND: u64 = 1_000_000;
const ORIGIN: &str = "https://here";

#[test]
fn kill_minus_9_loses_nothing_that_was_answered_and_leaves_no_half_pair() {
    if let Ok(file) = std::env::var(CHILD_FILE) {
        let start = std::env::var(CHILD_START).unwrap().parse().unwrap();
        return block_on(write_until_killed(Path::new(&file), start));
    }
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    println!("seed {seed}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("heliograph.db");
    let mut random = u64::from(seed) | 1;
    let mut answered = BTreeSet::new();
    for round in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The child dies in the middle of whatever follows its n-th answer.
        let answers = 1 + random % 60;
        answered.extend(run_child(&file, round * ROUND, answers));
        block_on(check(&file, &answered));
    }
    assert!(answered.len() as u64 >= KILLS, "{answered:?}");
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(work);
}

/// Runs a child, kills it after `answers` of its answers, and returns all that it gave.
fn run_child(file: &Path, start: u64, answers: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill_minus_9_loses_nothing_that_was_answered_and_leaves_no_half_pair",
        ])
        .arg("--nocapture")
        .env(CHILD_FILE, file)
        .env(CHILD_START, start.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut answered: Vec<String> = Vec::new();
    while (answered.len() as u64) < answers {
        let line = lines.next().expect("the child writes until it is killed");
        answered.extend(line.strip_prefix("answered ").map(str::to_owned));
    }
    // SIGKILL on Unix.
    child.kill().unwrap();
    child.wait().unwrap();
    answered.extend(lines.filter_map(|line| Some(line.strip_prefix("answered ")?.to_owned())));
    answered
}

/// Accounts, pairs and assertions without end; each is told once it was answered.
async fn write_until_killed(file: &Path, start: u64) {
    let registry = Registry::open_file(file).await.unwrap();
    let tell = |what: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "answered {what}").unwrap();
        out.flush().unwrap();
    };
    for number in (start..).step_by(2) {
        let (one, other) = (
            TestDevice::new(number, "one"),
            TestDevice::new(number + 1, "other"),
        );
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let secret = OneTimeSecret::from_bytes(bytes).hash();
        registry
            .create_setup_invite(&secret, CREATED_MS, CREATED_MS + 1)
            .await
            .unwrap();
        let (record, account) = (one.verified_record(), AccountId::from_bytes(&bytes));
        let first = verified(&one, &one.assertion(ORIGIN, 1000, number + 1));
        registry
            .redeem_invite(&secret, &record, &first, account, CREATED_MS)
            .await
            .unwrap();
        tell(format!("device {}", one.id()));
        let pair = VerifiedPair::new(sign_pair(&one, &other, CREATED_MS + number)).unwrap();
        registry
            .add_pair(&pair, &one.id(), CREATED_MS)
            .await
            .unwrap();
        tell(format!("pair {}", pair.statement().pair_id));
        let text = one.assertion(ORIGIN, 1000, number);
        let assertion = verified(&one, &text);
        assert!(
            registry
                .use_assertion(&assertion, CREATED_MS)
                .await
                .unwrap()
        );
        tell(format!("assertion {number} {text}"));
    }
}

fn verified(device: &TestDevice, assertion: &str) -> Assertion {
    let read = ReadAssertion::read(assertion).unwrap();
    let origins = [ORIGIN.to_owned()];
    read.verify(&device.record().key, &origins, 1000).unwrap()
}

async fn check(file: &Path, answered: &BTreeSet<String>) {
    let url = format!("sqlite:{}", file.display());
    let mut plain = SqliteConnection::connect(&url).await.unwrap();
    let verdict = sqlx::query("PRAGMA integrity_check")
        .fetch_one(&mut plain)
        .await
        .unwrap();
    assert_eq!(verdict.get::<String, _>(0), "ok");
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut plain)
        .await
        .unwrap();
    assert!(orphans.is_empty());
    check_pairs(&mut plain).await;
    check_accounts(&mut plain).await;
    plain.close().await.unwrap();

    let registry = Registry::open_file(file).await.unwrap();
    let devices = registry.all_devices().await.unwrap();
    let pairs = registry.all_pairs().await.unwrap();
    let devices: BTreeSet<_> = devices
        .iter()
        .map(|device| format!("device {}", device.id()))
        .collect();
    let pairs: BTreeSet<_> = pairs
        .iter()
        .map(|pair| format!("pair {}", pair.pair_id))
        .collect();
    for fact in answered {
        match fact.strip_prefix("assertion ") {
            None => assert!(
                devices.contains(fact) || pairs.contains(fact),
                "lost: {fact}"
            ),
            Some(assertion) => check_assertion(&registry, assertion).await,
        }
    }
    registry.close().await;
}

/// Every stored pair verifies from the file alone: both devices, both signatures.
async fn check_pairs(plain: &mut SqliteConnection) {
    let rows = sqlx::query("SELECT * FROM device_pairs")
        .fetch_all(&mut *plain)
        .await
        .unwrap();
    for row in rows {
        let mut records: Vec<DeviceRecord> = Vec::new();
        for column in ["device_a", "device_b"] {
            let record = sqlx::query_scalar("SELECT record FROM devices WHERE device_id = $1")
                .bind(row.get::<String, _>(column))
                .fetch_one(&mut *plain);
            let record: String = record.await.unwrap();
            records.push(serde_json::from_str(&record).unwrap());
        }
        let statement = PairStatement {
            pair_id: PairId::parse(row.get("pair_id")).unwrap(),
            a: records[0].device_id.clone(),
            b: records[1].device_id.clone(),
            time: u64::try_from(row.get::<i64, _>("created_ms")).unwrap(),
        };
        for (record, column) in records.iter().zip(["sig_a", "sig_b"]) {
            let signature = Base64Url::parse(row.get(column)).unwrap();
            assert!(verify_signature(
                &record.key,
                &statement.signed_bytes(),
                &signature
            ));
        }
    }
}

/// An account without a device or a used assertion, or a used invite without an account, would
/// be a half setup.
async fn check_accounts(plain: &mut SqliteConnection) {
    let count = async |plain: &mut SqliteConnection, query: &'static str| -> i64 {
        sqlx::query_scalar(query).fetch_one(plain).await.unwrap()
    };
    let empty = "SELECT COUNT(*) FROM accounts WHERE account_id NOT IN (SELECT account_id \
         FROM devices JOIN used_assertions ON issuer = device_id)";
    assert_eq!(count(plain, empty).await, 0);
    let used = count(
        plain,
        "SELECT COUNT(*) FROM invites WHERE used_ms IS NOT NULL",
    )
    .await;
    assert_eq!(used, count(plain, "SELECT COUNT(*) FROM accounts").await);
}

async fn check_assertion(registry: &Registry, assertion: &str) {
    let (number, text) = assertion.split_once(' ').unwrap();
    let device = TestDevice::new(number.parse().unwrap(), "one");
    let assertion = verified(&device, text);
    assert!(
        !registry
            .use_assertion(&assertion, CREATED_MS)
            .await
            .unwrap(),
        "works twice: {number}"
    );
}
