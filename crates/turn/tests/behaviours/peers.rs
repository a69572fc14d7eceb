//! Who may be reached: the deny list, own addresses, guests, families.

use crate::world::*;
use turn::{DropCause, Relay, Settings};
use turn_types::attribute::ChannelNumber;
use turn_types::message::{CHANNEL_BIND, CREATE_PERMISSION};

const DENIED_V4: [&str; 6] = [
    "127.0.0.1:80",
    "10.0.0.1:80",
    "169.254.169.254:80",
    "224.0.0.1:80",
    "0.0.0.0:80",
    "255.255.255.255:80",
];
const DENIED_V6: [&str; 6] = [
    "[::1]:80",
    "[::ffff:127.0.0.1]:80",
    "[::ffff:169.254.169.254]:80",
    "[2002:7f00:1::]:80",
    "[64:ff9b::10.0.0.1]:80",
    "[fd00::1]:80",
];

#[test]
fn denied_peers_are_403_and_never_sent_to() {
    let mut world = World::new();
    let mut v4 = world.allocated("device");
    let mut v6 = world.client("device");
    assert_eq!(v6.allocate_v6(&mut world).code(), 0);
    for (client, denied) in [(&mut v4, DENIED_V4), (&mut v6, DENIED_V6)] {
        for peer in denied {
            assert_eq!(client.permit(&mut world, peer).code(), 403, "{peer}");
            assert_eq!(client.bind(&mut world, 0x4000, peer).code(), 403, "{peer}");
            assert_eq!(client.send(&mut world, peer, b"x"), None, "{peer}");
            assert_eq!(
                client.send_channel(&mut world, 0x4000, b"x"),
                None,
                "{peer}"
            );
        }
    }
}

#[test]
fn one_denied_peer_spoils_the_whole_request() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let peers = [addr(PEER), addr("10.0.0.1:80")];
    assert_eq!(
        client
            .ask(&mut world, CREATE_PERMISSION, &[], &peers)
            .code(),
        403
    );
    assert_eq!(client.send(&mut world, PEER, b"x"), None);
}

#[test]
fn allowed_range_is_reached() {
    let mut world = World::with(Settings {
        allow_peers: vec!["10.0.0.0/8".parse().unwrap()],
        ..settings()
    });
    let mut client = world.allocated("device");
    assert_eq!(client.permit(&mut world, "10.0.0.1:80").code(), 0);
    let relay = client.send(&mut world, "10.0.0.1:80", b"x");
    assert!(is_sent_to(&relay, "10.0.0.1:80"));
    assert_eq!(client.permit(&mut world, "192.168.0.1:80").code(), 403);
}

#[test]
fn peer_of_another_family_is_443() {
    let mut world = World::new();
    let mut v4 = world.allocated("device");
    let mut v6 = world.client("device");
    v6.allocate_v6(&mut world);
    assert_eq!(v4.permit(&mut world, PEER_V6).code(), 443);
    assert_eq!(v4.bind(&mut world, 0x4000, PEER_V6).code(), 443);
    assert_eq!(v6.permit(&mut world, PEER).code(), 443);
    assert_eq!(v6.permit(&mut world, PEER_V6).code(), 0);
}

#[test]
fn other_own_addresses_are_403() {
    let mut world = World::with(Settings {
        allow_peers: vec!["0.0.0.0/0".parse().unwrap()],
        ..settings()
    });
    let mut client = world.allocated("device");
    assert_eq!(client.permit(&mut world, "203.0.113.77:22").code(), 403);
}

#[test]
fn own_relay_address_passes_to_live_relays_and_the_media_port_only() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let mut other = world.client("other");
    let live = other.allocate(&mut world).relayed().port();
    let free = if live == 50_000 { 50_001 } else { 50_000 };
    other.permit(&mut world, &format!("{EXTERNAL_IP}:1"));
    for own_ip in [RELAY_IP, EXTERNAL_IP] {
        assert_eq!(client.permit(&mut world, &format!("{own_ip}:1")).code(), 0);
        let relayed = client.send(&mut world, &format!("{own_ip}:{live}"), b"x");
        assert!(matches!(relayed, Some(Relay::ToClient { to, .. }) if to == other.from));
        let media = client.send(&mut world, &format!("{own_ip}:8443"), b"x");
        assert!(is_sent_to(&media, MEDIA), "{own_ip}: {media:?}");
        for port in [22, 3478, free] {
            let peer = format!("{own_ip}:{port}");
            assert_eq!(client.send(&mut world, &peer, b"x"), None, "{peer}");
            assert_eq!(client.bind(&mut world, 0x4000, &peer).code(), 403, "{peer}");
        }
    }
    assert!(world.server.stats().dropped[&DropCause::Denied] >= 6);
}

