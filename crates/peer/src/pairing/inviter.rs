//! The inviting side: shows a link, checks who comes, lets the person choose, has the server
//! store the pair. Pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{Handshake, PairingTransport, invite_handshake, verify_signature};
use protocol::base64url::Base64Url;
use protocol::close::CloseCode;
use protocol::http::NewPair;
use protocol::invite_link::{INVITE_LIFETIME_S, PairingLink};
use protocol::pairing::{ClientMessage, MAX_FAILURES};
use protocol::record::PairStatement;

use super::words::{self, Words};
use super::{
    Confirmation, Done, Entropy, FromServer, Introduction, NewlyPaired, Order, Outcome,
    PairingError, PairingFault, Progress, Signature, Wishes, agree, noise_data, payload,
    read_introduction, read_message, refused_by_server, statement_of,
};
use crate::device_keys::DeviceKeys;

/// How long the joiner may take to fetch the last message: closing ends the rendezvous.
const LINGER: Duration = Duration::from_secs(2);

/// One invite: up to three failed attempts, one pair.
#[derive(Debug)]
pub struct Inviter {
    link: PairingLink,
    keys: Arc<DeviceKeys>,
    entropy: Entropy,
    step: Step,
    failures: usize,
    expires: Instant,
    wishes: Wishes,
}

#[derive(Debug)]
enum Step {
    /// For a joiner.
    Waiting,
    /// A joiner is there, message 1 is due.
    Joined(Box<Handshake>, [u8; 32]),
    /// The person chooses.
    Choosing(Box<Attempt>),
    /// Message 3 is sent, message 4 is due.
    Confirming(Box<Attempt>, Box<Agreement>),
    /// The server was asked to store the pair.
    Storing(Box<PairingTransport>, Box<NewlyPaired>),
    /// Message 5 is sent.
    Lingering(Instant),
    Over,
}

#[derive(Debug)]
struct Attempt {
    peer: Introduction,
    contribution: [u8; 32],
    transport: Box<PairingTransport>,
    right: usize,
}

/// What this side signed.
#[derive(Debug)]
struct Agreement {
    statement: PairStatement,
    sig: Base64Url<64>,
    secret: Base64Url<32>,
}

impl Inviter {
    /// An invite whose rendezvous is open. `link.key` is this device's.
    pub fn new(link: PairingLink, keys: Arc<DeviceKeys>, entropy: Entropy, now: Instant) -> Self {
        let mut wishes = Wishes::default();
        wishes.tell(Progress::Waiting);
        Self {
            link,
            keys,
            entropy,
            step: Step::Waiting,
            failures: 0,
            expires: now + Duration::from_secs(INVITE_LIFETIME_S),
            wishes,
        }
    }

    /// A text came on the socket.
    pub fn handle_message(&mut self, text: &str, now: Instant) {
        if let Err(error) = self.take(text, now) {
            self.fail_attempt(error);
        }
    }

