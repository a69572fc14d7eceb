//! The host's end of `llm` for one device, as a pure state machine: messages of the device and
//! pieces of the model server come in; messages, and orders to the model server, go out
//! (`docs/llm.md`).
//!
//! It outlives the connections of the link. No sockets, no clock: [`crate::serving`] owns those,
//! and `sim` breaks the link under it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::time::{Duration, Instant};

use protocol::llm::{Chat, ChatId, ClientOp, Code, HostOp, Model};

use crate::upstream::{UpstreamError, UpstreamEvent};
use answer::{Answer, End};

mod answer;

pub use answer::MAX_ANSWER_BYTES;

/// Chats of a device that may run at a time.
pub const MAX_RUNNING: usize = 16;
/// Chats of a device that are remembered, the running ones among them.
pub const MAX_REMEMBERED: usize = 48;
/// How long a chat is remembered, or generated, for a client that neither reads nor says anything.
pub const ABSENCE_LIMIT: Duration = Duration::from_secs(600);
/// Refusals that wait to be sent; what would need another one meanwhile is not answered.
const MAX_REPLIES: usize = 64;

/// Names one request to the model server; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerKey(pub u64);

/// An order to the world.
#[derive(Debug, Clone, PartialEq)]
pub enum HostOutput {
    /// Ask the model server; [`Host::handle_upstream`] takes what it says.
    Start(AnswerKey, Box<Chat>),
    /// Nobody wants the answer any more: break the request off.
    Stop(AnswerKey),
    /// Read no further, or go on: the link carries less than the model says.
    Hold(AnswerKey, bool),
    /// Ask for the list of models; [`Host::handle_models`] takes it.
    ListModels,
}

/// Which models a device may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Allowed {
    /// Each that there is.
    #[default]
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Allowed {
    fn has(&self, model: &str) -> bool {
        match self {
            Allowed::All => true,
            Allowed::Only(models) => models.contains(model),
        }
    }
}

/// The host's end for one device.
///
/// ```
/// use std::time::Instant;
/// use llm::host::{Host, HostOutput};
///
/// let now = Instant::now();
/// let mut host = Host::new(Default::default());
/// host.handle_opened();
/// host.handle_message(br#"{"op":"models"}"#, now);
/// assert_eq!(host.poll_output(), Some(HostOutput::ListModels));
/// ```
#[derive(Debug)]
pub struct Host {
    allowed: Allowed,
    chats: BTreeMap<ChatId, Answer>,
    ids_by_key: BTreeMap<AnswerKey, ChatId>,
    /// How many chats there ever were.
    started: u64,
    /// Whose piece went out last.
    turn: Option<ChatId>,
    is_open: bool,
    is_listing: bool,
    replies: VecDeque<HostOp>,
    outputs: VecDeque<HostOutput>,
}

