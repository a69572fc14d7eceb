//! What a stranger can make the server send: little, and not often.

use std::time::Duration;

use crate::world::*;
use stun_types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWrite, MessageWriteVec,
};
use turn::{DropCause, Limits, Settings, Transport};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH};

/// Realm, nonce and error code, whatever was asked.
const MOST_OVER_THE_REQUEST_BYTES: usize = 56;

fn limited() -> World {
    World::with(Settings {
        limits: Limits {
            unauthenticated_replies_per_sec: 1,
            unauthenticated_replies_burst: 3,
            ..Limits::default()
        },
        ..settings()
    })
}

#[test]
fn unauthenticated_reply_is_hardly_larger_than_its_request() {
    let mut world = World::new();
    let from = world.client("x").from;
    for method in [BINDING, ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND] {
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let request = Message::builder(kind, world.transaction(), MessageWriteVec::new()).finish();
        let reply = world.ask(from, &request).unwrap().0;
        let over = reply.len() - request.len();
        assert!(
            over <= MOST_OVER_THE_REQUEST_BYTES,
            "{method}: {over} bytes more"
        );
    }
}

#[test]
fn unauthenticated_replies_are_rationed_per_source() {
    for method in [BINDING, ALLOCATE] {
        let mut world = limited();
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let request = Message::builder(kind, 7.into(), MessageWriteVec::new()).finish();
        let mut answered = 0;
        for _ in 0..10 {
            // Another port is the same source.
            let from = world.client("x").from;
            answered += usize::from(world.ask(from, &request).is_some());
        }
        assert_eq!(answered, 3, "{method}");
        assert_eq!(world.server.stats().dropped[&DropCause::RateLimited], 7);
        world.pass(Duration::from_secs(1));
        let from = world.client("x").from;
        assert!(world.ask(from, &request).is_some());
        assert!(world.ask(from, &request).is_none());
    }
}

#[test]
fn live_allocation_is_not_rationed() {
    let mut world = limited();
    let mut client = world.allocated("device");
    for _ in 0..20 {
        assert_eq!(client.refresh(&mut world, 600).code(), 0);
    }
}

#[test]
fn proven_source_of_a_stream_is_not_rationed() {
    let mut world = limited();
    let mut from = world.client("x").from;
    from.transport = Transport::Tcp;
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    let request = Message::builder(kind, 7.into(), MessageWriteVec::new()).finish();
    assert!((0..10).all(|_| world.ask(from, &request).is_some()));
}
