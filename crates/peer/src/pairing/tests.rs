//! Both machines against each other over a rendezvous in memory, and everything that may go
//! wrong between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{NoiseKey, SigningKey, VerifiedPair, VerifiedRecord, join_handshake};
use protocol::invite_link::PairingLink;
use protocol::record::DeviceKind;
use serde_json::json;

use super::*;

const UNIX_MS: u64 = 1_760_000_000_000;

fn keys(number: u8, name: &str) -> Arc<DeviceKeys> {
    let signing = SigningKey::from_seed([number; 32]);
    let noise = NoiseKey::from_secret([number + 100; 32]);
    let record = DeviceRecord {
        device_id: signing.thumbprint(),
        key: *signing.public(),
        x25519: *noise.public(),
        name: name.to_owned(),
        kind: DeviceKind::Box,
        features: Vec::new(),
        created: UNIX_MS,
        sig: Base64Url([0; 64]),
    };
    let record = VerifiedRecord::sign(record, &signing).unwrap();
    Arc::new(DeviceKeys::new(signing, noise, record).unwrap())
}

/// Repeatable: the bytes follow from a seed.
fn entropy(seed: u8) -> Entropy {
    let mut counter = u64::from(seed) << 32;
    Entropy::new(move |bytes| {
        for chunk in bytes.chunks_mut(32) {
            counter += 1;
            chunk.copy_from_slice(&identity::sha256(&[&counter.to_be_bytes()])[..chunk.len()]);
        }
    })
}

/// Both ends with what they ordered and told.
struct Stage {
    now: Instant,
    link: PairingLink,
    inviter: Inviter,
    joiner: Joiner,
    inviter_orders: Vec<Order>,
    joiner_orders: Vec<Order>,
    inviter_told: Vec<Progress>,
    joiner_told: Vec<Progress>,
}

#[expect(clippy::disallowed_methods, reason = "a test's clock begins somewhere")]
fn start() -> Instant {
    Instant::now()
}

impl Stage {
    fn new() -> Self {
        Self::with_joiner(keys(2, "Phone"))
    }

    fn with_joiner(joiner: Arc<DeviceKeys>) -> Self {
        let laptop = keys(1, "Laptop");
        let now = start();
        let link = PairingLink {
            origin: "https://helio.example".to_owned(),
            key: *laptop.noise().public(),
            secret: Base64Url([5; 16]),
            rendezvous: Base64Url([6; 16]),
            expiry_s: UNIX_MS / 1000 + 120,
        };
        Self {
            now,
            inviter: Inviter::new(link.clone(), laptop, entropy(1), now),
            joiner: Joiner::new(link.clone(), joiner, entropy(2)),
            link,
            inviter_orders: Vec::new(),
            joiner_orders: Vec::new(),
            inviter_told: Vec::new(),
            joiner_told: Vec::new(),
        }
    }

