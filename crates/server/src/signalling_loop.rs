//! The owner of the signalling hub: one task that carries its orders into the world.
//!
//! Sockets and handlers speak to it by one bounded channel. When that is full they wait, which
//! slows the clients down by TCP; the owner itself waits for nobody: a socket whose own queue
//! is full is dropped, and the registry is asked in tasks of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use signalling::{Hub, Limits, Output, SocketId};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, sleep_until};

mod bearer;
mod command;
mod directory;
mod handle;
mod metrics;
mod socket;
#[cfg(test)]
mod tests;
mod upgrade;

pub(crate) use bearer::bearer;
use command::{Command, Opening, Order};
use directory::Answer;
pub use directory::{Directory, Question};
pub use handle::{SignallingHandle, Stopped};
use socket::Outgoing;
pub use socket::Socket;
pub(crate) use upgrade::Handshake;

/// Commands that may wait for the owner.
const COMMANDS: usize = 1024;
/// How often metrics are brought up to date.
const METRICS_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Starts the owner. It ends once every handle and socket is gone.
pub fn spawn(limits: Limits, directory: impl Directory) -> (SignallingHandle, JoinHandle<()>) {
    metrics::describe();
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let mut metrics_due = tokio::time::interval(METRICS_EVERY);
    metrics_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let owner = Owner {
        hub: Hub::new(limits),
        outlets: HashMap::new(),
        directory: Arc::new(directory),
        answers: JoinSet::new(),
        inbox,
        metrics_due,
    };
    (SignallingHandle::new(commands), tokio::spawn(owner.run()))
}

struct Owner<D> {
    hub: Hub,
    outlets: HashMap<SocketId, Outlet>,
    directory: Arc<D>,
    answers: JoinSet<Answer>,
    inbox: mpsc::Receiver<Command>,
    metrics_due: Interval,
}

/// The way to a socket's task.
struct Outlet {
    outgoing: mpsc::Sender<Outgoing>,
    /// The name that the client came by.
    host: Arc<str>,
}

impl<D: Directory> Owner<D> {
    async fn run(mut self) {
        let alarm = sleep_until(Instant::now().into());
        tokio::pin!(alarm);
        loop {
            let wake = self.hub.poll_timeout();
            if let Some(at) = wake.map(Into::into).filter(|at| *at != alarm.deadline()) {
                alarm.as_mut().reset(at);
            }
            tokio::select! {
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command, Instant::now()),
                    None => break,
                },
                Some(answer) = self.answers.join_next() => self.handle_answer(answer.ok()),
                () = &mut alarm, if wake.is_some() => self.hub.handle_timeout(Instant::now()),
                _ = self.metrics_due.tick() => metrics::publish(&self.hub.stats()),
            }
            self.execute_outputs();
        }
    }

    /// Tells the hub what happened.
    fn handle(&mut self, command: Command, now: Instant) {
        match command {
            Command::Opened {
                socket,
                opening,
                outgoing,
                host,
            } => {
                self.outlets.insert(socket, Outlet { outgoing, host });
                self.open(socket, opening, now);
            }
            Command::Text { socket, text } => self.hub.handle_text(socket, &text, now),
            Command::Binary { socket, bytes } => self.hub.handle_binary(socket, bytes, now),
            Command::Oversized { socket } => self.hub.handle_oversized(socket, now),
            Command::Pong { socket } => self.hub.handle_pong(socket),
            Command::Closed { socket } => self.forget(socket),
            Command::Order { order, done } => {
                self.obey(order);
                self.execute_outputs();
                // Nobody need be waiting any longer.
                let _ = done.send(());
            }
            Command::Online { devices, reply } => {
                let _ = reply.send(self.hub.online(&devices));
            }
            Command::Stats { reply } => {
                let _ = reply.send(self.hub.stats());
            }
        }
    }

    fn open(&mut self, socket: SocketId, opening: Opening, now: Instant) {
        match opening {
            Opening::Link(grant) => self.hub.handle_link_opened(socket, grant, now),
            Opening::Register(grant) => self.hub.handle_register_opened(socket, grant, now),
            Opening::Inviter { id, grant } => {
                self.hub.handle_invite_opened(socket, id, grant, now);
            }
            Opening::Joiner { id } => self.hub.handle_joiner_opened(socket, &id, now),
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::RevokeDevice(device) => self.hub.revoke_device(&device),
            Order::RevokePair(pair) => self.hub.revoke_pair(&pair),
            Order::DropKey(kid) => self.hub.drop_key(&kid),
            Order::Drain => self.hub.drain(),
        }
    }

    fn handle_answer(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Lookup { socket, answer }) => self.hub.handle_lookup(socket, answer),
            Some(Answer::Verified { socket, renewal }) => {
                self.hub.handle_verified(socket, renewal);
            }
            // The task panicked; its socket's term closes it.
            None => tracing::error!("a signalling lookup panicked"),
        }
    }

    /// Does what the hub says, until it says nothing more.
    fn execute_outputs(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { socket, text } => self.send(socket, Outgoing::Text(text)),
                Output::Ping { socket } => self.send(socket, Outgoing::Ping),
                Output::Close {
                    socket,
                    code,
                    reason,
                } => {
                    tracing::debug!(conn = socket.0, code = code.number(), reason, "closing");
                    self.send(socket, Outgoing::Close(code, reason));
                    self.outlets.remove(&socket);
                }
                Output::Lookup {
                    socket,
                    device,
                    account,
                    pair,
                } => {
                    let Some(host) = self.host(socket) else {
                        continue;
                    };
                    let question = Question {
                        device,
                        account,
                        pair,
                        host,
                    };
                    self.answers.spawn(directory::look_up(
                        self.directory.clone(),
                        socket,
                        question,
                    ));
                }
                Output::Verify { socket, token } => {
                    let Some(host) = self.host(socket) else {
                        continue;
                    };
                    let directory = self.directory.clone();
                    self.answers
                        .spawn(directory::verify(directory, socket, token, host));
                }
                Output::Answered { pair, elapsed } => metrics::answered(&pair, elapsed),
            }
        }
    }

    /// Queues for a socket; one that does not keep up is dropped.
    fn send(&mut self, socket: SocketId, outgoing: Outgoing) {
        let Some(outlet) = self.outlets.get(&socket) else {
            return;
        };
        if outlet.outgoing.try_send(outgoing).is_err() {
            tracing::debug!(conn = socket.0, "socket does not keep up or is gone");
            self.forget(socket);
        }
    }

    fn forget(&mut self, socket: SocketId) {
        self.outlets.remove(&socket);
        self.hub.handle_closed(socket);
    }

    fn host(&self, socket: SocketId) -> Option<Arc<str>> {
        self.outlets.get(&socket).map(|outlet| outlet.host.clone())
    }
}
