//! The thread: waits for sockets and inbox, asks the core, does what it says.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use gateway::{Event, Gateway, Path, frames};
use mio::{Events, Poll, Token, Waker};
use tokio::sync::{mpsc, oneshot};
use turn::{Command, FiveTuple, Now, Relay, Server, Transport};

use super::connections::Connections;
use super::followers::Followers;
use super::outgoing::Outgoing;
use super::publish::{describe, publish, publish_gateway};
use super::sockets::{Datagram, Inbound, ListenerSocket, SocketKey, Sockets};
use super::streams::Streams;
use super::{Input, Orders, TurnStats, media};
use crate::recording::Intake;

const WAKER: Token = Token(usize::MAX);
const EVENTS_CAPACITY: usize = 1024;
/// Batches taken from one socket before the others have their turn.
const BATCHES_PER_TURN: usize = 8;
/// Inputs taken before the sockets have their turn.
const INPUTS_PER_TURN: usize = 256;
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
const PADDING: [u8; 3] = [0; 3];

/// What the thread owns.
pub(super) struct Shard {
    poll: Poll,
    inbound: Inbound,
    inbox: mpsc::Receiver<Input>,
    /// Sockets that had more to read when their turn ended.
    unread: Vec<Token>,
    next_publish: Instant,
    world: World,
    orders: Arc<Mutex<Orders>>,
}

/// The core and what its commands act on.
struct World {
    core: Server,
    gateway: Gateway,
    followers: Followers,
    intake: Intake,
    sockets: Sockets,
    streams: Streams,
    connections: Connections,
    outgoing: Outgoing,
    registry: mio::Registry,
    now: Now,
}

enum Next {
    GoOn,
    /// And tell who asked for it.
    Stop(Option<oneshot::Sender<()>>),
}

impl Shard {
    pub(super) fn new(
        settings: turn::Settings,
        (gateway, intake): (gateway::Settings, Intake),
        listeners: Vec<ListenerSocket>,
        inbox: mpsc::Receiver<Input>,
        orders: Arc<Mutex<Orders>>,
    ) -> io::Result<(Self, Waker)> {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed)
            .map_err(|_| io::Error::other("the system gives no random numbers"))?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let now = read_clocks();
        let world = World {
            core: Server::new(settings, &seed, now.instant),
            gateway: Gateway::new(gateway),
            followers: Followers::default(),
            intake,
            sockets: Sockets::new(listeners, poll.registry())?,
            streams: Streams::default(),
            connections: Connections::default(),
            outgoing: Outgoing::default(),
            registry: poll.registry().try_clone()?,
            now,
        };
        let shard = Self {
            poll,
            inbound: Inbound::new(),
            inbox,
            unread: Vec::new(),
            next_publish: now.instant,
            world,
            orders,
        };
        Ok((shard, waker))
    }

    /// Runs until the inbox says stop or every handle is gone.
    pub(super) fn run(mut self) {
        describe();
        let mut events = Events::with_capacity(EVENTS_CAPACITY);
        loop {
            if let Err(error) = self.poll.poll(&mut events, Some(self.patience()))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "turn loop cannot wait for its sockets");
                return;
            }
            self.world.now = read_clocks();
            let mut readable = std::mem::take(&mut self.unread);
            readable.extend(events.iter().map(|event| event.token()));
            readable.sort_unstable();
            readable.dedup();
            for token in readable {
                self.read_socket(token);
            }
            if let Next::Stop(asked_by) = self.read_inbox() {
                drop(self);
                // The one who asked may be gone.
                asked_by.map(|done| done.send(()));
                return;
            }
            self.world.handle_timeout();
            self.world.outgoing.flush(&self.world.sockets);
            self.publish_sometimes();
        }
    }

    /// How long nothing needs to happen.
    fn patience(&self) -> Duration {
        if !self.unread.is_empty() || !self.inbox.is_empty() {
            return Duration::ZERO;
        }
        let cores = [
            self.world.core.poll_timeout(),
            self.world.gateway.poll_timeout(),
        ];
        let due = cores.into_iter().flatten().min();
        let next = due.map_or(self.next_publish, |due| due.min(self.next_publish));
        next.saturating_duration_since(Instant::now())
    }

    fn read_socket(&mut self, token: Token) {
        let Some(key) = self.world.sockets.key(token) else {
            return;
        };
        for _ in 0..BATCHES_PER_TURN {
            let Some(socket) = self.world.sockets.find(key) else {
                return;
            };
            match self.inbound.receive(socket) {
                Ok(received) => {
                    for datagram in received.datagrams() {
                        self.world.handle_datagram(key, &datagram);
                    }
                    // Once for all of them: what came together leaves together.
                    self.world.obey_gateway();
                    if received.is_all() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // A peer's ICMP error, or a signal: the socket is as good as before.
                    tracing::trace!(%error, "turn socket");
                }
            }
        }
        self.unread.push(token);
    }

    fn read_inbox(&mut self) -> Next {
        let orders = std::mem::take(&mut *self.orders.lock().expect("no holder panics"));
        self.world.handle_orders(orders);
        for _ in 0..INPUTS_PER_TURN {
            match self.inbox.try_recv() {
                Ok(Input::Shutdown(done)) => return Next::Stop(Some(done)),
                Ok(input) => self.world.handle_input(input),
                Err(mpsc::error::TryRecvError::Empty) => return Next::GoOn,
                Err(mpsc::error::TryRecvError::Disconnected) => return Next::Stop(None),
            }
        }
        Next::GoOn
    }

    fn publish_sometimes(&mut self) {
        if self.world.now.instant >= self.next_publish {
            self.next_publish = self.world.now.instant + PUBLISH_INTERVAL;
            publish(&self.world.stats());
            publish_gateway(&self.world.gateway.paths());
        }
    }
}

