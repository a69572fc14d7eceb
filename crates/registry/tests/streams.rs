//! Whose a stream is, and what its shares open until they end.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use identity::testing::{CREATED_MS, TestDevice};
use identity::{Assertion, OneTimeSecret, ReadAssertion, SecretHash, ShareCode};
use protocol::id::{AccountId, ShareId};
use protocol::stream::{StreamAction, StreamName};
use registry::{
    MAX_SHARES_PER_STREAM, MAX_STREAMS_PER_ACCOUNT, OpenShareError, Registry, Share, ShareError,
    StreamChange, StreamError,
};
use tempfile::TempDir;

const NOW_MS: u64 = CREATED_MS + 1000;
const HOUR_MS: u64 = 3_600_000;

struct Shelf {
    /// Removed with it.
    directory: TempDir,
    registry: Registry,
}

/// A registry with the accounts 0, of an admin, and 1.
async fn shelf() -> Shelf {
    let directory = tempfile::tempdir().unwrap();
    let registry = open(&directory).await;
    for number in [0, 1] {
        let device = TestDevice::new(u64::from(number), "device");
        let secret = OneTimeSecret::from_bytes([number; 16]).hash();
        let made = registry
            .create_setup_invite(&secret, NOW_MS, NOW_MS + HOUR_MS)
            .await;
        made.unwrap();
        let (record, assertion) = (device.verified_record(), assertion(&device));
        let redeemed = registry
            .redeem_invite(&secret, &record, &assertion, account(number), NOW_MS)
            .await;
        redeemed.unwrap();
    }
    Shelf {
        directory,
        registry,
    }
}

async fn open(directory: &TempDir) -> Registry {
    let file = directory.path().join("heliograph.db");
    Registry::open_file(&file).await.unwrap()
}

fn assertion(device: &TestDevice) -> Assertion {
    let (origin, now_s) = ("https://here", NOW_MS / 1000);
    let text = device.assertion(origin, now_s, 1);
    let read = ReadAssertion::read(&text).unwrap();
    let origins = [origin.to_owned()];
    read.verify(&device.record().key, &origins, now_s).unwrap()
}

/// Whether anybody may view it.
fn public(is_public: bool) -> StreamChange {
    StreamChange {
        is_public: Some(is_public),
        ..StreamChange::default()
    }
}

fn account(number: u8) -> AccountId {
    AccountId::from_bytes(&[number; 16])
}

fn name(text: &str) -> StreamName {
    StreamName::parse(text).unwrap()
}

/// A share of `cam0` for an hour.
fn share(number: u8) -> Share {
    Share {
        id: ShareId::from_bytes(&[number; 16]),
        stream: name("cam0"),
        action: StreamAction::View,
        label: String::new(),
        created_ms: NOW_MS + u64::from(number),
        expires_ms: NOW_MS + HOUR_MS,
    }
}

fn code(number: u8) -> SecretHash {
    ShareCode::from_bytes([number; 32]).hash()
}

async fn with_cam0() -> Shelf {
    let shelf = shelf().await;
    let claimed = shelf
        .registry
        .claim_stream(&name("cam0"), &account(0), NOW_MS)
        .await;
    claimed.unwrap();
    shelf
}

async fn audit(registry: &Registry) -> Vec<(String, Option<StreamName>, Option<ShareId>)> {
    let log = registry.audit_log().await.unwrap();
    let of_streams = log.into_iter().filter(|entry| entry.stream.is_some());
    of_streams
        .map(|entry| (entry.action, entry.stream, entry.share))
        .collect()
}

#[tokio::test]
async fn a_name_belongs_to_the_account_that_asked_first() {
    let shelf = shelf().await;
    let registry = &shelf.registry;
    let cam0 = name("cam0");
    assert_eq!(registry.stream(&cam0).await.unwrap(), None);
    let first = registry.claim_stream(&cam0, &account(0), NOW_MS).await;
    let first = first.unwrap();
    assert!(!first.is_public, "nobody was asked");
    let again = registry.claim_stream(&cam0, &account(0), NOW_MS + 1).await;
    assert_eq!(again.unwrap(), first);
    let other = registry.claim_stream(&cam0, &account(1), NOW_MS).await;
    assert!(matches!(other, Err(StreamError::Taken { .. })));
    let other = registry
        .put_stream(&cam0, Some(&account(1)), public(true), NOW_MS)
        .await;
    assert!(matches!(other, Err(StreamError::Taken { .. })));
    let of = async |number| registry.streams(Some(&account(number))).await.unwrap();
    assert_eq!((of(0).await, of(1).await), (vec![first], vec![]));
    assert_eq!(audit(registry).await.len(), 1);
}

