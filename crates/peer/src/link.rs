//! One link to one paired device, as a pure state machine: signalling messages, datagrams and the
//! time come in; messages, datagrams and events go out. It keeps itself up until it is closed,
//! replaced, revoked or refused.
//!
//! No sockets, no clock: [`crate::driver`] owns those, and `sim` joins two cores on a virtual
//! clock. The wire is that of the browser SDK (`docs/protocol.md`).

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::SigningKey;
use protocol::base64url::Base64Url;
use protocol::http::IceServer;
use protocol::id::{DeviceId, PairId};

mod address;
mod binding;
mod channels;
mod checks;
mod connection;
mod dtls;
mod error;
mod gathering;
mod ice_url;
mod inquiry;
mod life;
mod llm;
mod negotiation;
mod output;
mod paths;
mod random;
mod recovery;
mod relay;
mod repeats;
mod rtc;
mod sctp_opening;
mod sdp;
mod secure;
mod sharing;
mod signalling;
mod signatures;
mod statistics;
mod talk;
mod video;
mod window;

pub use address::IcePolicy;
pub use channels::{Full, Label};
pub use checks::{Attempt, TriedPair};
pub use error::{Cause, Refusal};
pub(crate) use ice_url::IceUrl;
pub use ice_url::Transport;
pub use inquiry::Inquiry;
pub use llm::LlmEvent;
pub use output::{EndedBy, Event, Output, Path, PathEnd, Phase, StreamId};
pub use secure::LinkKeys;
pub use statistics::{SetUp, Statistics};
pub use talk::SayError;
pub use video::{Section, VideoEvent, VideoFrame};

use crate::ctl::{Conversation, Ctl};
use crate::files::Files;
use connection::Connection;
use random::Random;
use signatures::Signatures;
use statistics::Laps;

/// Key proofs that may run out of time in a row before the link gives up.
const MAX_LATE_PROOFS: u32 = 3;
/// After a failed connection the peer needs a moment to notice.
const REBUILD_WAIT: Duration = Duration::from_millis(500);
/// How long a link that is closed waits for the peer to acknowledge what was sent.
const LINGER: Duration = Duration::from_millis(500);

/// What a link is made of.
#[derive(Debug)]
pub struct LinkSettings {
    /// The pair.
    pub pair_id: PairId,
    /// The key of this device.
    pub own: Arc<SigningKey>,
    /// The other device.
    pub peer_id: DeviceId,
    /// Its Ed25519 key.
    pub peer_key: Base64Url<32>,
    /// Whether the pair is verified: then the peer's descriptions must be signed.
    pub is_verified: bool,
    /// The time of the newest description that this device signed, in Unix milliseconds; see
    /// [`Output::RememberOwnTime`].
    pub own_time_ms: u64,
    /// The time of the newest description of the peer that was accepted, in Unix milliseconds;
    /// see [`Output::RememberPeerTime`].
    pub peer_time_ms: u64,
    /// Which paths may be used.
    pub policy: IcePolicy,
    /// STUN and TURN servers of the person's own, beside those that the signalling server names.
    pub ice_servers: Vec<IceServer>,
    /// Control frames run inside Noise where there are keys: for a verified pair whose signed
    /// records both say `ctl-noise`.
    pub keys: Option<LinkKeys>,
    /// Whether both signed records say `file`.
    pub has_files: bool,
    /// Whether the program speaks on `llm`.
    pub has_llm: bool,
    /// Randomness that nobody else knows, never used twice.
    pub seed: [u8; 32],
}

