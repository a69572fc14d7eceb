//! Binding, and what every message has to survive.

use crate::world::*;
use stun_types::attribute::AttributeStaticType;
use stun_types::attribute::{Fingerprint, RawAttribute, UnknownAttributes, XorMappedAddress};
use stun_types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWrite, MessageWriteExt, MessageWriteVec,
};
use turn::DropCause;
use turn::Transport;

fn binding(world: &mut World) -> MessageWriteVec {
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    Message::builder(kind, world.transaction(), MessageWriteVec::new())
}

#[test]
fn binding_tells_the_address_it_came_from() {
    let mut world = World::new();
    for source in ["198.51.100.1:4242", "[2600::5]:99"] {
        let mut from = world.client("x").from;
        from.client = addr(source);
        let request = binding(&mut world).finish();
        let answer = world.ask(from, &request).unwrap();
        let mapped = answer.get::<XorMappedAddress>();
        assert_eq!(mapped.addr(answer.message().transaction_id()), addr(source));
        assert_eq!(answer.attributes(), [XorMappedAddress::TYPE.value()]);
    }
}

#[test]
fn fingerprint_answers_fingerprint() {
    let mut world = World::new();
    let from = world.client("x").from;
    let mut request = binding(&mut world);
    request.add_fingerprint().unwrap();
    let answer = world.ask(from, &request.finish()).unwrap();
    assert!(answer.message().has_attribute(Fingerprint::TYPE));
}

#[test]
fn wrong_fingerprint_is_dropped() {
    let mut world = World::new();
    let from = world.client("x").from;
    let mut request = binding(&mut world);
    request.add_fingerprint().unwrap();
    let mut request = request.finish();
    *request.last_mut().unwrap() ^= 1;
    assert_eq!(world.ask(from, &request), None);
    assert_eq!(world.server.stats().dropped[&DropCause::Malformed], 1);
}

#[test]
fn unknown_required_attribute_is_420_and_named() {
    let mut world = World::new();
    let from = world.client("x").from;
    let mut request = binding(&mut world);
    request
        .add_attribute(&RawAttribute::new(0x7777.into(), &[1]))
        .unwrap();
    request
        .add_attribute(&RawAttribute::new(0xf777.into(), &[1]))
        .unwrap();
    let answer = world.ask(from, &request.finish()).unwrap();
    assert_eq!(answer.code(), 420);
    let unknown = answer.get::<UnknownAttributes>();
    assert!(unknown.has_attribute(0x7777.into()));
    assert!(!unknown.has_attribute(0xf777.into()));
}

#[test]
fn unknown_required_attribute_in_a_turn_request_is_420_after_authentication() {
    let mut world = World::new();
    let mut client = world.client("x");
    let odd = RawAttribute::new(0x7777.into(), &[1]);
    assert_eq!(
        client
            .ask_once(&mut world, turn_types::message::ALLOCATE, &[&odd], &[])
            .code(),
        401
    );
    assert_eq!(client.allocate_with(&mut world, &[&odd]).code(), 420);
}

#[test]
fn responses_indications_and_unknown_methods_are_not_answered() {
    let mut world = World::new();
    let from = world.client("x").from;
    for kind in [
        MessageType::from_class_method(MessageClass::Indication, BINDING),
        MessageType::from_class_method(MessageClass::Success, BINDING),
        MessageType::from_class_method(MessageClass::Error, BINDING),
        MessageType::from_class_method(
            MessageClass::Request,
            stun_types::message::Method::new(0x333),
        ),
    ] {
        let message = Message::builder(kind, 1.into(), MessageWriteVec::new()).finish();
        assert_eq!(world.ask(from, &message), None, "{kind:?}");
    }
}

#[test]
fn truncated_overlong_and_oversized_requests_are_dropped() {
    let mut world = World::new();
    let from = world.client("x").from;
    let mut request = binding(&mut world);
    request
        .add_attribute(&RawAttribute::new(0xf777.into(), &[1; 8]))
        .unwrap();
    let whole = request.finish();
    for cut in 0..whole.len() {
        assert_eq!(world.ask(from, &whole[..cut]), None, "cut at {cut}");
    }
    let overlong = [whole.as_slice(), &[0; 4]].concat();
    assert_eq!(world.ask(from, &overlong), None);
    let mut oversized = binding(&mut world);
    oversized
        .add_attribute(&RawAttribute::new(0xf777.into(), &[1; 2048]))
        .unwrap();
    assert_eq!(world.ask(from, &oversized.finish()), None);
    assert!(world.ask(from, &whole).is_some());
}

#[test]
fn streams_are_served_like_datagrams() {
    let mut world = World::new();
    let mut client = world.client("x");
    client.from.transport = Transport::Tls;
    assert_eq!(client.allocate(&mut world).code(), 0);
}
