//! REST credentials, nonces, secrets (RFC 8489 section 9.2).

use std::time::Duration;

use crate::world::*;
use stun_types::attribute::{
    AttributeStaticType, ErrorCode, MessageIntegrity, Nonce, Realm, Software, Username,
};
use stun_types::message::MessageIntegrityCredentials;
use stun_types::prelude::*;
use turn_types::attribute::RequestedTransport;
use turn_types::message::{ALLOCATE, REFRESH};

fn udp() -> RequestedTransport {
    RequestedTransport::new(RequestedTransport::UDP)
}

#[test]
fn request_without_credentials_is_challenged_and_nothing_is_kept() {
    let mut world = World::new();
    let mut client = world.client("device");
    let answer = client.ask_once(&mut world, ALLOCATE, &[&udp()], &[]);
    assert_eq!(answer.code(), 401);
    assert_eq!(answer.get::<Realm>().realm(), REALM);
    assert!(!answer.message().has_attribute(MessageIntegrity::TYPE));
    assert!(!answer.message().has_attribute(Software::TYPE));
    assert_eq!(world.server.stats().allocations, 0);
    assert_eq!(world.server.poll_timeout(), None);
}

#[test]
fn userhash_and_password_algorithms_are_never_advertised() {
    let mut world = World::new();
    let mut client = world.client("device");
    let answer = client.ask_once(&mut world, ALLOCATE, &[&udp()], &[]);
    assert!(!answer.get::<Nonce>().nonce().starts_with("obMatJos2"));
    let password_algorithms = 0x8002;
    assert!(!answer.attributes().contains(&password_algorithms));
}

#[test]
fn every_secret_in_force_verifies_and_answers_are_signed() {
    let mut world = World::new();
    for secret in [SECRET, OTHER_SECRET] {
        let mut client = world.client("device");
        client.secret = secret.into();
        let answer = client.allocate(&mut world);
        assert_eq!(answer.code(), 0, "{secret}");
        let credentials: MessageIntegrityCredentials = client.credentials();
        assert!(answer.message().validate_integrity(&credentials).is_ok());
    }
}

#[test]
fn wrong_secret_is_401() {
    let mut world = World::new();
    let mut client = world.client("device");
    client.secret = "west".into();
    assert_eq!(client.allocate(&mut world).code(), 401);
    assert_eq!(world.server.stats().allocations, 0);
}

#[test]
fn bad_usernames_are_401() {
    let mut world = World::new();
    let expiry = EPOCH.as_secs() + 600;
    for username in [
        "device",
        "soon:device",
        &format!("{expiry}:"),
        &format!("{expiry}"),
    ] {
        let mut client = world.client("device");
        client.username = username.into();
        assert_eq!(client.allocate(&mut world).code(), 401, "{username}");
    }
}

#[test]
fn expired_credential_is_401() {
    let mut world = World::new();
    let mut client = world.client("device");
    let mut late = world.client("device");
    world.pass(Duration::from_secs(599));
    assert_eq!(client.allocate(&mut world).code(), 0);
    world.pass(Duration::from_secs(1));
    assert_eq!(late.allocate(&mut world).code(), 401);
}

#[test]
fn live_allocation_goes_on_with_an_expired_credential() {
    let mut world = World::new();
    let mut client = world.client("device");
    client.username = format!("{}:device", EPOCH.as_secs() + 5);
    assert_eq!(client.allocate(&mut world).code(), 0);
    for _ in 0..5 {
        world.pass(Duration::from_secs(400));
        assert_eq!(client.refresh(&mut world, 600).lifetime(), 600);
        assert_eq!(client.permit(&mut world, PEER).code(), 0);
        assert_eq!(client.bind(&mut world, 0x4000, PEER).code(), 0);
        let relay = client.send_channel(&mut world, 0x4000, b"still here");
        assert!(is_sent_to(&relay, PEER));
    }
    let mut again = world.client("device");
    again.username = client.username;
    assert_eq!(again.allocate(&mut world).code(), 401, "but no further one");
}

