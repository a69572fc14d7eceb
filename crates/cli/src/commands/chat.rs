//! `helio chat`: asks the language model of a paired device that runs `helio host`.

use std::io::Read as _;
use std::time::Duration;

use llm::chatting::{Chats, Part};
use llm::client::{AskError, Failed, Outcome};
use protocol::json::DecodeError;
use protocol::llm::{Chat, ChatOptions, Role, Turn};
use serde_json::json;

use super::chats::over_chats;
use super::linking::Linked;
use super::message::lines_of_input;
use crate::arguments::{ChatArguments, DeviceArguments, OutputArguments};
use crate::output::{self, Failure};

/// How long the other device may take to say which models it has.
const MODELS_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &ChatArguments,
) -> Result<(), Failure> {
    over_chats(device, output, &arguments.link, async |linked, chats| {
        chat(linked, chats, arguments).await
    })
}

async fn chat(
    linked: &mut Linked,
    chats: &Chats,
    arguments: &ChatArguments,
) -> Result<(), Failure> {
    let models = models(linked, chats).await?;
    if arguments.models {
        return tell_models(linked, &models);
    }
    let model = arguments.model.clone().or(models.into_iter().next());
    let model = model.ok_or_else(|| Failure::because("the model server has no model"))?;
    let mut conversation = Conversation {
        model,
        system: arguments.system.clone(),
        turns: Vec::new(),
    };
    match arguments.prompt.as_deref() {
        Some("-") => {
            let mut prompt = String::new();
            let read = std::io::stdin().read_to_string(&mut prompt);
            read.map_err(Failure::because)?;
            conversation.ask(linked, chats, prompt).await
        }
        Some(prompt) => conversation.ask(linked, chats, prompt.to_owned()).await,
        None => {
            let mut lines = lines_of_input();
            while let Some(line) = while_linked(linked, lines.recv()).await? {
                conversation.ask(linked, chats, line).await?;
            }
            Ok(())
        }
    }
}

/// Waits for something while the link's events are read.
async fn while_linked<T>(linked: &mut Linked, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            event = linked.next_in_time() => drop(event?),
        }
    }
}

async fn models(linked: &mut Linked, chats: &Chats) -> Result<Vec<String>, Failure> {
    let asked = tokio::time::timeout(MODELS_LIMIT, chats.models());
    match while_linked(linked, asked).await? {
        Ok(models) => {
            let models = models.map_err(failed)?;
            Ok(models.into_iter().map(|model| model.name).collect())
        }
        Err(_) => Err(Failure::Unreachable(format!(
            "{} does not answer for a model; run `helio host` on it",
            linked.peer
        ))),
    }
}

fn tell_models(linked: &Linked, models: &[String]) -> Result<(), Failure> {
    if linked.output.json {
        output::json(&json!({ "models": models }));
        return Ok(());
    }
    for model in models {
        output::line(output::plain(model));
    }
    Ok(())
}

fn failed(failed: Failed) -> Failure {
    let reason = format!("{failed} ({})", failed.code);
    match failed.code.as_str() {
        "model-not-allowed" | "model-not-found" | "too-many-chats" => Failure::Refused(reason),
        _ => Failure::Failed(reason),
    }
}

/// What was said so far.
struct Conversation {
    model: String,
    system: Option<String>,
    turns: Vec<Turn>,
}

impl Conversation {
    /// Asks, and prints the answer as it comes.
    async fn ask(
        &mut self,
        linked: &mut Linked,
        chats: &Chats,
        prompt: String,
    ) -> Result<(), Failure> {
        self.turns.push(turn(Role::User, prompt));
        let mut answer = loop {
            match chats.ask(self.request()).await {
                Ok(answer) => break answer,
                // What was said longest ago is left out.
                Err(AskError::Unsayable(DecodeError::TooLarge { .. })) if self.turns.len() > 1 => {
                    self.turns.remove(0);
                }
                Err(error) => return Err(Failure::Usage(error.to_string())),
            }
        };
        let mut said = String::new();
        while let Some(part) = while_linked(linked, answer.next()).await? {
            match part {
                Part::Text(text) => {
                    tell_text(linked.output, &text);
                    said.push_str(&text);
                }
                Part::Over(Outcome::Done { reason, usage }) => {
                    let fact = json!({ "event": "done", "reason": reason, "usage": usage });
                    output::fact(linked.output, &fact, "");
                }
                Part::Over(Outcome::Failed(why)) => return Err(failed(why)),
            }
        }
        self.turns.push(turn(Role::Assistant, said));
        Ok(())
    }

    fn request(&self) -> Chat {
        let system = self.system.clone().map(|text| turn(Role::System, text));
        Chat {
            id: None,
            model: self.model.clone(),
            prompt: None,
            messages: system.into_iter().chain(self.turns.clone()).collect(),
            stream: true,
            options: ChatOptions::default(),
        }
    }
}

fn turn(role: Role, content: String) -> Turn {
    Turn { role, content }
}

fn tell_text(output: OutputArguments, text: &str) {
    if output.json {
        output::json_line(&json!({ "event": "text", "text": text }));
    } else {
        output::piece(text);
    }
}
