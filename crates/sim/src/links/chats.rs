//! A device's chats: the first device asks, the second has a model that says a token at a time.
//!
//! The cores are those of the `llm` crate; what their shells do is done here without a clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use llm::client::{Client, ClientEvent, Outcome};
use llm::host::{Allowed, AnswerKey, Host, HostOutput};
use llm::upstream::UpstreamEvent;
use peer::link::{LinkCore, LlmEvent};
use protocol::llm::{Chat, ChatId, ChatOptions, Reason};

/// From token to token.
const PACE: Duration = Duration::from_millis(20);

/// Both ends of the chats of one device.
#[derive(Debug)]
pub(super) struct Chats {
    client: Client,
    host: Host,
    model: BTreeMap<AnswerKey, Speech>,
    answers: BTreeMap<ChatId, (String, Option<Outcome>)>,
    /// How often the channel opened.
    openings: usize,
}

/// An answer that the model is saying.
#[derive(Debug)]
struct Speech {
    said: usize,
    tokens: usize,
    next_at: Instant,
    is_held: bool,
}

/// The token at a place of every answer.
fn token(at: usize) -> String {
    format!("{at} ")
}

/// What an answer of so many tokens is.
pub(super) fn whole(tokens: usize) -> String {
    (0..tokens).map(token).collect()
}

impl Chats {
    pub(super) fn new() -> Self {
        Self {
            client: Client::default(),
            host: Host::new(Allowed::All),
            model: BTreeMap::new(),
            answers: BTreeMap::new(),
            openings: 0,
        }
    }

    /// Asks the other device for so many tokens.
    pub(super) fn ask(&mut self, tokens: usize) {
        let id = ChatId::new(format!("c{}", self.answers.len())).expect("letters, digits");
        let chat = Chat {
            id: Some(id.clone()),
            model: "m".to_owned(),
            prompt: Some(tokens.to_string()),
            messages: Vec::new(),
            stream: true,
            options: ChatOptions::default(),
        };
        self.client.ask(chat).expect("a fresh id");
        self.answers.insert(id, (String::new(), None));
    }

    /// What came of each answer, and how it ended.
    pub(super) fn answers(&self) -> impl Iterator<Item = &(String, Option<Outcome>)> {
        self.answers.values()
    }

    pub(super) fn openings(&self) -> usize {
        self.openings
    }

    /// The device that asks hears the host, and the other one the client.
    pub(super) fn hear(&mut self, event: LlmEvent, now: Instant) {
        let is_client = !self.answers.is_empty();
        match event {
            LlmEvent::Opened => {
                self.openings += 1;
                self.client.handle_opened();
                self.host.handle_opened();
            }
            LlmEvent::Closed => {
                self.client.handle_closed();
                self.host.handle_closed();
            }
            LlmEvent::Message(message) if is_client => self.client.handle_message(&message),
            LlmEvent::Message(message) => self.host.handle_message(&message, now),
        }
        self.settle(now);
    }

    /// Sends what has room; whether anything was sent.
    pub(super) fn speak(&mut self, core: &mut LinkCore, now: Instant) -> bool {
        let mut has_spoken = false;
        while core.has_llm_room() {
            let message = self.client.poll_transmit();
            let Some(message) = message.or_else(|| self.host.poll_transmit(now)) else {
                break;
            };
            core.send_llm(message, now);
            has_spoken = true;
        }
        self.settle(now);
        has_spoken
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let speeches = self.model.values().filter(|speech| !speech.is_held);
        let next = speeches.map(|speech| speech.next_at);
        next.chain(self.host.poll_timeout()).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let is_due = |speech: &Speech| !speech.is_held && speech.next_at <= now;
        let due = self.model.iter().filter(|(_, speech)| is_due(speech));
        let due: Vec<_> = due.map(|(key, _)| *key).collect();
        for key in due {
            let speech = self.model.get_mut(&key).expect("it was found there");
            speech.next_at = now + PACE;
            let is_over = speech.said == speech.tokens;
            let event = if is_over {
                let (reason, usage) = (Reason::Stop, None);
                UpstreamEvent::End { reason, usage }
            } else {
                speech.said += 1;
                UpstreamEvent::Text(token(speech.said - 1))
            };
            if is_over {
                self.model.remove(&key);
            }
            self.host.handle_upstream(key, event, now);
        }
        let is_late = self.host.poll_timeout().is_some_and(|at| at <= now);
        if is_late {
            self.host.handle_timeout(now);
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Instant) {
        while let Some(output) = self.host.poll_output() {
            match output {
                HostOutput::Start(key, chat) => {
                    let tokens = chat.prompt.as_deref().and_then(|it| it.parse().ok());
                    let speech = Speech {
                        said: 0,
                        tokens: tokens.expect("a number is asked for"),
                        next_at: now + PACE,
                        is_held: false,
                    };
                    self.model.insert(key, speech);
                }
                HostOutput::Stop(key) => drop(self.model.remove(&key)),
                HostOutput::Hold(key, is_held) => {
                    if let Some(speech) = self.model.get_mut(&key) {
                        speech.is_held = is_held;
                        speech.next_at = now + PACE;
                    }
                }
                HostOutput::ListModels => self.host.handle_models(Ok(vec!["m".to_owned()])),
            }
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Text(id, text) => {
                    let (answer, _) = self.answers.get_mut(&id).expect("it was asked for");
                    answer.push_str(&text);
                }
                ClientEvent::Over(id, outcome) => {
                    let (_, end) = self.answers.get_mut(&id).expect("it was asked for");
                    *end = Some(outcome);
                }
                ClientEvent::Models(_) => {}
            }
        }
    }
}
