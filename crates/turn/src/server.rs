//! The server: what goes in, what comes out, and the clockwork.
//!
//! Requests are in `requests.rs`, `allocate.rs` and `permit.rs`, the packet
//! path in `relaying.rs`.
//!
//! Law: after every `handle_…` call drain [`Server::poll_command`] to `None`,
//! then ask [`Server::poll_timeout`].

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::allocation::{Allocation, AllocationId};
use crate::allocations::AllocationTable;
use crate::auth::Authenticator;
use crate::demux::{PacketKind, classify};
use crate::five_tuple::FiveTuple;
use crate::limits::{Bandwidth, SourceLimiter};
use crate::nonce::Nonces;
use crate::own::OwnAddresses;
use crate::random::Random;
use crate::relays::{RelayId, RelayTable};
use crate::settings::Settings;
use crate::stats::{DropCause, Stats};
use crate::wire::Relay;

/// The longest that a credential is valid: after a revocation older ones are refused this long.
const CREDENTIAL_LIFETIME: Duration = Duration::from_secs(600);

/// Both clocks: one that only goes forward, and the one that credentials expire by.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For every timer.
    pub instant: Instant,
    /// Since 1970, for the expiry in a user name.
    pub unix_time: Duration,
}

/// What the world has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send these bytes to a client.
    Reply {
        /// The client.
        to: FiveTuple,
        /// A whole STUN message.
        bytes: Vec<u8>,
    },
    /// Bind a relay socket and report with [`Server::handle_bound`].
    Bind {
        /// The socket's name from here on.
        relay: RelayId,
        /// Where; the socket takes its own address family only.
        addr: SocketAddr,
    },
    /// Close a relay socket.
    Close {
        /// Which.
        relay: RelayId,
    },
    /// The client's allocation is over: a stream may be closed.
    Ended {
        /// The client.
        client: FiveTuple,
    },
}

/// A STUN and TURN server.
///
/// ```
/// # #![allow(clippy::disallowed_methods)]
/// use std::time::{Duration, Instant};
/// use turn::{Command, FiveTuple, Limits, Now, Server, Settings, Transport};
///
/// let settings = Settings {
///     realm: "heliograph".into(),
///     secrets: vec!["a secret".into()],
///     relay_ips: vec![std::net::IpAddr::from([203, 0, 113, 1]).into()],
///     relay_ports: 49152..=65535,
///     own_ips: vec![],
///     media_addrs: vec![],
///     allow_peers: vec![],
///     limits: Limits::default(),
/// };
/// let now = Now { instant: Instant::now(), unix_time: Duration::from_secs(1_700_000_000) };
/// let mut server = Server::new(settings, &[7; 32], now.instant);
/// let client = FiveTuple {
///     transport: Transport::Udp,
///     client: ([198, 51, 100, 7], 5000).into(),
///     server: ([203, 0, 113, 1], 3478).into(),
/// };
/// let binding = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
/// assert_eq!(server.handle_client(client, &binding, now), None);
/// assert!(matches!(server.poll_command(), Some(Command::Reply { to, .. }) if to == client));
/// ```
#[derive(Debug)]
pub struct Server {
    pub(crate) settings: Settings,
    pub(crate) own: OwnAddresses,
    pub(crate) authenticator: Authenticator,
    pub(crate) nonces: Nonces,
    pub(crate) sources: SourceLimiter,
    pub(crate) random: Random,
    pub(crate) started_at: Instant,
    pub(crate) allocations: AllocationTable,
    pub(crate) relays: RelayTable,
    pub(crate) reservations: BTreeMap<u64, Reservation>,
    pub(crate) revoked: BTreeMap<String, Duration>,
    pub(crate) total_bandwidth: Bandwidth,
    pub(crate) last_transaction: u128,
    pub(crate) commands: VecDeque<Command>,
    pub(crate) stats: Stats,
}

/// A port kept for the holder of a RESERVATION-TOKEN (RFC 8656 section 7.2).
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) relay: RelayId,
    pub(crate) expires_at: Instant,
}

