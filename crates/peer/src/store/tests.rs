//! The directory: modes, locks, replays, leftovers.

#![allow(clippy::disallowed_types, reason = "the files are what is tested")]

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use identity::testing::TestDevice;
use protocol::base64url::Base64Url;
use tempfile::TempDir;

use super::*;

fn store() -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = Store::new(dir.path().join("home"));
    (dir, store)
}

fn pair(number: u8) -> StoredPair {
    StoredPair {
        pair_id: PairId::from_bytes(&[number; 32]),
        server: "https://192.168.1.5:8443".to_owned(),
        peer: TestDevice::new(7, "Ada").record(),
        secret: Base64Url([number; 32]),
        state: PairState::Pending,
        created: u64::from(number),
        kept: 1_760_000_000_000,
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_pair_reads_back_and_only_its_owner_may_read_it() {
    let (_dir, store) = store();
    assert_eq!(store.pairs().unwrap(), []);
    let [one, two] = [pair(2), pair(1)];
    store.put_pair(&one).unwrap();
    store.put_pair(&two).unwrap();
    assert_eq!(
        store.pairs().unwrap(),
        [two.clone(), one.clone()],
        "oldest first"
    );
    assert_eq!(mode(store.dir()), 0o700);
    assert_eq!(mode(&store.pair_path(&one.pair_id)), 0o600);
    store.confirm_pair(&one.pair_id).unwrap();
    let kept = store.pair(&one.pair_id).unwrap().unwrap();
    assert_eq!(kept.state, PairState::Paired);
    assert_eq!(store.pair_with(&one.peer.device_id).unwrap(), Some(kept));
    store.delete_pair(&one.pair_id).unwrap();
    store.delete_pair(&one.pair_id).unwrap();
    assert_eq!(store.pairs().unwrap(), [two]);
}

#[test]
fn a_file_that_others_may_read_is_refused_by_its_name() {
    let (_dir, store) = store();
    let pair = pair(1);
    store.put_pair(&pair).unwrap();
    let path = store.pair_path(&pair.pair_id);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = store.pair(&pair.pair_id).unwrap_err().to_string();
    let remedy = format!("run `chmod 600 {}`", path.display());
    assert!(
        error.contains("mode 640") && error.contains(&remedy),
        "{error}"
    );
}

#[test]
fn a_file_that_holds_something_else_is_refused_by_its_name() {
    let (_dir, store) = store();
    store.put_pair(&pair(1)).unwrap();
    let path = store.pair_path(&pair(1).pair_id);
    std::fs::write(&path, "{").unwrap();
    let error = store.pairs().unwrap_err().to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
}

#[test]
fn a_write_that_was_killed_leaves_the_earlier_contents() {
    let (_dir, store) = store();
    store.put_pair(&pair(1)).unwrap();
    // What a process leaves that dies before it renames.
    let leftover = store.pair_path(&pair(1).pair_id).with_extension("tmp");
    std::fs::write(&leftover, "{\"pairId\":").unwrap();
    std::fs::set_permissions(&leftover, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(store.pairs().unwrap(), [pair(1)]);
    store.confirm_pair(&pair(1).pair_id).unwrap();
    assert_eq!(mode(&store.pair_path(&pair(1).pair_id)), 0o600);
    assert!(!leftover.exists());
}

#[test]
fn a_signature_time_is_accepted_once_and_outlives_its_pair() {
    let (_dir, store) = store();
    let id = pair(1).pair_id;
    assert!(store.raise_peer_time(&id, 100).unwrap());
    assert!(!store.raise_peer_time(&id, 100).unwrap());
    assert!(!store.raise_peer_time(&id, 99).unwrap());
    store.delete_pair(&id).unwrap();
    assert!(!store.raise_peer_time(&id, 100).unwrap());
    assert!(store.raise_peer_time(&id, 101).unwrap());
}

#[test]
fn own_signature_times_grow_while_the_clock_stands_or_goes_back() {
    let (_dir, store) = store();
    let id = pair(1).pair_id;
    assert_eq!(store.next_own_time(&id, 1000).unwrap(), 1000);
    assert_eq!(store.next_own_time(&id, 1000).unwrap(), 1001);
    assert_eq!(store.next_own_time(&id, 5).unwrap(), 1002);
}

#[test]
fn two_at_once_cannot_accept_one_message() {
    let (_dir, store) = store();
    let id = pair(1).pair_id;
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for ts in 1..=25 {
                    if store.raise_peer_time(&id, ts).unwrap() {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let accepted = accepted.load(Ordering::Relaxed);
    // A later one may come first and make earlier ones replays, but none is taken twice.
    assert!((1..=25).contains(&accepted), "{accepted}");
    assert!(!store.raise_peer_time(&id, 25).unwrap());
}

#[test]
fn servers_are_kept_by_their_origin() {
    let (_dir, store) = store();
    let server = |origin: &str| PinnedServer {
        origin: origin.to_owned(),
        authority: Some("PEM".to_owned()),
    };
    let all = [
        server("http://localhost:8080"),
        server("https://192.168.1.5:8443"),
        server("https://[fd77::1]:8443"),
    ];
    for each in &all {
        store.put_server(each).unwrap();
    }
    assert_eq!(store.servers().unwrap().len(), 3);
    for each in &all {
        assert_eq!(store.server(&each.origin).unwrap().as_ref(), Some(each));
    }
    assert_eq!(store.server("https://192.168.1.6:8443").unwrap(), None);
    let path = store.server_path("https://192.168.1.5:8443");
    assert!(path.ends_with("servers/192.168.1.5_8443.json"), "{path:?}");
}
