//! TURN clients over TCP and TLS: frames in, frames out, nobody waits for a slow one.
//!
//! A stream without an allocation is closed after a while (slow-loris); until
//! it has one its frames are small. A client that does not read loses packets,
//! not our memory.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use turn::{FiveTuple, FrameBuffer, MAX_FRAME_BYTES, Transport};

use super::{Inbox, Input};

/// How long a stream may be without an allocation.
const UNALLOCATED_LIFETIME: Duration = Duration::from_secs(10);
/// No request is larger than this.
const MAX_UNALLOCATED_FRAME_BYTES: usize = 2048;
/// How long one write may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Frames that wait for a slow reader; more are dropped.
const OUTBOX_FRAMES: usize = 256;
/// Over TCP frames are written together up to about this many bytes.
const WRITE_BYTES: usize = 16 * 1024;
const READ_BYTES: usize = 4096;
/// Streams at once.
const MAX_STREAMS: usize = 4096;

/// The loop's end of one stream.
pub(super) struct Outbox {
    frames: mpsc::Sender<Vec<u8>>,
    is_allocated: watch::Sender<bool>,
}

/// Every stream, by its client.
#[derive(Default)]
pub(super) struct Streams {
    by_client: HashMap<FiveTuple, Outbox>,
    /// Frames dropped because their client does not read.
    pub(super) unsent: u64,
}

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.by_client.len()
    }

    /// Takes a stream, or drops it (which closes it) when there are too many.
    pub(super) fn open(&mut self, client: FiveTuple, outbox: Outbox) {
        if self.by_client.len() < MAX_STREAMS {
            self.by_client.insert(client, outbox);
        }
    }

    pub(super) fn close(&mut self, client: &FiveTuple) {
        self.by_client.remove(client);
    }

    pub(super) fn send(&mut self, client: &FiveTuple, frame: Vec<u8>) {
        if let Some(outbox) = self.by_client.get(client)
            && outbox.frames.try_send(frame).is_err()
        {
            self.unsent += 1;
        }
    }

    pub(super) fn set_allocated(&self, client: &FiveTuple, is_allocated: bool) {
        if let Some(outbox) = self.by_client.get(client) {
            outbox.is_allocated.send_if_modified(|current| {
                let is_changed = *current != is_allocated;
                *current = is_allocated;
                is_changed
            });
        }
    }
}

/// Carries one stream until either side ends it; `on_allocation` is called at each allocation.
pub(super) async fn serve<S>(
    stream: S,
    client: FiveTuple,
    inbox: &Inbox,
    on_allocation: impl Fn() + Send,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (frames, outgoing) = mpsc::channel(OUTBOX_FRAMES);
    let (is_allocated, allocated) = watch::channel(false);
    let outbox = Outbox {
        frames,
        is_allocated,
    };
    if !inbox.send(Input::Opened { client, outbox }).await {
        return;
    }
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        () = read_frames(reader, client, inbox, allocated.clone()) => {}
        () = write_frames(writer, outgoing, client.transport) => {}
        () = outstay(allocated, on_allocation) => {}
    }
    inbox.send(Input::Closed(client)).await;
}

/// Ends when the stream has been without an allocation for too long.
async fn outstay(mut allocated: watch::Receiver<bool>, on_allocation: impl Fn()) {
    loop {
        let deadline = Instant::now() + UNALLOCATED_LIFETIME;
        let is_allocated = tokio::select! {
            seen = allocated.wait_for(|is_allocated| *is_allocated) => seen.is_ok(),
            () = sleep_until(deadline) => false,
        };
        if !is_allocated {
            return;
        }
        on_allocation();
        let ended = allocated.wait_for(|is_allocated| !*is_allocated).await;
        if ended.is_err() {
            return;
        }
    }
}

async fn read_frames(
    mut reader: impl AsyncRead + Unpin,
    client: FiveTuple,
    inbox: &Inbox,
    allocated: watch::Receiver<bool>,
) {
    let mut buffer = FrameBuffer::new();
    let mut read = [0; READ_BYTES];
    loop {
        let length = match reader.read(&mut read).await {
            Ok(length) if length > 0 => length,
            _ => return,
        };
        buffer.extend(&read[..length]);
        loop {
            let limit = match *allocated.borrow() {
                true => MAX_FRAME_BYTES,
                false => MAX_UNALLOCATED_FRAME_BYTES,
            };
            match buffer.next_frame(limit) {
                Ok(Some(span)) => {
                    let bytes = buffer.bytes()[span].to_vec();
                    if !inbox.send(Input::Frame { client, bytes }).await {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "turn stream closed");
                    return;
                }
            }
        }
    }
}

/// Over TLS each frame is a record of its own: coturn's client takes one for the other.
async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    transport: Transport,
) {
    while let Some(mut bytes) = outgoing.recv().await {
        while transport == Transport::Tcp
            && bytes.len() < WRITE_BYTES
            && let Ok(frame) = outgoing.try_recv()
        {
            bytes.extend_from_slice(&frame);
        }
        let write = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        match timeout(WRITE_TIMEOUT, write).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
