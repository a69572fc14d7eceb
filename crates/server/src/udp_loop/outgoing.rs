//! Datagrams on their way out: those of one size to one place leave in one call (GSO).
//!
//! Nothing waits longer than the round of the loop that made it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::sockets::{SocketKey, Sockets};

/// The kernel takes no more than a UDP datagram's worth in one call.
const MAX_BATCH_BYTES: usize = 65_000;
/// More than this is sent before more is taken.
const MAX_BATCHES: usize = 256;

struct Batch {
    socket: SocketKey,
    to: SocketAddr,
    src_ip: Option<IpAddr>,
    bytes: Vec<u8>,
    segment_bytes: usize,
    segments: usize,
    is_closed: bool,
}

/// Collects datagrams and sends them in the order of each flow.
#[derive(Default)]
pub(super) struct Outgoing {
    batches: Vec<Batch>,
    open: HashMap<(SocketKey, SocketAddr), usize>,
    spare: Vec<Vec<u8>>,
    /// Datagrams that the kernel did not take.
    pub(super) unsent: u64,
}

impl Outgoing {
    /// Adds a datagram made of parts.
    pub(super) fn push(
        &mut self,
        sockets: &Sockets,
        socket: SocketKey,
        to: SocketAddr,
        src_ip: Option<IpAddr>,
        parts: [&[u8]; 3],
    ) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let max_segments = sockets
            .find(socket)
            .map_or(1, |socket| socket.max_segments());
        let is_same = |batch: &Batch| batch.socket == socket && batch.to == to;
        let open = match self.batches.last() {
            // Most follow one of their own flow.
            Some(last) if is_same(last) => Some(self.batches.len() - 1),
            _ => self.open.get(&(socket, to)).copied(),
        };
        let index = match open {
            Some(index) if self.batches[index].fits(length, src_ip, max_segments) => index,
            _ => self.open_batch(sockets, socket, to, src_ip, length),
        };
        let batch = &mut self.batches[index];
        for part in parts {
            batch.bytes.extend_from_slice(part);
        }
        batch.segments += 1;
        // Only the last segment may be shorter; an empty datagram cannot be told from none.
        batch.is_closed = length < batch.segment_bytes || length == 0;
    }

    fn open_batch(
        &mut self,
        sockets: &Sockets,
        socket: SocketKey,
        to: SocketAddr,
        src_ip: Option<IpAddr>,
        segment_bytes: usize,
    ) -> usize {
        if self.batches.len() >= MAX_BATCHES {
            self.flush(sockets);
        }
        self.batches.push(Batch {
            socket,
            to,
            src_ip,
            bytes: self.spare.pop().unwrap_or_default(),
            segment_bytes,
            segments: 0,
            is_closed: false,
        });
        let index = self.batches.len() - 1;
        self.open.insert((socket, to), index);
        index
    }

    /// Sends everything; what the kernel does not take is lost and counted.
    pub(super) fn flush(&mut self, sockets: &Sockets) {
        self.open.clear();
        for mut batch in self.batches.drain(..) {
            let Some(socket) = sockets.find(batch.socket) else {
                continue;
            };
            let sent = socket.send(batch.to, batch.src_ip, &batch.bytes, batch.segment_bytes);
            if let Err(error) = sent {
                self.unsent += batch.segments as u64;
                tracing::trace!(%error, bytes = batch.bytes.len(), "datagram not sent");
            }
            batch.bytes.clear();
            self.spare.push(batch.bytes);
        }
    }
}

impl Batch {
    fn fits(&self, length: usize, src_ip: Option<IpAddr>, max_segments: usize) -> bool {
        !self.is_closed
            && length <= self.segment_bytes
            && self.src_ip == src_ip
            && self.segments < max_segments
            && self.bytes.len() + length <= MAX_BATCH_BYTES
    }
}