    /// The person's choice of the sets, from 0; a wrong one burns the invite. `unix_ms` becomes
    /// the pair's time.
    pub fn choose(&mut self, index: usize, unix_ms: u64) {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Choosing(attempt) if attempt.right == index => self.confirm(attempt, unix_ms),
            Step::Choosing(_) => self.burn(PairingFault::WrongWords),
            other => self.step = other,
        }
    }

    /// The person stops it: the invite is burnt.
    pub fn cancel(&mut self) {
        if !matches!(self.step, Step::Over | Step::Lingering(_)) {
            self.burn(PairingFault::Cancelled);
        }
    }

    /// The socket closed.
    pub fn handle_close(&mut self, code: u16) {
        match self.step {
            Step::Over | Step::Lingering(_) | Step::Storing(..) => {}
            _ if code == CloseCode::InviteOver.number() => self.end(PairingFault::Gone),
            _ => self.end(PairingFault::Lost),
        }
    }

    /// The server answered to [`Order::Register`].
    pub fn handle_outcome(&mut self, outcome: Outcome, now: Instant) {
        let step = std::mem::replace(&mut self.step, Step::Over);
        let Step::Storing(mut transport, pair) = step else {
            self.step = step;
            return;
        };
        match outcome {
            Outcome::Holds => {
                let done = Done {
                    t: "paired".to_owned(),
                };
                self.wishes.order(Order::Confirm(pair.pair_id.clone()));
                self.wishes.send_noise(&transport.seal(&payload(&done)));
                self.wishes.tell(Progress::Paired(pair));
                self.step = Step::Lingering(now + LINGER);
            }
            Outcome::Refused(reason) => {
                self.wishes.order(Order::Forget(pair.pair_id.clone()));
                self.burn(PairingFault::ServerRefused(reason));
            }
            Outcome::Unknown(reason) => self.end(PairingFault::Unsettled(reason)),
        }
    }

    /// Something that was ordered could not be done.
    pub fn handle_failure(&mut self, fault: PairingFault) {
        self.wishes.orders.clear();
        self.burn(fault);
    }

    /// When [`Inviter::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.step {
            Step::Over | Step::Storing(..) => None,
            Step::Lingering(until) => Some(*until),
            _ => Some(self.expires),
        }
    }

    /// It is that time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.step {
            Step::Lingering(_) => self.close(),
            _ => self.end(PairingFault::Expired),
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

    fn take(&mut self, text: &str, _now: Instant) -> Result<(), PairingError> {
        match read_message(text) {
            FromServer::Joined => self.begin(),
            FromServer::Left => self.peer_left(),
            FromServer::Noise { data } => {
                let data = noise_data(&data)?;
                return self.take_noise(&data);
            }
            FromServer::Error { code, message } => self.server_said(&code, &message),
            FromServer::Unknown => {}
        }
        Ok(())
    }

    fn server_said(&mut self, code: &str, message: &str) {
        if matches!(
            self.step,
            Step::Over | Step::Lingering(_) | Step::Storing(..)
        ) {
            return;
        }
        self.end(refused_by_server(code, message));
    }

    fn begin(&mut self) {
        if !matches!(self.step, Step::Waiting) {
            return;
        }
        let ephemeral = self.entropy.draw();
        let handshake = invite_handshake(&self.link, self.keys.noise(), ephemeral);
        self.step = Step::Joined(Box::new(handshake), self.entropy.draw());
        self.wishes.tell(Progress::Joining);
    }

    fn peer_left(&mut self) {
        match self.step {
            Step::Lingering(_) => self.close(),
            Step::Joined(..) | Step::Choosing(_) | Step::Confirming(..) => {
                self.step = Step::Waiting;
                let error = PairingFault::PeerLeft.into();
                self.wishes.tell(Progress::Retrying(error));
            }
            // After a failed attempt the server lets the joiner go: the failure says why.
            Step::Waiting | Step::Storing(..) | Step::Over => {}
        }
    }

    fn take_noise(&mut self, data: &[u8]) -> Result<(), PairingError> {
        match std::mem::replace(&mut self.step, Step::Waiting) {
            Step::Joined(handshake, contribution) => self.meet(*handshake, contribution, data),
            Step::Confirming(attempt, agreement) => self.store(*attempt, &agreement, data),
            Step::Choosing(_) => Err(PairingFault::Malformed("it spoke out of turn").into()),
            other => {
                self.step = other;
                Ok(())
            }
        }
    }

    /// Message 1 arrives, message 2 leaves, the words are shown.
    fn meet(
        &mut self,
        mut handshake: Handshake,
        contribution: [u8; 32],
        data: &[u8],
    ) -> Result<(), PairingError> {
        let message = handshake.read(data).map_err(PairingFault::Noise)?;
        let peer = read_introduction(&message, handshake.peer_key(), self.keys.id())?;
        let reply = payload(&Introduction {
            record: self.keys.record().clone(),
            contribution: Base64Url(contribution),
        });
        let reply = handshake.write(&reply).map_err(PairingFault::Noise)?;
        let keys = handshake.finish().map_err(PairingFault::Noise)?;
        self.wishes.send_noise(&reply);
        let (sets, right) = words::sets(Words::of_handshake(&keys.hash), &mut self.entropy);
        self.wishes.tell(Progress::Choosing {
            peer: peer.record.clone(),
            sets,
        });
        self.step = Step::Choosing(Box::new(Attempt {
            peer,
            contribution,
            transport: Box::new(PairingTransport::new(&keys)),
            right,
        }));
        Ok(())
    }

    /// Message 3: the signed statement, after the person chose the right words.
    fn confirm(&mut self, mut attempt: Box<Attempt>, unix_ms: u64) {
        let agreed = agree(&self.keys, &attempt.contribution, &attempt.peer);
        let peer = &attempt.peer.record.device_id;
        let statement = statement_of(agreed.pair_id, self.keys.id(), peer, unix_ms);
        let sig = self.keys.signing().sign(&statement.signed_bytes());
        let message = payload(&Confirmation {
            t: "confirmed".to_owned(),
            statement: statement.clone(),
            sig,
        });
        let message = attempt.transport.seal(&message);
        self.wishes.tell(Progress::Confirming);
        self.wishes.send_noise(&message);
        let agreement = Agreement {
            statement,
            sig,
            secret: agreed.secret,
        };
        self.step = Step::Confirming(attempt, Box::new(agreement));
    }

    /// Message 4: both signed, so the server stores the pair.
    fn store(
        &mut self,
        mut attempt: Attempt,
        agreement: &Agreement,
        data: &[u8],
    ) -> Result<(), PairingError> {
        let opened = attempt.transport.open(data);
        let message = opened.map_err(|_| PairingFault::Changed)?;
        let malformed = |_| PairingFault::Malformed("its signature");
        let Signature { sig } = serde_json::from_slice(&message).map_err(malformed)?;
        let Agreement {
            statement, secret, ..
        } = agreement;
        let peer = attempt.peer.record;
        if !verify_signature(&peer.key, &statement.signed_bytes(), &sig) {
            return Err(PairingFault::Signature.into());
        }
        let (mut ours, mut theirs) = (
            (self.keys.record().clone(), agreement.sig),
            (peer.clone(), sig),
        );
        if statement.a != *self.keys.id() {
            std::mem::swap(&mut ours, &mut theirs);
        }
        let pair = Box::new(NewlyPaired {
            pair_id: statement.pair_id.clone(),
            peer,
            secret: *secret,
            created: statement.time,
        });
        self.wishes.order(Order::Keep(pair.clone()));
        self.wishes.order(Order::Register(Box::new(NewPair {
            statement: statement.clone(),
            sig_a: ours.1,
            sig_b: theirs.1,
            record_a: ours.0,
            record_b: theirs.0,
        })));
        self.step = Step::Storing(attempt.transport, pair);
        Ok(())
    }

    /// Ends an attempt; the third one ends the invite, here as at the server.
    fn fail_attempt(&mut self, error: PairingError) {
        self.failures += 1;
        self.wishes.send(&ClientMessage::Failed);
        if self.failures >= MAX_FAILURES {
            self.end(PairingFault::Burnt(error.message));
        } else {
            self.step = Step::Waiting;
            self.wishes.tell(Progress::Retrying(error));
        }
    }

    fn burn(&mut self, fault: PairingFault) {
        self.wishes.send(&ClientMessage::Burn);
        self.end(fault);
    }

    fn end(&mut self, error: impl Into<PairingError>) {
        self.wishes.tell(Progress::Failed(error.into()));
        self.close();
    }

    fn close(&mut self) {
        self.wishes.order(Order::Close);
        self.step = Step::Over;
    }
}
