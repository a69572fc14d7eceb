//! Gives a pairing machine its socket, its clock and its memory. One task owns the machine.

use std::time::{Duration, Instant};

use protocol::base64url::Base64Url;
use protocol::invite_link::{INVITE_LIFETIME_S, PairingLink};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{
    Entropy, Inviter, Joiner, NewlyPaired, Order, Outcome, PairingError, PairingFault, Progress,
};
use crate::device::{Device, random};
use crate::server_api::{ApiError, Received, ServerApi, Socket, unix_ms};
use crate::store::{PairState, PinnedServer, StoreError, StoredPair};

/// More than one pairing ever tells before somebody reads it.
const PROGRESS_QUEUE: usize = 32;

/// A pairing under way. Dropping it ends it.
#[derive(Debug)]
pub struct Pairing {
    progress: mpsc::Receiver<Progress>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Command {
    Choose(usize),
    Cancel,
}

impl Pairing {
    /// How far it has come; `None` after [`Progress::Paired`] or [`Progress::Failed`], once the
    /// other side had its time to hear of it.
    pub async fn next(&mut self) -> Option<Progress> {
        self.progress.recv().await
    }

    /// The inviter's choice among the sets of [`Progress::Choosing`], from 0. A wrong one burns
    /// the invite.
    pub async fn choose(&self, index: usize) {
        // A pairing that is over has said so.
        let _ = self.commands.send(Command::Choose(index)).await;
    }

    /// Ends it; an invite is burnt.
    pub async fn cancel(&self) {
        let _ = self.commands.send(Command::Cancel).await;
    }
}

impl Drop for Pairing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows a pairing link with a client of the link's own server.
///
/// # Errors
/// The link is too old by the server's clock, or the server cannot be reached.
pub async fn join(device: Device, api: ServerApi, link: PairingLink) -> Result<Pairing, JoinError> {
    api.clock_offset_ms().await?;
    if link.expiry_s.saturating_mul(1000) < api.server_now_ms().await {
        return Err(JoinError::Pairing(PairingFault::Expired.into()));
    }
    let rendezvous = link.rendezvous.to_string();
    let socket = api.open_rendezvous(&rendezvous, None).await?;
    let machine = Joiner::new(link, device.keys().clone(), entropy());
    Ok(spawn(Machine::Joiner(machine), device, api, socket))
}

/// Opens an invite on a server that this device has an account on. The link is for the other
/// device.
///
/// # Errors
/// The server cannot be reached, or refuses this device.
pub async fn invite(device: Device, api: ServerApi) -> Result<(Pairing, PairingLink), JoinError> {
    let info = api.server_info().await?;
    let token = api.account_token().await?;
    let link = PairingLink {
        origin: info.invite_origin,
        key: *device.keys().noise().public(),
        secret: Base64Url(random()),
        rendezvous: Base64Url(random()),
        expiry_s: api.server_now_ms().await / 1000 + INVITE_LIFETIME_S,
    };
    let rendezvous = link.rendezvous.to_string();
    let socket = api.open_rendezvous(&rendezvous, Some(&token)).await?;
    let keys = device.keys().clone();
    let machine = Inviter::new(link.clone(), keys, entropy(), Instant::now());
    let pairing = spawn(Machine::Inviter(machine), device, api, socket);
    Ok((pairing, link))
}

/// Why a pairing did not begin.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The server.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The link.
    #[error(transparent)]
    Pairing(#[from] PairingError),
}

fn entropy() -> Entropy {
    Entropy::new(|bytes| aws_lc_rs::rand::fill(bytes).expect("the system has randomness"))
}

/// Either machine: the shell is the same.
#[derive(Debug)]
enum Machine {
    Joiner(Joiner),
    Inviter(Inviter),
}

impl Machine {
    fn handle_received(&mut self, received: Received, now: Instant) {
        match (self, received) {
            (Self::Joiner(machine), Received::Text(text)) => machine.handle_message(&text, now),
            (Self::Joiner(machine), Received::Closed(code)) => machine.handle_close(code),
            (Self::Inviter(machine), Received::Text(text)) => machine.handle_message(&text, now),
            (Self::Inviter(machine), Received::Closed(code)) => machine.handle_close(code),
        }
    }

    fn handle_command(&mut self, command: &Command) {
        match (self, command) {
            (Self::Inviter(machine), Command::Choose(index)) => machine.choose(*index, unix_ms()),
            (Self::Inviter(machine), Command::Cancel) => machine.cancel(),
            (Self::Joiner(machine), Command::Cancel) => machine.cancel(),
            (Self::Joiner(_), Command::Choose(_)) => {}
        }
    }

    fn handle_outcome(&mut self, outcome: Outcome, now: Instant) {
        match self {
            Self::Joiner(machine) => machine.handle_outcome(outcome),
            Self::Inviter(machine) => machine.handle_outcome(outcome, now),
        }
    }