    /// The server says to both that the other is there; messages pass until none is left.
    fn meet(&mut self) {
        self.inviter.handle_message(r#"{"t":"joined"}"#, self.now);
        self.joiner.handle_message(r#"{"t":"joined"}"#, self.now);
        self.relay();
    }

    fn relay(&mut self) {
        while self.step() {}
    }

    /// What each sent reaches the other; other orders are kept for the test.
    fn step(&mut self) -> bool {
        let mut has_moved = false;
        while let Some(order) = self.inviter.poll_order() {
            has_moved = true;
            match order {
                Order::Send(text) if text.contains("noise") => {
                    self.joiner.handle_message(&text, self.now);
                }
                other => self.inviter_orders.push(other),
            }
        }
        while let Some(order) = self.joiner.poll_order() {
            has_moved = true;
            match order {
                Order::Send(text) => self.inviter.handle_message(&text, self.now),
                other => self.joiner_orders.push(other),
            }
        }
        self.inviter_told
            .extend(std::iter::from_fn(|| self.inviter.poll_progress()));
        self.joiner_told
            .extend(std::iter::from_fn(|| self.joiner.poll_progress()));
        has_moved
    }

    fn words(&self) -> Words {
        let shown = self.joiner_told.iter().find_map(|told| match told {
            Progress::Showing { words, .. } => Some(*words),
            _ => None,
        });
        shown.expect("the joiner shows words")
    }

    fn sets(&self) -> [Words; 3] {
        let choice = self.inviter_told.iter().rev().find_map(|told| match told {
            Progress::Choosing { sets, .. } => Some(*sets),
            _ => None,
        });
        choice.expect("the inviter chooses")
    }

    fn right(&self) -> usize {
        let words = self.words();
        self.sets().iter().position(|set| *set == words).unwrap()
    }

    fn confirm(&mut self) {
        self.inviter.choose(self.right(), UNIX_MS);
        self.relay();
    }

    fn registered(&self) -> Option<&NewPair> {
        self.inviter_orders.iter().find_map(|order| match order {
            Order::Register(pair) => Some(&**pair),
            _ => None,
        })
    }

    fn joiner_failed(&self) -> &str {
        failed(&self.joiner_told)
    }

    fn inviter_failed(&self) -> &str {
        failed(&self.inviter_told)
    }
}

fn failed(told: &[Progress]) -> &str {
    match told.last() {
        Some(Progress::Failed(error)) => &error.code,
        other => panic!("failed is due, not {other:?}"),
    }
}

fn retrying(told: &[Progress]) -> &str {
    match told.last() {
        Some(Progress::Retrying(error)) => &error.code,
        other => panic!("retrying is due, not {other:?}"),
    }
}

fn kept(orders: &[Order]) -> &NewlyPaired {
    let kept = orders.iter().find_map(|order| match order {
        Order::Keep(pair) => Some(&**pair),
        _ => None,
    });
    kept.expect("a pair is kept")
}

#[test]
fn two_devices_pair_when_the_right_words_are_chosen() {
    let mut stage = Stage::new();
    stage.meet();
    assert_eq!(
        stage
            .sets()
            .iter()
            .filter(|set| **set == stage.words())
            .count(),
        1
    );
    stage.confirm();
    let verified = VerifiedPair::new(stage.registered().unwrap().clone()).unwrap();
    stage.inviter.handle_outcome(Outcome::Holds, stage.now);
    stage.relay();
    let (ours, theirs) = (kept(&stage.inviter_orders), kept(&stage.joiner_orders));
    assert_eq!(ours.pair_id, verified.statement().pair_id);
    assert_eq!(
        (&ours.pair_id, ours.secret),
        (&theirs.pair_id, theirs.secret)
    );
    assert_eq!(
        (ours.peer.name.as_str(), theirs.peer.name.as_str()),
        ("Phone", "Laptop")
    );
    assert!(matches!(
        stage.inviter_told.last(),
        Some(Progress::Paired(_))
    ));
    assert!(matches!(
        stage.joiner_told.last(),
        Some(Progress::Paired(_))
    ));
    assert_eq!(stage.joiner_orders.last(), Some(&Order::Close));
    // The joiner is gone: nothing keeps the inviter.
    stage.inviter.handle_message(r#"{"t":"left"}"#, stage.now);
    stage.relay();
    assert_eq!(stage.inviter_orders.last(), Some(&Order::Close));
}

#[test]
fn a_pair_is_kept_before_the_other_side_can_know_of_it() {
    let mut stage = Stage::new();
    stage.meet();
    stage.inviter.choose(stage.right(), UNIX_MS);
    let Some(Order::Send(message)) = stage.inviter.poll_order() else {
        panic!("message 3 is due");
    };
    stage.joiner.handle_message(&message, stage.now);
    assert!(matches!(stage.joiner.poll_order(), Some(Order::Keep(_))));
    assert!(matches!(stage.joiner.poll_order(), Some(Order::Send(_))));
}

#[test]
fn a_pair_that_cannot_be_kept_is_not_signed() {
    let mut stage = Stage::new();
    stage.meet();
    stage.inviter.choose(stage.right(), UNIX_MS);
    let Some(Order::Send(message)) = stage.inviter.poll_order() else {
        panic!("message 3 is due");
    };
    stage.joiner.handle_message(&message, stage.now);
    assert!(matches!(stage.joiner.poll_order(), Some(Order::Keep(_))));
    let fault = PairingFault::Storage("no space left".to_owned());
    stage.joiner.handle_failure(fault);
    stage.relay();
    assert_eq!(stage.joiner_orders, [Order::Close]);
    assert_eq!(stage.joiner_failed(), "storage");
}

#[test]
fn wrong_words_burn_the_invite() {
    let mut stage = Stage::new();
    stage.meet();
    stage.inviter.choose((stage.right() + 1) % 3, UNIX_MS);
    stage.relay();
    assert_eq!(stage.inviter_failed(), "wrong-words");
    assert_eq!(
        stage.inviter_orders,
        [Order::Send(r#"{"t":"burn"}"#.to_owned()), Order::Close]
    );
    // A second choice changes nothing.
    stage.inviter.choose(0, UNIX_MS);
    assert_eq!(stage.inviter.poll_order(), None);
}

#[test]
fn a_record_of_another_key_than_the_handshakes_is_refused_on_both_sides() {
    let mut stage = Stage::new();
    // The joiner proves one key and introduces itself with somebody else's record.
    let stolen = Introduction {
        record: keys(3, "Ada").record().clone(),
        contribution: Base64Url([1; 32]),
    };
    let thief = NoiseKey::from_secret([9; 32]);
    let mut handshake = join_handshake(&stage.link, &thief, [8; 32]);
    let data = base64url::encode(&handshake.write(&payload(&stolen)).unwrap());
    stage.inviter.handle_message(r#"{"t":"joined"}"#, stage.now);
    let message = json!({"t": "noise", "data": data}).to_string();
    stage.inviter.handle_message(&message, stage.now);
    stage.step();
    assert_eq!(retrying(&stage.inviter_told), "record-mismatch");
    assert_eq!(
        stage.inviter_orders,
        [Order::Send(r#"{"t":"failed"}"#.to_owned())]
    );
    // As the joiner sees it.
    let error = read_introduction(&payload(&stolen), Some(*thief.public()), keys(1, "x").id());
    assert_eq!(error.unwrap_err().code, "record-mismatch");
    let unknown = read_introduction(&payload(&stolen), None, keys(1, "x").id());
    assert_eq!(unknown.unwrap_err().code, "record-mismatch");
}

#[test]
fn a_record_that_was_changed_is_refused() {
    let mut stolen = Introduction {
        record: keys(3, "Ada").record().clone(),
        contribution: Base64Url([1; 32]),
    };
    stolen.record.name = "Bob".to_owned();
    let key = Some(stolen.record.x25519);
    let refused = read_introduction(&payload(&stolen), key, keys(1, "x").id());
    assert_eq!(refused.unwrap_err().code, "record-invalid");
}

#[test]
fn a_device_does_not_pair_with_itself() {
    let mut stage = Stage::with_joiner(keys(1, "Laptop"));
    stage.meet();
    assert_eq!(retrying(&stage.inviter_told), "same-device");
}

#[test]
fn somebody_in_between_without_the_secret_gets_no_word() {
    let mut stage = Stage::new();
    let mut other = stage.link.clone();
    other.secret = Base64Url([7; 16]);
    stage.joiner = Joiner::new(other, keys(2, "Phone"), entropy(3));
    stage.meet();
    assert_eq!(retrying(&stage.inviter_told), "noise-failed");
}

#[test]
fn somebody_in_between_at_the_rendezvous_is_noticed() {
    // An evil server hands the same devices another origin, and so another prologue.
    let mut stage = Stage::new();
    let mut other = stage.link.clone();
    other.origin = "https://evil.example".to_owned();
    stage.joiner = Joiner::new(other, keys(2, "Phone"), entropy(3));
    stage.meet();
    assert_eq!(retrying(&stage.inviter_told), "noise-failed");
    // Or it changes a message.
    let mut stage = Stage::new();
    stage.meet();
    stage.inviter.choose(stage.right(), UNIX_MS);
    let Some(Order::Send(mut message)) = stage.inviter.poll_order() else {
        panic!("message 3 is due");
    };
    let last = message.len() - 4;
    let flipped = if message.as_bytes()[last] == b'A' {
        "B"
    } else {
        "A"
    };
    message.replace_range(last..=last, flipped);
    stage.joiner.handle_message(&message, stage.now);
    stage.relay();
    assert_eq!(stage.joiner_failed(), "pairing-malformed");
}

#[test]
fn the_third_failed_attempt_burns_the_invite() {
    let mut stage = Stage::new();
    for attempt in 1..=3 {
        stage.inviter.handle_message(r#"{"t":"joined"}"#, stage.now);
        let nonsense = r#"{"t":"noise","data":"AAAA"}"#;
        stage.inviter.handle_message(nonsense, stage.now);
        stage.inviter.handle_message(r#"{"t":"left"}"#, stage.now);
        stage.step();
        if attempt < 3 {
            assert_eq!(retrying(&stage.inviter_told), "noise-failed");
        }
    }
    assert_eq!(stage.inviter_failed(), "invite-burnt");
    assert_eq!(stage.inviter_orders.last(), Some(&Order::Close));
}

#[test]
fn a_joiner_that_leaves_costs_no_attempt() {
    let mut stage = Stage::new();
    for _ in 0..5 {
        stage.inviter.handle_message(r#"{"t":"joined"}"#, stage.now);
        stage.inviter.handle_message(r#"{"t":"left"}"#, stage.now);
        stage.step();
        assert_eq!(retrying(&stage.inviter_told), "peer-left");
    }
    stage.meet();
    stage.confirm();
    assert!(stage.registered().is_some());
}

#[test]
fn nobody_who_comes_within_two_minutes_ends_the_invite() {
    let mut stage = Stage::new();
    let due = stage.inviter.poll_timeout().unwrap();
    assert_eq!(due - stage.now, Duration::from_secs(120));
    stage.inviter.handle_timeout(due - Duration::from_millis(1));
    stage.step();
    assert_eq!(stage.inviter_told, [Progress::Waiting]);
    stage.inviter.handle_timeout(due);
    stage.step();
    assert_eq!(stage.inviter_failed(), "invite-expired");
}

#[test]
fn a_lost_last_message_is_asked_for_at_the_server() {
    for (outcome, told) in [
        (Outcome::Holds, None),
        (
            Outcome::Refused("no such pair".to_owned()),
            Some("pair-refused"),
        ),
        (
            Outcome::Unknown("no answer".to_owned()),
            Some("pair-unsettled"),
        ),
    ] {
        let mut stage = Stage::new();
        stage.meet();
        stage.confirm();
        let due = stage.joiner.poll_timeout().unwrap();
        stage.joiner.handle_timeout(due);
        stage.step();
        let id = kept(&stage.joiner_orders).pair_id.clone();
        assert_eq!(stage.joiner_orders.last(), Some(&Order::Ask(id.clone())));
        stage.joiner.handle_outcome(outcome);
        stage.step();
        let forgot = stage.joiner_orders.contains(&Order::Forget(id.clone()));
        assert_eq!(forgot, told == Some("pair-refused"));
        match told {
            None => assert!(stage.joiner_orders.contains(&Order::Confirm(id))),
            Some(code) => assert_eq!(stage.joiner_failed(), code),
        }
    }
}

#[test]
fn a_socket_that_closes_says_why() {
    let mut stage = Stage::new();
    stage.joiner.handle_close(4404);
    stage.inviter.handle_close(1006);
    stage.step();
    assert_eq!(stage.joiner_failed(), "invite-gone");
    assert_eq!(stage.inviter_failed(), "signalling-lost");
    // After both signed, the server is asked.
    let mut stage = Stage::new();
    stage.meet();
    stage.confirm();
    stage.joiner.handle_close(1006);
    stage.step();
    assert!(matches!(stage.joiner_orders.last(), Some(Order::Ask(_))));
}

#[test]
fn an_error_of_the_server_is_told_by_its_code() {
    let mut stage = Stage::new();
    let text = r#"{"t":"error","code":"busy","message":"somebody is joining already"}"#;
    stage.joiner.handle_message(text, stage.now);
    stage.step();
    assert_eq!(stage.joiner_failed(), "busy");
}

#[test]
fn a_pair_that_the_server_refuses_is_forgotten() {
    let mut stage = Stage::new();
    stage.meet();
    stage.confirm();
    let refused = Outcome::Refused("revoked".to_owned());
    stage.inviter.handle_outcome(refused, stage.now);
    stage.step();
    let id = kept(&stage.inviter_orders).pair_id.clone();
    assert!(stage.inviter_orders.contains(&Order::Forget(id)));
    assert_eq!(stage.inviter_failed(), "pair-refused");
}
