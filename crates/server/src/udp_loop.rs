//! The UDP loop: one thread that owns the UDP sockets and two cores,
//! `turn` and `gateway`.
//!
//! This file is what the rest of the server sees. `shard.rs` is the thread,
//! `sockets.rs` receives in batches, `outgoing.rs` sends in batches,
//! `streams.rs` carries TURN's TCP and TLS clients, `connections.rs` the gateway's TCP clients,
//! `media.rs` the questions to the gateway, `followers.rs` those who want to know what changes at a
//! stream, `publish.rs` the metrics.

mod connections;
mod followers;
mod media;
mod outgoing;
mod publish;
mod shard;
mod sockets;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use ipnet::IpNet;
use protocol::stream::StreamName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use turn::{FiveTuple, Limits, RelayIp, Transport};

pub use self::followers::Followed;
pub use self::media::{MediaHandle, OwnTag, SessionName, Stopped};
use self::shard::Shard;
use self::sockets::{ListenerSocket, unmapped};
use crate::recording::Intake;

/// Inputs that wait for the thread; a stream that is ahead of it waits here.
const INBOX_CAPACITY: usize = 1024;

/// What TURN is told at start.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// UDP sockets to listen on; port 0 takes any.
    pub udp: Vec<SocketAddr>,
    /// Addresses that relay ports are bound on.
    pub relay_ips: Vec<IpAddr>,
    /// What clients are told in their place, in order within each family; where one is missing,
    /// the relay's own.
    pub external_ips: Vec<IpAddr>,
    /// The ports that relays are taken from.
    pub relay_ports: RangeInclusive<u16>,
    /// The realm of the long-term credentials.
    pub realm: String,
    /// TURN REST secrets; all verify.
    pub secrets: Vec<String>,
    /// Ranges taken off the deny list.
    pub allow_peers: Vec<IpNet>,
    /// The gateway's media sockets.
    pub media_addrs: Vec<SocketAddr>,
    /// What clients may hold.
    pub limits: Limits,
}

/// What a look at the loop shows.
#[derive(Debug, Clone, Default)]
pub struct TurnStats {
    /// The core's totals.
    pub core: turn::Stats,
    /// TCP and TLS clients connected.
    pub streams: usize,
    /// The gateway's clients connected over TCP.
    pub connections: usize,
    /// Packets of the gateway that a slow reader did not take.
    pub media_unsent: u64,
    /// Packets that the kernel or a slow reader did not take.
    pub unsent: u64,
}

/// The way to a running loop; clones are cheap.
#[derive(Clone)]
pub struct TurnHandle {
    inbox: Inbox,
    udp_addrs: Arc<[SocketAddr]>,
}

impl std::fmt::Debug for TurnHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnHandle")
            .field("udp_addrs", &self.udp_addrs)
            .finish_non_exhaustive()
    }
}

impl TurnHandle {
    /// Serves one TURN client on a stream until it ends; bytes already read must be put back first.
    /// At each allocation that the client authenticates `on_allocation` is called.
    pub async fn accept_stream<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        local: SocketAddr,
        transport: Transport,
        on_allocation: impl Fn() + Send,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let client = FiveTuple {
            transport,
            client: unmapped(peer),
            server: unmapped(local),
        };
        streams::serve(stream, client, &self.inbox, on_allocation).await;
    }

    /// Ends the allocations and the sessions of a device or a guest, and refuses the credentials
    /// that it holds.
    pub fn revoke(&self, device_id: &str) {
        self.inbox.orders(|orders| {
            orders.revoked.insert(device_id.to_owned());
        });
    }

    /// Replaces the secrets; allocations live on.
    pub fn replace_secrets(&self, secrets: Vec<String>) {
        self.inbox.orders(|orders| orders.secrets = Some(secrets));
    }

    /// The UDP sockets as bound.
    pub fn local_udp_addrs(&self) -> Vec<SocketAddr> {
        self.udp_addrs.to_vec()
    }

    /// Totals; all zero once the loop has stopped.
    pub async fn stats(&self) -> TurnStats {
        let (answer, answered) = oneshot::channel();
        self.inbox.send(Input::Stats(answer)).await;
        answered.await.unwrap_or_default()
    }

    /// The way to the gateway, which lives in the same loop.
    pub fn media(&self) -> MediaHandle {
        MediaHandle {
            inbox: self.inbox.clone(),
        }
    }

    /// Closes every socket and returns when the thread is done.
    pub async fn shutdown(&self) {
        let (done, is_done) = oneshot::channel();
        self.inbox.send(Input::Shutdown(done)).await;
        // An error says that it was done before.
        let _ = is_done.await;
    }
}

/// Binds the sockets and starts the thread, which records nothing.
///
/// # Errors
/// When a socket cannot be bound or the thread cannot be started.
pub async fn spawn(settings: TurnSettings, gateway: gateway::Settings) -> io::Result<TurnHandle> {
    spawn_recording(settings, gateway, Intake::nowhere()).await
}

