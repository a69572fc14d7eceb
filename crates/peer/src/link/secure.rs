//! Proves both keys on a fresh connection, then seals and opens its frames
//! (`docs/protocol.md`, The channels of a link).
//!
//! Nothing that comes before the proof is read: it is held, and dropped when the proof fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{
    AeadFailure, Handshake, LinkEnd, LinkProof, NoiseKey, OrderedChannel, TransportKeys,
    UnorderedChannel,
};
use protocol::base64url::Base64Url;
use protocol::id::{DeviceId, PairId};

use super::channels::Label;
use crate::ctl::Conversation;

/// How long the handshake may take once its channel is open.
const PROOF_LIMIT: Duration = Duration::from_secs(5);
/// Frames held until the keys are proven: the peer may finish the handshake first.
const MAX_HELD_FRAMES: usize = 64;

/// What both sides prove themselves with.
#[derive(Clone)]
pub struct LinkKeys {
    /// The X25519 key of this device.
    pub own: Arc<NoiseKey>,
    /// The X25519 key in the peer's pinned record.
    pub peer: Base64Url<32>,
    /// The pair secret.
    pub secret: [u8; 32],
}

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKeys(…)")
    }
}

/// Who proves what to whom, on which certificates.
pub(super) struct Ends<'a> {
    pub(super) pair: &'a PairId,
    pub(super) own: &'a DeviceId,
    pub(super) peer: &'a DeviceId,
    pub(super) own_certificate: [u8; 32],
    pub(super) peer_certificate: [u8; 32],
}

/// Why a proof failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofError {
    /// The network may have lost the time.
    TimedOut,
    /// The peer has other keys, or somebody changed a message.
    Refused,
}

impl From<AeadFailure> for ProofError {
    fn from(_: AeadFailure) -> Self {
        ProofError::Refused
    }
}

enum Stage {
    /// Frames go as they are: the peer does not speak Noise.
    Plain,
    Waiting,
    Shaking(Box<Handshake>, Instant),
    Proven(Box<Sealed>),
}

struct Sealed {
    ctl: UnorderedChannel,
    telemetry: UnorderedChannel,
    file: OrderedChannel,
    llm: OrderedChannel,
}

impl Sealed {
    fn new(keys: &TransportKeys) -> Self {
        let channel = |label: Label| UnorderedChannel::new(keys, label.as_str());
        let ordered = |label: Label| OrderedChannel::new(keys, label.as_str());
        Self {
            ctl: channel(Label::Ctl),
            telemetry: channel(Label::Telemetry),
            file: ordered(Label::File),
            llm: ordered(Label::Llm),
        }
    }

    fn seal(&mut self, label: Label, frame: &[u8]) -> Option<Vec<u8>> {
        match label {
            Label::Noise => None,
            Label::Ctl => Some(self.ctl.seal(frame)),
            Label::Telemetry => Some(self.telemetry.seal(frame)),
            Label::File => Some(self.file.seal(frame)),
            Label::Llm => Some(self.llm.seal(frame)),
        }
    }

    fn open(&mut self, label: Label, message: &[u8]) -> Result<Option<Vec<u8>>, AeadFailure> {
        match label {
            Label::Noise => Ok(None),
            Label::Ctl => self.ctl.open(message),
            Label::Telemetry => self.telemetry.open(message),
            Label::File => self.file.open(message).map(Some),
            Label::Llm => self.llm.open(message).map(Some),
        }
    }
}

/// The proof of one connection and what it protects.
pub(super) struct Secure {
    keys: Option<LinkKeys>,
    conversation: Conversation,
    /// What the peer said with its proof.
    peer_conversation: Option<Conversation>,
    stage: Stage,
    held: Vec<(Label, Vec<u8>)>,
}

impl Secure {
    /// Without keys, frames go as they are. `conversation` is told to the peer with the proof.
    pub(super) fn new(keys: Option<LinkKeys>, conversation: Conversation) -> Self {
        let stage = if keys.is_some() {
            Stage::Waiting
        } else {
            Stage::Plain
        };
        Self {
            keys,
            conversation,
            peer_conversation: None,
            stage,
            held: Vec::new(),
        }
    }

