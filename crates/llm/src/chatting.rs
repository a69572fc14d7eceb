//! The shell of a client: one task that owns the [`Client`] and the channel `llm`; whoever asks
//! holds a [`Chats`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::rand;
use peer::{LlmChannel, LlmEpoch, LlmIncoming};
use protocol::base64url::Base64Url;
use protocol::llm::{Chat, ChatId, Model};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use crate::client::{AskError, Client, ClientEvent, Failed, Outcome};

/// What is asked and nobody took yet; whoever asks waits.
const MAX_COMMANDS: usize = 64;
const FINISH_LIMIT: Duration = Duration::from_secs(1);
/// The code of answers that a link which is over will not bring any more.
pub const LINK_OVER: &str = "link-over";

/// Asks a linked host. Clones ask over the same link.
#[derive(Debug, Clone)]
pub struct Chats {
    commands: mpsc::Sender<Command>,
}

#[derive(Debug)]
enum Command {
    Ask(Box<Chat>, oneshot::Sender<Result<Answer, AskError>>),
    Cancel(ChatId),
    ListModels(oneshot::Sender<Result<Vec<Model>, Failed>>),
    Finish(oneshot::Sender<()>),
}

/// An answer as it comes. Dropped before its end, it is stopped.
#[derive(Debug)]
pub struct Answer {
    id: ChatId,
    mailbox: Arc<Mailbox>,
    commands: mpsc::Sender<Command>,
    is_over: bool,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All that came since the last part.
    Text(String),
    /// Nothing follows.
    Over(Outcome),
}

/// What came of an answer and was not read. At most an answer fits, which is bounded.
#[derive(Debug, Default)]
struct Mailbox {
    unread: Mutex<Unread>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    text: String,
    outcome: Option<Outcome>,
}

impl Mailbox {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().expect("nobody panics while holding it")
    }

    fn put(&self, change: impl FnOnce(&mut Unread)) {
        change(&mut self.unread());
        self.changed.notify_one();
    }
}

fn link_over() -> Failed {
    Failed {
        code: LINK_OVER.to_owned(),
        message: "the link is over".to_owned(),
    }
}

/// An id that no other chat ever has.
pub fn draw_id() -> ChatId {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system has randomness");
    ChatId::new(Base64Url(bytes).to_string()).expect("base64url is all that an id may hold")
}

impl Chats {
    /// Speaks on the channel of a link until that is over.
    pub fn start(channel: LlmChannel) -> Self {
        let (commands, obeyed) = mpsc::channel(MAX_COMMANDS);
        let chatting = Chatting {
            client: Client::default(),
            mailboxes: BTreeMap::new(),
            listing: Vec::new(),
            finishing: Vec::new(),
            epoch: None,
            commands: commands.downgrade(),
        };
        tokio::spawn(chatting.run(channel, obeyed));
        Self { commands }
    }

    /// Asks for an answer; where the link is down, it is asked for once that is up. A chat without
    /// an id is given one.
    ///
    /// # Errors
    /// Each of [`AskError`].
    pub async fn ask(&self, mut chat: Chat) -> Result<Answer, AskError> {
        chat.id.get_or_insert_with(draw_id);
        let id = chat.id.clone().expect("it was given one");
        let (told, answer) = oneshot::channel();
        // A link that is over gives an answer that is.
        let _ = self.commands.send(Command::Ask(Box::new(chat), told)).await;
        answer.await.unwrap_or_else(|_| {
            let answer = Answer {
                id,
                mailbox: Arc::default(),
                commands: self.commands.clone(),
                is_over: false,
            };
            let outcome = Some(Outcome::Failed(link_over()));
            answer.mailbox.put(|unread| unread.outcome = outcome);
            Ok(answer)
        })
    }

    /// Stops every answer, and waits until the host was told, at most a second: for whoever is
    /// about to close the link.
    pub async fn finish(&self) {
        let (told, done) = oneshot::channel();
        let finishing = async {
            // A link that is over has nothing left to stop.
            let _ = self.commands.send(Command::Finish(told)).await;
            let _ = done.await;
        };
        let _ = timeout(FINISH_LIMIT, finishing).await;
    }

    /// The models that this device may use.
    ///
    /// # Errors
    /// What the host, or its model server, says.
    pub async fn models(&self) -> Result<Vec<Model>, Failed> {
        let (told, models) = oneshot::channel();
        let _ = self.commands.send(Command::ListModels(told)).await;
        models.await.unwrap_or_else(|_| Err(link_over()))
    }
}

