//! Media over TCP (RFC 6544, passive; RFC 4571): frames in, frames out, nobody waits for a slow
//! one.
//!
//! A connection that does not begin with a check of one of the gateway's sessions is closed, and
//! so is one whose session has ended, or that stalls in the middle of a frame. A client that does
//! not read loses whole packets, not our memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway::{FrameBuffer, MAX_FRAMED_BYTES, Path, put_frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Inbox, Input};

/// How long a connection may take to show a session.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(5);
/// How long a frame may take to arrive once it has begun.
const FRAME_LIFETIME: Duration = Duration::from_secs(5);
/// How long one write may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// What waits for a slow reader; further packets are dropped.
const MAX_BACKLOG_BYTES: usize = 256 * 1024;
const MAX_BACKLOG_PACKETS: usize = 1024;
/// Packets are written together up to about this many bytes.
const WRITE_BYTES: usize = 16 * 1024;
const READ_BYTES: usize = 16 * 1024;
/// Connections at once.
const MAX_CONNECTIONS: usize = 4096;

/// The loop's end of one connection.
pub(super) struct Outbox {
    packets: mpsc::Sender<Vec<u8>>,
    backlog_bytes: Arc<AtomicUsize>,
    /// Taken when the connection has shown a session.
    is_known: Option<oneshot::Sender<()>>,
}

/// Every connection, by the way it is.
#[derive(Default)]
pub(super) struct Connections {
    by_path: HashMap<Path, Outbox>,
    /// Packets dropped because their client does not read.
    pub(super) unsent: u64,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.by_path.len()
    }

    /// Takes a connection, or drops it (which closes it) when there are too many, or one on this way
    /// that is not over.
    pub(super) fn open(&mut self, path: Path, outbox: Outbox) {
        let is_full = self.by_path.len() >= MAX_CONNECTIONS;
        if let Entry::Vacant(place) = self.by_path.entry(path)
            && !is_full
        {
            place.insert(outbox);
        }
    }

    /// Closes it, once what was sent before is written.
    pub(super) fn close(&mut self, path: &Path) {
        self.by_path.remove(path);
    }

    /// Its frames were read: it goes on where a session is on this way, or was.
    pub(super) fn judge(&mut self, path: &Path, has_session: bool) {
        let Some(outbox) = self.by_path.get_mut(path) else {
            return;
        };
        if outbox.is_known.is_none() {
            return;
        }
        if !has_session {
            self.by_path.remove(path);
        } else if let Some(is_known) = outbox.is_known.take() {
            // Its task may have ended.
            let _ = is_known.send(());
        }
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    pub(super) fn send(&mut self, path: &Path, packet: Vec<u8>) {
        let Some(outbox) = self.by_path.get(path) else {
            return;
        };
        let length = packet.len();
        let waiting = outbox.backlog_bytes.fetch_add(length, Ordering::Relaxed);
        let has_room = waiting + length <= MAX_BACKLOG_BYTES;
        if !has_room || outbox.packets.try_send(packet).is_err() {
            outbox.backlog_bytes.fetch_sub(length, Ordering::Relaxed);
            self.unsent += 1;
        }
    }
}

/// Carries one connection until either side ends it; once it has shown a session, `on_session` is
/// called.
pub(super) async fn serve<S>(stream: S, path: Path, inbox: &Inbox, on_session: impl Fn() + Send)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (packets, outgoing) = mpsc::channel(MAX_BACKLOG_PACKETS);
    let (is_known, known) = oneshot::channel();
    let backlog_bytes = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox {
        packets,
        backlog_bytes: backlog_bytes.clone(),
        is_known: Some(is_known),
    };
    if !inbox.send(Input::Connected { path, outbox }).await {
        return;
    }
    let (mut reader, mut writer) = tokio::io::split(stream);
    let is_loops_wish = tokio::select! {
        () = read_frames(&mut reader, path, inbox) => false,
        is_loops_wish = write_frames(&mut writer, outgoing, &backlog_bytes) => is_loops_wish,
        () = outstay(known, on_session) => false,
    };
    if !is_loops_wish {
        // Before the stream is dropped: the same way may be taken again after that.
        inbox.send(Input::Disconnected(path)).await;
    }
}

/// Ends when the connection has not shown a session in time.
async fn outstay(known: oneshot::Receiver<()>, on_session: impl Fn()) {
    match timeout(UNKNOWN_LIFETIME, known).await {
        Err(_) => return,
        Ok(Ok(())) => on_session(),
        // The loop closes it, which is seen when everything is written.
        Ok(Err(_)) => {}
    }
    std::future::pending().await
}

async fn read_frames(mut reader: impl AsyncRead + Unpin, path: Path, inbox: &Inbox) {
    let mut buffer = FrameBuffer::default();
    let mut read = [0; READ_BYTES];
    let mut began_at = None;
    loop {
        let stall = async {
            match began_at {
                Some(began_at) => sleep_until(began_at + FRAME_LIFETIME).await,
                None => std::future::pending().await,
            }
        };
        let length = tokio::select! {
            read = reader.read(&mut read) => read.unwrap_or(0),
            () = stall => 0,
        };
        if length == 0 {
            return;
        }
        buffer.extend(&read[..length]);
        let whole = match buffer.take_whole() {
            Ok(whole) => whole,
            Err(error) => return tracing::debug!(%error, "media connection closed"),
        };
        if !whole.is_empty() {
            began_at = None;
            let frames = Input::Frames { path, whole };
            if !inbox.send(frames).await {
                return;
            }
        }
        if buffer.is_mid_frame() {
            began_at.get_or_insert_with(Instant::now);
        }
    }
}

/// Whether the loop closed its end, and everything is written.
async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    backlog_bytes: &AtomicUsize,
) -> bool {
    let mut frames = Vec::with_capacity(WRITE_BYTES + MAX_FRAMED_BYTES);
    while let Some(first) = outgoing.recv().await {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(packet) = next {
            put_frame(&mut frames, &packet);
            taken += packet.len();
            next = (frames.len() < WRITE_BYTES)
                .then(|| outgoing.try_recv().ok())
                .flatten();
        }
        let write = async {
            writer.write_all(&frames).await?;
            writer.flush().await
        };
        let Ok(Ok(())) = timeout(WRITE_TIMEOUT, write).await else {
            return false;
        };
        backlog_bytes.fetch_sub(taken, Ordering::Relaxed);
        frames.clear();
    }
    // The client may be gone.
    let _ = writer.shutdown().await;
    true
}

#[cfg(test)]
mod tests;
