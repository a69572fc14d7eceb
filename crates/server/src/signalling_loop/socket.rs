//! One WebSocket's task: reads for the owner, writes what the owner says.
//!
//! It waits for the owner and for the client at once, never for one of them alone: a task that
//! held its own queue while it waited would have it overflow.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::close::CloseCode;
use signalling::SocketId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};
use tokio_util::task::TaskTracker;

use super::command::Command;

/// Messages that may wait for a client; a client that lets more pile up is dropped.
const OUTGOING: usize = 256;
/// How long a client may leave a write standing.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long a client may take to answer a close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How much of an oversized message is read and thrown away, so that the close arrives.
const DISCARDED_BYTES: u64 = 1024 * 1024;
/// How long the client of an oversized message may pause.
const DISCARD_PAUSE: Duration = Duration::from_millis(250);

/// What the owner says.
pub(super) enum Outgoing {
    Text(String),
    Ping,
    Close(CloseCode, &'static str),
}

/// A socket that the hub knows; the client joins it by [`super::Handshake::complete`]. Dropping
/// it tells the hub that it is gone.
pub struct Socket {
    id: SocketId,
    commands: Sender<Command>,
    outgoing: Receiver<Outgoing>,
    /// Its task is counted here, so that a drain can wait for it.
    pub(super) tasks: TaskTracker,
    /// What the client said while the owner was busy; it is read no further meanwhile.
    unsent: Option<Command>,
    /// Whether the client is read only after the hub has said something.
    waits: bool,
    /// Whether the client sent what cannot be read; nothing after it can be either.
    is_oversized: bool,
}

/// How a socket ends.
enum End {
    /// Nobody is there, or nobody keeps up.
    Gone,
    /// The client closes.
    Answer,
    /// The hub closes.
    Close(CloseCode, &'static str),
}

impl Socket {
    pub(super) fn new(
        id: SocketId,
        commands: Sender<Command>,
        tasks: TaskTracker,
        waits: bool,
    ) -> (Sender<Outgoing>, Self) {
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        (
            sender,
            Self {
                id,
                commands,
                outgoing,
                tasks,
                unsent: None,
                waits,
                is_oversized: false,
            },
        )
    }

    /// Carries messages both ways until either end closes.
    pub(super) async fn run<S>(mut self, mut stream: WebSocketStream<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let end = loop {
            if let ControlFlow::Break(end) = self.step(&mut stream).await {
                break end;
            }
        };
        match end {
            End::Gone => {}
            End::Answer => read_to_end(stream).await,
            End::Close(code, reason) => self.close(stream, code, reason).await,
        }
    }

    /// Waits for the owner, for a place with it, and for the client; does what comes first.
    async fn step<S>(&mut self, stream: &mut WebSocketStream<S>) -> ControlFlow<End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let may_read = !self.waits && !self.is_oversized && self.unsent.is_none();
        tokio::select! {
            biased;
            outgoing = self.outgoing.recv() => {
                self.waits = false;
                write(stream, outgoing, &mut self.outgoing).await
            }
            is_heard = pass_on(&self.commands, &mut self.unsent), if self.unsent.is_some() => {
                if is_heard { ControlFlow::Continue(()) } else { ControlFlow::Break(End::Gone) }
            }
            message = stream.next(), if may_read => self.handle_message(message),
        }
    }

    /// Passes on what the client said, or keeps it while the owner is busy.
    fn handle_message(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> ControlFlow<End> {
        let socket = self.id;
        let command = match message {
            Some(Ok(Message::Text(text))) => Command::Text { socket, text },
            Some(Ok(Message::Binary(bytes))) => Command::Binary {
                socket,
                bytes: bytes.len(),
            },
            Some(Ok(Message::Pong(_))) => Command::Pong { socket },
            // The library answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => return ControlFlow::Continue(()),
            Some(Ok(Message::Close(_))) => return ControlFlow::Break(End::Answer),
            Some(Err(tungstenite::Error::Capacity(_))) => {
                self.is_oversized = true;
                Command::Oversized { socket }
            }
            Some(Err(_)) | None => return ControlFlow::Break(End::Gone),
        };
        match self.commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(command)) => self.unsent = Some(command),
            Err(TrySendError::Closed(_)) => return ControlFlow::Break(End::Gone),
        }
        ControlFlow::Continue(())
    }

    /// Says why, and gives the client the time to hear it.
    async fn close<S>(&self, mut stream: WebSocketStream<S>, code: CloseCode, reason: &'static str)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let frame = CloseFrame {
            code: code.number().into(),
            reason: reason.into(),
        };
        match timeout(WRITE_LIMIT, stream.send(Message::Close(Some(frame)))).await {
            Ok(Ok(())) if self.is_oversized => discard(stream.into_inner()).await,
            Ok(Ok(())) => read_to_end(stream).await,
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

/// Waits for a place with the owner. False: the owner has ended.
async fn pass_on(commands: &Sender<Command>, unsent: &mut Option<Command>) -> bool {
    let Ok(permit) = commands.reserve().await else {
        return false;
    };
    if let Some(command) = unsent.take() {
        permit.send(command);
    }
    true
}

/// Writes what the owner says, and whatever else is there already, in one go.
async fn write<S>(
    stream: &mut WebSocketStream<S>,
    first: Option<Outgoing>,
    more: &mut Receiver<Outgoing>,
) -> ControlFlow<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let writing = async {
        let mut next = first;
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Text(text) => stream
                    .feed(Message::text(text))
                    .await
                    .map_err(|_| End::Gone)?,
                Outgoing::Ping => {
                    stream
                        .feed(Message::Ping(Bytes::new()))
                        .await
                        .map_err(|_| End::Gone)?;
                }
                Outgoing::Close(code, reason) => return Err(End::Close(code, reason)),
            }
            next = more.try_recv().ok();
        }
        stream.flush().await.map_err(|_| End::Gone)
    };
    match timeout(WRITE_LIMIT, writing).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(end)) => ControlFlow::Break(end),
        Err(_) => ControlFlow::Break(End::Gone),
    }
}

/// Finishes the closing handshake (RFC 6455 §7.1.2), for a while.
async fn read_to_end<S>(mut stream: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let reading = async { while let Some(Ok(_)) = stream.next().await {} };
    // Whoever does not finish is cut off.
    let _ = timeout(CLOSE_LIMIT, reading).await;
}

/// Throws away the rest of an oversized message: a socket closed over unread bytes is reset,
/// and the client would never read why.
async fn discard(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut rest = stream.take(DISCARDED_BYTES);
    let mut buffer = [0; 4096];
    while let Ok(Ok(1..)) = timeout(DISCARD_PAUSE, rest.read(&mut buffer)).await {}
    let _ = rest.into_inner().shutdown().await;
}

impl Drop for Socket {
    fn drop(&mut self) {
        // When the owner is too busy to hear it, it notices at its next write or ping.
        let _ = self.commands.try_send(Command::Closed { socket: self.id });
    }
}
