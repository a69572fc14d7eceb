//! How the rest of the server speaks to the signalling owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::id::{DeviceId, PairId};
use signalling::{InviteGrant, LinkGrant, RegisterGrant, SocketId, Stats};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::command::{Command, Opening, Order};
use super::socket::Socket;

/// The signalling owner has ended: the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signalling has stopped")]
pub struct Stopped;

/// A way to the signalling owner; clones share it.
#[derive(Debug, Clone)]
pub struct SignallingHandle {
    commands: mpsc::Sender<Command>,
    sockets_so_far: Arc<AtomicU64>,
    tasks: TaskTracker,
}

impl SignallingHandle {
    pub(super) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self {
            commands,
            sockets_so_far: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Opens a socket of `/api/signal`. The hub knows it once this returns, before the client
    /// does. `host` is the name that the client came by.
    ///
    /// # Errors
    /// The owner has ended.
    pub async fn open_link(&self, grant: LinkGrant, host: &str) -> Result<Socket, Stopped> {
        self.open(Opening::Link(grant), host).await
    }

    /// Opens a socket of `/ws`.
    ///
    /// # Errors
    /// The owner has ended.
    pub async fn open_register(&self, grant: RegisterGrant) -> Result<Socket, Stopped> {
        self.open(Opening::Register(grant), "").await
    }

    /// Opens a socket of `/api/pairing/{id}`: for the inviter with its grant, for a joiner
    /// without.
    ///
    /// # Errors
    /// The owner has ended.
    pub async fn open_rendezvous(
        &self,
        id: String,
        inviter: Option<InviteGrant>,
    ) -> Result<Socket, Stopped> {
        let opening = match inviter {
            Some(grant) => Opening::Inviter { id, grant },
            None => Opening::Joiner { id },
        };
        self.open(opening, "").await
    }

    /// Closes the sockets of a device and of its peers; they are closing when this returns.
    /// Call it after the registry has the revocation.
    pub async fn revoke_device(&self, device: DeviceId) {
        self.order(Order::RevokeDevice(device)).await;
    }

    /// Closes both sides' sockets of a pair; they are closing when this returns. Call it after
    /// the registry has the revocation.
    pub async fn revoke_pair(&self, pair: PairId) {
        self.order(Order::RevokePair(pair)).await;
    }

    /// Closes every socket that a token of this key opened, and lets none in from here on.
    pub async fn drop_key(&self, kid: String) {
        self.order(Order::DropKey(kid)).await;
    }

    /// Tells and closes everybody, lets nobody in, and waits until every socket is gone.
    pub async fn drain(&self) {
        self.order(Order::Drain).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Which of the devices have a link socket, in the order asked; all false once stopped.
    pub async fn online(&self, devices: Vec<DeviceId>) -> Vec<bool> {
        let (count, (reply, answer)) = (devices.len(), oneshot::channel());
        let asked = self.commands.send(Command::Online { devices, reply }).await;
        let answer = if asked.is_ok() {
            answer.await.ok()
        } else {
            None
        };
        answer.unwrap_or_else(|| vec![false; count])
    }

    /// What was seen so far; nothing once stopped.
    pub async fn stats(&self) -> Stats {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Stats { reply }).await.is_err() {
            return Stats::default();
        }
        answer.await.unwrap_or_default()
    }

    async fn open(&self, opening: Opening, host: &str) -> Result<Socket, Stopped> {
        let id = SocketId(self.sockets_so_far.fetch_add(1, Ordering::Relaxed));
        let waits = matches!(opening, Opening::Link(_));
        let (outgoing, socket) = Socket::new(id, self.commands.clone(), self.tasks.clone(), waits);
        let opened = Command::Opened {
            socket: id,
            opening,
            outgoing,
            host: host.into(),
        };
        self.commands.send(opened).await.map_err(|_| Stopped)?;
        Ok(socket)
    }

    async fn order(&self, order: Order) {
        let (done, is_done) = oneshot::channel();
        if self
            .commands
            .send(Command::Order { order, done })
            .await
            .is_ok()
        {
            // An owner that ended has no sockets either.
            let _ = is_done.await;
        }
    }
}
