//! One allocation at a TURN server (RFC 8656), over UDP or over a stream that the shell keeps.
//!
//! Permissions are asked for when a candidate of the peer comes, not when the first packet goes;
//! what is sent before they are granted waits.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use turn_client_proto::api::{TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::prelude::{DelayedTransmitBuild, TurnClientApi};
use turn_client_proto::types::{AddressFamily, TransportType};

use client::Client;
use refusal::Refusals;
pub(super) use refusal::Refused;
use requests::Requests;
use stream::Frames;

mod client;
mod refusal;
mod requests;
mod stream;

/// Packets that wait for a permission; checks are repeated, so a few are enough.
const MAX_WAITING_PACKETS: usize = 32;
/// Addresses of the peer that are permitted.
const MAX_PERMISSIONS: usize = 64;
/// How far its time may be ahead. The client lets 50 ms pass between two requests, whatever they
/// are; what a link asks for at once (an allocation, then who may use it) goes out at once.
const LEAD: Duration = Duration::from_millis(250);

/// What a relay says.
#[derive(Debug)]
pub(super) enum RelayOutput {
    /// To the server.
    Send(Vec<u8>),
    /// An address is allocated.
    Allocated(SocketAddr),
    /// The server refused, or is not there any more.
    Failed(Option<Refused>),
    /// A packet of the peer, which came to the relayed address.
    Received { from: SocketAddr, bytes: Vec<u8> },
}

/// One allocation, or the attempt at one.
pub(super) struct Relay {
    client: Client,
    login: (String, String),
    /// What came so far, where the server is reached by a stream.
    frames: Option<Frames>,
    epoch: Instant,
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) relayed: Option<SocketAddr>,
    peers: BTreeSet<IpAddr>,
    bound: Option<SocketAddr>,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    wake_at: Option<Instant>,
    has_failed: bool,
    refusals: Refusals,
    requests: Requests,
    outputs: VecDeque<RelayOutput>,
}

impl Relay {
    pub(super) fn new(
        is_stream: bool,
        local: SocketAddr,
        server: SocketAddr,
        (username, password): (&str, &str),
        now: Instant,
    ) -> Self {
        let login = (username.to_owned(), password.to_owned());
        // RFC 8656 §7.2: IPv4 where nothing is said, as browsers have it. Two peers need a version
        // in common at their relays, however they reach them.
        let family = AddressFamily::IPV4;
        let client = client::allocate(is_stream, (local, server), &login, family);
        let mut this = Self {
            client,
            login,
            frames: is_stream.then(Frames::default),
            epoch: now,
            local,
            server,
            relayed: None,
            peers: BTreeSet::new(),
            bound: None,
            waiting: VecDeque::new(),
            wake_at: None,
            has_failed: false,
            refusals: Refusals::default(),
            requests: Requests::default(),
            outputs: VecDeque::new(),
        };
        this.handle_timeout(now);
        this
    }

