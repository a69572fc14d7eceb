//! The packet path, in both directions and between two relays of ours.

use crate::world::*;
use turn::{DropCause, Relay, RelayId, Transport};

fn only_relay(world: &World) -> RelayId {
    *world.relays.keys().next().unwrap()
}

#[test]
fn send_needs_a_permission_for_the_address_whatever_the_port() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    assert_eq!(client.send(&mut world, PEER, b"x"), None);
    client.permit(&mut world, "198.51.100.9:1");
    let relay = client.send(&mut world, PEER, b"x");
    assert!(is_sent_to(&relay, PEER));
    assert_eq!(client.send(&mut world, "198.51.100.10:7000", b"x"), None);
}

#[test]
fn send_carries_its_payload_out_of_the_relay() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.permit(&mut world, PEER);
    client.bind(&mut world, 0x4000, PEER);
    let datagram = channel_data(0x4000, b"hello");
    let relay = world.send(client.from, &datagram);
    let (from, to, payload) = sent(relay, &datagram).unwrap();
    assert_eq!(
        (from, to, payload),
        (only_relay(&world), addr(PEER), b"hello".to_vec())
    );
}

#[test]
fn peer_without_permission_is_dropped() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let (relay, now) = (only_relay(&world), world.now.instant);
    assert_eq!(world.server.handle_peer(relay, addr(PEER), b"x", now), None);
    client.permit(&mut world, "198.51.100.9:1");
    assert!(
        world
            .server
            .handle_peer(relay, addr(PEER), b"x", now)
            .is_some()
    );
    assert_eq!(world.server.stats().dropped[&DropCause::NoPermission], 1);
}

#[test]
fn peer_comes_as_data_or_by_its_channel() {
    let mut world = World::new();
    let mut client = world.client("device");
    client.from.transport = Transport::Tcp;
    client.allocate(&mut world);
    client.permit(&mut world, PEER);
    let (relay, now) = (only_relay(&world), world.now.instant);
    for payload in [&b""[..], b"1", b"12", b"123", b"1234"] {
        let packet = world.server.handle_peer(relay, addr(PEER), payload, now);
        let expected = (client.from, Seen::Data(addr(PEER), payload.to_vec()));
        assert_eq!(seen(packet.unwrap(), payload), expected);
    }
    client.bind(&mut world, 0x4001, PEER);
    for payload in [&b""[..], b"1", b"12", b"123", b"1234"] {
        let packet = world
            .server
            .handle_peer(relay, addr(PEER), payload, now)
            .unwrap();
        let Relay::ToClient { padding, .. } = packet else {
            panic!("for the client");
        };
        assert_eq!((payload.len() + padding) % 4, 0, "streams are padded");
        let expected = (client.from, Seen::Channel(0x4001, payload.to_vec()));
        assert_eq!(seen(packet, payload), expected);
    }
}

#[test]
fn channel_data_to_udp_clients_is_not_padded() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.bind(&mut world, 0x4000, PEER);
    let (relay, now) = (only_relay(&world), world.now.instant);
    let packet = world.server.handle_peer(relay, addr(PEER), b"x", now);
    assert!(matches!(packet, Some(Relay::ToClient { padding: 0, .. })));
}

#[test]
fn ipv6_peers_come_as_data() {
    let mut world = World::new();
    let mut client = world.client("device");
    client.allocate_v6(&mut world);
    client.permit(&mut world, PEER_V6);
    let (relay, now) = (only_relay(&world), world.now.instant);
    let packet = world
        .server
        .handle_peer(relay, addr(PEER_V6), b"six", now)
        .unwrap();
    let expected = (client.from, Seen::Data(addr(PEER_V6), b"six".to_vec()));
    assert_eq!(seen(packet, b"six"), expected);
}

#[test]
fn channel_data_that_lies_about_its_length_is_dropped() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.bind(&mut world, 0x4000, PEER);
    for frame in [&[0x40][..], &[0x40, 0, 0], &[0x40, 0, 0, 2, 1]] {
        assert_eq!(world.send(client.from, frame), None);
    }
    assert_eq!(world.server.stats().dropped[&DropCause::Malformed], 3);
    // Padding after it is none of the payload.
    let padded = [0x40, 0, 0, 1, 9, 0, 0, 0];
    let relay = world.send(client.from, &padded);
    assert_eq!(sent(relay, &padded).unwrap().2, [9]);
}

#[test]
fn unbound_channels_and_strangers_are_dropped() {
    let mut world = World::new();
    let client = world.allocated("device");
    let stranger = world.client("device");
    assert_eq!(client.send_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(stranger.send_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(stranger.send(&mut world, PEER, b"x"), None);
    assert_eq!(world.server.stats().dropped[&DropCause::NoAllocation], 2);
}

#[test]
fn payload_too_large_for_a_datagram_is_dropped() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.permit(&mut world, PEER);
    let (relay, now) = (only_relay(&world), world.now.instant);
    let largest = vec![0; 65_456];
    assert!(
        world
            .server
            .handle_peer(relay, addr(PEER), &largest, now)
            .is_some()
    );
    assert!(
        world
            .server
            .handle_peer(relay, addr(PEER), &[0; 65_457], now)
            .is_none()
    );
}

/// One packet from `first` to `second`, in process and as two hops through sockets.
fn compare_hairpin_with_two_hops(uses_channels: bool) {
    let mut world = World::new();
    let mut first = world.client("first");
    let first_relayed = first.allocate(&mut world).relayed();
    let mut second = world.client("second");
    let second_relayed = second.allocate(&mut world).relayed();
    let peers = (first_relayed.to_string(), second_relayed.to_string());
    first.permit(&mut world, &peers.1);
    let now = world.now.instant;
    let second_relay = world.relay_at((ip(RELAY_IP), second_relayed.port()).into());
    let first_bound = (ip(RELAY_IP), first_relayed.port()).into();

    let strangers = world
        .server
        .handle_peer(second_relay, first_bound, b"hop", now);
    assert_eq!(strangers, None);
    assert_eq!(
        first.send(&mut world, &peers.1, b"hop"),
        None,
        "no permission, either way"
    );

    second.permit(&mut world, &peers.0);
    if uses_channels {
        first.bind(&mut world, 0x4100, &peers.1);
        second.bind(&mut world, 0x4200, &peers.0);
    }
    let datagram = channel_data(0x4100, b"hop");
    let in_process = if uses_channels {
        let relay = first.send_channel(&mut world, 0x4100, b"hop").unwrap();
        seen(relay, &datagram)
    } else {
        // The payload stands behind header, address and attribute header: 20 + 12 + 4.
        let relay = first.send(&mut world, &peers.1, b"hop").unwrap();
        seen(relay, &[&[0; 36], &b"hop"[..]].concat())
    };
    let by_sockets = world
        .server
        .handle_peer(second_relay, first_bound, b"hop", now);
    assert_eq!(in_process, seen(by_sockets.unwrap(), b"hop"));
    let expected = match uses_channels {
        true => Seen::Channel(0x4200, b"hop".to_vec()),
        false => Seen::Data(first_relayed, b"hop".to_vec()),
    };
    assert_eq!(in_process, (second.from, expected));
    let stats = world.server.stats();
    assert_eq!(
        (stats.relayed_to_peers_bytes, stats.relayed_to_clients_bytes),
        (6, 6)
    );
}

#[test]
fn hairpin_is_two_hops_with_indications() {
    compare_hairpin_with_two_hops(false);
}

#[test]
fn hairpin_is_two_hops_with_channels() {
    compare_hairpin_with_two_hops(true);
}