#[test]
fn signed_request_without_username_realm_or_nonce_is_400() {
    let mut world = World::new();
    let client = world.client("device");
    let credentials = client.credentials();
    let username = Username::new(&client.username).unwrap();
    let realm = Realm::new(REALM).unwrap();
    let nonce = Nonce::new("000000000011223344556677").unwrap();
    let all: [&dyn AttributeWrite; 3] = [&username, &realm, &nonce];
    for missing in 0..all.len() {
        use stun_types::message::*;
        let kind = MessageType::from_class_method(MessageClass::Request, ALLOCATE);
        let mut message = Message::builder(kind, world.transaction(), MessageWriteVec::new());
        for (index, attribute) in all.into_iter().enumerate() {
            if index != missing {
                message.add_attribute(attribute).unwrap();
            }
        }
        message
            .add_message_integrity(&credentials, IntegrityAlgorithm::Sha1)
            .unwrap();
        let answer = world.ask(client.from, &message.finish()).unwrap();
        assert_eq!(answer.code(), 400, "without {missing}");
    }
}

#[test]
fn stale_nonce_is_438_with_a_fresh_one() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    world.pass(Duration::from_secs(599));
    let old = client.nonce.clone();
    assert_eq!(client.ask_once(&mut world, REFRESH, &[], &[]).code(), 0);
    world.pass(Duration::from_secs(1));
    let answer = client.ask_once(&mut world, REFRESH, &[], &[]);
    assert_eq!(answer.code(), 438);
    assert_ne!(client.nonce, old);
    assert_eq!(client.ask_once(&mut world, REFRESH, &[], &[]).code(), 0);
}

#[test]
fn nonce_of_another_client_is_stale() {
    let mut world = World::new();
    let first = world.allocated("device");
    let mut second = world.client("device");
    second.nonce = first.nonce;
    assert_eq!(
        second.ask_once(&mut world, ALLOCATE, &[&udp()], &[]).code(),
        438
    );
}

#[test]
fn replaced_secrets_rule_new_allocations_and_spare_live_ones() {
    let mut world = World::new();
    let mut live = world.allocated("device");
    world.server.replace_secrets(&["east".into()]);
    assert_eq!(live.refresh(&mut world, 600).code(), 0);
    assert_eq!(world.client("device").allocate(&mut world).code(), 401);
    let mut current = world.client("device");
    current.secret = "east".into();
    assert_eq!(current.allocate(&mut world).code(), 0);
}

#[test]
fn another_user_on_a_live_allocation_is_441() {
    let mut world = World::new();
    let mut client = world.allocated("device");
    client.username = format!("{}:other", EPOCH.as_secs() + 600);
    for answer in [
        client.refresh(&mut world, 600),
        client.permit(&mut world, PEER),
    ] {
        assert_eq!(answer.code(), 441);
    }
    client.secret = "west".into();
    assert_eq!(
        client.refresh(&mut world, 600).code(),
        401,
        "nor is it told to strangers"
    );
}

#[test]
fn revoked_device_loses_its_allocations_and_its_credentials() {
    let mut world = World::new();
    let mut client = world.allocated("lost");
    let mut kept = world.allocated("kept");
    let mut unused = world.client("lost");
    let now = world.now;
    world.server.revoke("lost", now);
    world.obey();
    assert_eq!(world.ended, [client.from]);
    assert_eq!(world.relays.len(), 1);
    assert_eq!(client.refresh(&mut world, 600).code(), 401);
    assert_eq!(unused.allocate(&mut world).code(), 401);
    assert_eq!(kept.refresh(&mut world, 600).code(), 0);
    world.pass(Duration::from_secs(1));
    let mut readmitted = world.client("lost");
    assert_eq!(
        readmitted.allocate(&mut world).code(),
        0,
        "a credential made afterwards"
    );
}

#[test]
fn refusals_before_authentication_carry_no_reason() {
    let mut world = World::new();
    let mut client = world.client("device");
    let answer = client.ask_once(&mut world, ALLOCATE, &[&udp()], &[]);
    assert_eq!(answer.get::<ErrorCode>().reason(), "");
}
