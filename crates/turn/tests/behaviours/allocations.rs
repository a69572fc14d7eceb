//! Allocate and Refresh: what is granted, what is refused (RFC 8656 sections 7 and 8).

use crate::world::*;
use stun_types::attribute::{AttributeStaticType, RawAttribute, XorMappedAddress};
use stun_types::prelude::*;
use turn::{Settings, Transport};
use turn_types::AddressFamily;
use turn_types::attribute::{
    AdditionalAddressFamily, AddressErrorCode, DontFragment, EvenPort, Lifetime,
    RequestedAddressFamily, RequestedTransport, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, REFRESH};

#[test]
fn allocation_tells_its_advertised_relay_and_the_mapped_address() {
    let mut world = World::new();
    let mut client = world.client("device");
    let answer = client.allocate(&mut world);
    assert_eq!(answer.relayed().ip(), ip(EXTERNAL_IP));
    let mapped = answer.get::<XorMappedAddress>();
    assert_eq!(
        mapped.addr(answer.message().transaction_id()),
        client.from.client
    );
    let bound: Vec<_> = world.relays.values().copied().collect();
    assert_eq!(bound, [(ip(RELAY_IP), answer.relayed().port()).into()]);
}

#[test]
fn missing_transport_is_400_and_tcp_is_442() {
    let mut world = World::new();
    let mut client = world.client("device");
    assert_eq!(client.ask(&mut world, ALLOCATE, &[], &[]).code(), 400);
    let tcp = RequestedTransport::new(RequestedTransport::TCP);
    assert_eq!(client.ask(&mut world, ALLOCATE, &[&tcp], &[]).code(), 442);
}

#[test]
fn second_allocation_on_a_five_tuple_is_437() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    assert_eq!(client.allocate(&mut world).code(), 437);
    let mut tcp = client.clone();
    tcp.from.transport = Transport::Tcp;
    tcp.nonce = None;
    assert_eq!(
        tcp.allocate(&mut world).code(),
        0,
        "another transport, another 5-tuple"
    );
}

#[test]
fn retransmitted_allocate_gets_the_same_answer() {
    let mut world = World::new();
    let mut client = world.client("device");
    let udp = RequestedTransport::new(RequestedTransport::UDP);
    client.ask_once(&mut world, ALLOCATE, &[&udp], &[]);
    let request = client.request(&mut world, ALLOCATE, &[&udp], &[]);
    let first = world.ask(client.from, &request).unwrap();
    let second = world.ask(client.from, &request).unwrap();
    assert_eq!(first, second);
    assert_eq!(world.relays.len(), 1);
}

#[test]
fn requests_without_an_allocation_are_437() {
    let mut world = World::new();
    let mut client = world.client("device");
    for code in [
        client.refresh(&mut world, 600).code(),
        client.permit(&mut world, PEER).code(),
        client.bind(&mut world, 0x4000, PEER).code(),
    ] {
        assert_eq!(code, 437);
    }
}

#[test]
fn ipv6_relay_is_granted_where_there_is_an_ipv6_address() {
    let mut world = World::new();
    let answer = world.client("device").allocate_v6(&mut world);
    assert_eq!(answer.relayed().ip(), ip("2001:db8::1"));
    let mut only_v4 = World::with(Settings {
        relay_ips: vec![ip(RELAY_IP).into()],
        ..settings()
    });
    assert_eq!(
        only_v4.client("device").allocate_v6(&mut only_v4).code(),
        440
    );
}

#[test]
fn unknown_family_is_440_and_a_short_one_400() {
    let mut world = World::new();
    let mut client = world.client("device");
    let kind = RequestedAddressFamily::TYPE;
    let unknown = RawAttribute::new(kind, &[3, 0, 0, 0]);
    assert_eq!(client.allocate_with(&mut world, &[&unknown]).code(), 440);
    let short = RawAttribute::new(kind, &[1]);
    assert_eq!(client.allocate_with(&mut world, &[&short]).code(), 400);
}