/// One link.
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Instant;
/// # use identity::SigningKey;
/// # use peer::link::{IcePolicy, LinkCore, LinkSettings};
/// # use protocol::id::PairId;
/// # let (own, peer) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
/// # let now = Instant::now();
/// let settings = LinkSettings {
///     pair_id: PairId::from_bytes(&[3; 32]),
///     peer_id: peer.thumbprint(),
///     peer_key: *peer.public(),
///     own: Arc::new(own),
///     is_verified: true,
///     own_time_ms: 0,
///     peer_time_ms: 0,
///     policy: IcePolicy::All,
///     ice_servers: Vec::new(),
///     keys: None,
///     has_files: false,
///     has_llm: false,
///     seed: [7; 32],
/// };
/// let mut link = LinkCore::new(settings, now);
/// assert!(link.poll_output().is_none(), "it waits for the server's `ready`");
/// ```
pub struct LinkCore {
    signatures: Signatures,
    policy: IcePolicy,
    keys: Option<LinkKeys>,
    has_files: bool,
    has_llm: bool,
    random: Random,
    /// Told to the peer with each proof of keys.
    conversation: Conversation,
    /// Key proofs that ran out of time in a row.
    failed_proofs: u32,
    is_polite: bool,
    /// Unix milliseconds at a moment.
    clock: (Instant, u64),
    sockets: BTreeSet<SocketAddr>,
    own_ice_servers: Vec<IceServer>,
    ice_servers: Vec<IceServer>,
    next_stream: u64,
    is_signalling: bool,
    is_peer_online: bool,
    connection: Option<Connection>,
    ctl: Option<Ctl>,
    files: Files,
    is_llm_open: bool,
    /// Whether frames flow on the connection there is.
    is_open: bool,
    was_open: bool,
    /// Whether a section to send on is offered on every connection.
    has_video: bool,
    live_bits_per_second: Option<u32>,
    phase: Phase,
    meet_at: Option<Instant>,
    laps: Laps,
    last_statistics: Statistics,
    /// Of connections before, where one was tried.
    last_attempt: Option<Attempt>,
    /// When the peer hears of this side's figures again.
    report_at: Option<Instant>,
    /// Why and when the link ends at the latest.
    closing: Option<(String, Instant)>,
    outputs: VecDeque<Output>,
}

impl LinkCore {
    /// A link that waits for the server's `ready`.
    pub fn new(settings: LinkSettings, now: Instant) -> Self {
        let mut random = Random::new(settings.seed);
        let is_polite = settings.own.thumbprint().as_str() < settings.peer_id.as_str();
        Self {
            signatures: Signatures {
                pair_id: settings.pair_id,
                own: settings.own,
                peer_id: settings.peer_id,
                peer_key: settings.peer_key,
                is_required: settings.is_verified,
                own_ts: settings.own_time_ms,
                peer_ts: settings.peer_time_ms,
            },
            policy: settings.policy,
            keys: settings.keys,
            has_files: settings.has_files,
            has_llm: settings.has_llm,
            failed_proofs: 0,
            conversation: Conversation::new(random.half_secret()),
            random,
            is_polite,
            clock: (now, 0),
            sockets: BTreeSet::new(),
            ice_servers: settings.ice_servers.clone(),
            own_ice_servers: settings.ice_servers,
            next_stream: 0,
            is_signalling: false,
            is_peer_online: false,
            connection: None,
            ctl: None,
            files: Files::default(),
            is_llm_open: false,
            is_open: false,
            was_open: false,
            has_video: false,
            live_bits_per_second: None,
            phase: Phase::Signalling,
            meet_at: None,
            laps: Laps::default(),
            last_statistics: Statistics::default(),
            last_attempt: None,
            report_at: None,
            closing: None,
            outputs: VecDeque::new(),
        }
    }

    /// How far the link is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the world shall do next; drain it to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The time of day, in Unix milliseconds: descriptions are signed with it.
    pub fn handle_clock(&mut self, unix_ms: u64, now: Instant) {
        self.clock = (now, unix_ms);
    }

