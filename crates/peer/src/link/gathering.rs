//! Finds the addresses in front of NATs and at relays, through the sockets of the link.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use protocol::http::IceServer;
use str0m::Candidate;
use str0m::net::Protocol;

use super::address::{self, IcePolicy};
use super::binding::Binding;
use super::ice_url::{IceUrl, Transport};
use super::output::{Output, StreamId};
use super::random::Random;
use super::relay::{Refused, Relay, RelayOutput};

mod relaying;
mod tally;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests;

/// Questions to STUN servers at once.
const MAX_BINDINGS: usize = 32;
/// Allocations of one connection.
const MAX_RELAYS: usize = 12;

/// What gathering orders and tells.
#[derive(Debug)]
pub(super) enum GatheringOutput {
    /// The world's to carry out.
    Order(Output),
    Found(Candidate),
    Lost(Candidate),
    /// A packet of the peer came to a relayed address.
    Received {
        relayed: SocketAddr,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Server {
    url: IceUrl,
    username: String,
    credential: String,
}

/// How an allocation is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Datagrams,
    Stream(StreamId),
}

struct Allocation {
    relay: Relay,
    way: Way,
}

/// Everything that is asked of servers for one connection.
pub(super) struct Gathering {
    policy: IcePolicy,
    servers: BTreeSet<Server>,
    addrs_by_host: BTreeMap<String, Vec<IpAddr>>,
    sockets: BTreeSet<SocketAddr>,
    bindings: Vec<Binding>,
    asked: BTreeSet<(SocketAddr, SocketAddr)>,
    mapped: BTreeMap<SocketAddr, SocketAddr>,
    /// STUN servers that answered.
    answered: BTreeSet<SocketAddr>,
    allocations: Vec<Allocation>,
    streams: BTreeMap<StreamId, (Server, SocketAddr)>,
    /// Where an allocation was tried: transport, own socket (for UDP), server.
    tried: BTreeSet<(Transport, Option<SocketAddr>, SocketAddr)>,
    peers: BTreeSet<IpAddr>,
    next_stream: u64,
    /// Relays that refused or broke.
    pub(super) relay_failures: usize,
    /// What the last of them refused with.
    pub(super) refused: Option<Refused>,
    outputs: VecDeque<GatheringOutput>,
}

impl Gathering {
    /// Streams are numbered from `first_stream`, so that no number is used twice on a link.
    pub(super) fn new(policy: IcePolicy, first_stream: u64) -> Self {
        Self {
            policy,
            servers: BTreeSet::new(),
            addrs_by_host: BTreeMap::new(),
            sockets: BTreeSet::new(),
            bindings: Vec::new(),
            asked: BTreeSet::new(),
            mapped: BTreeMap::new(),
            answered: BTreeSet::new(),
            allocations: Vec::new(),
            streams: BTreeMap::new(),
            tried: BTreeSet::new(),
            peers: BTreeSet::new(),
            next_stream: first_stream,
            relay_failures: 0,
            refused: None,
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<GatheringOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn next_stream(&self) -> u64 {
        self.next_stream
    }

    pub(super) fn has_relay(&self) -> bool {
        self.allocations
            .iter()
            .any(|allocation| allocation.relay.relayed.is_some())
    }

    /// Whether an own address is one at a relay.
    pub(super) fn is_relayed(&self, addr: SocketAddr) -> bool {
        self.allocations
            .iter()
            .any(|allocation| allocation.relay.relayed == Some(addr))
    }

    /// Whether a NAT stands before this socket.
    pub(super) fn is_mapped(&self, socket: SocketAddr) -> bool {
        self.mapped
            .get(&socket)
            .is_some_and(|mapped| *mapped != socket)
    }

    /// The servers to ask from here on; what was found stays, what failed is tried again.
    pub(super) fn handle_servers(
        &mut self,
        servers: &[IceServer],
        random: &mut Random,
        now: Instant,
    ) {
        if !self.policy.has_servers() {
            return;
        }
        self.servers = servers.iter().flat_map(read).collect();
        let hosts: BTreeSet<&String> = self
            .servers
            .iter()
            .filter(|server| server.url.ip().is_none())
            .map(|server| &server.url.host)
            .collect();
        for host in hosts {
            if !self.addrs_by_host.contains_key(host) {
                let host = host.clone();
                let order = Output::Lookup { host };
                self.outputs.push_back(GatheringOutput::Order(order));
            }
        }
        self.forget_failures();
        self.gather(random, now);
    }

    pub(super) fn handle_found(
        &mut self,
        host: &str,
        addrs: &[IpAddr],
        random: &mut Random,
        now: Instant,
    ) {
        if self.servers.iter().any(|server| server.url.host == host) {
            self.addrs_by_host.insert(host.to_owned(), addrs.to_vec());
            self.gather(random, now);
        }
    }

    /// The sockets that there are now; allocations through others are lost.
    pub(super) fn handle_sockets(
        &mut self,
        sockets: &BTreeSet<SocketAddr>,
        random: &mut Random,
        now: Instant,
    ) {
        self.sockets = sockets.clone();
        self.bindings
            .retain(|binding| sockets.contains(&binding.local));
        self.drop_mapped();
        self.asked.retain(|(socket, _)| sockets.contains(socket));
        let is_there = |allocation: &Allocation| match allocation.way {
            Way::Datagrams => sockets.contains(&allocation.relay.local),
            // A stream from an address that is gone says nothing for minutes, and is dead.
            Way::Stream(_) => {
                let ip = allocation.relay.local.ip();
                sockets.iter().any(|socket| socket.ip() == ip)
            }
        };
        let (kept, lost) = std::mem::take(&mut self.allocations)
            .into_iter()
            .partition(is_there);
        self.allocations = kept;
        for allocation in lost {
            self.lose(&allocation);
        }
        self.drop_connecting();
        self.forget_failures();
        self.gather(random, now);
    }

    /// Asks again whatever failed: the network may be another one.
    pub(super) fn retry(&mut self, random: &mut Random, now: Instant) {
        self.forget_failures();
        self.asked.clear();
        self.gather(random, now);
    }

    fn gather(&mut self, random: &mut Random, now: Instant) {
        for server in self.servers.clone() {
            for ip in self.addrs(&server).unwrap_or_default() {
                let addr = SocketAddr::new(ip, server.url.port);
                if address::is_usable(ip, addr.port()) {
                    self.ask(&server, addr, random, now);
                }
            }
        }
        self.settle(now);
    }

    fn ask(&mut self, server: &Server, addr: SocketAddr, random: &mut Random, now: Instant) {
        if server.url.transport != Transport::Udp {
            return self.open_stream(server, addr);
        }
        let fitting = |socket: &&SocketAddr| {
            let is_loopback = socket.ip().is_loopback() == addr.ip().is_loopback();
            socket.is_ipv4() == addr.is_ipv4() && is_loopback
        };
        let sockets: Vec<_> = self.sockets.iter().filter(fitting).copied().collect();
        for socket in sockets {
            if server.url.is_turn {
                let way = (Transport::Udp, Some(socket), addr);
                if self.allocations.len() < MAX_RELAYS && self.tried.insert(way) {
                    let login = (server.username.as_str(), server.credential.as_str());
                    let relay = Relay::new(false, socket, addr, login, now);
                    self.allocate(relay, Way::Datagrams, now);
                }
            } else if self.policy == IcePolicy::All
                && self.bindings.len() < MAX_BINDINGS
                && self.asked.insert((socket, addr))
            {
                let transaction =
                    u128::from(random.next_u64()) << 32 | u128::from(random.next_u64());
                self.bindings
                    .push(Binding::new(socket, addr, transaction, now));
            }
        }
    }

    /// Whether the datagram was a server's.
    pub(super) fn handle_datagram(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) -> bool {
        for allocation in &mut self.allocations {
            let relay = &mut allocation.relay;
            let is_its = relay.local == local && relay.server == from;
            if allocation.way == Way::Datagrams && is_its && relay.handle_bytes(bytes, now) {
                self.settle(now);
                return true;
            }
        }
        let answered = self.bindings.iter().enumerate().find_map(|(at, binding)| {
            let is_its = binding.local == local;
            let mapped = binding.handle_reply(from, bytes).filter(|_| is_its)?;
            Some((at, mapped))
        });
        let Some((at, mapped)) = answered else {
            return false;
        };
        let binding = self.bindings.swap_remove(at);
        self.answered.insert(binding.server);
        self.handle_mapped(local, mapped);
        true
    }

    fn handle_mapped(&mut self, local: SocketAddr, mapped: SocketAddr) {
        let is_known = self.mapped.insert(local, mapped) == Some(mapped);
        if is_known || mapped == local || !address::is_usable(mapped.ip(), mapped.port()) {
            return;
        }
        let found = Candidate::server_reflexive(mapped, local, Protocol::Udp).ok();
        self.outputs.extend(found.map(GatheringOutput::Found));
    }

    /// What a NAT maps to a socket that is gone leads nowhere.
    fn drop_mapped(&mut self) {
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.mapped)
            .into_iter()
            .partition(|(socket, _)| self.sockets.contains(socket));
        self.mapped = kept;
        for (socket, mapped) in gone {
            let lost = Candidate::server_reflexive(mapped, socket, Protocol::Udp).ok();
            self.outputs.extend(lost.map(GatheringOutput::Lost));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let bindings = self.bindings.iter().filter_map(Binding::poll_timeout);
        let relays = self
            .allocations
            .iter()
            .filter_map(|each| each.relay.poll_timeout());
        bindings.chain(relays).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for allocation in &mut self.allocations {
            if allocation
                .relay
                .poll_timeout()
                .is_some_and(|due| due <= now)
            {
                allocation.relay.handle_timeout(now);
            }
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Instant) {
        for binding in &mut self.bindings {
            if let Some(bytes) = binding.poll_transmit(now) {
                let (from, to) = (binding.local, binding.server);
                let order = Output::Datagram { from, to, bytes };
                self.outputs.push_back(GatheringOutput::Order(order));
            }
        }
        self.bindings
            .retain(|binding| binding.poll_timeout().is_some());
        let mut failed = Vec::new();
        for (at, allocation) in self.allocations.iter_mut().enumerate() {
            let (local, server) = (allocation.relay.local, allocation.relay.server);
            while let Some(output) = allocation.relay.poll_output() {
                let told = match output {
                    RelayOutput::Send(bytes) => GatheringOutput::Order(match allocation.way {
                        Way::Datagrams => Output::Datagram {
                            from: local,
                            to: server,
                            bytes,
                        },
                        Way::Stream(stream) => Output::StreamData { stream, bytes },
                    }),
                    RelayOutput::Allocated(relayed) => {
                        match Candidate::relayed(relayed, local, Protocol::Udp) {
                            Ok(candidate) => GatheringOutput::Found(candidate),
                            Err(_) => continue,
                        }
                    }
                    RelayOutput::Received { from, bytes } => match allocation.relay.relayed {
                        Some(relayed) => GatheringOutput::Received {
                            relayed,
                            from,
                            bytes,
                        },
                        None => continue,
                    },
                    RelayOutput::Failed(refused) => {
                        self.refused = refused.or(self.refused.take());
                        failed.push(at);
                        continue;
                    }
                };
                self.outputs.push_back(told);
            }
        }
        for at in failed.into_iter().rev() {
            let allocation = self.allocations.swap_remove(at);
            self.relay_failures += 1;
            self.lose(&allocation);
        }
    }
}

/// The servers of an entry; what is not understood is left out.
fn read(entry: &IceServer) -> Vec<Server> {
    let login = |value: &Option<String>| value.clone().unwrap_or_default();
    let server = |url: &String| {
        Some(Server {
            url: IceUrl::parse(url)?,
            username: login(&entry.username),
            credential: login(&entry.credential),
        })
    };
    entry.urls.iter().filter_map(server).collect()
}