    pub(super) fn poll_output(&mut self) -> Option<RelayOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let all = self.wake_at.into_iter().chain(self.requests.poll_timeout());
        all.min().filter(|_| !self.has_failed)
    }

    /// Bytes of the server: a datagram, or what came on the stream. Whether they were meant for
    /// this allocation.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> bool {
        let Some(frames) = &mut self.frames else {
            return self.handle_message(bytes, now);
        };
        match frames.handle_bytes(bytes) {
            Ok(messages) => {
                for message in messages {
                    self.handle_message(&message, now);
                }
            }
            Err(_) => self.fail(),
        }
        true
    }

    fn handle_message(&mut self, bytes: &[u8], now: Instant) -> bool {
        if !self.requests.is_news(bytes) {
            return true;
        }
        self.refusals.handle_message(bytes);
        let time = self.time(now);
        let transport = self.client.transport();
        let transmit =
            turn_client_proto::api::Transmit::new(bytes, transport, self.server, self.local);
        let is_ours = match self.client.recv(transmit, time) {
            TurnRecvRet::Ignored(_) => false,
            TurnRecvRet::PeerData(data) => {
                let (from, bytes) = (data.peer, data.data().to_vec());
                self.outputs
                    .push_back(RelayOutput::Received { from, bytes });
                true
            }
            TurnRecvRet::Handled | TurnRecvRet::PeerIcmp { .. } => true,
        };
        while let Some(data) = self.client.poll_recv(time) {
            let (from, bytes) = (data.peer, data.data().to_vec());
            self.outputs
                .push_back(RelayOutput::Received { from, bytes });
        }
        self.settle(now);
        // The client would ask again with the same credentials until it is tired.
        if self.relayed.is_none() && self.refusals.has_refused_login() {
            self.fail();
        }
        is_ours
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(copy) = self.requests.poll_transmit(now) {
            self.outputs.push_back(RelayOutput::Send(copy));
        }
        self.settle(now);
    }

    /// The stream to the server is gone.
    pub(super) fn handle_closed(&mut self) {
        self.fail();
    }

    /// Lets the peer's address through.
    pub(super) fn permit(&mut self, peer: IpAddr, now: Instant) {
        if self.peers.len() < MAX_PERMISSIONS && self.peers.insert(peer) {
            self.ask_permission(peer, now);
            self.settle(now);
        }
    }

    /// Sends a packet from the relayed address.
    pub(super) fn send(&mut self, to: SocketAddr, bytes: Vec<u8>, now: Instant) {
        self.permit(to.ip(), now);
        if self.client.have_permission(TransportType::Udp, to.ip()) {
            self.transmit(to, bytes, now);
            self.settle(now);
        } else {
            if self.waiting.len() == MAX_WAITING_PACKETS {
                self.waiting.pop_front();
            }
            self.waiting.push_back((to, bytes));
        }
    }

    /// Gives up the address, so that the server need not keep it.
    pub(super) fn delete(&mut self, now: Instant) {
        let time = self.time(now);
        if self.client.delete(time).is_ok() {
            self.settle(now);
        }
    }

    fn transmit(&mut self, to: SocketAddr, bytes: Vec<u8>, now: Instant) {
        let time = self.time(now);
        // All but checks goes over one pair: a channel saves 32 bytes a packet (RFC 8656 §12).
        if bytes.first().is_some_and(|first| *first >= 20) && self.bound != Some(to) {
            self.bound = Some(to);
            // Without a channel it goes on as it was.
            let _ = self.client.bind_channel(TransportType::Udp, to, time);
        }
        let sent = self.client.send_to(TransportType::Udp, to, bytes, time);
        if let Ok(Some(built)) = sent {
            self.say(built.data.build());
        }
    }

    fn ask_permission(&mut self, peer: IpAddr, now: Instant) {
        let is_same_family = self
            .relayed
            .is_some_and(|relayed| relayed.is_ipv4() == peer.is_ipv4());
        if is_same_family {
            let time = self.time(now);
            // One that is there already serves.
            let _ = self
                .client
                .create_permission(TransportType::Udp, peer, time);
        }
    }

    /// After each change: what the client has to say, and when it wants to be asked again. Its time
    /// runs ahead while it would only wait between two requests.
    fn settle(&mut self, now: Instant) {
        let mut time = now;
        loop {
            self.drain(time, now);
            match self.client.poll(self.time(time)) {
                TurnPollRet::WaitUntil(at) => {
                    let at = self.epoch + at.duration_since(turn_client_proto::stun::Instant::ZERO);
                    if at > time && at <= now + LEAD {
                        time = at;
                        continue;
                    }
                    self.wake_at = Some(at.max(now + Duration::from_millis(1)));
                }
                TurnPollRet::Closed => self.fail(),
                TurnPollRet::AllocateTcpSocket { .. } | TurnPollRet::TcpClose { .. } => {
                    self.wake_at = Some(now + Duration::from_millis(1));
                }
            }
            return self.drain(time, now);
        }
    }

    /// `ahead` is the client's time, and `now` the real one.
    fn drain(&mut self, ahead: Instant, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            match event {
                TurnEvent::AllocationCreated(_, relayed) => {
                    self.relayed = Some(relayed);
                    self.outputs.push_back(RelayOutput::Allocated(relayed));
                    for peer in self.peers.clone() {
                        self.ask_permission(peer, ahead);
                    }
                }
                // The server may be one that has IPv6 alone.
                TurnEvent::AllocationCreateFailed(AddressFamily::IPV4) if self.server.is_ipv6() => {
                    self.client = self.client_for(AddressFamily::IPV6);
                    self.refusals = Refusals::default();
                }
                TurnEvent::AllocationCreateFailed(_) => self.fail(),
                TurnEvent::PermissionCreated(_, peer) => self.release(peer, ahead),
                _ => {}
            }
        }
        let time = self.time(ahead);
        while let Some(transmit) = self.client.poll_transmit(time) {
            let message = transmit.data.to_vec();
            // A stream loses nothing.
            if self.frames.is_none() {
                self.requests.handle_sent(&message, now);
            }
            self.say(message);
        }
    }

    fn say(&mut self, message: Vec<u8>) {
        let is_stream = self.frames.is_some();
        let message = if is_stream {
            stream::padded(message)
        } else {
            message
        };
        self.outputs.push_back(RelayOutput::Send(message));
    }

    fn client_for(&self, family: AddressFamily) -> Client {
        let ends = (self.local, self.server);
        client::allocate(self.frames.is_some(), ends, &self.login, family)
    }

    fn release(&mut self, peer: IpAddr, now: Instant) {
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(to, _)| to.ip() == peer);
        self.waiting = waiting;
        for (to, bytes) in ready {
            self.transmit(to, bytes, now);
        }
    }

    fn fail(&mut self) {
        if !self.has_failed {
            self.has_failed = true;
            let refused = self.refusals.last.take();
            self.outputs.push_back(RelayOutput::Failed(refused));
        }
    }

    fn time(&self, now: Instant) -> turn_client_proto::stun::Instant {
        turn_client_proto::stun::Instant::ZERO + now.saturating_duration_since(self.epoch)
    }
}
