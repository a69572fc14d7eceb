//! The joining side: follows a link, shows the words, signs, keeps the pair. Pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{Handshake, PairingTransport, join_handshake, verify_signature};
use protocol::close::CloseCode;
use protocol::invite_link::PairingLink;
use protocol::record::PairStatement;

use super::{
    Confirmation, Done, Entropy, FromServer, Introduction, NewlyPaired, Order, Outcome,
    PairingError, PairingFault, Progress, Signature, Wishes, Words, agree, noise_data, payload,
    read_introduction, read_message, refused_by_server, statement_of,
};
use crate::device_keys::DeviceKeys;

/// How long message 5 may take before the server is asked.
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(10);

/// One attempt to follow a link.
#[derive(Debug)]
pub struct Joiner {
    link: PairingLink,
    keys: Arc<DeviceKeys>,
    entropy: Entropy,
    contribution: [u8; 32],
    step: Step,
    wishes: Wishes,
}

#[derive(Debug)]
enum Step {
    /// For the inviter.
    Waiting,
    /// Message 1 is sent.
    Introduced(Box<Handshake>),
    /// The words are shown; the inviter chooses.
    Showing {
        peer: Box<Introduction>,
        transport: Box<PairingTransport>,
    },
    /// Message 4 is sent, the pair kept as pending.
    Confirming {
        pair: Box<NewlyPaired>,
        transport: Box<PairingTransport>,
        deadline: Instant,
    },
    /// The server was asked.
    Asking(Box<NewlyPaired>),
    Over,
}

impl Joiner {
    /// Follows `link` once the socket of its rendezvous is open.
    pub fn new(link: PairingLink, keys: Arc<DeviceKeys>, mut entropy: Entropy) -> Self {
        let mut wishes = Wishes::default();
        wishes.tell(Progress::Waiting);
        Self {
            link,
            keys,
            contribution: entropy.draw(),
            entropy,
            step: Step::Waiting,
            wishes,
        }
    }

    /// A text came on the socket.
    pub fn handle_message(&mut self, text: &str, now: Instant) {
        if let Err(error) = self.take(text, now) {
            self.fail(error);
        }
    }