    /// Whether frames may flow.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.stage, Stage::Plain | Stage::Proven(_))
    }

    /// The peer's conversation, where it has proven its keys and said so.
    pub(super) fn peer_conversation(&self) -> Option<Conversation> {
        self.peer_conversation.filter(|_| self.is_proven())
    }

    /// The channel `noise` opened: the first message, where this side writes it.
    /// `ephemeral` is 32 bytes of randomness, never used twice.
    pub(super) fn handle_open(
        &mut self,
        ends: &Ends<'_>,
        ephemeral: [u8; 32],
        now: Instant,
    ) -> Result<Option<Vec<u8>>, ProofError> {
        let (Some(keys), Stage::Waiting) = (&self.keys, &self.stage) else {
            return Ok(None);
        };
        let proof = LinkProof {
            pair: ends.pair,
            own: LinkEnd {
                device: ends.own,
                certificate_hash: &ends.own_certificate,
            },
            own_key: &keys.own,
            peer: LinkEnd {
                device: ends.peer,
                certificate_hash: &ends.peer_certificate,
            },
            peer_key: &keys.peer,
            secret: &keys.secret,
        };
        let mut handshake = proof.start(ephemeral);
        let payload = self.conversation.as_bytes();
        let first = proof.is_initiator().then(|| handshake.write(payload));
        let first = first.transpose().map_err(|_| ProofError::Refused)?;
        self.stage = Stage::Shaking(Box::new(handshake), now + PROOF_LIMIT);
        Ok(first)
    }

    /// A message of the handshake: the reply, where one is due. What comes beyond the two messages
    /// is not looked at.
    pub(super) fn handle_message(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ProofError> {
        let (mut handshake, until) = match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Shaking(handshake, until) => (handshake, until),
            other => {
                self.stage = other;
                return Ok(None);
            }
        };
        let is_initiator = handshake.is_initiator();
        let said = handshake.read(message);
        let answer = said.and_then(|said| {
            self.peer_conversation = Conversation::read(&said);
            let payload = self.conversation.as_bytes();
            (!is_initiator)
                .then(|| handshake.write(payload))
                .transpose()
        });
        let Ok(answer) = answer else {
            self.stage = Stage::Shaking(handshake, until);
            return Err(ProofError::Refused);
        };
        let keys = handshake.finish().map_err(|_| ProofError::Refused)?;
        self.stage = Stage::Proven(Box::new(Sealed::new(&keys)));
        Ok(answer)
    }

    /// A frame of the peer as it came: what was in it, or nothing where it is held or came before.
    pub(super) fn open(
        &mut self,
        label: Label,
        frame: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, ProofError> {
        match &mut self.stage {
            Stage::Plain => Ok((!label.is_secured_only()).then_some(frame)),
            Stage::Proven(sealed) => Ok(sealed.open(label, &frame)?),
            Stage::Waiting | Stage::Shaking(..) => {
                if self.held.len() < MAX_HELD_FRAMES {
                    self.held.push((label, frame));
                }
                Ok(None)
            }
        }
    }

    /// What was held until the keys were proven.
    pub(super) fn take_held(&mut self) -> Vec<(Label, Vec<u8>)> {
        if self.is_proven() {
            std::mem::take(&mut self.held)
        } else {
            Vec::new()
        }
    }

    /// An own frame as it travels; none before the proof.
    pub(super) fn seal(&mut self, label: Label, frame: Vec<u8>) -> Option<Vec<u8>> {
        match &mut self.stage {
            Stage::Plain => (!label.is_secured_only()).then_some(frame),
            Stage::Proven(sealed) => sealed.seal(label, &frame),
            Stage::Waiting | Stage::Shaking(..) => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Shaking(_, until) => Some(until),
            _ => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), ProofError> {
        match self.stage {
            Stage::Shaking(_, until) if until <= now => Err(ProofError::TimedOut),
            _ => Ok(()),
        }
    }
}