impl Host {
    /// A device that is not there yet.
    pub fn new(allowed: Allowed) -> Self {
        Self {
            allowed,
            chats: BTreeMap::new(),
            ids_by_key: BTreeMap::new(),
            started: 0,
            turn: None,
            is_open: false,
            is_listing: false,
            replies: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The channel opened: the device says which chats go on there.
    pub fn handle_opened(&mut self) {
        self.handle_closed();
        self.is_open = true;
    }

    /// The channel closed. What runs, runs on.
    pub fn handle_closed(&mut self) {
        self.is_open = false;
        self.replies.clear();
        for answer in self.chats.values_mut() {
            let released = answer.detach();
            self.outputs.extend(released);
        }
    }

    /// The device said something.
    pub fn handle_message(&mut self, message: &[u8], now: Instant) {
        match ClientOp::decode(message) {
            Ok(ClientOp::Chat(chat)) => self.begin(chat, now),
            Ok(ClientOp::Resume { id, after }) => self.resume(id, after, now),
            Ok(ClientOp::Cancel { id }) => self.cancel(&id, now),
            Ok(ClientOp::Models) => {
                if !std::mem::replace(&mut self.is_listing, true) {
                    self.outputs.push_back(HostOutput::ListModels);
                }
            }
            Err(unreadable) => {
                let code = unreadable.code();
                self.refuse(unreadable.id, code, &unreadable.error.to_string());
            }
        }
    }

    /// The model server said something. What is about a request that is over is ignored.
    pub fn handle_upstream(&mut self, key: AnswerKey, event: UpstreamEvent, now: Instant) {
        let id = self.ids_by_key.get(&key);
        let Some(answer) = id.and_then(|id| self.chats.get_mut(id)) else {
            return;
        };
        match event {
            UpstreamEvent::Text(text) if answer.fits(&text) => {
                let held = answer.push(&text, self.is_open);
                self.outputs.extend(held);
                return;
            }
            UpstreamEvent::Text(_) => {
                let message = format!("the answer has more than {MAX_ANSWER_BYTES} bytes");
                answer.end(End::failed(Code::AnswerTooLong, message), now);
                self.outputs.push_back(HostOutput::Stop(key));
            }
            UpstreamEvent::End { reason, usage } => answer.end(End::Done { reason, usage }, now),
            UpstreamEvent::Failed(error) => {
                answer.end(End::failed(error.code, error.message), now);
            }
        }
        self.ids_by_key.remove(&key);
    }

    /// The model server listed its models, or did not.
    pub fn handle_models(&mut self, models: Result<Vec<String>, UpstreamError>) {
        self.is_listing = false;
        match models {
            Ok(names) => {
                let names = names.into_iter().filter(|name| self.allowed.has(name));
                let models = names.map(|name| Model { name }).collect();
                self.reply(fitting(models));
            }
            Err(error) => self.refuse(None, error.code, &error.message),
        }
    }

    /// What the world shall do next; drain it to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<HostOutput> {
        self.outputs.pop_front()
    }

    /// The next message for the device, as soon as the channel has room; each chat's turn comes
    /// in a circle.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.is_open {
            return None;
        }
        if let Some(reply) = self.replies.pop_front() {
            return Some(encoded(&reply));
        }
        let id = self.next_in_turn()?;
        let answer = self.chats.get_mut(&id).expect("it was found there");
        let piece = answer.next_piece(&id, now);
        self.outputs.extend(answer.release());
        self.turn = Some(id);
        Some(encoded(&piece))
    }

    /// Whether [`Host::poll_transmit`] has a message.
    pub fn has_transmit(&self) -> bool {
        self.is_open && (!self.replies.is_empty() || self.chats.values().any(Answer::has_next))
    }

    /// When [`Host::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let touched = self.chats.values().map(Answer::touched);
        touched.min().map(|at| at + ABSENCE_LIMIT)
    }

    /// It is that time, or later: gives up, or forgets, what nobody came back for.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_late = |answer: &Answer| answer.touched() + ABSENCE_LIMIT <= now;
        let late = self.chats.iter().filter(|(_, answer)| is_late(answer));
        let late: Vec<_> = late.map(|(id, _)| id.clone()).collect();
        for id in late {
            let gone = "nobody came back for the answer in 10 minutes";
            if !self.stop(&id, Code::Abandoned, gone, now) {
                self.chats.remove(&id);
            }
        }
    }

    fn next_in_turn(&self) -> Option<ChatId> {
        let after = self.turn.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.chats.range((after, Bound::Unbounded));
        let mut circle = rest.chain(&self.chats);
        let next = circle.find(|(_, answer)| answer.has_next());
        next.map(|(id, _)| id.clone())
    }

    fn begin(&mut self, mut chat: Box<Chat>, now: Instant) {
        let id = chat.id.take().unwrap_or_else(|| self.own_id());
        if self.chats.contains_key(&id) {
            return self.refuse(Some(id), Code::ChatExists, "this id is another chat's");
        }
        if self.ids_by_key.len() >= MAX_RUNNING {
            let message = format!("{MAX_RUNNING} chats run already");
            return self.refuse(Some(id), Code::TooManyChats, &message);
        }
        if !self.allowed.has(&chat.model) {
            let message = format!("this device may not use {:?}", chat.model);
            return self.refuse(Some(id), Code::ModelNotAllowed, &message);
        }
        self.started += 1;
        let key = AnswerKey(self.started);
        self.ids_by_key.insert(key, id.clone());
        self.chats.insert(id, Answer::new(key, chat.stream, now));
        self.outputs.push_back(HostOutput::Start(key, chat));
        self.forget_the_oldest();
    }

    /// An id for a client that has none.
    fn own_id(&self) -> ChatId {
        let numbers = self.started + 1..;
        let ids = numbers.map(|number| ChatId::new(format!("h{number}")).expect("letters, digits"));
        let mut free = ids.filter(|id| !self.chats.contains_key(id));
        free.next().expect("few ids are taken")
    }

    fn resume(&mut self, id: ChatId, after: u64, now: Instant) {
        let Some(answer) = self.chats.get_mut(&id) else {
            return self.refuse(Some(id), Code::UnknownChat, "there is no such chat");
        };
        if answer.resume(after, now).is_err() {
            self.refuse(
                Some(id),
                Code::BadMessage,
                "`after` is beyond what was said",
            );
        }
    }

    fn cancel(&mut self, id: &ChatId, now: Instant) {
        if !self.stop(id, Code::Cancelled, "the answer was stopped", now) {
            self.chats.remove(id);
        }
    }

    /// Ends a chat early; false where it does not run.
    fn stop(&mut self, id: &ChatId, code: Code, message: &str, now: Instant) -> bool {
        let Some(answer) = self.chats.get_mut(id) else {
            return false;
        };
        let key = answer.key();
        if self.ids_by_key.remove(&key).is_none() {
            return false;
        }
        answer.end(End::failed(code, message.to_owned()), now);
        self.outputs.push_back(HostOutput::Stop(key));
        true
    }

    fn forget_the_oldest(&mut self) {
        if self.chats.len() <= MAX_REMEMBERED {
            return;
        }
        let over = self.chats.iter().filter(|(_, answer)| answer.is_over());
        let oldest = over.min_by_key(|(_, answer)| answer.touched());
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.chats.remove(&id);
        }
    }

    fn refuse(&mut self, id: Option<ChatId>, code: Code, message: &str) {
        // What a client wrote comes back in messages of parsers; not all of it.
        let message = message.chars().take(256).collect();
        self.reply(HostOp::Error {
            id,
            seq: None,
            code: code.as_str().to_owned(),
            message,
        });
    }

    fn reply(&mut self, op: HostOp) {
        if self.is_open && self.replies.len() < MAX_REPLIES {
            self.replies.push_back(op);
        }
    }
}

/// The list, or as much of it as a message holds.
fn fitting(mut models: Vec<Model>) -> HostOp {
    loop {
        let op = HostOp::Models { models };
        if op.encode().is_ok() {
            return op;
        }
        let HostOp::Models { models: mut all } = op else {
            unreachable!("it was made above");
        };
        all.truncate(all.len() / 2);
        models = all;
    }
}

fn encoded(op: &HostOp) -> Vec<u8> {
    op.encode().expect("pieces and refusals are cut to fit")
}

#[cfg(test)]
mod tests;
