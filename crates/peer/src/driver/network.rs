//! Sockets, streams and lookups for a core that lives without a link's server: the doctor's.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::interfaces;
use super::lookup::Lookups;
use super::sockets::{Datagram, Sockets};
use super::streams::{StreamEvent, Streams};
use crate::link::{Output, StreamId};

/// Datagrams and stream events that wait to be read.
const MAX_WAITING: usize = 256;

/// What the network brings a core.
#[derive(Debug)]
pub(crate) enum NetworkEvent {
    Datagram {
        local: SocketAddr,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    StreamOpen(StreamId, SocketAddr),
    StreamData(StreamId, Vec<u8>),
    StreamClosed(StreamId, String),
    Found(String, Vec<IpAddr>),
    Timeout,
}

/// A socket on each address of the machine as it is now, and whatever streams are asked for.
pub(crate) struct Network {
    sockets: Sockets,
    streams: Streams,
    lookups: Lookups,
    stream_events: mpsc::Receiver<(StreamId, StreamEvent)>,
}

impl Network {
    /// `tls` says whose certificates are believed. Call it inside a tokio runtime.
    pub(crate) fn new(tls: &ClientConfig) -> Self {
        let (streamed, stream_events) = mpsc::channel(MAX_WAITING);
        let mut sockets = Sockets::new();
        sockets.follow(&interfaces::usable_addresses());
        Self {
            sockets,
            streams: Streams::new(tls, streamed),
            lookups: Lookups::default(),
            stream_events,
        }
    }

    /// The sockets.
    pub(crate) fn addresses(&self) -> BTreeSet<SocketAddr> {
        self.sockets.addresses()
    }

    /// Carries an order out; gives back one that is not the network's.
    pub(crate) async fn execute(&mut self, output: Output) -> Option<Output> {
        match output {
            Output::Datagram { from, to, bytes } => self.sockets.send(from, to, &bytes).await,
            Output::OpenStream {
                stream,
                to,
                tls_name,
            } => self.streams.open(stream, to, tls_name),
            Output::StreamData { stream, bytes } => self.streams.send(stream, bytes),
            Output::CloseStream { stream } => self.streams.close(stream),
            Output::Lookup { host } => self.lookups.start(host),
            other => return Some(other),
        }
        None
    }

    /// What comes next, at the latest the time. Cancel-safe: nothing is lost.
    pub(crate) async fn next(&mut self, until: Instant) -> NetworkEvent {
        tokio::select! {
            () = sleep_until(until.into()) => NetworkEvent::Timeout,
            Datagram { local, from, bytes } = self.sockets.receive() => {
                NetworkEvent::Datagram { local, from, bytes: bytes.to_vec() }
            }
            Some((stream, event)) = self.stream_events.recv() => match event {
                StreamEvent::Open(local) => NetworkEvent::StreamOpen(stream, local),
                StreamEvent::Data(bytes) => NetworkEvent::StreamData(stream, bytes),
                StreamEvent::Closed(why) => NetworkEvent::StreamClosed(stream, why),
            },
            Some((host, addrs)) = self.lookups.next() => NetworkEvent::Found(host, addrs),
        }
    }
}
