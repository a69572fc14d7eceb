//! Named limits, each at the limit and one over it.

use std::time::Duration;

use crate::world::*;
use turn::{DropCause, Limits, Settings};

fn with(limits: Limits) -> World {
    World::with(Settings {
        limits,
        ..settings()
    })
}

#[test]
fn allocations_of_one_id_over_the_quota_are_486() {
    let mut world = with(Limits {
        allocations_per_id: 2,
        ..Limits::default()
    });
    let mut first = world.allocated("device");
    world.pass(Duration::from_secs(1));
    // Another credential of the same device counts for the same quota.
    world.allocated("device");
    assert_eq!(world.client("device").allocate(&mut world).code(), 486);
    assert_eq!(world.client("other").allocate(&mut world).code(), 0);
    first.refresh(&mut world, 0);
    assert_eq!(world.client("device").allocate(&mut world).code(), 0);
}

#[test]
fn over_the_quota_an_allocation_whose_client_is_silent_makes_room_and_no_other() {
    let mut world = with(Limits {
        allocations_per_id: 3,
        ..Limits::default()
    });
    let peer = "198.51.100.9:4000";
    let mut relaying = world.allocated("device");
    assert_eq!(relaying.permit(&mut world, peer).code(), 0);
    let left_behind = world.allocated("device").from;
    let mut asking = world.allocated("device");
    world.allocated("another device");
    world.pass(Duration::from_secs(10) - Duration::from_millis(1));
    assert!(relaying.send(&mut world, peer, b"heard").is_some());
    assert_eq!(asking.refresh(&mut world, 600).code(), 0);
    assert_eq!(world.client("device").allocate(&mut world).code(), 486);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.client("device").allocate(&mut world).code(), 0);
    assert_eq!(world.ended, [left_behind]);
    assert_eq!(world.client("device").allocate(&mut world).code(), 486);
}

#[test]
fn allocations_over_the_total_are_508() {
    let mut world = with(Limits {
        allocations_total: 2,
        ..Limits::default()
    });
    world.allocated("a");
    world.allocated("b");
    assert_eq!(world.client("c").allocate(&mut world).code(), 508);
}

#[test]
fn permissions_over_the_limit_are_508_and_expired_ones_make_room() {
    let mut world = with(Limits {
        permissions_per_allocation: 3,
        ..Limits::default()
    });
    let mut client = world.allocated("device");
    for host in 1..=3 {
        assert_eq!(
            client
                .permit(&mut world, &format!("198.51.100.{host}:1"))
                .code(),
            0
        );
    }
    assert_eq!(
        client.permit(&mut world, "198.51.100.3:2").code(),
        0,
        "a known one"
    );
    assert_eq!(client.permit(&mut world, "198.51.100.4:1").code(), 508);
    world.pass(Duration::from_secs(300));
    assert_eq!(client.permit(&mut world, "198.51.100.4:1").code(), 0);
}

#[test]
fn channels_over_the_limit_are_508() {
    let mut world = with(Limits {
        permissions_per_allocation: 2,
        ..Limits::default()
    });
    let mut client = world.allocated("device");
    for (number, port) in [(0x4000, 1), (0x4001, 2)] {
        let peer = format!("198.51.100.9:{port}");
        assert_eq!(client.bind(&mut world, number, &peer).code(), 0);
    }
    assert_eq!(
        client.bind(&mut world, 0x4002, "198.51.100.9:3").code(),
        508
    );
}

#[test]
fn bandwidth_of_an_allocation_is_capped_both_ways() {
    let mut world = with(Limits {
        allocation_bytes_per_sec: Some(100_000),
        ..Limits::default()
    });
    let mut client = world.allocated("device");
    client.permit(&mut world, PEER);
    let relay = *world.relays.keys().next().unwrap();
    let now = world.now.instant;
    for _ in 0..50 {
        assert!(client.send(&mut world, PEER, &[0; 1000]).is_some());
        assert!(
            world
                .server
                .handle_peer(relay, addr(PEER), &[0; 1000], now)
                .is_some()
        );
    }
    assert!(client.send(&mut world, PEER, &[0; 1000]).is_none());
    assert!(
        world
            .server
            .handle_peer(relay, addr(PEER), &[0; 1000], now)
            .is_none()
    );
    assert_eq!(world.server.stats().dropped[&DropCause::OverBandwidth], 2);
    let mut other = world.allocated("device");
    other.permit(&mut world, PEER);
    assert!(
        other.send(&mut world, PEER, &[0; 1000]).is_some(),
        "others go on"
    );
    world.pass(Duration::from_millis(10));
    assert!(client.send(&mut world, PEER, &[0; 1000]).is_some());
    assert!(client.send(&mut world, PEER, &[0; 1000]).is_none());
}

#[test]
fn bandwidth_in_all_is_capped() {
    let mut world = with(Limits {
        total_bytes_per_sec: Some(100_000),
        ..Limits::default()
    });
    let mut clients = [world.allocated("a"), world.allocated("b")];
    for client in &mut clients {
        client.permit(&mut world, PEER);
        for _ in 0..50 {
            assert!(client.send(&mut world, PEER, &[0; 1000]).is_some());
        }
    }
    for client in &clients {
        assert!(client.send(&mut world, PEER, &[0; 1000]).is_none());
    }
}
