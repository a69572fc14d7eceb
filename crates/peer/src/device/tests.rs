//! Keys that are made once, and refused where they do not belong together.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn profile(name: &str) -> DeviceProfile {
    DeviceProfile {
        name: name.to_owned(),
        kind: DeviceKind::Box,
        now_ms: 1_760_000_000_000,
    }
}

#[test]
fn a_device_is_made_once() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("home");
    assert!(matches!(Device::open(&home), Err(DeviceError::None(_))));
    let made = Device::open_or_create(&home, &profile("Garage")).unwrap();
    let again = Device::open_or_create(&home, &profile("Attic")).unwrap();
    assert_eq!(made.id(), again.id());
    assert_eq!(again.keys().record().name, "Garage");
    let opened = Device::open(&home).unwrap();
    assert_eq!(opened.keys().record(), made.keys().record());
    let other = Device::open_or_create(dir.path().join("other"), &profile("Garage")).unwrap();
    assert_ne!(other.id(), made.id());
}

#[test]
fn eight_that_make_one_at_once_get_the_same() {
    let dir = TempDir::new().unwrap();
    let ids: std::collections::BTreeSet<_> = std::thread::scope(|scope| {
        let make = || Device::open_or_create(dir.path().join("home"), &profile("Garage")).unwrap();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        let made = threads.into_iter().map(|thread| thread.join().unwrap());
        made.map(|device| device.id().clone()).collect()
    });
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let dir = TempDir::new().unwrap();
    Device::open_or_create(dir.path(), &profile("Garage")).unwrap();
    let path = dir.path().join("device.json");
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
    let error = Device::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("device.json has mode 604"), "{error}");
}

#[test]
fn a_record_of_other_keys_is_refused() {
    let dir = TempDir::new().unwrap();
    let one = Device::open_or_create(dir.path().join("one"), &profile("One")).unwrap();
    let two = Device::open_or_create(dir.path().join("two"), &profile("Two")).unwrap();
    let mut mixed = one.store().identity().unwrap().unwrap();
    mixed.record = two.keys().record().clone();
    one.store().put_identity(&mixed).unwrap();
    let error = Device::open(dir.path().join("one")).unwrap_err();
    assert!(matches!(error, DeviceError::OtherKeys(_)), "{error}");
}

#[test]
fn a_name_that_no_page_would_show_is_refused() {
    let dir = TempDir::new().unwrap();
    for name in ["", "a\nb", &"a".repeat(65)] {
        let made = Device::open_or_create(dir.path(), &profile(name));
        assert!(matches!(made, Err(DeviceError::Name(_))), "{name:?}");
    }
}
