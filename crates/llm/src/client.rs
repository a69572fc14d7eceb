//! The client's end of `llm`, as a pure state machine: requests come in and answers go out, each
//! piece once and in order, whatever connections carry them (`docs/llm.md`).
//!
//! It outlives the connections of the link. No sockets, no clock: [`crate::chatting`] owns those.

use std::collections::{BTreeMap, VecDeque};

use protocol::json::DecodeError;
use protocol::llm::{Chat, ChatId, ClientOp, Code, HostOp, Model, Reason, Usage};

use crate::host::MAX_ANSWER_BYTES;

/// Messages that wait for the channel while another gap is asked for: the host cannot make more.
const MAX_WAITING_ASKS: usize = 64;

/// Something that whoever asked wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// More of an answer.
    Text(ChatId, String),
    /// An answer is over.
    Over(ChatId, Outcome),
    /// The models that may be used, or why they are not known.
    Models(Result<Vec<Model>, Failed>),
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is whole.
    Done {
        /// Why it ends there.
        reason: Reason,
        /// What it cost.
        usage: Option<Usage>,
    },
    /// It is not.
    Failed(Failed),
}

/// What the host says went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    /// For programs: [`Code`]'s names, and those of newer hosts.
    pub code: String,
    /// For people.
    pub message: String,
}

/// A request that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Ids are drawn, so somebody drew badly.
    #[error("a chat with this id runs already")]
    Doubled,
    /// The chat has no id.
    #[error("the chat has no id")]
    NoId,
    /// It does not fit a message.
    #[error(transparent)]
    Unsayable(#[from] DecodeError),
}

#[derive(Debug)]
struct Asked {
    chat: Vec<u8>,
    /// Whether the host may know of it.
    is_said: bool,
    /// The last piece that came.
    last: u64,
    /// How much came, in bytes.
    bytes: usize,
    /// Whether the host was asked for what is missing, and it has not come.
    is_asking: bool,
}

/// The client's end.
#[derive(Debug, Default)]
pub struct Client {
    chats: BTreeMap<ChatId, Asked>,
    is_listing: bool,
    is_open: bool,
    messages: VecDeque<Vec<u8>>,
    events: VecDeque<ClientEvent>,
}

impl Client {
    /// Asks for an answer; where the channel is closed, once it opens.
    ///
    /// # Errors
    /// Each of [`AskError`]; nothing is asked then.
    pub fn ask(&mut self, chat: Chat) -> Result<ChatId, AskError> {
        let id = chat.id.clone().ok_or(AskError::NoId)?;
        if self.chats.contains_key(&id) {
            return Err(AskError::Doubled);
        }
        let chat = ClientOp::Chat(Box::new(chat)).encode()?;
        if self.is_open {
            self.messages.push_back(chat.clone());
        }
        let asked = Asked {
            chat,
            is_said: self.is_open,
            last: 0,
            bytes: 0,
            is_asking: false,
        };
        self.chats.insert(id.clone(), asked);
        Ok(id)
    }

    /// Wants no more of an answer: nothing is told of it from here on.
    pub fn cancel(&mut self, id: &ChatId) {
        if self.chats.remove(id).is_some_and(|asked| asked.is_said) {
            self.say(&ClientOp::Cancel { id: id.clone() });
        }
    }

    /// Wants no more of any answer.
    pub fn cancel_all(&mut self) {
        let ids: Vec<_> = self.chats.keys().cloned().collect();
        for id in ids {
            self.cancel(&id);
        }
    }

    /// Asks which models may be used; [`ClientEvent::Models`] follows.
    pub fn list_models(&mut self) {
        if !std::mem::replace(&mut self.is_listing, true) {
            self.say(&ClientOp::Models);
        }
    }

    /// The channel opened: what is missing is asked for again.
    pub fn handle_opened(&mut self) {
        self.handle_closed();
        self.is_open = true;
        if self.is_listing {
            self.say(&ClientOp::Models);
        }
        for (id, asked) in &mut self.chats {
            asked.is_asking = asked.is_said;
            let message = if asked.is_said {
                resume(id, asked.last)
            } else {
                asked.chat.clone()
            };
            asked.is_said = true;
            self.messages.push_back(message);
        }
    }

