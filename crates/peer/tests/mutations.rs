//! Bytes of a peer that lies or of a network that changes them never reach a panic.

use std::time::Duration;

use peer::link::IcePolicy;
use protocol::signal::{ClientMessage, Relayed, ServerMessage};
use two_links::{Draw, TwoLinks};

mod two_links;

const HOSTS: [&str; 2] = ["10.0.0.1:5000", "10.0.0.2:5000"];

/// What a peer could have meant: bytes changed, lines left out, doubled, cut or swapped.
fn mutate(text: &str, draw: &mut Draw) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len().max(1));
        match draw.below(6) {
            0 if !bytes.is_empty() => bytes[at] = u8::try_from(draw.below(128)).expect("ASCII"),
            1 => bytes.truncate(at),
            2 => {
                let again = bytes[at.min(bytes.len())..].to_vec();
                bytes.extend(again);
            }
            3 => bytes
                .splice(at..at, b"99999999999".iter().copied())
                .for_each(drop),
            4 => {
                let mut lines: Vec<_> = bytes
                    .split(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let line = draw.below(lines.len());
                lines.remove(line);
                bytes = lines.join(&b'\n');
            }
            _ => {
                let mut lines: Vec<_> = bytes
                    .split(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let (one, other) = (draw.below(lines.len()), draw.below(lines.len()));
                lines.swap(one, other);
                bytes = lines.join(&b'\n');
            }
        }
    }
    bytes.truncate(40_000);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn mutated(
    message: &ClientMessage,
    draw: &mut Draw,
    from: &protocol::id::DeviceId,
) -> Option<ServerMessage> {
    let from = from.clone();
    Some(match message.clone() {
        ClientMessage::Offer(mut message) => {
            message.sdp = mutate(&message.sdp, draw);
            ServerMessage::Offer(Relayed { from, message })
        }
        ClientMessage::Answer(mut message) => {
            message.sdp = mutate(&message.sdp, draw);
            ServerMessage::Answer(Relayed { from, message })
        }
        ClientMessage::Ice(mut message) => {
            message.candidate = mutate(&message.candidate, draw);
            ServerMessage::Ice(Relayed { from, message })
        }
        _ => return None,
    })
}

#[test]
fn mutated_descriptions_and_candidates_are_survived() {
    for seed in 0..100 {
        let mut draw = Draw::new(seed);
        // Nothing is verified, so that everything reaches the parsers.
        let mut world = TwoLinks::unverified(IcePolicy::All, HOSTS);
        world.go_online(0);
        world.go_online(1);
        world.run(Duration::from_millis(25));
        for at in 0..2 {
            let other = world.devices[1 - at].id();
            for message in world.devices[1 - at].signals.clone() {
                if let Some(message) = mutated(&message, &mut draw, &other) {
                    let now = world.now;
                    world.devices[at].core.handle_signal(message, now);
                }
            }
        }
        world.drain();
        world.run(Duration::from_millis(500));
    }
}

#[test]
fn mutated_packets_are_survived_and_the_link_recovers() {
    for seed in 0..8 {
        let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
        world.corruption = Some(Draw::new(seed));
        world.go_online(0);
        world.go_online(1);
        world.run(Duration::from_secs(8));
        world.corruption = None;
        // Every attempt may have failed so far: the next follows within a pause of 15 s.
        world.run_until(Duration::from_secs(120), TwoLinks::is_open);
    }
}