    fn handle_failure(&mut self, fault: PairingFault) {
        match self {
            Self::Joiner(machine) => machine.handle_failure(fault),
            Self::Inviter(machine) => machine.handle_failure(fault),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Joiner(machine) => machine.handle_timeout(now),
            Self::Inviter(machine) => machine.handle_timeout(now),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Joiner(machine) => machine.poll_timeout(),
            Self::Inviter(machine) => machine.poll_timeout(),
        }
    }

    fn poll_order(&mut self) -> Option<Order> {
        match self {
            Self::Joiner(machine) => machine.poll_order(),
            Self::Inviter(machine) => machine.poll_order(),
        }
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        match self {
            Self::Joiner(machine) => machine.poll_progress(),
            Self::Inviter(machine) => machine.poll_progress(),
        }
    }
}

fn spawn(machine: Machine, device: Device, api: ServerApi, socket: Socket) -> Pairing {
    let (tell, progress) = mpsc::channel(PROGRESS_QUEUE);
    let (commands, listen) = mpsc::channel(1);
    let session = Session {
        machine,
        device,
        api,
        socket: Some(socket),
    };
    Pairing {
        progress,
        commands,
        task: tokio::spawn(session.run(tell, listen)),
    }
}

struct Session {
    machine: Machine,
    device: Device,
    api: ServerApi,
    /// `None` once it closed.
    socket: Option<Socket>,
}

impl Session {
    async fn run(mut self, tell: mpsc::Sender<Progress>, mut listen: mpsc::Receiver<Command>) {
        loop {
            let is_over = self.carry_out().await;
            while let Some(progress) = self.machine.poll_progress() {
                // Nobody reads any more: the pairing was dropped.
                if tell.send(progress).await.is_err() {
                    return;
                }
            }
            if is_over {
                return;
            }
            let wake = self.machine.poll_timeout();
            let wake = wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                received = receive(&mut self.socket) => {
                    if matches!(received, Received::Closed(_)) {
                        self.socket = None;
                    }
                    self.machine.handle_received(received, Instant::now());
                }
                Some(command) = listen.recv() => self.machine.handle_command(&command),
                () = tokio::time::sleep_until(wake.into()) => {
                    self.machine.handle_timeout(Instant::now());
                }
            }
        }
    }

    /// Does what was ordered, in order; true once the pairing is over.
    async fn carry_out(&mut self) -> bool {
        while let Some(order) = self.machine.poll_order() {
            match order {
                Order::Send(text) => {
                    if let Some(socket) = &mut self.socket {
                        // A lost socket says so when it is read.
                        let _ = socket.send(text).await;
                    }
                }
                Order::Keep(pair) => {
                    if let Err(error) = self.keep(&pair) {
                        self.machine.handle_failure(storage(&error));
                    }
                }
                Order::Register(pair) => {
                    let outcome = outcome_of(self.api.add_pair(&pair).await.map(|_| ()));
                    self.machine.handle_outcome(outcome, Instant::now());
                }
                Order::Ask(pair) => {
                    let answer = self.api.fresh_link_token(&pair).await;
                    let outcome = outcome_of(answer.map(|_| ()));
                    self.machine.handle_outcome(outcome, Instant::now());
                }
                Order::Confirm(pair) => {
                    let confirmed = self.device.store().confirm_pair(&pair);
                    // The pair stays pending: the next command settles it.
                    if let Err(error) = confirmed {
                        tracing::warn!(%error, "the pair is kept as pending");
                    }
                }
                Order::Forget(pair) => {
                    if let Err(error) = self.device.store().delete_pair(&pair) {
                        tracing::warn!(%error, "a refused pair is kept as pending");
                    }
                }
                Order::Close => {
                    if let Some(socket) = self.socket.take() {
                        socket.close().await;
                    }
                    return true;
                }
            }
        }
        false
    }

    /// The server comes first: with it a pending pair can be settled after a `kill -9`.
    fn keep(&self, pair: &NewlyPaired) -> Result<(), StoreError> {
        let store = self.device.store();
        store.put_server(&PinnedServer {
            origin: self.api.origin().to_owned(),
            authority: self.api.authority(),
        })?;
        store.put_pair(&StoredPair {
            pair_id: pair.pair_id.clone(),
            server: self.api.origin().to_owned(),
            peer: pair.peer.clone(),
            secret: pair.secret,
            state: PairState::Pending,
            created: pair.created,
            kept: unix_ms(),
        })
    }
}

fn storage(error: &StoreError) -> PairingFault {
    PairingFault::Storage(error.to_string())
}

/// What an answer says about a pair.
pub(super) fn outcome_of(answer: Result<(), ApiError>) -> Outcome {
    match answer {
        Ok(()) => Outcome::Holds,
        Err(error) if error.is_final_refusal() => Outcome::Refused(error.to_string()),
        Err(error) => Outcome::Unknown(error.to_string()),
    }
}

async fn receive(socket: &mut Option<Socket>) -> Received {
    match socket {
        Some(socket) => socket.receive().await,
        None => std::future::pending().await,
    }
}