/// Binds the sockets and starts the thread, which hands what is recorded to `intake`.
pub(crate) async fn spawn_recording(
    settings: TurnSettings,
    gateway: gateway::Settings,
    intake: Intake,
) -> io::Result<TurnHandle> {
    let listeners = settings
        .udp
        .iter()
        .map(|addr| ListenerSocket::bind(*addr))
        .collect::<io::Result<Vec<_>>>()?;
    let udp_addrs = listeners.iter().map(ListenerSocket::local_addr).collect();
    let (sender, receiver) = mpsc::channel(INBOX_CAPACITY);
    let orders = Arc::new(Mutex::new(Orders::default()));
    let core = core_settings(settings)?;
    let (shard, waker) = Shard::new(
        core,
        (gateway, intake),
        listeners,
        receiver,
        Arc::clone(&orders),
    )?;
    std::thread::Builder::new()
        .name("turn".into())
        .spawn(move || shard.run())?;
    let inbox = Inbox {
        sender,
        orders,
        waker: Arc::new(waker),
    };
    Ok(TurnHandle { inbox, udp_addrs })
}

/// The core's settings: relay addresses paired, and every address of this machine.
fn core_settings(settings: TurnSettings) -> io::Result<turn::Settings> {
    let relay_ips = paired(&settings.relay_ips, &settings.external_ips);
    let own_ips = if_addrs::get_if_addrs()?
        .iter()
        .map(if_addrs::Interface::ip)
        .collect();
    Ok(turn::Settings {
        realm: settings.realm,
        secrets: settings.secrets,
        relay_ips,
        relay_ports: settings.relay_ports,
        own_ips,
        media_addrs: settings.media_addrs,
        allow_peers: settings.allow_peers,
        limits: settings.limits,
    })
}

/// Each relay address with the external one of its family that stands in the same place.
fn paired(relay_ips: &[IpAddr], external_ips: &[IpAddr]) -> Vec<RelayIp> {
    let of_family = |is_ipv6: bool| {
        external_ips
            .iter()
            .filter(move |ip| ip.is_ipv6() == is_ipv6)
    };
    let (mut v4, mut v6) = (of_family(false), of_family(true));
    relay_ips
        .iter()
        .map(|bound| {
            let external = if bound.is_ipv6() {
                v6.next()
            } else {
                v4.next()
            };
            RelayIp {
                bound: *bound,
                advertised: *external.unwrap_or(bound),
            }
        })
        .collect()
}

/// What reaches the thread besides datagrams.
enum Input {
    Opened {
        client: FiveTuple,
        outbox: streams::Outbox,
    },
    Frame {
        client: FiveTuple,
        bytes: Vec<u8>,
    },
    Closed(FiveTuple),
    Connected {
        path: gateway::Path,
        outbox: connections::Outbox,
    },
    Frames {
        path: gateway::Path,
        whole: Vec<u8>,
    },
    Disconnected(gateway::Path),
    Media(media::Question),
    Stats(oneshot::Sender<TurnStats>),
    Shutdown(oneshot::Sender<()>),
}

/// Orders that must never wait for room: a mailbox in which each replaces its like.
#[derive(Default)]
struct Orders {
    /// Devices and guests.
    revoked: BTreeSet<String>,
    /// Signing keys whose tokens serve no longer.
    killed: BTreeSet<String>,
    /// Streams that are no more, and those that strangers may not view any more.
    forgotten: BTreeSet<StreamName>,
    closed: BTreeSet<StreamName>,
    /// Streams to be recorded from here on, or no longer.
    recorded: BTreeMap<StreamName, bool>,
    secrets: Option<Vec<String>>,
}

/// The sending side of the thread's inbox, with its bell.
#[derive(Clone)]
struct Inbox {
    sender: mpsc::Sender<Input>,
    orders: Arc<Mutex<Orders>>,
    waker: Arc<mio::Waker>,
}

impl Inbox {
    /// Waits for room; whether the thread is still there.
    async fn send(&self, input: Input) -> bool {
        let is_sent = self.sender.send(input).await.is_ok();
        self.wake();
        is_sent
    }

    fn orders(&self, write: impl FnOnce(&mut Orders)) {
        write(&mut self.orders.lock().expect("no holder of the lock panics"));
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake the turn thread");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_addresses_are_paired_within_their_family() {
        let ips = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let relay_ips = ips(&["2001:db8::1", "10.0.0.1", "10.0.0.2"]);
        let pairs = paired(&relay_ips, &ips(&["203.0.113.1"]));
        let advertised: Vec<IpAddr> = pairs.iter().map(|pair| pair.advertised).collect();
        assert_eq!(advertised, ips(&["2001:db8::1", "203.0.113.1", "10.0.0.2"]));
    }
}