#[tokio::test]
async fn a_stream_is_public_when_its_account_or_the_operator_says_so() {
    let shelf = shelf().await;
    let registry = &shelf.registry;
    let cam0 = name("cam0");
    let by_nobody = registry.put_stream(&cam0, None, public(true), NOW_MS).await;
    assert!(matches!(by_nobody, Err(StreamError::NotFound { .. })));
    let put = registry
        .put_stream(&cam0, Some(&account(1)), public(true), NOW_MS)
        .await;
    assert!(put.unwrap().is_public);
    assert!(registry.stream(&cam0).await.unwrap().unwrap().is_public);
    let closed = registry
        .put_stream(&cam0, None, public(false), NOW_MS)
        .await;
    assert_eq!(closed.unwrap().account, account(1));
    assert!(!registry.stream(&cam0).await.unwrap().unwrap().is_public);
    let again = registry
        .put_stream(&cam0, None, public(false), NOW_MS)
        .await;
    assert!(again.is_ok());
    let actions: Vec<_> = audit(registry)
        .await
        .into_iter()
        .map(|entry| entry.0)
        .collect();
    let expected = ["stream-closed", "stream-opened", "stream-added"];
    assert_eq!(actions, expected, "what changes nothing is no entry");
}

#[tokio::test]
async fn a_stream_is_recorded_when_its_account_says_so_and_else_stays_as_it_is() {
    let shelf = shelf().await;
    let registry = &shelf.registry;
    let (cam0, by) = (name("cam0"), Some(account(0)));
    let recorded = |is_recorded| StreamChange {
        is_recorded: Some(is_recorded),
        ..StreamChange::default()
    };
    let by = by.as_ref();
    let put = registry.put_stream(&cam0, by, public(true), NOW_MS).await;
    assert!(!put.unwrap().is_recorded, "nobody asked for it");
    let put = registry.put_stream(&cam0, by, recorded(true), NOW_MS).await;
    let put = put.unwrap();
    assert!(put.is_public && put.is_recorded);
    assert_eq!(registry.stream(&cam0).await.unwrap(), Some(put));
    let put = registry.put_stream(&cam0, None, recorded(false), NOW_MS);
    assert!(!put.await.unwrap().is_recorded);
    let actions = audit(registry).await.into_iter().map(|entry| entry.0);
    let actions: Vec<_> = actions.collect();
    assert_eq!(actions[..2], ["recording-ended", "recording-begun"]);
}

#[tokio::test]
async fn an_account_has_100_streams_and_not_one_more() {
    let shelf = shelf().await;
    let registry = &shelf.registry;
    for number in 0..MAX_STREAMS_PER_ACCOUNT {
        let name = name(&format!("cam{number}"));
        let claimed = registry.claim_stream(&name, &account(0), NOW_MS).await;
        claimed.unwrap();
    }
    let more = registry
        .claim_stream(&name("more"), &account(0), NOW_MS)
        .await;
    assert!(matches!(more, Err(StreamError::TooMany)));
    let more = registry
        .put_stream(&name("more"), Some(&account(0)), public(false), NOW_MS)
        .await;
    assert!(matches!(more, Err(StreamError::TooMany)));
    let known = registry
        .claim_stream(&name("cam0"), &account(0), NOW_MS)
        .await;
    assert!(known.is_ok());
    let other = registry
        .claim_stream(&name("more"), &account(1), NOW_MS)
        .await;
    assert!(other.is_ok());
}

#[tokio::test]
async fn a_share_opens_its_stream_until_it_expires_also_after_a_restart() {
    let shelf = with_cam0().await;
    let made = shelf
        .registry
        .create_share(&share(1), &code(1), Some(&account(0)))
        .await;
    made.unwrap();
    shelf.registry.close().await;
    let registry = open(&shelf.directory).await;
    let end_ms = NOW_MS + HOUR_MS;
    let opened = registry.open_share(&code(1), end_ms - 1).await.unwrap();
    assert_eq!(opened, share(1));
    let late = registry.open_share(&code(1), end_ms).await;
    assert!(matches!(late, Err(OpenShareError::Expired)));
    let guess = registry.open_share(&code(2), NOW_MS).await;
    assert!(matches!(guess, Err(OpenShareError::Unknown)));
    let list = async |now_ms| registry.shares(&name("cam0"), None, now_ms).await.unwrap();
    assert_eq!(list(end_ms - 1).await, [share(1)]);
    assert_eq!(list(end_ms).await, []);
}

#[tokio::test]
async fn a_revoked_share_opens_nothing_and_says_so() {
    let shelf = with_cam0().await;
    let registry = &shelf.registry;
    let (cam0, by) = (name("cam0"), account(0));
    for number in [1, 2] {
        let made = registry
            .create_share(&share(number), &code(number), Some(&by))
            .await;
        made.unwrap();
    }
    let id = share(1).id;
    let revoke = async |stream: &str, by: u8| {
        let (stream, by) = (name(stream), account(by));
        registry.revoke_share(&stream, &id, Some(&by), NOW_MS).await
    };
    let foreign = revoke("cam0", 1).await;
    assert!(matches!(
        foreign,
        Err(ShareError::Stream(StreamError::Taken { .. }))
    ));
    let claimed = registry.claim_stream(&name("cam1"), &by, NOW_MS).await;
    claimed.unwrap();
    let elsewhere = revoke("cam1", 0).await;
    assert!(matches!(elsewhere, Err(ShareError::NotFound)));
    assert!(registry.open_share(&code(1), NOW_MS).await.is_ok());
    revoke("cam0", 0).await.unwrap();
    let opened = registry.open_share(&code(1), NOW_MS).await;
    assert!(matches!(opened, Err(OpenShareError::Revoked)));
    assert!(registry.open_share(&code(2), NOW_MS).await.is_ok());
    let again = revoke("cam0", 0).await;
    assert!(matches!(again, Err(ShareError::NotFound)));
    let listed = registry.shares(&cam0, Some(&by), NOW_MS).await.unwrap();
    assert_eq!(listed, [share(2)]);
    let newest = audit(registry).await.swap_remove(0);
    assert_eq!(newest, ("share-revoked".to_owned(), Some(cam0), Some(id)));
}