impl World {
    fn handle_datagram(&mut self, key: SocketKey, datagram: &Datagram<'_>) {
        let relayed = match key {
            SocketKey::Listener(index) => {
                let bound = self.sockets.listeners[index].local_addr();
                let ip = datagram.to_ip.unwrap_or(bound.ip());
                let server = SocketAddr::new(ip, bound.port());
                if self.handle_media(server, datagram) {
                    return;
                }
                let client = FiveTuple {
                    transport: Transport::Udp,
                    client: datagram.from,
                    server,
                };
                self.core.handle_client(client, datagram.bytes, self.now)
            }
            SocketKey::Relay(id) => {
                let now = self.now.instant;
                self.core
                    .handle_peer(id, datagram.from, datagram.bytes, now)
            }
        };
        match relayed {
            Some(relay) => self.pass_on(relay, datagram.bytes),
            None => self.obey(),
        }
    }

    /// Whether the datagram was of a session of the gateway.
    fn handle_media(&mut self, local: SocketAddr, datagram: &Datagram<'_>) -> bool {
        let path = Path::udp(local, datagram.from);
        self.gateway
            .handle_packet(path, datagram.bytes, self.now.instant)
    }

    fn handle_timeout(&mut self) {
        let now = self.now.instant;
        self.core.handle_timeout(now);
        self.obey();
        self.gateway.handle_timeout(now);
        self.obey_gateway();
    }

    fn handle_input(&mut self, input: Input) {
        match input {
            Input::Opened { client, outbox } => self.streams.open(client, outbox),
            Input::Frame { client, bytes } => {
                if let Some(relay) = self.core.handle_client(client, &bytes, self.now) {
                    self.pass_on(relay, &bytes);
                }
                self.obey();
                let is_allocated = self.core.has_allocation(&client);
                self.streams.set_allocated(&client, is_allocated);
            }
            Input::Closed(client) => {
                self.streams.close(&client);
                self.core.handle_disconnect(client);
            }
            Input::Connected { path, outbox } => self.connections.open(path, outbox),
            Input::Frames { path, whole } => self.handle_frames(path, &whole),
            Input::Disconnected(path) => {
                self.connections.close(&path);
                self.gateway.handle_disconnect(path, self.now.instant);
            }
            Input::Media(question) => {
                let now = self.now.instant;
                media::ask(&mut self.gateway, &mut self.followers, question, now);
                self.obey_gateway();
            }
            // The one who asked may be gone.
            Input::Stats(answer) => drop(answer.send(self.stats())),
            Input::Shutdown(_) => {}
        }
        self.obey();
    }