impl Answer {
    /// Its name.
    pub fn id(&self) -> &ChatId {
        &self.id
    }

    /// What came since the last call; waits for more. None behind [`Part::Over`]. It may be given
    /// up while it waits.
    pub async fn next(&mut self) -> Option<Part> {
        if self.is_over {
            return None;
        }
        loop {
            {
                let mut unread = self.mailbox.unread();
                if !unread.text.is_empty() {
                    return Some(Part::Text(std::mem::take(&mut unread.text)));
                }
                if let Some(outcome) = unread.outcome.take() {
                    self.is_over = true;
                    return Some(Part::Over(outcome));
                }
            }
            self.mailbox.changed.notified().await;
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.is_over {
            // Where there is no room, the next part finds nobody who reads it.
            let _ = self.commands.try_send(Command::Cancel(self.id.clone()));
        }
    }
}

struct Chatting {
    client: Client,
    mailboxes: BTreeMap<ChatId, Arc<Mailbox>>,
    listing: Vec<oneshot::Sender<Result<Vec<Model>, Failed>>>,
    /// Who waits until all is said.
    finishing: Vec<oneshot::Sender<()>>,
    epoch: Option<LlmEpoch>,
    /// For answers; the task ends once nobody else can ask.
    commands: mpsc::WeakSender<Command>,
}

impl Chatting {
    async fn run(mut self, mut channel: LlmChannel, mut obeyed: mpsc::Receiver<Command>) {
        let sender = channel.sender();
        loop {
            self.tell();
            tokio::select! {
                incoming = channel.next() => match incoming {
                    Some(incoming) => self.hear(incoming),
                    None => break,
                },
                command = obeyed.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                slot = sender.reserve(), if self.client.has_transmit() => {
                    let (Some(slot), Some(epoch)) = (slot, self.epoch) else { break };
                    if let Some(message) = self.client.poll_transmit() {
                        slot.send(epoch, message);
                    }
                }
            }
        }
        self.end_all();
    }

    fn end_all(&mut self) {
        for mailbox in std::mem::take(&mut self.mailboxes).into_values() {
            let outcome = Some(Outcome::Failed(link_over()));
            mailbox.put(|unread| unread.outcome = outcome);
        }
    }

    fn hear(&mut self, incoming: LlmIncoming) {
        match incoming {
            LlmIncoming::Opened(epoch) => {
                self.epoch = Some(epoch);
                self.client.handle_opened();
            }
            LlmIncoming::Closed => {
                self.epoch = None;
                self.client.handle_closed();
            }
            LlmIncoming::Message(message) => self.client.handle_message(&message),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(chat, told) => {
                let answer = self.client.ask(*chat).map(|id| self.answer(id));
                // Whoever asked may have gone; the answer then stops itself.
                let _ = told.send(answer);
            }
            Command::Cancel(id) => self.cancel(&id),
            Command::Finish(told) => {
                self.client.cancel_all();
                self.end_all();
                self.finishing.push(told);
            }
            Command::ListModels(told) => {
                self.listing.push(told);
                self.client.list_models();
            }
        }
    }

    fn answer(&mut self, id: ChatId) -> Answer {
        let mailbox = Arc::<Mailbox>::default();
        self.mailboxes.insert(id.clone(), Arc::clone(&mailbox));
        Answer {
            id,
            mailbox,
            commands: self.commands.upgrade().expect("somebody asked just now"),
            is_over: false,
        }
    }

    fn cancel(&mut self, id: &ChatId) {
        self.mailboxes.remove(id);
        self.client.cancel(id);
    }

    fn tell(&mut self) {
        if !self.client.has_transmit() {
            for told in self.finishing.drain(..) {
                // Whoever waited may have had enough.
                let _ = told.send(());
            }
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Text(id, text) => self.put(&id, text),
                ClientEvent::Over(id, outcome) => {
                    if let Some(mailbox) = self.mailboxes.remove(&id) {
                        mailbox.put(|unread| unread.outcome = Some(outcome));
                    }
                }
                ClientEvent::Models(models) => {
                    for told in self.listing.drain(..) {
                        // Whoever asked may have stopped waiting.
                        let _ = told.send(models.clone());
                    }
                }
            }
        }
    }

    fn put(&mut self, id: &ChatId, text: String) {
        let Some(mailbox) = self.mailboxes.get(id) else {
            return;
        };
        if Arc::strong_count(mailbox) == 1 {
            return self.cancel(id);
        }
        mailbox.put(|unread| unread.text.push_str(&text));
    }
}