    /// The addresses of the UDP sockets that there are now. Where one is gone that was used, the
    /// link looks for a new path at once.
    pub fn handle_sockets(&mut self, sockets: BTreeSet<SocketAddr>, now: Instant) {
        if self.sockets == sockets {
            return;
        }
        self.sockets = sockets;
        let can_send = self.can_send();
        if let Some(connection) = &mut self.connection {
            connection.handle_sockets(&self.sockets, now);
            connection.restart(can_send, now);
        }
        self.settle(now);
    }

    /// A datagram came to one of the sockets.
    pub fn handle_datagram(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        if let Some(connection) = &mut self.connection {
            connection.handle_datagram(local, from, bytes, now);
        }
        self.settle(now);
    }

    /// A host was looked up; no addresses where it has none.
    pub fn handle_found(&mut self, host: &str, addrs: &[IpAddr], now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.handle_found(host, addrs, now);
        }
        self.settle(now);
    }

    /// A stream that was asked for is connected; `local` is this end.
    pub fn handle_stream_open(&mut self, stream: StreamId, local: SocketAddr, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.handle_stream_open(stream, local, now);
        }
        self.settle(now);
    }

    /// Bytes came on a stream.
    pub fn handle_stream_data(&mut self, stream: StreamId, bytes: &[u8], now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.handle_stream_data(stream, bytes, now);
        }
        self.settle(now);
    }

    /// A stream could not be connected, or is gone.
    pub fn handle_stream_closed(&mut self, stream: StreamId, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.handle_stream_closed(stream, now);
        }
        self.settle(now);
    }

    /// Sends a frame on a channel as it is; for channels whose conversation lives elsewhere.
    ///
    /// # Errors
    /// The channel has too much waiting; [`Event::Writable`] tells when to try again. Without an
    /// open link a frame is dropped: the caller hears of phases.
    pub fn send(&mut self, label: Label, frame: Vec<u8>, now: Instant) -> Result<(), Full> {
        let result = match &mut self.connection {
            Some(connection) if self.is_open => connection.send(label, frame, now),
            _ => Ok(()),
        };
        self.settle(now);
        result
    }

    /// Looks for a new path now.
    pub fn restart(&mut self, now: Instant) {
        let can_send = self.can_send();
        if let Some(connection) = &mut self.connection {
            connection.restart(can_send, now);
        }
        self.settle(now);
    }

    /// What was seen of the latest attempt to find a path; none before the first.
    pub fn attempt(&self) -> Option<Attempt> {
        let attempt = self.connection.as_ref().map(Connection::attempt);
        let is_young = |attempt: &Attempt| attempt.pairs.is_empty();
        match (attempt, &self.last_attempt) {
            (Some(attempt), Some(last)) if is_young(&attempt) => Some(last.clone()),
            (Some(attempt), _) => Some(attempt),
            (None, last) => last.clone(),
        }
    }

    /// Ends the link and tells the peer why: once it has acknowledged what was sent, or after half
    /// a second.
    pub fn close(&mut self, reason: &str, now: Instant) {
        if self.closing.is_none() {
            self.closing = Some((reason.to_owned(), now + LINGER));
        }
        self.settle(now);
    }

    /// When [`LinkCore::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let connection = self.connection.as_ref().and_then(Connection::poll_timeout);
        let talk = self.ctl.as_ref().map(Ctl::poll_timeout);
        let closing = self.closing.as_ref().map(|(_, until)| *until);
        let all = [connection, talk, self.meet_at, self.report_at, closing];
        all.into_iter().flatten().min()
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        let can_send = self.can_send();
        if let Some(connection) = &mut self.connection {
            connection.handle_timeout(can_send, now);
        }
        if let Some(ctl) = self.ctl.as_mut().filter(|ctl| ctl.poll_timeout() <= now) {
            ctl.handle_timeout(now);
        }
        self.report(now);
        if self.meet_at.is_some_and(|at| at <= now) {
            self.meet_at = None;
            if self.connection.is_none() {
                self.meet(now);
            }
        }
        self.settle(now);
    }
}
