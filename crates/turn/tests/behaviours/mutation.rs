//! Arbitrary bytes against a server with an authenticated allocation: the body of the fuzz
//! targets `turn_datagram` and `turn_stream`, and of the test that replays their corpus.
//!
//! Whatever comes, nothing panics, no packet goes to a denied address, a
//! request has at most one answer, and in the end every port is free.

use std::time::Duration;

use crate::world::{Client, MEDIA, PEER, PEER_V6, REALM, World, addr, channel_data};
use stun_types::attribute::{Nonce, Realm, Username};
use stun_types::message::{
    IntegrityAlgorithm, MAGIC_COOKIE, Message, MessageWrite, MessageWriteExt, MessageWriteVec,
};
use turn::{FrameBuffer, Relay, Transport, is_denied};
use turn_types::AddressFamily;
use turn_types::attribute::AdditionalAddressFamily;

/// What a record of the input does; its first byte modulo the count.
const ACTIONS: [fn(&mut Play, &[u8]); 6] = [
    Play::datagram,
    Play::datagram_of_a_stranger,
    Play::datagram_with_a_true_header,
    Play::signed_request,
    Play::packet_of_a_peer,
    Play::time,
];

/// Reads the input as records: action, length, bytes.
pub(crate) fn play_datagrams(input: &[u8]) {
    let mut play = Play::new(Transport::Udp);
    let mut rest = input;
    while let [action, length, tail @ ..] = rest {
        let (record, tail) = tail.split_at(tail.len().min(usize::from(*length)));
        ACTIONS[usize::from(*action) % ACTIONS.len()](&mut play, record);
        rest = tail;
    }
    play.end();
}

/// Reads the input as a stream that arrives in pieces of the size of its first byte.
pub(crate) fn play_stream(input: &[u8]) {
    let mut play = Play::new(Transport::Tcp);
    let [piece, stream @ ..] = input else {
        return;
    };
    let mut buffer = FrameBuffer::new();
    for piece in stream.chunks(usize::from(*piece).max(1)) {
        buffer.extend(piece);
        loop {
            match buffer.next_frame(4096) {
                Ok(Some(span)) => play.datagram(&buffer.bytes()[span]),
                Ok(None) => break,
                Err(_) => return play.end(),
            }
        }
    }
    play.end();
}

/// A client with both families, a permission and a channel.
struct Play {
    world: World,
    client: Client,
    stranger: Client,
}

impl Play {
    fn new(transport: Transport) -> Self {
        let mut world = World::new();
        let stranger = world.client("stranger");
        let mut client = world.client("device");
        client.from.transport = transport;
        let both = AdditionalAddressFamily::new(AddressFamily::IPV6);
        client.allocate_with(&mut world, &[&both]);
        client.permit(&mut world, PEER_V6);
        assert_eq!(client.bind(&mut world, 0x4000, PEER).code(), 0);
        let works = world.send(client.from, &channel_data(0x4000, b"x"));
        assert!(works.is_some());
        Self {
            world,
            client,
            stranger,
        }
    }

    fn datagram(&mut self, bytes: &[u8]) {
        self.send(self.client.from, bytes);
    }

    fn datagram_of_a_stranger(&mut self, bytes: &[u8]) {
        self.send(self.stranger.from, bytes);
    }

    /// A STUN header with this type, then these attributes, with the right length and cookie.
    fn datagram_with_a_true_header(&mut self, bytes: &[u8]) {
        self.send(self.client.from, &message(bytes));
    }

    fn signed_request(&mut self, bytes: &[u8]) {
        let mut whole = MessageWriteVec::new();
        whole.push_data(&message(bytes));
        if Message::from_bytes(&whole).is_err() {
            return;
        }
        let name = Username::new(&self.client.username).expect("it is short");
        let nonce = self.client.nonce.clone().unwrap_or_default();
        let nonce = Nonce::new(&nonce).expect("it is short");
        // Attributes that are there already are refused by the writer: so be it.
        let _ = whole.add_attribute(&name);
        let _ = whole.add_attribute(&Realm::new(REALM).expect("it is short"));
        let _ = whole.add_attribute(&nonce);
        let key = self.client.credentials();
        let _ = whole.add_message_integrity(&key, IntegrityAlgorithm::Sha1);
        self.send(self.client.from, &whole.finish());
    }

    fn packet_of_a_peer(&mut self, bytes: &[u8]) {
        let now = self.world.now.instant;
        let relays: Vec<_> = self.world.relays.keys().copied().collect();
        for relay in relays {
            for peer in [PEER, PEER_V6, MEDIA] {
                let packet = self.world.server.handle_peer(relay, addr(peer), bytes, now);
                self.check(packet, bytes);
            }
        }
    }

    fn time(&mut self, bytes: &[u8]) {
        let secs = u64::from(bytes.first().copied().unwrap_or_default());
        self.world.pass(Duration::from_secs(secs * 4));
    }

    fn send(&mut self, from: turn::FiveTuple, bytes: &[u8]) {
        self.world.replies.clear();
        let packet = self.world.send(from, bytes);
        assert!(self.world.replies.len() <= 1, "one answer at most");
        self.check(packet, bytes);
    }

    fn check(&self, packet: Option<Relay>, bytes: &[u8]) {
        match packet {
            Some(Relay::ToPeer { to, payload, .. }) => {
                assert!(payload.end <= bytes.len());
                assert!(
                    to == addr(MEDIA) || !is_denied(to.ip(), &[]),
                    "{to} is denied"
                );
            }
            Some(Relay::ToClient {
                payload, padding, ..
            }) => assert!(payload.end <= bytes.len() && padding < 4),
            None => {}
        }
    }

    fn end(&mut self) {
        self.world.pass(Duration::from_secs(601));
        assert!(self.world.relays.is_empty());
        assert_eq!(self.world.server.stats().allocations, 0);
    }
}

/// The first two bytes are the type, the rest is body.
fn message(bytes: &[u8]) -> Vec<u8> {
    let (kind, body) = bytes.split_at(bytes.len().min(2));
    let mut message = kind.to_vec();
    message.resize(2, 0);
    message[0] &= 0x3f;
    let length = body.len().next_multiple_of(4);
    message.extend((length as u16).to_be_bytes());
    message.extend(MAGIC_COOKIE.to_be_bytes());
    message.extend([7; 12]);
    message.extend_from_slice(body);
    message.resize(20 + length, 0);
    message
}