impl Server {
    /// A server without allocations; `seed` feeds nonces, ports and tokens and must be secret.
    pub fn new(settings: Settings, seed: &[u8; 32], now: Instant) -> Self {
        let mut random = Random::new(seed);
        let limits = &settings.limits;
        Self {
            own: OwnAddresses::new(&settings),
            authenticator: Authenticator::new(settings.realm.clone(), &settings.secrets),
            nonces: Nonces::new(seed),
            sources: SourceLimiter::new(limits, random.next_u64(), now),
            started_at: now,
            allocations: AllocationTable::default(),
            relays: RelayTable::new(settings.relay_ports.clone()),
            reservations: BTreeMap::new(),
            revoked: BTreeMap::new(),
            total_bandwidth: Bandwidth::new(limits.total_bytes_per_sec, now),
            last_transaction: u128::from(random.next_u64()) << 32,
            commands: VecDeque::new(),
            stats: Stats::default(),
            random,
            settings,
        }
    }

    /// A datagram from a client, or one frame of its stream.
    pub fn handle_client(&mut self, from: FiveTuple, frame: &[u8], now: Now) -> Option<Relay> {
        match classify(frame) {
            PacketKind::Stun => self.handle_stun(from, frame, now),
            PacketKind::ChannelData => self.relay_channel_data(from, frame, now.instant),
            PacketKind::Other => self.dropped(DropCause::NotTurn),
        }
    }

    /// A datagram from a peer to a relay socket.
    pub fn handle_peer(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        payload: &[u8],
        now: Instant,
    ) -> Option<Relay> {
        self.relay_to_client(relay, peer, 0..payload.len(), now)
    }

    /// The loop bound a relay socket, or could not.
    pub fn handle_bound(&mut self, relay: RelayId, is_bound: bool, now: Now) {
        if is_bound {
            self.relays.mark_bound(relay);
        }
        self.settle_allocation(relay, is_bound, now.instant);
    }

    /// A client's stream is closed: nobody is left to relay for.
    pub fn handle_disconnect(&mut self, client: FiveTuple) {
        if let Some(id) = self.allocations.id_of(&client) {
            self.end_allocation(id);
        }
    }

    /// What to do next; `None` when there is nothing.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let reservations = self.reservations.values().map(|kept| kept.expires_at);
        reservations.chain(self.allocations.next_expiry()).min()
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.allocations.first_expired(now) {
            self.end_allocation(id);
        }
        let expired: Vec<u64> = self
            .reservations
            .iter()
            .filter(|(_, kept)| kept.expires_at <= now)
            .map(|(token, _)| *token)
            .collect();
        for token in expired {
            if let Some(kept) = self.reservations.remove(&token) {
                self.close_relay(kept.relay);
            }
        }
    }

    /// Ends every allocation of a device and refuses the credentials it holds.
    ///
    /// Credentials made after this (they expire later than 600 s from here) work.
    pub fn revoke(&mut self, device_id: &str, now: Now) {
        self.revoked.retain(|_, until| *until > now.unix_time);
        let until = now.unix_time + CREDENTIAL_LIFETIME;
        self.revoked.insert(device_id.to_owned(), until);
        for id in self.allocations.ids_of_user(device_id) {
            self.end_allocation(id);
        }
    }

    /// Replaces the secrets; allocations made with the old ones live on.
    pub fn replace_secrets(&mut self, secrets: &[String]) {
        self.authenticator.replace_secrets(secrets);
    }

    /// Whether the client has an allocation: an idle stream without one may be closed.
    pub fn has_allocation(&self, client: &FiveTuple) -> bool {
        self.allocations.id_of(client).is_some()
    }

    /// Totals and the number of allocations.
    pub fn stats(&self) -> Stats {
        Stats {
            allocations: self.allocations.len(),
            ..self.stats.clone()
        }
    }

    pub(crate) fn end_allocation(&mut self, id: AllocationId) -> Option<Allocation> {
        let allocation = self.allocations.remove(id)?;
        for relay in &allocation.relays {
            self.close_relay(relay.id);
        }
        self.commands.push_back(Command::Ended {
            client: allocation.client,
        });
        Some(allocation)
    }

    pub(crate) fn close_relay(&mut self, relay: RelayId) {
        if self.relays.close(relay).is_some() {
            self.commands.push_back(Command::Close { relay });
        }
    }

    pub(crate) fn dropped(&mut self, cause: DropCause) -> Option<Relay> {
        self.stats.count_drop(cause);
        None
    }
}
