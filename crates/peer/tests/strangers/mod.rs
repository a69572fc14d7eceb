//! Plays bytes that nobody would send to a link core that is in the middle of things: for the fuzz
//! targets `link_signal` and `link_datagram`, and for the tests that replay their corpora.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use peer::link::IcePolicy;
use protocol::signal::{Bye, Candidate, Description, Relayed, ServerMessage};

use crate::two_links::TwoLinks;

const HOSTS: [&str; 2] = ["10.0.0.1:5000", "10.0.0.2:5000"];
const PAIR: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
/// A link on two cables of 10 ms is open after 100 ms: moments before and after that.
const MOMENT: Duration = Duration::from_millis(2);
const MOMENTS: u8 = 100;
/// What follows has its consequences in this time.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// Two devices some moments after they met, what each has sent so far, and the one that is struck.
fn scene(moment: u8, device: u8) -> (TwoLinks, Rc<RefCell<Vec<Vec<u8>>>>, usize) {
    let at = usize::from(device % 2);
    // Nothing is signed, so that everything reaches the parsers.
    let mut world = TwoLinks::unverified(IcePolicy::All, HOSTS);
    let heard = Rc::new(RefCell::new(Vec::new()));
    let hearing = heard.clone();
    world.loses = Box::new(move |from, bytes| {
        if from != at {
            hearing.borrow_mut().push(bytes.to_vec());
        }
        false
    });
    world.go_online(0);
    world.go_online(1);
    world.run(MOMENT * u32::from(moment % MOMENTS));
    (world, heard, at)
}

/// A moment, a device, a kind of message, and what stands in it.
pub(crate) fn play_signal(input: &[u8]) {
    let [moment, device, kind, text @ ..] = input else {
        return;
    };
    let text = String::from_utf8_lossy(text).into_owned();
    let (mut world, _, at) = scene(*moment, *device);
    let from = world.devices[1 - at].id();
    let pair_id = PAIR.to_owned();
    let description = |sdp| Description {
        pair_id: PAIR.to_owned(),
        sdp,
        ts: None,
        sig: None,
    };
    let message = match kind % 5 {
        0 => ServerMessage::Offer(Relayed {
            from,
            message: description(text),
        }),
        1 => ServerMessage::Answer(Relayed {
            from,
            message: description(text),
        }),
        2 => ServerMessage::Ice(Relayed {
            from,
            message: Candidate {
                pair_id,
                candidate: text,
                mid: None,
                ufrag: None,
            },
        }),
        3 => ServerMessage::Bye(Relayed {
            from,
            message: Bye {
                pair_id,
                reason: Some(text),
            },
        }),
        _ => match serde_json::from_str(&text) {
            Ok(message) => message,
            Err(_) => return,
        },
    };
    let now = world.now;
    world.devices[at].core.handle_signal(message, now);
    world.drain();
    world.run(AFTERWARDS);
}

/// A moment, a device, and which of the datagrams that came to it comes again, changed by what
/// follows, three bytes a change; beyond those there are, what follows is the datagram.
pub(crate) fn play_datagrams(input: &[u8]) {
    let [moment, device, which, rest @ ..] = input else {
        return;
    };
    let (mut world, heard, at) = scene(*moment, *device);
    let known = heard.borrow();
    let bytes = match known.iter().rev().nth(usize::from(*which)) {
        Some(datagram) => changed(datagram.clone(), rest),
        None => rest.to_vec(),
    };
    drop(known);
    let [local, from] = [HOSTS[at], HOSTS[1 - at]].map(|host| host.parse().expect("an address"));
    let now = world.now;
    world.devices[at]
        .core
        .handle_datagram(local, from, &bytes, now);
    world.drain();
    world.run(AFTERWARDS);
}

fn changed(mut datagram: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(3) {
        let [how, place, value] = [change[0], change[1], change[2]];
        let place = usize::from(place) % datagram.len().max(1);
        match how % 5 {
            0 if !datagram.is_empty() => datagram[place] ^= value,
            1 if !datagram.is_empty() => datagram[place] = value,
            2 => datagram.truncate(place),
            3 => datagram.insert(place, value),
            _ => datagram.extend(vec![value; place]),
        }
    }
    datagram
}
