//! Allocations at relays, over the sockets of the link and over streams of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use str0m::Candidate;
use str0m::net::Protocol;

use super::{Allocation, Gathering, GatheringOutput, MAX_RELAYS, Server, Way};
use crate::link::ice_url::Transport;
use crate::link::output::{Output, StreamId};
use crate::link::relay::Relay;

impl Gathering {
    pub(super) fn open_stream(&mut self, server: &Server, addr: SocketAddr) {
        let is_full = self.allocations.len() + self.streams.len() >= MAX_RELAYS;
        if is_full || !self.tried.insert((server.url.transport, None, addr)) {
            return;
        }
        let stream = StreamId(self.next_stream);
        self.next_stream += 1;
        let is_tls = server.url.transport == Transport::Tls;
        let tls_name = is_tls.then(|| server.url.host.clone());
        self.streams.insert(stream, (server.clone(), addr));
        let order = Output::OpenStream {
            stream,
            to: addr,
            tls_name,
        };
        self.outputs.push_back(GatheringOutput::Order(order));
    }

    pub(super) fn allocate(&mut self, mut relay: Relay, way: Way, now: Instant) {
        for peer in &self.peers {
            relay.permit(*peer, now);
        }
        self.allocations.push(Allocation { relay, way });
    }

    pub(in crate::link) fn handle_stream_open(
        &mut self,
        stream: StreamId,
        local: SocketAddr,
        now: Instant,
    ) {
        if let Some((server, addr)) = self.streams.get(&stream) {
            let login = (server.username.as_str(), server.credential.as_str());
            let relay = Relay::new(true, local, *addr, login, now);
            self.allocate(relay, Way::Stream(stream), now);
        }
        self.settle(now);
    }

    pub(in crate::link) fn handle_stream_data(
        &mut self,
        stream: StreamId,
        bytes: &[u8],
        now: Instant,
    ) {
        let way = Way::Stream(stream);
        if let Some(allocation) = self.allocations.iter_mut().find(|each| each.way == way) {
            allocation.relay.handle_bytes(bytes, now);
        }
        self.settle(now);
    }

    pub(in crate::link) fn handle_stream_closed(&mut self, stream: StreamId, now: Instant) {
        let is_known = self.streams.remove(&stream).is_some();
        let way = Way::Stream(stream);
        match self.allocations.iter_mut().find(|each| each.way == way) {
            Some(allocation) => allocation.relay.handle_closed(),
            None if is_known => self.relay_failures += 1,
            None => {}
        }
        self.settle(now);
    }

    /// A candidate of the peer came: relays shall let it through.
    pub(in crate::link) fn permit(&mut self, peer: IpAddr, now: Instant) {
        if !self.peers.insert(peer) {
            return;
        }
        for allocation in &mut self.allocations {
            allocation.relay.permit(peer, now);
        }
        self.settle(now);
    }

    /// Sends a packet from a relayed address; gives it back where the address is none.
    pub(in crate::link) fn send(
        &mut self,
        relayed: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let mut all = self.allocations.iter_mut();
        let Some(allocation) = all.find(|each| each.relay.relayed == Some(relayed)) else {
            return Some(bytes);
        };
        allocation.relay.send(to, bytes, now);
        self.settle(now);
        None
    }

    /// Gives every address back.
    pub(in crate::link) fn close(&mut self, now: Instant) {
        for allocation in &mut self.allocations {
            allocation.relay.delete(now);
        }
        self.settle(now);
        for stream in std::mem::take(&mut self.streams).into_keys() {
            self.close_stream(stream);
        }
    }

    fn close_stream(&mut self, stream: StreamId) {
        let order = Output::CloseStream { stream };
        self.outputs.push_back(GatheringOutput::Order(order));
    }

    pub(super) fn lose(&mut self, allocation: &Allocation) {
        if let Way::Stream(stream) = allocation.way {
            self.streams.remove(&stream);
            self.close_stream(stream);
        }
        let relayed = allocation.relay.relayed;
        let candidate = relayed.and_then(|relayed| {
            Candidate::relayed(relayed, allocation.relay.local, Protocol::Udp).ok()
        });
        self.outputs.extend(candidate.map(GatheringOutput::Lost));
    }

    /// Streams that are not connected yet may be on their way through a network that is gone.
    pub(super) fn drop_connecting(&mut self) {
        let is_used = |stream: &StreamId| {
            let way = Way::Stream(*stream);
            self.allocations.iter().any(|each| each.way == way)
        };
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.streams)
            .into_iter()
            .partition(|(stream, _)| is_used(stream));
        self.streams = kept;
        for stream in dropped.into_keys() {
            self.close_stream(stream);
        }
    }

    /// What is neither there nor under way may be tried again.
    pub(super) fn forget_failures(&mut self) {
        let (allocations, streams) = (&self.allocations, &self.streams);
        self.tried.retain(|(transport, socket, addr)| match socket {
            Some(socket) => allocations.iter().any(|each| {
                let relay = &each.relay;
                each.way == Way::Datagrams && relay.local == *socket && relay.server == *addr
            }),
            None => streams
                .values()
                .any(|(server, to)| server.url.transport == *transport && to == addr),
        });
    }
}