    /// Packets of a client of the gateway that is connected.
    fn handle_frames(&mut self, path: Path, whole: &[u8]) {
        // It may have been closed on our side since.
        if !self.connections.has(&path) {
            return;
        }
        for packet in frames(whole) {
            self.gateway.handle_packet(path, packet, self.now.instant);
        }
        self.obey_gateway();
        let has_session = self.gateway.has_path(&path);
        self.connections.judge(&path, has_session);
    }

    fn handle_orders(&mut self, orders: Orders) {
        for holder in &orders.revoked {
            self.core.revoke(holder, self.now);
        }
        let now = self.now.instant;
        for holder in orders.revoked.iter().chain(&orders.killed) {
            self.gateway.revoke(holder, now);
        }
        for stream in &orders.forgotten {
            self.gateway.forget(stream, now);
        }
        for stream in &orders.closed {
            self.gateway.close_to_strangers(stream, now);
        }
        for (stream, is_recorded) in &orders.recorded {
            self.gateway.record(stream, *is_recorded, now);
        }
        if let Some(secrets) = &orders.secrets {
            self.core.replace_secrets(secrets);
        }
        self.obey_gateway();
    }

    /// Does everything the core asks for.
    fn obey(&mut self) {
        while let Some(command) = self.core.poll_command() {
            match command {
                Command::Reply { to, bytes } => self.send_to_client(to, [&bytes, &[], &[]]),
                Command::Bind { relay, addr } => {
                    let bound = self.sockets.open_relay(relay, addr, &self.registry);
                    if let Err(error) = &bound {
                        tracing::debug!(%error, "relay port not bound");
                    }
                    self.core.handle_bound(relay, bound.is_ok(), self.now);
                }
                Command::Close { relay } => {
                    self.outgoing.flush(&self.sockets);
                    self.sockets.close_relay(relay, &self.registry);
                }
                Command::Ended { client } => self.streams.set_allocated(&client, false),
            }
        }
    }

    /// Sends what the gateway has to send, and tells what happened in it.
    fn obey_gateway(&mut self) {
        while let Some(transmit) = self.gateway.poll_transmit() {
            let path = Path::of(&transmit);
            if path.transport == gateway::Transport::Tcp {
                self.connections.send(&path, transmit.contents.into());
                continue;
            }
            let (from, to) = (path.local, path.remote);
            if let Some(key) = self.sockets.listener_of(from) {
                let parts: [&[u8]; 3] = [&transmit.contents, &[], &[]];
                let src_ip = Some(from.ip());
                self.outgoing.push(&self.sockets, key, to, src_ip, parts);
            }
        }
        while let Some(event) = self.gateway.poll_event() {
            if let Event::Left(path) = &event {
                self.connections.close(path);
            }
            let now = self.now.instant;
            media::tell(&self.gateway, &mut self.followers, &event, now);
        }
        while let Some(recorded) = self.gateway.poll_frame() {
            self.intake.take(recorded, self.now.unix_time);
        }
    }

    fn pass_on(&mut self, relay: Relay, datagram: &[u8]) {
        match relay {
            Relay::ToPeer { relay, to, payload } => {
                let key = SocketKey::Relay(relay);
                let parts = [&datagram[payload], &[], &[]];
                self.outgoing.push(&self.sockets, key, to, None, parts);
            }
            Relay::ToClient {
                to,
                header,
                payload,
                padding,
            } => {
                let padding = &PADDING[..padding];
                self.send_to_client(to, [header.as_bytes(), &datagram[payload], padding]);
            }
        }
    }

    fn send_to_client(&mut self, to: FiveTuple, parts: [&[u8]; 3]) {
        if to.transport != Transport::Udp {
            return self.streams.send(&to, parts.concat());
        }
        if let Some(key) = self.sockets.listener_of(to.server) {
            let src_ip = Some(to.server.ip());
            self.outgoing
                .push(&self.sockets, key, to.client, src_ip, parts);
        }
    }

    fn stats(&self) -> TurnStats {
        TurnStats {
            core: self.core.stats(),
            streams: self.streams.len(),
            unsent: self.outgoing.unsent + self.streams.unsent,
            connections: self.connections.len(),
            media_unsent: self.connections.unsent,
        }
    }
}

fn read_clocks() -> Now {
    Now {
        instant: Instant::now(),
        unix_time: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
    }
}