#[test]
fn channel_to_a_relay_that_ends_goes_nowhere() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let mut other = world.client("other");
    let relayed = other.allocate(&mut world).relayed().to_string();
    other.permit(&mut world, &format!("{EXTERNAL_IP}:1"));
    assert_eq!(client.bind(&mut world, 0x4000, &relayed).code(), 0);
    assert!(client.send_channel(&mut world, 0x4000, b"x").is_some());
    other.refresh(&mut world, 0);
    assert_eq!(client.send_channel(&mut world, 0x4000, b"x"), None);
}

#[test]
fn guest_reaches_the_media_port_only() {
    let mut world = World::new();
    let mut other = world.client("other");
    let relayed = other.allocate(&mut world).relayed().to_string();
    let mut guest = world.allocated("guest:abc");
    assert_eq!(guest.permit(&mut world, PEER).code(), 403);
    assert_eq!(guest.bind(&mut world, 0x4000, PEER).code(), 403);
    assert_eq!(guest.bind(&mut world, 0x4000, &relayed).code(), 403);
    assert_eq!(guest.bind(&mut world, 0x4000, MEDIA).code(), 0);
    let media = guest.send_channel(&mut world, 0x4000, b"x");
    assert!(is_sent_to(&media, MEDIA));
    assert_eq!(guest.send(&mut world, &relayed, b"x"), None);
    let advertised = format!("{EXTERNAL_IP}:8443");
    assert_eq!(guest.permit(&mut world, &advertised).code(), 0);
    assert!(is_sent_to(
        &guest.send(&mut world, &advertised, b"x"),
        MEDIA
    ));
}

#[test]
fn media_socket_on_every_address_is_reached_on_each() {
    let mut world = World::with(Settings {
        media_addrs: vec![addr("0.0.0.0:8443")],
        ..settings()
    });
    let mut guest = world.allocated("guest:abc");
    for own in ["203.0.113.77:8443", MEDIA] {
        assert_eq!(guest.permit(&mut world, own).code(), 0);
        assert!(is_sent_to(&guest.send(&mut world, own, b"x"), own));
    }
    assert_eq!(guest.permit(&mut world, PEER).code(), 403);
}

#[test]
fn bad_channel_numbers_are_400() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    for number in [0, 0x3fff, 0x8000, 0xffff] {
        assert_eq!(
            client.bind(&mut world, number, PEER).code(),
            400,
            "{number:#x}"
        );
    }
    for number in [0x4000, 0x7fff] {
        let peer = format!("198.51.100.9:{number}");
        assert_eq!(
            client.bind(&mut world, number, &peer).code(),
            0,
            "{number:#x}"
        );
    }
}

#[test]
fn rebound_channel_is_400_and_the_same_binding_again_is_fine() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    assert_eq!(client.bind(&mut world, 0x4000, PEER).code(), 0);
    assert_eq!(client.bind(&mut world, 0x4000, PEER).code(), 0);
    assert_eq!(
        client.bind(&mut world, 0x4000, "198.51.100.9:7001").code(),
        400
    );
    assert_eq!(client.bind(&mut world, 0x4001, PEER).code(), 400);
}

#[test]
fn requests_without_their_peer_or_channel_are_400() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let channel = ChannelNumber::new(0x4000);
    assert_eq!(
        client.ask(&mut world, CREATE_PERMISSION, &[], &[]).code(),
        400
    );
    assert_eq!(
        client
            .ask(&mut world, CHANNEL_BIND, &[&channel], &[])
            .code(),
        400
    );
    assert_eq!(
        client
            .ask(&mut world, CHANNEL_BIND, &[], &[addr(PEER)])
            .code(),
        400
    );
}
