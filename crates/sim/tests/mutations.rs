//! Does anybody notice when the signalling core is broken? Each mutation below is applied to a
//! copy of the sources, whose tests and simulation must then fail.
//!
//! Slow, so ignored by default: `cargo test -p sim --test mutations -- --ignored`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// File below `crates/`, what stands there, what is put in its place.
const MUTATIONS: [(&str, &str, &str); 18] = [
    (
        "signalling/src/link_room.rs",
        "pair_id != seat.grant.pair.as_str()",
        "false",
    ),
    (
        "signalling/src/link_room.rs",
        "signal::relayed(text, &grant.device)",
        "text.to_owned()",
    ),
    (
        "signalling/src/link_room.rs",
        "presence(&pair, &device, true)",
        "String::from(\"{}\")",
    ),
    (
        "signalling/src/link_room.rs",
        "presence(&pair, &device, false)",
        "String::from(\"{}\")",
    ),
    (
        "signalling/src/link_room.rs",
        "if other > socket",
        "if other < socket",
    ),
    (
        "signalling/src/link_room.rs",
        "seat.revoked_meanwhile.contains(&admission.peer)",
        "false",
    ),
    (
        "signalling/src/link_room.rs",
        "*sockets -= 1;",
        "*sockets -= 0;",
    ),
    (
        "signalling/src/link_seat.rs",
        "self.candidates > MAX",
        "self.candidates >= MAX",
    ),
    (
        "signalling/src/link_seat.rs",
        "names(&grant) != names(&self.grant)",
        "false",
    ),
    (
        "signalling/src/outbox.rs",
        "if self.closing.insert(socket)",
        "if !self.closing.insert(socket) || true",
    ),
    (
        "signalling/src/heartbeat.rs",
        "self.missed += 1",
        "self.missed += 0",
    ),
    ("signalling/src/bucket.rs", "missing > 0.0", "missing > 1.0"),
    ("signalling/src/rendezvous.rs", "invite.ends > now || ", ""),
    (
        "signalling/src/rendezvous.rs",
        "if invite.joiner.is_some()",
        "if false",
    ),
    (
        "signalling/src/register_room.rs",
        "register::relayed(text, &id)",
        "text.to_owned()",
    ),
    (
        "signalling/src/hub/closing.rs",
        "!self.is_draining && !is_dead",
        "!is_dead",
    ),
    (
        "signalling/src/hub.rs",
        "renewal.filter(|renewal| !self.is_dead(&renewal.grant.kid))",
        "renewal",
    ),
    ("protocol/src/json.rs", "if !may_hold(text, key)", "if true"),
];

#[test]
#[ignore = "compiles the core once per mutation"]
fn every_broken_variant_of_the_core_is_caught() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mutations");
    copy_sources(&root, &copy).expect("the sources are copied");
    assert!(passes(&copy), "the sources pass as they are");
    let mut survivors = Vec::new();
    for mutation in MUTATIONS {
        let is_noticed = !survives(&copy, &mutation);
        println!(
            "{} {mutation:?}",
            if is_noticed { "caught" } else { "SURVIVED" }
        );
        if !is_noticed {
            survivors.push(mutation);
        }
    }
    assert!(survivors.is_empty(), "nobody noticed {survivors:#?}");
}

fn survives(copy: &Path, (file, from, to): &(&str, &str, &str)) -> bool {
    let path = copy.join("crates").join(file);
    let source = fs::read_to_string(&path).expect("the file is there");
    assert_eq!(source.matches(from).count(), 1, "{file} has {from:?} once");
    fs::write(&path, source.replace(from, to)).expect("the mutation is written");
    assert!(succeeds(copy, &["--no-run"]), "{file} compiles with {to:?}");
    let survives = passes(copy);
    fs::write(&path, source).expect("the source is put back");
    survives
}

fn passes(copy: &Path) -> bool {
    succeeds(copy, &[])
}

fn succeeds(copy: &Path, flags: &[&str]) -> bool {
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args([
            "test",
            "--quiet",
            "--offline",
            "-p",
            "signalling",
            "-p",
            "sim",
        ])
        .args(flags)
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .output();
    status.expect("cargo runs").status.success()
}

/// The workspace; only what the two packages need of it is ever compiled.
fn copy_sources(root: &Path, copy: &Path) -> io::Result<()> {
    fs::create_dir_all(copy)?;
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(root.join(file), copy.join(file))?;
    }
    copy_dir(&root.join("crates"), &copy.join("crates"))
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
