//! Pairing two devices over the rendezvous socket (`docs/protocol.md`, Pairing): what both sides
//! do alike. The machines are in [`joiner`] and [`inviter`], pure; `session` gives them a socket.

use std::collections::VecDeque;

use identity::{VerifiedRecord, pair_id, pair_secret};
use protocol::base64url::{self, Base64Url};
use protocol::http::NewPair;
use protocol::id::{DeviceId, PairId};
use protocol::pairing::{ClientMessage, ErrorCode};
use protocol::record::{DeviceRecord, PairStatement};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device_keys::DeviceKeys;

pub use error::{PairingError, PairingFault};
pub use inviter::Inviter;
pub use joiner::Joiner;
#[cfg(feature = "tokio")]
pub use session::{JoinError, Pairing, invite, join};
#[cfg(feature = "tokio")]
pub use settle::settle;
pub use words::Words;

mod error;
mod inviter;
mod joiner;
#[cfg(feature = "tokio")]
mod session;
#[cfg(feature = "tokio")]
mod settle;
mod words;

/// How far a pairing has come, for the person at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// For the other device.
    Waiting,
    /// An attempt failed; the code serves another one. To the inviter alone.
    Retrying(PairingError),
    /// The other device opened the link. To the inviter alone.
    Joining,
    /// The words to read to the inviter's screen. To the joiner alone.
    Showing {
        /// The other device.
        peer: DeviceRecord,
        /// The four words.
        words: Words,
    },
    /// Which of these sets does the other screen show? To the inviter alone.
    Choosing {
        /// The other device.
        peer: DeviceRecord,
        /// One of them is right.
        sets: [Words; 3],
    },
    /// Both sign, the server stores.
    Confirming,
    /// Done: the server holds the pair.
    Paired(Box<NewlyPaired>),
    /// Over.
    Failed(PairingError),
}

/// A pair that both devices signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewlyPaired {
    /// The pair.
    pub pair_id: PairId,
    /// The peer's record, to be pinned.
    pub peer: DeviceRecord,
    /// The pair secret.
    pub secret: Base64Url<32>,
    /// When they paired, in Unix milliseconds.
    pub created: u64,
}

/// What a machine orders. The shell does one after the other: what is kept is durable before
/// what follows is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send a text on the rendezvous socket.
    Send(String),
    /// Keep a pair as pending.
    Keep(Box<NewlyPaired>),
    /// Have the server store the pair; answer with `handle_outcome`.
    Register(Box<NewPair>),
    /// Ask the server whether it holds the pair; answer with `handle_outcome`.
    Ask(PairId),
    /// The kept pair is one that the server holds.
    Confirm(PairId),
    /// The kept pair is none.
    Forget(PairId),
    /// Close the socket.
    Close,
}

/// What the server answered to [`Order::Register`] or [`Order::Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds the pair.
    Holds,
    /// It does not, and will not.
    Refused(String),
    /// Not known: it did not answer. It may hold the pair.
    Unknown(String),
}

/// Randomness, brought by the caller.
pub struct Entropy(Box<dyn Source>);

/// Fills a slice with random bytes.
trait Source: Send {
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8]) + Send> Source for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

impl Entropy {
    /// From a source that fills a slice with random bytes.
    pub fn new(source: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        Self(Box::new(source))
    }

    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(…)")
    }
}

/// What a machine wants of the world, in the order it came up.
#[derive(Debug, Default)]
struct Wishes {
    orders: VecDeque<Order>,
    progress: VecDeque<Progress>,
}

impl Wishes {
    fn send(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("a message has string keys only");
        self.orders.push_back(Order::Send(text));
    }

    fn send_noise(&mut self, message: &[u8]) {
        let data = base64url::encode(message);
        self.send(&ClientMessage::Noise { data });
    }

    fn order(&mut self, order: Order) {
        self.orders.push_back(order);
    }

    fn tell(&mut self, progress: Progress) {
        self.progress.push_back(progress);
    }
}

/// A message of the server; codes that this version does not know stay readable.
#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
enum FromServer {
    Noise {
        data: String,
    },
    Joined,
    Left,
    Error {
        code: String,
        #[serde(default)]
        message: String,
    },
    #[serde(other)]
    Unknown,
}

fn read_message(text: &str) -> FromServer {
    serde_json::from_str(text).unwrap_or(FromServer::Unknown)
}

fn noise_data(data: &str) -> Result<Vec<u8>, PairingError> {
    base64url::decode(data)
        .map_err(|_| PairingFault::Malformed("a message is not base64url").into())
}

/// Messages 1 and 2: one side's record and 32 random bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Introduction {
    record: DeviceRecord,
    contribution: Base64Url<32>,
}

/// Message 3.
#[derive(Debug, Serialize, Deserialize)]
struct Confirmation {
    t: String,
    statement: PairStatement,
    sig: Base64Url<64>,
}

/// Message 4.
#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    sig: Base64Url<64>,
}

/// Message 5.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    t: String,
}

fn payload(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("payloads have string keys only")
}

/// Checks who the other says it is: its record is valid, is of the key it proved, and is not
/// ours.
fn read_introduction(
    payload: &[u8],
    proven: Option<Base64Url<32>>,
    own: &DeviceId,
) -> Result<Introduction, PairingError> {
    let malformed = |_| PairingFault::Malformed("the other device's introduction");
    let value: Value = serde_json::from_slice(payload).map_err(malformed)?;
    let introduction: Introduction = serde_json::from_value(value).map_err(malformed)?;
    let record = VerifiedRecord::new(introduction.record.clone());
    record.map_err(|error| PairingFault::Record(error.to_string()))?;
    // Else a device could introduce itself with somebody else's record.
    if proven != Some(introduction.record.x25519) {
        return Err(PairingFault::OtherKey.into());
    }
    if introduction.record.device_id == *own {
        return Err(PairingFault::SameDevice.into());
    }
    Ok(introduction)
}

/// What both sides compute of the two introductions.
struct Agreed {
    pair_id: PairId,
    secret: Base64Url<32>,
}

fn agree(keys: &DeviceKeys, contribution: &[u8; 32], peer: &Introduction) -> Agreed {
    let sides = [
        (keys.id(), contribution),
        (&peer.record.device_id, &peer.contribution.0),
    ];
    Agreed {
        pair_id: pair_id(sides),
        secret: Base64Url(pair_secret(sides)),
    }
}

/// The statement of a pair, the lower device first.
fn statement_of(pair_id: PairId, one: &DeviceId, other: &DeviceId, time: u64) -> PairStatement {
    let (a, b) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    PairStatement {
        pair_id,
        a: a.clone(),
        b: b.clone(),
        time,
    }
}

/// What the server said, as a fault.
fn refused_by_server(code: &str, message: &str) -> PairingError {
    let known = serde_json::from_value::<ErrorCode>(Value::String(code.to_owned()));
    let is_passing = matches!(known, Ok(ErrorCode::Draining | ErrorCode::Internal));
    PairingError {
        code: code.chars().take(32).collect(),
        message: message
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
        is_refusal: !is_passing,
    }
}

#[cfg(test)]
mod tests;
