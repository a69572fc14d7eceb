//! EVEN-PORT and RESERVATION-TOKEN (RFC 8656 section 7.2).

use std::time::Duration;

use crate::world::*;
use turn_types::AddressFamily;
use turn_types::attribute::{EvenPort, RequestedAddressFamily, ReservationToken};

#[test]
fn even_port_is_even() {
    let mut world = World::new();
    for _ in 0..10 {
        let answer = world
            .client("device")
            .allocate_with(&mut world, &[&EvenPort::new(false)]);
        assert_eq!(answer.relayed().port() % 2, 0);
    }
}

#[test]
fn reserved_port_goes_to_the_holder_of_the_token_once() {
    let mut world = World::new();
    let even = world
        .client("device")
        .allocate_with(&mut world, &[&EvenPort::new(true)]);
    assert_eq!((even.relayed().port() % 2, world.relays.len()), (0, 2));
    let token = ReservationToken::new(even.get::<ReservationToken>().token());
    let mut second = world.client("device");
    let odd = second.allocate_with(&mut world, &[&token]);
    assert_eq!(odd.relayed().port(), even.relayed().port() + 1);
    assert_eq!(second.permit(&mut world, PEER).code(), 0);
    assert!(second.send(&mut world, PEER, b"x").is_some());
    assert_eq!(
        world
            .client("device")
            .allocate_with(&mut world, &[&token])
            .code(),
        508
    );
}

#[test]
fn reserved_port_is_free_after_thirty_seconds() {
    let mut world = World::new();
    let even = world
        .client("device")
        .allocate_with(&mut world, &[&EvenPort::new(true)]);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.relays.len(), 1);
    let token = ReservationToken::new(even.get::<ReservationToken>().token());
    assert_eq!(
        world
            .client("device")
            .allocate_with(&mut world, &[&token])
            .code(),
        508
    );
}

#[test]
fn reserved_port_is_nobodys_peer_until_it_is_claimed() {
    let mut world = World::new();
    let mut client = world.client("device");
    let even = client.allocate_with(&mut world, &[&EvenPort::new(true)]);
    let reserved = (even.relayed().ip(), even.relayed().port() + 1);
    let reserved = std::net::SocketAddr::from(reserved).to_string();
    client.permit(&mut world, &reserved);
    assert_eq!(client.send(&mut world, &reserved, b"x"), None);
}

#[test]
fn token_beside_other_wishes_is_400() {
    let mut world = World::new();
    let token = ReservationToken::new(1);
    let even = EvenPort::new(false);
    let family = RequestedAddressFamily::new(AddressFamily::IPV4);
    let mut client = world.client("device");
    assert_eq!(
        client.allocate_with(&mut world, &[&token, &even]).code(),
        400
    );
    assert_eq!(
        client.allocate_with(&mut world, &[&token, &family]).code(),
        400
    );
    assert_eq!(client.allocate_with(&mut world, &[&token]).code(), 508);
}