    /// The channel closed.
    pub fn handle_closed(&mut self) {
        self.is_open = false;
        self.messages.clear();
    }

    /// The host said something.
    pub fn handle_message(&mut self, message: &[u8]) {
        match HostOp::decode(message) {
            Ok(HostOp::Delta { id, seq, content }) => {
                if self.take(&id, seq) {
                    self.hear(id, content);
                }
            }
            Ok(HostOp::Done {
                id,
                seq,
                reason,
                usage,
            }) => {
                if self.take(&id, seq) {
                    self.end(id, Outcome::Done { reason, usage });
                }
            }
            Ok(HostOp::Error {
                id,
                seq,
                code,
                message,
            }) => self.fail(id, seq, Failed { code, message }),
            Ok(HostOp::Models { models }) => self.hear_models(Ok(models)),
            Err(error) => tracing::debug!(%error, "the host said what is no message"),
        }
    }

    /// The next message for the host.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    /// Whether [`Client::poll_transmit`] has a message.
    pub fn has_transmit(&self) -> bool {
        !self.messages.is_empty()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Whether a piece is the one that is due.
    fn take(&mut self, id: &ChatId, seq: u64) -> bool {
        let Some(asked) = self.chats.get_mut(id) else {
            return false;
        };
        if seq == asked.last + 1 {
            asked.last = seq;
            asked.is_asking = false;
            return true;
        }
        let is_gap = seq > asked.last && self.messages.len() < MAX_WAITING_ASKS;
        if is_gap && !std::mem::replace(&mut asked.is_asking, true) {
            self.messages.push_back(resume(id, asked.last));
        }
        false
    }

    fn hear(&mut self, id: ChatId, content: String) {
        let asked = self.chats.get_mut(&id).expect("its piece was taken");
        asked.bytes += content.len();
        if asked.bytes <= MAX_ANSWER_BYTES {
            return self.events.push_back(ClientEvent::Text(id, content));
        }
        let failed = Failed {
            code: Code::AnswerTooLong.as_str().to_owned(),
            message: format!("the answer has more than {MAX_ANSWER_BYTES} bytes"),
        };
        self.end(id, Outcome::Failed(failed));
    }

    /// An answer is over, and the host may forget it.
    fn end(&mut self, id: ChatId, outcome: Outcome) {
        self.cancel(&id);
        self.events.push_back(ClientEvent::Over(id, outcome));
    }

    fn fail(&mut self, id: Option<ChatId>, seq: Option<u64>, failed: Failed) {
        let Some(id) = id else {
            return self.hear_models(Err(failed));
        };
        if seq.is_some_and(|seq| !self.take(&id, seq)) {
            return;
        }
        let Some(asked) = self.chats.get_mut(&id) else {
            return;
        };
        let is_lost = seq.is_none() && failed.code == Code::UnknownChat.as_str();
        if is_lost && asked.last == 0 && asked.is_asking {
            // The request never came.
            asked.is_asking = false;
            let chat = asked.chat.clone();
            return self.messages.push_back(chat);
        }
        self.end(id, Outcome::Failed(failed));
    }

    fn hear_models(&mut self, models: Result<Vec<Model>, Failed>) {
        if std::mem::take(&mut self.is_listing) {
            self.events.push_back(ClientEvent::Models(models));
        }
    }

    fn say(&mut self, op: &ClientOp) {
        if self.is_open {
            self.messages.push_back(encoded(op));
        }
    }
}

fn resume(id: &ChatId, after: u64) -> Vec<u8> {
    encoded(&ClientOp::Resume {
        id: id.clone(),
        after,
    })
}

fn encoded(op: &ClientOp) -> Vec<u8> {
    op.encode().expect("short messages fit")
}

#[cfg(test)]
mod tests;