    /// The socket closed.
    pub fn handle_close(&mut self, code: u16) {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Over => {}
            // Both signed: the server knows more than this side does.
            Step::Confirming { pair, .. } => self.ask(pair),
            Step::Asking(pair) => self.step = Step::Asking(pair),
            _ if code == CloseCode::InviteOver.number() => self.fail(PairingFault::Gone),
            _ => self.fail(PairingFault::Lost),
        }
    }

    /// The server answered to [`Order::Ask`].
    pub fn handle_outcome(&mut self, outcome: Outcome) {
        let Step::Asking(pair) = std::mem::replace(&mut self.step, Step::Over) else {
            return;
        };
        match outcome {
            Outcome::Holds => self.paired(pair),
            Outcome::Refused(reason) => {
                self.wishes.order(Order::Forget(pair.pair_id.clone()));
                self.fail(PairingFault::ServerRefused(reason));
            }
            Outcome::Unknown(reason) => self.fail(PairingFault::Unsettled(reason)),
        }
    }

    /// Something that was ordered could not be done.
    pub fn handle_failure(&mut self, fault: PairingFault) {
        self.wishes.orders.clear();
        self.fail(fault);
    }

    /// The person stops it.
    pub fn cancel(&mut self) {
        self.fail(PairingFault::Cancelled);
    }

    /// When [`Joiner::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.step {
            Step::Confirming { deadline, .. } => Some(*deadline),
            _ => None,
        }
    }

    /// It is that time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        if let Step::Confirming { pair, .. } = std::mem::replace(&mut self.step, Step::Over) {
            self.ask(pair);
        }
    }

    /// What to do next.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.wishes.orders.pop_front()
    }

    /// What to show next.
    pub fn poll_progress(&mut self) -> Option<Progress> {
        self.wishes.progress.pop_front()
    }

    fn take(&mut self, text: &str, now: Instant) -> Result<(), PairingError> {
        match read_message(text) {
            FromServer::Joined => self.introduce(),
            FromServer::Noise { data } => {
                let data = noise_data(&data)?;
                self.take_noise(&data, now)
            }
            FromServer::Error { code, message } if self.is_open() => {
                Err(refused_by_server(&code, &message))
            }
            _ => Ok(()),
        }
    }

    fn is_open(&self) -> bool {
        !matches!(
            self.step,
            Step::Over | Step::Asking(_) | Step::Confirming { .. }
        )
    }

    fn take_noise(&mut self, data: &[u8], now: Instant) -> Result<(), PairingError> {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Waiting => Err(PairingFault::Malformed("a message came too early").into()),
            Step::Introduced(handshake) => self.meet(*handshake, data),
            Step::Showing { peer, transport } => self.sign(&peer, transport, data, now),
            Step::Confirming {
                pair,
                mut transport,
                deadline,
            } => {
                if is_done(&mut transport, data) {
                    self.paired(pair);
                } else {
                    self.step = Step::Confirming {
                        pair,
                        transport,
                        deadline,
                    };
                }
                Ok(())
            }
            step @ (Step::Asking(_) | Step::Over) => {
                self.step = step;
                Ok(())
            }
        }
    }

    /// Message 1.
    fn introduce(&mut self) -> Result<(), PairingError> {
        if !matches!(self.step, Step::Waiting) {
            return Ok(());
        }
        let mut handshake = join_handshake(&self.link, self.keys.noise(), self.entropy.draw());
        let message = payload(&Introduction {
            record: self.keys.record().clone(),
            contribution: protocol::base64url::Base64Url(self.contribution),
        });
        let message = handshake.write(&message).map_err(PairingFault::Noise)?;
        self.wishes.send_noise(&message);
        self.step = Step::Introduced(Box::new(handshake));
        Ok(())
    }

    /// Message 2: both know each other, the words are shown.
    fn meet(&mut self, mut handshake: Handshake, data: &[u8]) -> Result<(), PairingError> {
        let message = handshake.read(data).map_err(PairingFault::Noise)?;
        let peer = read_introduction(&message, handshake.peer_key(), self.keys.id())?;
        let keys = handshake.finish().map_err(PairingFault::Noise)?;
        self.wishes.tell(Progress::Showing {
            peer: peer.record.clone(),
            words: Words::of_handshake(&keys.hash),
        });
        self.step = Step::Showing {
            peer: Box::new(peer),
            transport: Box::new(PairingTransport::new(&keys)),
        };
        Ok(())
    }

    /// Message 3: the inviter chose the right words. The pair is kept before message 4 leaves.
    fn sign(
        &mut self,
        peer: &Introduction,
        mut transport: Box<PairingTransport>,
        data: &[u8],
        now: Instant,
    ) -> Result<(), PairingError> {
        let message = transport.open(data).map_err(|_| PairingFault::Changed)?;
        let malformed = |_| PairingFault::Malformed("its confirmation");
        let offered: Confirmation = serde_json::from_slice(&message).map_err(malformed)?;
        let agreed = agree(&self.keys, &self.contribution, peer);
        // Only the time is the inviter's to say: the rest this side computed itself.
        let (own, other) = (self.keys.id(), &peer.record.device_id);
        let statement = statement_of(agreed.pair_id, own, other, offered.statement.time);
        check(&statement, &offered, peer)?;
        let pair = Box::new(NewlyPaired {
            pair_id: statement.pair_id.clone(),
            peer: peer.record.clone(),
            secret: agreed.secret,
            created: statement.time,
        });
        self.wishes.tell(Progress::Confirming);
        self.wishes.order(Order::Keep(pair.clone()));
        let sig = self.keys.signing().sign(&statement.signed_bytes());
        let message = transport.seal(&payload(&Signature { sig }));
        self.wishes.send_noise(&message);
        self.step = Step::Confirming {
            pair,
            transport,
            deadline: now + CONFIRMATION_LIMIT,
        };
        Ok(())
    }

    fn ask(&mut self, pair: Box<NewlyPaired>) {
        self.wishes.order(Order::Ask(pair.pair_id.clone()));
        self.step = Step::Asking(pair);
    }

    fn paired(&mut self, pair: Box<NewlyPaired>) {
        self.wishes.order(Order::Confirm(pair.pair_id.clone()));
        self.wishes.order(Order::Close);
        self.wishes.tell(Progress::Paired(pair));
        self.step = Step::Over;
    }

    fn fail(&mut self, error: impl Into<PairingError>) {
        if self.wishes.progress.iter().any(is_end) {
            return;
        }
        self.wishes.order(Order::Close);
        self.wishes.tell(Progress::Failed(error.into()));
        self.step = Step::Over;
    }
}

/// Message 5. One that was changed says nothing: the server is asked in time.
fn is_done(transport: &mut PairingTransport, data: &[u8]) -> bool {
    let message = transport.open(data).unwrap_or_default();
    serde_json::from_slice::<Done>(&message).is_ok_and(|done| done.t == "paired")
}

fn check(
    statement: &PairStatement,
    offered: &Confirmation,
    peer: &Introduction,
) -> Result<(), PairingError> {
    if offered.t != "confirmed" {
        return Err(PairingFault::Malformed("the other device did not confirm").into());
    }
    let is_valid = statement.check_fields().is_ok() && *statement == offered.statement;
    let bytes = statement.signed_bytes();
    if !is_valid || !verify_signature(&peer.record.key, &bytes, &offered.sig) {
        return Err(PairingFault::Signature.into());
    }
    Ok(())
}

fn is_end(progress: &Progress) -> bool {
    matches!(progress, Progress::Paired(_) | Progress::Failed(_))
}
