//! What the registry promises, on a real file.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::atomic::{AtomicU64, Ordering};

use identity::testing::{CREATED_MS, TestDevice, sign_pair};
use identity::{Assertion, OneTimeSecret, ReadAssertion, Scope, SecretHash, VerifiedPair};
use protocol::http::{MAX_AUDIT_ENTRIES, Role};
use protocol::id::{AccountId, DeviceId, PairId};
use registry::{
    AddPairError, DeviceError, KillKeyError, PairError, RecordUpdateError, RedeemError, Redeemed,
    Registry, RenameError,
};
use tempfile::TempDir;

const NOW_MS: u64 = CREATED_MS + 1000;
const LATER_MS: u64 = NOW_MS + 900_000;

struct Shelf {
    directory: TempDir,
    registry: Registry,
}

impl Shelf {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(&directory).await;
        Self {
            directory,
            registry,
        }
    }

    async fn reopened(self) -> Self {
        self.registry.close().await;
        let registry = open(&self.directory).await;
        Self { registry, ..self }
    }

    async fn with_account(self, device: &TestDevice) -> Self {
        let number = self.registry.all_devices().await.unwrap().len() as u8;
        self.registry
            .create_setup_invite(&secret(number), NOW_MS, LATER_MS)
            .await
            .unwrap();
        redeem(&self.registry, number, device, account(number), NOW_MS)
            .await
            .unwrap();
        self
    }

    async fn pair(&self, one: &TestDevice, other: &TestDevice) -> PairId {
        let pair = verified(one, other, NOW_MS);
        self.registry
            .add_pair(&pair, &one.id(), NOW_MS)
            .await
            .unwrap()
            .pair
            .pair_id
    }
}

async fn open(directory: &TempDir) -> Registry {
    let url = format!("sqlite:{}/heliograph.db", directory.path().display());
    Registry::open(&url).await.unwrap()
}

fn secret(number: u8) -> SecretHash {
    OneTimeSecret::from_bytes([number; 16]).hash()
}

fn account(number: u8) -> AccountId {
    AccountId::from_bytes(&[number; 16])
}

fn assertion(device: &TestDevice, number: u64) -> Assertion {
    let (origin, now_s) = ("https://here", NOW_MS / 1000);
    let text = device.assertion(origin, now_s, number);
    let read = ReadAssertion::read(&text).unwrap();
    let origins = [origin.to_owned()];
    read.verify(&device.record().key, &origins, now_s).unwrap()
}

/// Redeems the invite of a number with an assertion that was never used.
async fn redeem(
    registry: &Registry,
    invite: u8,
    device: &TestDevice,
    account: AccountId,
    now_ms: u64,
) -> Result<Redeemed, RedeemError> {
    static ASSERTIONS: AtomicU64 = AtomicU64::new(1000);
    let assertion = assertion(device, ASSERTIONS.fetch_add(1, Ordering::Relaxed));
    let record = device.verified_record();
    registry
        .redeem_invite(&secret(invite), &record, &assertion, account, now_ms)
        .await
}

fn verified(one: &TestDevice, other: &TestDevice, time_ms: u64) -> VerifiedPair {
    VerifiedPair::new(sign_pair(one, other, time_ms)).unwrap()
}

fn ada() -> TestDevice {
    TestDevice::new(1, "Ada's phone")
}

fn bob() -> TestDevice {
    TestDevice::new(2, "Bob's laptop")
}

