//! What ends when.

use std::time::Duration;

use crate::world::*;
use turn::DropCause;
use turn_types::attribute::Lifetime;

#[test]
fn lifetime_is_capped_at_ten_minutes() {
    let mut world = World::new();
    for asked in [1, 600, 3600, u32::MAX] {
        let mut client = world.client("device");
        let answer = client.allocate_with(&mut world, &[&Lifetime::new(asked)]);
        assert_eq!(answer.lifetime(), 600, "{asked} asked");
        assert_eq!(
            client.refresh(&mut world, asked).lifetime(),
            600,
            "{asked} asked"
        );
    }
}

#[test]
fn expired_allocation_frees_its_port() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    world.pass(Duration::from_millis(599_999));
    assert_eq!(world.relays.len(), 1);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.relays.len(), 0);
    assert_eq!(world.ended, [client.from]);
    assert_eq!(client.refresh(&mut world, 600).code(), 437);
    assert_eq!(world.server.poll_timeout(), None);
}

#[test]
fn refresh_puts_the_end_off_and_zero_brings_it_on() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    world.pass(Duration::from_secs(500));
    assert_eq!(client.refresh(&mut world, 600).lifetime(), 600);
    world.pass(Duration::from_secs(500));
    assert_eq!(world.relays.len(), 1);
    assert_eq!(client.refresh(&mut world, 0).lifetime(), 0);
    assert_eq!(world.relays.len(), 0);
    assert_eq!(client.refresh(&mut world, 0).code(), 437);
}

#[test]
fn disconnected_stream_frees_its_port() {
    let mut world = World::new();
    let client = world.allocated("device");
    world.server.handle_disconnect(client.from);
    world.obey();
    assert_eq!(
        (world.relays.len(), world.server.stats().allocations),
        (0, 0)
    );
}

#[test]
fn permission_ends_after_five_minutes() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.permit(&mut world, PEER);
    world.pass(Duration::from_millis(299_999));
    assert!(client.send(&mut world, PEER, b"x").is_some());
    world.pass(Duration::from_millis(1));
    assert_eq!(client.send(&mut world, PEER, b"x"), None);
    assert_eq!(world.server.stats().dropped[&DropCause::NoPermission], 1);
}

#[test]
fn channel_ends_after_ten_minutes_and_its_number_is_free_again() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    assert_eq!(client.bind(&mut world, 0x4000, PEER).code(), 0);
    world.pass(Duration::from_secs(300));
    client.refresh(&mut world, 600);
    world.pass(Duration::from_millis(299_999));
    assert!(client.send_channel(&mut world, 0x4000, b"x").is_some());
    world.pass(Duration::from_millis(1));
    assert_eq!(client.send_channel(&mut world, 0x4000, b"x"), None);
    let other = "198.51.100.10:7000";
    assert_eq!(client.bind(&mut world, 0x4000, other).code(), 0);
    assert_eq!(client.bind(&mut world, 0x4001, PEER).code(), 0);
}
