//! The vectors of `testdata/noise`, which the pages check too: a link with its sealed channels,
//! and a pairing from its link to its words. Run with `HELIOGRAPH_WRITE_VECTORS=1` to write them
//! anew.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::PathBuf;

use identity::{
    Handshake, LinkEnd, LinkProof, NoiseKey, OrderedChannel, PairingTransport, SigningKey,
    UnorderedChannel, invite_handshake, join_handshake, pair_id, pair_secret, pairing_prologue,
    pairing_psk, word_indices,
};
use protocol::base64url::{Base64Url, encode};
use protocol::id::DeviceId;
use protocol::invite_link::PairingLink;
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares with the file, or writes it where that is asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be asked to write its vectors"
)]
fn check(name: &str, vectors: &Value) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/noise");
    let path = root.join(name);
    if std::env::var_os("HELIOGRAPH_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(*vectors, kept, "{}", path.display());
}

/// Both messages.
fn run(initiator: &mut Handshake, responder: &mut Handshake, payloads: [&[u8]; 2]) -> [Vec<u8>; 2] {
    let one = initiator.write(payloads[0]).unwrap();
    assert_eq!(responder.read(&one).unwrap(), payloads[0]);
    let two = responder.write(payloads[1]).unwrap();
    assert_eq!(initiator.read(&two).unwrap(), payloads[1]);
    [one, two]
}

struct Side {
    device: DeviceId,
    secret: [u8; 32],
    ephemeral: [u8; 32],
    certificate: [u8; 32],
    contribution: [u8; 32],
}

impl Side {
    fn new(number: u8) -> Self {
        Self {
            device: SigningKey::from_seed([number; 32]).thumbprint(),
            secret: [number + 100; 32],
            ephemeral: [number + 50; 32],
            certificate: [number + 150; 32],
            contribution: [number * 17; 32],
        }
    }

    fn end(&self) -> LinkEnd<'_> {
        LinkEnd {
            device: &self.device,
            certificate_hash: &self.certificate,
        }
    }

    fn json(&self) -> Value {
        json!({
            "deviceId": self.device, "staticSecretHex": hex(&self.secret),
            "ephemeralHex": hex(&self.ephemeral), "certificateHashHex": hex(&self.certificate),
        })
    }
}

#[test]
fn a_link_and_its_channels() {
    let mut sides = [Side::new(1), Side::new(2)];
    sides.sort_by(|a, b| a.device.cmp(&b.device));
    let [lower, higher] = &sides;
    let contributions = [
        (&lower.device, &lower.contribution),
        (&higher.device, &higher.contribution),
    ];
    let (pair, secret) = (pair_id(contributions), pair_secret(contributions));
    let keys = [lower, higher].map(|side| NoiseKey::from_secret(side.secret));
    let proof = |own: usize| {
        let peer = 1 - own;
        LinkProof {
            pair: &pair,
            own: sides[own].end(),
            own_key: &keys[own],
            peer: sides[peer].end(),
            peer_key: keys[peer].public(),
            secret: &secret,
        }
    };
    assert!(proof(0).is_initiator() && !proof(1).is_initiator());
    assert_eq!(proof(0).prologue(), proof(1).prologue());
    let mut initiator = proof(0).start(lower.ephemeral);
    let mut responder = proof(1).start(higher.ephemeral);
    let conversations = [[0xc1; 16], [0xc2; 16]];
    let payloads = conversations.each_ref().map(<[u8; 16]>::as_slice);
    let messages = run(&mut initiator, &mut responder, payloads);
    let keys = [initiator.finish().unwrap(), responder.finish().unwrap()];
    let frames = [&b"\x84\x00\x01abc"[..], b"", &[0xa5; 100]];
    let mut channels = Vec::new();
    for (from, sender) in ["initiator", "responder"].into_iter().zip(&keys) {
        let mut ctl = UnorderedChannel::new(sender, "ctl");
        let mut file = OrderedChannel::new(sender, "file");
        let sealed = frames.map(|frame| json!({
            "frameHex": hex(frame), "ctlHex": hex(&ctl.seal(frame)), "fileHex": hex(&file.seal(frame)),
        }));
        channels.push(json!({ "from": from, "frames": sealed }));
    }
    check(
        "link.json",
        &json!({
            "pairId": pair, "pairSecret": encode(&secret),
            "initiator": lower.json(), "responder": higher.json(),
            "prologueHex": hex(&proof(0).prologue()),
            "conversationsHex": conversations.map(|each| hex(&each)),
            "messagesHex": messages.map(|message| hex(&message)),
            "handshakeHashHex": hex(&keys[0].hash),
            "initiatorKeyHex": hex(&keys[0].send), "responderKeyHex": hex(&keys[1].send),
            "channels": channels,
        }),
    );
}

#[test]
fn a_pairing_from_its_link_to_its_words() {
    let keys = [[101; 32], [102; 32]].map(NoiseKey::from_secret);
    let [inviter, joiner] = &keys;
    let link = PairingLink {
        origin: "https://192.168.1.5:8443".to_owned(),
        key: *inviter.public(),
        secret: Base64Url([5; 16]),
        rendezvous: Base64Url([6; 16]),
        expiry_s: 1_760_000_120,
    };
    let mut initiator = join_handshake(&link, joiner, [52; 32]);
    let mut responder = invite_handshake(&link, inviter, [51; 32]);
    let payloads = [r#"{"hello":"inviter"}"#, r#"{"hello":"joiner"}"#];
    let messages = run(&mut initiator, &mut responder, payloads.map(str::as_bytes));
    assert_eq!(responder.peer_key().as_ref(), Some(joiner.public()));
    let [ours, theirs] = [initiator.finish().unwrap(), responder.finish().unwrap()];
    let mut ends = [PairingTransport::new(&theirs), PairingTransport::new(&ours)];
    // Messages 3 to 5: inviter, joiner, inviter.
    let transport: Vec<_> = [
        (0, r#"{"t":"confirmed"}"#),
        (1, "{}"),
        (0, r#"{"t":"paired"}"#),
    ]
    .into_iter()
    .map(|(from, text)| {
        let sealed = ends[from].seal(text.as_bytes());
        assert_eq!(ends[1 - from].open(&sealed).unwrap(), text.as_bytes());
        let from = if from == 0 { "inviter" } else { "joiner" };
        json!({ "from": from, "text": text, "sealedHex": hex(&sealed) })
    })
    .collect();
    check(
        "pairing.json",
        &json!({
            "link": link.to_string(),
            "inviter": { "staticSecretHex": hex(&[101; 32]), "ephemeralHex": hex(&[51; 32]) },
            "joiner": { "staticSecretHex": hex(&[102; 32]), "ephemeralHex": hex(&[52; 32]) },
            "pskHex": hex(&pairing_psk(&link)), "prologueHex": hex(&pairing_prologue(&link)),
            "payloads": payloads, "messagesHex": messages.map(|message| hex(&message)),
            "handshakeHashHex": hex(&ours.hash), "wordIndices": word_indices(&ours.hash),
            "transport": transport,
        }),
    );
}