#[tokio::test]
async fn the_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let shelf = Shelf::new().await.with_account(&ada()).await;
    for entry in std::fs::read_dir(shelf.directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn another_kind_of_url_is_refused() {
    for url in [
        "postgres://localhost/heliograph",
        "sqlite:",
        "/var/lib/heliograph.db",
    ] {
        assert!(Registry::open(url).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_setup_invite_makes_an_admin_account_with_its_device() {
    let shelf = Shelf::new().await;
    assert!(!shelf.registry.is_set_up().await.unwrap());
    let shelf = shelf.with_account(&ada()).await;
    assert!(shelf.registry.is_set_up().await.unwrap());
    let device = shelf.registry.device(&ada().id()).await.unwrap().unwrap();
    assert_eq!((device.role, &device.account), (Role::Admin, &account(0)));
    assert_eq!(device.record, ada().record());
}

#[tokio::test]
async fn an_invite_works_once_and_not_after_its_time() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let redeem =
        async |number, now_ms| redeem(&shelf.registry, number, &bob(), account(9), now_ms).await;
    assert!(matches!(redeem(0, NOW_MS).await, Err(RedeemError::Used)));
    assert!(matches!(redeem(7, NOW_MS).await, Err(RedeemError::Unknown)));
    shelf
        .registry
        .create_setup_invite(&secret(1), NOW_MS, LATER_MS)
        .await
        .unwrap();
    assert!(matches!(
        redeem(1, LATER_MS).await,
        Err(RedeemError::Expired)
    ));
    assert!(redeem(1, LATER_MS - 1).await.is_ok());
}

#[tokio::test]
async fn a_new_setup_invite_replaces_the_open_ones_but_no_account_invite() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let registry = &shelf.registry;
    registry
        .create_setup_invite(&secret(1), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let by = account(0);
    let role = Role::Member;
    registry
        .create_account_invite(&secret(2), role, &by, NOW_MS, LATER_MS)
        .await
        .unwrap();
    registry
        .create_setup_invite(&secret(3), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let first = redeem(registry, 1, &bob(), account(5), NOW_MS).await;
    assert!(matches!(first, Err(RedeemError::Unknown)));
    let member = redeem(registry, 2, &bob(), account(5), NOW_MS)
        .await
        .unwrap();
    assert_eq!(
        (member.account.role, member.is_first),
        (Role::Member, false)
    );
}

#[tokio::test]
async fn a_device_with_an_account_does_not_use_an_invite_up() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let registry = &shelf.registry;
    registry
        .create_setup_invite(&secret(1), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let again = redeem(registry, 1, &ada(), account(5), NOW_MS).await;
    assert!(matches!(again, Err(RedeemError::DeviceKnown)));
    let none = registry.devices_of_account(&account(5)).await.unwrap();
    assert!(none.is_empty());
    let other = redeem(registry, 1, &bob(), account(5), NOW_MS).await;
    assert!(other.is_ok());
}

#[tokio::test]
async fn whoever_has_no_open_invite_spends_no_assertion() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let registry = &shelf.registry;
    registry
        .create_setup_invite(&secret(1), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let (record, assertion) = (bob().verified_record(), assertion(&bob(), 1));
    let redeem = async |invite: u8, now_ms| {
        let secret = secret(invite);
        registry
            .redeem_invite(&secret, &record, &assertion, account(5), now_ms)
            .await
    };
    assert!(matches!(redeem(0, NOW_MS).await, Err(RedeemError::Used)));
    assert!(matches!(redeem(7, NOW_MS).await, Err(RedeemError::Unknown)));
    let late = redeem(1, LATER_MS).await;
    assert!(matches!(late, Err(RedeemError::Expired)));
    assert!(redeem(1, NOW_MS).await.is_ok());
    assert!(!registry.use_assertion(&assertion, NOW_MS).await.unwrap());
}

#[tokio::test]
async fn an_assertion_that_was_used_makes_no_account_and_leaves_the_invite_open() {
    let shelf = Shelf::new().await;
    let registry = &shelf.registry;
    registry
        .create_setup_invite(&secret(1), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let (record, used) = (ada().verified_record(), assertion(&ada(), 1));
    assert!(registry.use_assertion(&used, NOW_MS).await.unwrap());
    let refused = registry
        .redeem_invite(&secret(1), &record, &used, account(5), NOW_MS)
        .await;
    assert!(matches!(refused, Err(RedeemError::AssertionUsed)));
    assert!(!registry.is_set_up().await.unwrap());
    let fresh = redeem(registry, 1, &ada(), account(5), NOW_MS).await;
    assert!(fresh.is_ok());
}

#[tokio::test]
async fn of_two_that_redeem_one_invite_at_once_exactly_one_wins() {
    let shelf = Shelf::new().await;
    for round in 0..20_u8 {
        let registry = &shelf.registry;
        registry
            .create_setup_invite(&secret(round), NOW_MS, LATER_MS)
            .await
            .unwrap();
        let race = |side: u8| {
            let device = TestDevice::new(u64::from(round) * 2 + u64::from(side), "racer");
            let registry = registry.clone();
            let account = AccountId::from_bytes(&[round * 2 + side; 16]);
            tokio::spawn(async move { redeem(&registry, round, &device, account, NOW_MS).await })
        };
        let (one, other) = (race(0), race(1));
        let results = [one.await.unwrap(), other.await.unwrap()];
        let won = results.iter().filter(|result| result.is_ok()).count();
        let used = results
            .iter()
            .filter(|result| matches!(result, Err(RedeemError::Used)))
            .count();
        assert_eq!((won, used), (1, 1), "round {round}: {results:?}");
        assert_eq!(
            registry.all_devices().await.unwrap().len(),
            usize::from(round) + 1
        );
    }
}

#[tokio::test]
async fn an_unknown_device_joins_the_inviters_account_and_a_known_one_keeps_its_own() {
    let (ada, bob, eve) = (ada(), bob(), TestDevice::new(3, "Eve's box"));
    let shelf = Shelf::new()
        .await
        .with_account(&ada)
        .await
        .with_account(&bob)
        .await;
    let own = verified(&ada, &eve, NOW_MS);
    let added = shelf
        .registry
        .add_pair(&own, &ada.id(), NOW_MS)
        .await
        .unwrap();
    assert_eq!(added.new_device, Some(eve.id()));
    assert!(added.pair.is_verified && !added.pair.is_revoked());
    let of_two = verified(&ada, &bob, NOW_MS);
    let added = shelf
        .registry
        .add_pair(&of_two, &ada.id(), NOW_MS)
        .await
        .unwrap();
    assert_eq!(added.new_device, None);
    let account_of = async |device: &TestDevice| {
        shelf
            .registry
            .device(&device.id())
            .await
            .unwrap()
            .unwrap()
            .account
    };
    assert_eq!(account_of(&eve).await, account(0));
    assert_eq!(account_of(&bob).await, account(1));
    assert_eq!(
        shelf
            .registry
            .pairs_of_account(&account(0))
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        shelf
            .registry
            .pairs_of_account(&account(1))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_same_pair_may_be_added_again_but_not_after_it_was_revoked() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let pair = verified(&ada(), &bob(), NOW_MS);
    let first = shelf
        .registry
        .add_pair(&pair, &ada().id(), NOW_MS)
        .await
        .unwrap();
    let again = shelf
        .registry
        .add_pair(&pair, &ada().id(), NOW_MS)
        .await
        .unwrap();
    assert_eq!(first.pair, again.pair);
    let revoked = shelf
        .registry
        .revoke_pair(&first.pair.pair_id, None, NOW_MS)
        .await
        .unwrap();
    assert!(revoked.devices.contains(&ada().id()) && revoked.devices.contains(&bob().id()));
    let back = shelf.registry.add_pair(&pair, &ada().id(), NOW_MS).await;
    assert!(matches!(back, Err(AddPairError::PairRevoked)));
    let twice = shelf
        .registry
        .revoke_pair(&first.pair.pair_id, None, NOW_MS)
        .await;
    assert!(matches!(twice, Err(PairError::NotFound)));
    let fresh = verified(&ada(), &bob(), NOW_MS + 1);
    assert!(
        shelf
            .registry
            .add_pair(&fresh, &ada().id(), NOW_MS)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn two_devices_that_pair_again_have_the_newer_pair_only() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let registry = &shelf.registry;
    let eve = TestDevice::new(3, "Eve");
    let others = shelf.pair(&ada(), &eve).await;
    let older = shelf.pair(&ada(), &bob()).await;
    let devices = [&ada().id(), &bob().id()];
    let unverified = PairId::from_bytes(&[7; 32]);
    registry
        .add_unverified_pair(&unverified, devices, None, NOW_MS + 1)
        .await
        .unwrap();
    let stored = registry.pair(&older).await.unwrap().unwrap();
    assert!(
        !stored.is_revoked(),
        "an admin's word ends no verified pair"
    );
    let again = verified(&ada(), &bob(), NOW_MS + 1);
    let added = registry.add_pair(&again, &bob().id(), NOW_MS + 2).await;
    let added = added.unwrap();
    assert_eq!(added.replaced, [older.clone(), unverified]);
    let live = registry.pairs_of_account(&account(0)).await.unwrap();
    let live: Vec<_> = live.into_iter().map(|pair| pair.pair_id).collect();
    let newer = added.pair.pair_id;
    assert_eq!(live, [others, newer.clone()]);
    let entry = &registry.audit_log().await.unwrap()[1];
    assert_eq!(entry.action, "pair-replaced");
    assert_eq!(
        (&entry.pair, &entry.replaced_by),
        (&Some(older), &Some(newer))
    );
}

#[tokio::test]
async fn a_pair_is_added_by_one_of_its_two_devices_that_has_an_account() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let (bob, eve) = (bob(), TestDevice::new(3, "Eve"));
    let theirs = verified(&bob, &eve, NOW_MS);
    let outsider = shelf.registry.add_pair(&theirs, &ada().id(), NOW_MS).await;
    assert!(matches!(outsider, Err(AddPairError::NotOneOfThem)));
    let unknown = shelf.registry.add_pair(&theirs, &bob.id(), NOW_MS).await;
    assert!(matches!(unknown, Err(AddPairError::UnknownDevice { device }) if device == bob.id()));
    assert_eq!(shelf.registry.all_devices().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_revoked_device_takes_its_pairs_with_it_and_never_comes_back() {
    let (ada, bob, eve) = (ada(), bob(), TestDevice::new(3, "Eve"));
    let shelf = Shelf::new().await.with_account(&ada).await;
    let with_bob = shelf.pair(&ada, &bob).await;
    let with_eve = shelf.pair(&ada, &eve).await;
    let revoked = shelf
        .registry
        .revoke_device(&bob.id(), None, NOW_MS)
        .await
        .unwrap();
    let pairs: Vec<PairId> = revoked.pairs.into_iter().map(|pair| pair.pair_id).collect();
    assert_eq!(pairs, std::slice::from_ref(&with_bob));
    assert!(
        shelf
            .registry
            .pair(&with_bob)
            .await
            .unwrap()
            .unwrap()
            .is_revoked()
    );
    assert!(
        !shelf
            .registry
            .pair(&with_eve)
            .await
            .unwrap()
            .unwrap()
            .is_revoked()
    );
    let again = shelf.registry.revoke_device(&bob.id(), None, NOW_MS).await;
    assert!(matches!(again, Err(DeviceError::NotFound)));
    let fresh = verified(&ada, &bob, NOW_MS + 5);
    let back = shelf.registry.add_pair(&fresh, &ada.id(), NOW_MS).await;
    assert!(matches!(back, Err(AddPairError::DeviceRevoked { device }) if device == bob.id()));
    let invited = shelf.registry.add_pair(&fresh, &bob.id(), NOW_MS).await;
    assert!(matches!(invited, Err(AddPairError::DeviceRevoked { .. })));
    let record = shelf
        .registry
        .put_record(&bob.renamed("Bob", CREATED_MS + 9))
        .await;
    assert!(matches!(record, Err(RecordUpdateError::Revoked)));
    let devices = shelf
        .registry
        .devices_of_account(&account(0))
        .await
        .unwrap();
    assert!(devices.iter().all(|device| *device.id() != bob.id()) && devices.len() == 2);
}

#[tokio::test]
async fn an_unverified_pair_says_so_and_needs_two_live_devices() {
    let (ada, bob) = (ada(), bob());
    let shelf = Shelf::new().await.with_account(&ada).await;
    let id = PairId::from_bytes(&[4; 32]);
    let add = async |devices: [&DeviceId; 2]| {
        shelf
            .registry
            .add_unverified_pair(&id, devices, None, NOW_MS)
            .await
    };
    let unknown = add([&bob.id(), &ada.id()]).await;
    assert!(matches!(unknown, Err(AddPairError::UnknownDevice { .. })));
    assert!(matches!(
        add([&ada.id(), &ada.id()]).await,
        Err(AddPairError::SameDevice)
    ));
    shelf.pair(&ada, &bob).await;
    let pair = add([&bob.id(), &ada.id()]).await.unwrap();
    assert!(!pair.is_verified && pair.has_device(&ada.id()) && pair.has_device(&bob.id()));
    assert!(matches!(
        add([&ada.id(), &bob.id()]).await,
        Err(AddPairError::Taken)
    ));
}

#[tokio::test]
async fn a_label_of_a_pair_is_seen_by_its_own_account_only() {
    let (ada, bob) = (ada(), bob());
    let shelf = Shelf::new()
        .await
        .with_account(&ada)
        .await
        .with_account(&bob)
        .await;
    let id = shelf.pair(&ada, &bob).await;
    shelf
        .registry
        .rename_pair(&id, &account(0), "garden")
        .await
        .unwrap();
    let pair = shelf.registry.pair(&id).await.unwrap().unwrap();
    assert_eq!(pair.label_for(&account(0)), Some("garden"));
    assert_eq!(pair.label_for(&account(1)), None);
    let strange = shelf.registry.rename_pair(&id, &account(7), "mine").await;
    assert!(matches!(strange, Err(RenameError::NotFound)));
    shelf
        .registry
        .rename_pair(&id, &account(0), "")
        .await
        .unwrap();
    let pair = shelf.registry.pair(&id).await.unwrap().unwrap();
    assert_eq!(pair.label_for(&account(0)), None);
}

#[tokio::test]
async fn a_device_label_keeps_the_rules_of_names() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let rename = async |label: &str| shelf.registry.rename_device(&ada().id(), label).await;
    rename("<b>kitchen</b>").await.unwrap();
    assert!(matches!(
        rename(&"x".repeat(65)).await,
        Err(RenameError::Label(_))
    ));
    assert!(matches!(rename("a\nb").await, Err(RenameError::Label(_))));
    let device = shelf.registry.device(&ada().id()).await.unwrap().unwrap();
    assert_eq!(device.label.as_deref(), Some("<b>kitchen</b>"));
    let unknown = shelf.registry.rename_device(&bob().id(), "x").await;
    assert!(matches!(unknown, Err(RenameError::NotFound)));
}

#[tokio::test]
async fn a_record_gives_way_to_a_newer_one_only() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let registry = &shelf.registry;
    let newer = registry
        .put_record(&ada().renamed("Ada's new phone", CREATED_MS + 1))
        .await;
    assert_eq!(newer.unwrap().record.name, "Ada's new phone");
    let older = registry.put_record(&ada().verified_record()).await;
    assert!(matches!(older, Err(RecordUpdateError::Older { .. })));
    let unknown = registry.put_record(&bob().verified_record()).await;
    assert!(matches!(unknown, Err(RecordUpdateError::NotFound)));
    // A pair that carries an old record leaves the stored one.
    shelf.pair(&ada(), &bob()).await;
    let device = registry.device(&ada().id()).await.unwrap().unwrap();
    assert_eq!(device.record.name, "Ada's new phone");
}

#[tokio::test]
async fn an_assertion_used_before_a_restart_is_refused_after() {
    let shelf = Shelf::new().await;
    let assertion = |number| assertion(&ada(), number);
    assert!(
        shelf
            .registry
            .use_assertion(&assertion(1), NOW_MS)
            .await
            .unwrap()
    );
    assert!(
        !shelf
            .registry
            .use_assertion(&assertion(1), NOW_MS)
            .await
            .unwrap()
    );
    let shelf = shelf.reopened().await;
    assert!(
        !shelf
            .registry
            .use_assertion(&assertion(1), NOW_MS)
            .await
            .unwrap()
    );
    assert!(
        shelf
            .registry
            .use_assertion(&assertion(2), NOW_MS)
            .await
            .unwrap()
    );
    let last_s = assertion(1).forget_after_s;
    assert_eq!(shelf.registry.prune_assertions(last_s).await.unwrap(), 0);
    assert!(
        !shelf
            .registry
            .use_assertion(&assertion(1), NOW_MS)
            .await
            .unwrap()
    );
    assert_eq!(
        shelf.registry.prune_assertions(last_s + 1).await.unwrap(),
        2
    );
}

#[tokio::test]
async fn keys_outlive_a_restart_rotate_and_die() {
    let shelf = Shelf::new().await;
    let seeds = [[1; 32], [2; 32]];
    let ring = shelf
        .registry
        .load_or_create_key_ring(seeds, NOW_MS)
        .await
        .unwrap();
    let (device, account) = (ada().id(), account(0));
    let token = ring.issue(
        "https://here",
        (&account, &device),
        &Scope::Account,
        1000,
        [0; 16],
    );
    let kid = ring.current().thumbprint();

    let shelf = shelf.reopened().await;
    let ring = shelf
        .registry
        .load_or_create_key_ring([[8; 32], [9; 32]], NOW_MS)
        .await
        .unwrap();
    assert!(ring.verify("https://here", &token, 1000).is_ok());
    let ring = shelf
        .registry
        .rotate_keys([3; 32], Some(&account), NOW_MS)
        .await
        .unwrap();
    assert_eq!(ring.current().seed(), &[2; 32]);
    assert!(ring.verify("https://here", &token, 1000).is_ok());
    shelf
        .registry
        .rotate_keys([6; 32], Some(&account), NOW_MS + 1000)
        .await
        .unwrap();
    let shelf = shelf.reopened().await;
    let ring = shelf
        .registry
        .load_or_create_key_ring([[8; 32], [9; 32]], NOW_MS)
        .await
        .unwrap();
    assert!(ring.verify("https://here", &token, 1000).is_ok());
    let retired = ring.retired().iter().map(|retired| retired.key.seed());
    assert!(retired.eq([&[2; 32], &[1; 32]]), "the last one first");

    let ring = shelf
        .registry
        .kill_key(&kid, [4; 32], Some(&account), NOW_MS)
        .await
        .unwrap();
    assert!(ring.verify("https://here", &token, 1000).is_err());
    let again = shelf.registry.kill_key(&kid, [5; 32], None, NOW_MS).await;
    assert!(matches!(again, Err(KillKeyError::UnknownKey(_))));
    let shelf = shelf.reopened().await;
    let ring = shelf
        .registry
        .load_or_create_key_ring([[8; 32], [9; 32]], NOW_MS)
        .await
        .unwrap();
    assert!(ring.verify("https://here", &token, 1000).is_err());
    assert_eq!(ring.current().seed(), &[3; 32]);
}

#[tokio::test]
async fn a_reopened_database_keeps_everything() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let id = shelf.pair(&ada(), &bob()).await;
    let seen = assertion(&ada(), 1);
    let used = shelf.registry.use_assertion(&seen, NOW_MS + 7).await;
    assert!(used.unwrap());
    shelf
        .registry
        .create_setup_invite(&secret(9), NOW_MS, LATER_MS)
        .await
        .unwrap();
    let before = everything(&shelf.registry).await;
    let shelf = shelf.reopened().await;
    assert_eq!(everything(&shelf.registry).await, before);
    let pair = shelf.registry.pair(&id).await.unwrap().unwrap();
    assert_eq!(pair.peer_of(&ada().id()).unwrap().record, bob().record());
    let device = shelf.registry.device(&ada().id()).await.unwrap().unwrap();
    assert_eq!(device.last_seen_ms, Some(NOW_MS + 7));
    let late = TestDevice::new(5, "late");
    let redeemed = redeem(&shelf.registry, 9, &late, account(5), NOW_MS).await;
    assert!(redeemed.is_ok());
}

async fn everything(registry: &Registry) -> String {
    let devices = registry.all_devices().await.unwrap();
    let pairs = registry.all_pairs().await.unwrap();
    let audit = registry.audit_log().await.unwrap();
    format!("{devices:?} {pairs:?} {audit:?}")
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_newest_first_and_not_without_end() {
    let shelf = Shelf::new().await.with_account(&ada()).await;
    let id = shelf.pair(&ada(), &bob()).await;
    shelf
        .registry
        .revoke_device(&bob().id(), Some(&account(0)), NOW_MS + 5)
        .await
        .unwrap();
    let log = shelf.registry.audit_log().await.unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "pair-revoked",
        "device-revoked",
        "pair-added",
        "device-added",
        "device-added",
        "account-created",
        "setup-invite-created",
    ];
    assert_eq!(actions, expected);
    assert_eq!(
        (log[0].pair.as_ref(), log[0].account.as_ref()),
        (Some(&id), Some(&account(0)))
    );
    assert_eq!(log[1].device, Some(bob().id()));
    for _ in 0..MAX_AUDIT_ENTRIES {
        shelf
            .registry
            .create_setup_invite(&secret(9), NOW_MS, LATER_MS)
            .await
            .unwrap();
    }
    let log = shelf.registry.audit_log().await.unwrap();
    assert_eq!(log.len(), MAX_AUDIT_ENTRIES);
    assert!(
        log.iter()
            .all(|entry| entry.action == "setup-invite-created")
    );
}