#[test]
fn additional_family_grants_both() {
    let mut world = World::new();
    let mut client = world.client("device");
    let both = AdditionalAddressFamily::new(AddressFamily::IPV6);
    let answer = client.allocate_with(&mut world, &[&both]);
    let relayed = XorRelayedAddress::TYPE.value();
    let count = answer
        .attributes()
        .iter()
        .filter(|kind| **kind == relayed)
        .count();
    assert_eq!((answer.code(), count, world.relays.len()), (0, 2, 2));
    assert_eq!(client.permit(&mut world, PEER).code(), 0);
    assert_eq!(client.permit(&mut world, PEER_V6).code(), 0);

    let v6 = RequestedAddressFamily::new(AddressFamily::IPV6);
    let gone = client.ask(&mut world, REFRESH, &[&Lifetime::new(0), &v6], &[]);
    assert_eq!(
        (gone.code(), gone.lifetime(), world.relays.len()),
        (0, 0, 1)
    );
    assert_eq!(client.permit(&mut world, PEER_V6).code(), 443);
    assert_eq!(client.ask(&mut world, REFRESH, &[&v6], &[]).code(), 443);
    assert_eq!(client.permit(&mut world, PEER).code(), 0);
}

#[test]
fn additional_family_that_cannot_be_had_is_told() {
    let mut world = World::with(Settings {
        relay_ips: vec![ip(RELAY_IP).into()],
        ..settings()
    });
    let both = AdditionalAddressFamily::new(AddressFamily::IPV6);
    let answer = world.client("device").allocate_with(&mut world, &[&both]);
    assert_eq!(answer.code(), 0);
    assert_eq!(answer.get::<AddressErrorCode>().error().code(), 440);
    assert_eq!(answer.relayed().ip(), ip(RELAY_IP));
}

#[test]
fn additional_family_of_ipv4_or_beside_others_is_400() {
    let mut world = World::new();
    let mut client = world.client("device");
    let v4 = RawAttribute::new(AdditionalAddressFamily::TYPE, &[1, 0, 0, 0]);
    let v6 = AdditionalAddressFamily::new(AddressFamily::IPV6);
    let family = RequestedAddressFamily::new(AddressFamily::IPV4);
    let pair = EvenPort::new(true);
    for attributes in [
        &[&v4 as &dyn AttributeWrite][..],
        &[&v6, &family],
        &[&v6, &pair],
    ] {
        assert_eq!(client.allocate_with(&mut world, attributes).code(), 400);
    }
}

#[test]
fn dont_fragment_is_understood() {
    let mut world = World::new();
    let answer = world
        .client("device")
        .allocate_with(&mut world, &[&DontFragment::new()]);
    assert_eq!(answer.code(), 0);
}

#[test]
fn refresh_of_another_family_is_443() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    let v6 = RequestedAddressFamily::new(AddressFamily::IPV6);
    assert_eq!(client.ask(&mut world, REFRESH, &[&v6], &[]).code(), 443);
}

#[test]
fn port_that_is_taken_is_replaced() {
    let mut world = World::new();
    world
        .taken
        .extend((50_000..50_100).filter(|port| port % 10 != 0));
    let mut granted = 0;
    for _ in 0..5 {
        let mut client = world.client("device");
        granted += usize::from(client.allocate(&mut world).code() == 0);
    }
    assert!(granted > 0, "one port in ten is free and eight are tried");
    assert_eq!(world.relays.len(), granted);
}

#[test]
fn no_free_port_is_508_and_leaves_nothing_behind() {
    let mut world = World::new();
    world.taken.extend(50_000..50_100);
    let mut client = world.client("device");
    assert_eq!(client.allocate(&mut world).code(), 508);
    assert_eq!(world.server.stats().allocations, 0);
    world.taken.clear();
    assert_eq!(client.allocate(&mut world).code(), 0);
}

#[test]
fn relay_is_on_the_address_the_client_came_to() {
    let mut world = World::with(Settings {
        relay_ips: vec![ip(RELAY_IP).into(), ip("203.0.113.2").into()],
        ..settings()
    });
    let mut client = world.client("device");
    client.from.server = addr("203.0.113.2:3478");
    assert_eq!(
        client.allocate(&mut world).relayed().ip(),
        ip("203.0.113.2")
    );
}