#[tokio::test]
async fn only_the_streams_account_or_the_operator_shares_it() {
    let shelf = with_cam0().await;
    let registry = &shelf.registry;
    let foreign = registry
        .create_share(&share(1), &code(1), Some(&account(1)))
        .await;
    assert!(matches!(
        foreign,
        Err(ShareError::Stream(StreamError::Taken { .. }))
    ));
    let listed = registry
        .shares(&name("cam0"), Some(&account(1)), NOW_MS)
        .await;
    assert!(matches!(listed, Err(StreamError::Taken { .. })));
    let nowhere = Share {
        stream: name("cam1"),
        ..share(1)
    };
    let none = registry.create_share(&nowhere, &code(1), None).await;
    assert!(matches!(
        none,
        Err(ShareError::Stream(StreamError::NotFound { .. }))
    ));
    let made = registry.create_share(&share(1), &code(1), None).await;
    assert!(made.is_ok());
}

#[tokio::test]
async fn a_label_follows_the_rules_of_names_or_is_empty() {
    let shelf = with_cam0().await;
    let with_label = |label: &str| Share {
        label: label.to_owned(),
        ..share(1)
    };
    for label in ["a\nb", &"x".repeat(65)] {
        let made = shelf
            .registry
            .create_share(&with_label(label), &code(1), None)
            .await;
        assert!(matches!(made, Err(ShareError::Label(_))), "{label:?}");
    }
    let longest = with_label(&"é".repeat(64));
    let made = shelf.registry.create_share(&longest, &code(1), None).await;
    assert!(made.is_ok());
}

#[tokio::test]
async fn a_stream_has_100_shares_that_serve_and_not_one_more() {
    let shelf = with_cam0().await;
    let registry = &shelf.registry;
    let most = u8::try_from(MAX_SHARES_PER_STREAM).unwrap();
    for number in 0..most {
        let made = registry
            .create_share(&share(number), &code(number), None)
            .await;
        made.unwrap();
    }
    let more = registry.create_share(&share(most), &code(most), None).await;
    assert!(matches!(more, Err(ShareError::TooMany)));
    let revoked = registry
        .revoke_share(&name("cam0"), &share(0).id, None, NOW_MS)
        .await;
    revoked.unwrap();
    let made = registry.create_share(&share(most), &code(most), None).await;
    assert!(made.is_ok(), "one that ended makes room");
}

#[tokio::test]
async fn of_ended_shares_the_newest_100_are_remembered() {
    let shelf = with_cam0().await;
    let registry = &shelf.registry;
    for number in 0..=101 {
        let made = registry
            .create_share(&share(number), &code(number), None)
            .await;
        made.unwrap();
        let revoked = registry
            .revoke_share(&name("cam0"), &share(number).id, None, NOW_MS)
            .await;
        revoked.unwrap();
    }
    let made = registry.create_share(&share(200), &code(200), None).await;
    made.unwrap();
    for (number, is_known) in [(0, false), (1, false), (2, true), (101, true)] {
        let opened = registry.open_share(&code(number), NOW_MS).await;
        let is_revoked = matches!(opened, Err(OpenShareError::Revoked));
        assert_eq!(is_revoked, is_known, "{number}: {opened:?}");
    }
    assert!(registry.open_share(&code(200), NOW_MS).await.is_ok());
}

#[tokio::test]
async fn a_forgotten_name_is_anybodys_and_its_shares_open_nothing() {
    let shelf = with_cam0().await;
    let registry = &shelf.registry;
    let cam0 = name("cam0");
    for number in [1, 2] {
        let made = registry
            .create_share(&share(number), &code(number), None)
            .await;
        made.unwrap();
    }
    let foreign = registry
        .forget_stream(&cam0, Some(&account(1)), NOW_MS)
        .await;
    assert!(matches!(foreign, Err(StreamError::Taken { .. })));
    let ended = registry
        .forget_stream(&cam0, Some(&account(0)), NOW_MS)
        .await;
    let mut ended = ended.unwrap();
    ended.sort();
    assert_eq!(ended, [share(1).id, share(2).id]);
    let claimed = registry.claim_stream(&cam0, &account(1), NOW_MS).await;
    assert_eq!(claimed.unwrap().account, account(1));
    let opened = registry.open_share(&code(1), NOW_MS).await;
    assert!(matches!(opened, Err(OpenShareError::Unknown)));
    let again = registry.forget_stream(&name("cam9"), None, NOW_MS).await;
    assert!(matches!(again, Err(StreamError::NotFound { .. })));
}
