//! The shell of a host: one task per linked device that owns its [`Host`], the channel `llm`, and
//! the requests to the model server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peer::{LlmChannel, LlmEpoch, LlmIncoming};
use protocol::llm::Chat;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

use crate::host::{Allowed, AnswerKey, Host, HostOutput};
use crate::upstream::http::{Reply, Upstream};
use crate::upstream::{UpstreamError, UpstreamEvent};

/// What model servers said and nobody took yet; they wait.
const MAX_UNHEARD: usize = 64;

/// Answers a linked device until its link is over; then nothing runs on.
pub async fn serve(mut channel: LlmChannel, upstream: Arc<Upstream>, allowed: Allowed) {
    let (told, mut heard) = mpsc::channel(MAX_UNHEARD);
    let sender = channel.sender();
    let mut serving = Serving {
        host: Host::new(allowed),
        upstream,
        told,
        running: BTreeMap::new(),
        epoch: None,
    };
    loop {
        serving.obey();
        let far = Instant::now() + Duration::from_secs(3600);
        let wake_at = serving.host.poll_timeout().unwrap_or(far);
        tokio::select! {
            incoming = channel.next() => match incoming {
                Some(incoming) => serving.hear_device(incoming),
                None => return,
            },
            Some(told) = heard.recv() => serving.hear_upstream(told),
            slot = sender.reserve(), if serving.host.has_transmit() => {
                let (Some(slot), Some(epoch)) = (slot, serving.epoch) else { return };
                if let Some(message) = serving.host.poll_transmit(Instant::now()) {
                    slot.send(epoch, message);
                }
            }
            () = sleep_until(wake_at.into()) => serving.host.handle_timeout(Instant::now()),
        }
    }
}

/// What a request to the model server brought.
enum Told {
    Chat(AnswerKey, UpstreamEvent),
    Models(Result<Vec<String>, UpstreamError>),
}

/// A request that runs; it is broken off when it is dropped.
struct Running {
    task: AbortHandle,
    hold: watch::Sender<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Serving {
    host: Host,
    upstream: Arc<Upstream>,
    told: mpsc::Sender<Told>,
    running: BTreeMap<AnswerKey, Running>,
    epoch: Option<LlmEpoch>,
}

impl Serving {
    fn hear_device(&mut self, incoming: LlmIncoming) {
        match incoming {
            LlmIncoming::Opened(epoch) => {
                self.epoch = Some(epoch);
                self.host.handle_opened();
            }
            LlmIncoming::Closed => {
                self.epoch = None;
                self.host.handle_closed();
            }
            LlmIncoming::Message(message) => self.host.handle_message(&message, Instant::now()),
        }
    }

    fn hear_upstream(&mut self, told: Told) {
        match told {
            Told::Chat(key, event) => {
                if !matches!(event, UpstreamEvent::Text(_)) {
                    self.running.remove(&key);
                }
                self.host.handle_upstream(key, event, Instant::now());
            }
            Told::Models(models) => self.host.handle_models(models),
        }
    }

    fn obey(&mut self) {
        while let Some(output) = self.host.poll_output() {
            match output {
                HostOutput::Start(key, chat) => self.start(key, chat),
                HostOutput::Stop(key) => drop(self.running.remove(&key)),
                HostOutput::Hold(key, is_held) => {
                    if let Some(running) = self.running.get(&key) {
                        running.hold.send_replace(is_held);
                    }
                }
                HostOutput::ListModels => {
                    let (upstream, told) = (Arc::clone(&self.upstream), self.told.clone());
                    tokio::spawn(async move {
                        // The device may have gone meanwhile.
                        let _ = told.send(Told::Models(upstream.models().await)).await;
                    });
                }
            }
        }
    }

    fn start(&mut self, key: AnswerKey, chat: Box<Chat>) {
        let (upstream, told) = (Arc::clone(&self.upstream), self.told.clone());
        let (hold, held) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut reply = upstream.ask(&chat).await;
            loop {
                let event = next_of(&mut reply, held.clone()).await;
                let is_last = !matches!(event, UpstreamEvent::Text(_));
                if told.send(Told::Chat(key, event)).await.is_err() || is_last {
                    return;
                }
            }
        });
        let task = task.abort_handle();
        self.running.insert(key, Running { task, hold });
    }
}

/// What a model server says next, once it may be read.
async fn next_of(
    reply: &mut Result<Reply, UpstreamError>,
    mut held: watch::Receiver<bool>,
) -> UpstreamEvent {
    match reply {
        Ok(reply) => {
            // Whoever holds it is gone only together with this.
            let _ = held.wait_for(|is_held| !is_held).await;
            reply.next().await
        }
        Err(error) => UpstreamEvent::Failed(error.clone()),
    }
}
