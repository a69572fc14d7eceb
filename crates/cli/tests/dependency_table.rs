//! Holds the table of `ARCHITECTURE.md`: which crate may use which, and what the pure ones never see.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crate → crates of ours that it may use, directly or not.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("protocol", &[]),
    ("identity", &["protocol"]),
    ("signalling", &["protocol"]),
    ("turn", &[]),
    ("gateway", &["protocol"]),
    ("conform", &[]),
    ("whip", &[]),
    ("registry", &["identity", "protocol"]),
    ("peer", &["identity", "protocol"]),
    ("llm", &["identity", "peer", "protocol"]),
    (
        "server",
        &[
            "gateway",
            "identity",
            "protocol",
            "registry",
            "signalling",
            "turn",
            "whip",
        ],
    ),
    (
        "cli",
        &[
            "conform",
            "gateway",
            "identity",
            "llm",
            "peer",
            "protocol",
            "registry",
            "server",
            "signalling",
            "turn",
            "whip",
        ],
    ),
    (
        "sim",
        &["identity", "llm", "peer", "protocol", "signalling", "turn"],
    ),
];

/// Pure crates must not even be able to open a socket, a file or a database.
const PURE: [&str; 5] = ["protocol", "identity", "signalling", "turn", "gateway"];
const WORLD: [&str; 9] = [
    "tokio",
    "mio",
    "socket2",
    "quinn-udp",
    "hyper",
    "axum",
    "sqlx",
    "rustls",
    "async-std",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path("../../Cargo.toml")
        .exec()
        .expect("cargo metadata runs")
}

/// Every package that `root` is built with, tests left out.
fn built_with<'a>(metadata: &'a Metadata, root: &PackageId) -> BTreeSet<&'a str> {
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("metadata was asked for dependencies");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut open = vec![root.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependency in &nodes[&id].deps {
            let is_built = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if is_built && seen.insert(dependency.pkg.clone()) {
                open.push(dependency.pkg.clone());
            }
        }
    }
    seen.iter().map(|id| metadata[id].name.as_str()).collect()
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let metadata = metadata();
    let table: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let ours: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(
        ours,
        table.keys().copied().collect(),
        "the table names every crate"
    );
    for package in metadata.workspace_packages() {
        let used = built_with(&metadata, &package.id);
        let allowed: BTreeSet<_> = table[package.name.as_str()].iter().copied().collect();
        let broken: Vec<_> = used
            .intersection(&ours)
            .filter(|name| !allowed.contains(*name))
            .collect();
        assert!(
            broken.is_empty(),
            "{} must not use {broken:?}",
            package.name
        );
    }
}

#[test]
fn pure_crates_cannot_reach_the_world() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if PURE.contains(&package.name.as_str()) {
            let used = built_with(&metadata, &package.id);
            let world: Vec<_> = WORLD.iter().filter(|name| used.contains(*name)).collect();
            assert!(
                world.is_empty(),
                "{} reaches the world through {world:?}",
                package.name
            );
        }
    }
}

/// `cargo metadata` also lists what a weak feature would add to a dependency that is off, so the
/// tree of what is built is asked.
#[test]
fn nothing_links_a_second_cryptography_or_tls_library() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "cli",
            "--edges",
            "normal",
            "--target",
            "all",
        ])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("package names are ASCII");
    let built: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(built.contains("aws-lc-rs"), "the tree lists what is built");
    for banned in ["openssl", "openssl-sys", "native-tls", "ring"] {
        assert!(!built.contains(banned), "{banned} is built into helio");
    }
}
