//! A native peer: its core, its socket and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{NoiseKey, SigningKey};
use llm::client::Outcome;
use peer::ctl::{CtlEvent, TextId};
use peer::files::{FileEvent, FileOffer};
use peer::link::{Cause, Event, LinkCore, LinkKeys, LinkSettings, Path, Phase};
use peer::stills::SentStill;
use protocol::file::FileKey;
use protocol::id::{DeviceId, PairId};
use signalling::SocketId;

use super::chats::{self, Chats};
use super::disk::Disk;
use super::stills::Stills;
use super::{START_MS, Scenario, network};

/// One end of the link.
pub struct Device {
    pub(super) core: LinkCore,
    pub(super) id: DeviceId,
    pub(super) pair: PairId,
    /// Its socket to the hub, from the moment it is opened until its end is noticed.
    pub(super) socket: Option<SocketId>,
    /// Its UDP sockets.
    pub(super) sockets: BTreeSet<SocketAddr>,
    /// Since when frames flowed first.
    opened_after: Option<Duration>,
    path: Option<Path>,
    unacknowledged: BTreeMap<TextId, String>,
    delivered: Vec<String>,
    heard: Vec<String>,
    failures: Vec<Cause>,
    stills: Stills,
    pub(super) chats: Chats,
    pub(super) disk: Disk,
    /// How many files were ever sent.
    files: u8,
    /// How many of them the peer has, and says so.
    files_sent: usize,
}

impl Device {
    /// How far its link is.
    pub fn phase(&self) -> Phase {
        self.core.phase()
    }

    /// When frames flowed first, counted from the beginning of the world.
    pub fn opened_after(&self) -> Option<Duration> {
        self.opened_after
    }

    /// The path that carries the link, as it was told last.
    pub fn path(&self) -> Option<Path> {
        self.path
    }

    /// Its own texts that the peer acknowledged.
    pub fn delivered(&self) -> &[String] {
        &self.delivered
    }

    /// The peer's texts, in the order in which they came.
    pub fn heard(&self) -> &[String] {
        &self.heard
    }

    /// Why attempts failed.
    pub fn failures(&self) -> &[Cause] {
        &self.failures
    }

    /// What became of its stills, once each was shown or given up.
    pub fn sent_stills(&self) -> &[SentStill] {
        self.stills.sent()
    }

    /// The numbers of the peer's stills, as they came.
    pub fn received_stills(&self) -> &[u64] {
        self.stills.received()
    }

    /// Stills that came out otherwise than they were sent.
    pub fn damaged_stills(&self) -> usize {
        self.stills.damaged()
    }

    /// The peer's files that it stored whole: names and contents.
    pub fn received_files(&self) -> &[(String, Vec<u8>)] {
        self.disk.whole()
    }

    /// How many of its chats are over.
    pub fn answers_over(&self) -> usize {
        let over = self.chats.answers().filter(|(_, end)| end.is_some());
        over.count()
    }

    /// How many of its answers are all of so many tokens, each once and in order.
    pub fn whole_answers(&self, tokens: usize) -> usize {
        let whole = chats::whole(tokens);
        let is_whole = |(text, end): &&(String, Option<Outcome>)| {
            *text == whole && matches!(end, Some(Outcome::Done { .. }))
        };
        self.chats.answers().filter(is_whole).count()
    }

    /// How often the channel for chats opened.
    pub fn llm_openings(&self) -> usize {
        self.chats.openings()
    }

    /// Whether all that it wants to send, but for texts, is sent or given up.
    pub fn is_idle(&self) -> bool {
        self.stills.are_sent() && self.files_sent == usize::from(self.files)
    }

    pub(super) fn send_stills(&mut self, interval: Duration, count: u32, now: Instant) {
        self.stills.begin(&mut self.core, interval, count, now);
    }

    pub(super) fn send_file(&mut self, name: &str, bytes: Vec<u8>, now: Instant) {
        self.files += 1;
        let offer = FileOffer {
            name: name.to_owned(),
            size: bytes.len() as u64,
            key: FileKey([self.files; 16]),
        };
        let id = self.core.offer_file(offer, now).expect("one of a few");
        self.disk.keep(id, bytes);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let stills = self.stills.poll_timeout();
        let chats = self.chats.poll_timeout();
        let others = stills.into_iter().chain(chats);
        self.core.poll_timeout().into_iter().chain(others).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
        self.stills.handle_timeout(&mut self.core, now);
        self.chats.handle_timeout(now);
    }

    /// Says what its chats have to say; whether that was anything.
    pub(super) fn speak(&mut self, now: Instant) -> bool {
        self.chats.speak(&mut self.core, now)
    }

    pub(super) fn say(&mut self, text: &str, now: Instant) -> bool {
        let said = self.core.say(text, now);
        let id = said.as_ref().ok().copied();
        self.unacknowledged
            .extend(id.map(|id| (id, text.to_owned())));
        said.is_ok()
    }

    pub(super) fn note(&mut self, event: Event, elapsed: Duration, now: Instant) {
        self.stills.hear(&mut self.core, &event, now);
        match event {
            Event::Phase(Phase::Open) => {
                self.opened_after.get_or_insert(elapsed);
            }
            Event::Path(path) => self.path = Some(path),
            Event::Failed(cause) => self.failures.push(cause),
            Event::Talk(CtlEvent::Text(text)) => self.heard.push(text),
            Event::Talk(CtlEvent::Delivered(id)) => {
                self.delivered.extend(self.unacknowledged.remove(&id));
            }
            Event::File(FileEvent::Offered { id, .. }) => {
                // It may have been taken back meanwhile.
                let _ = self.core.accept_file(id, now);
            }
            Event::Llm(event) => self.chats.hear(event, now),
            Event::File(FileEvent::Sent(_)) => self.files_sent += 1,
            Event::Talk(CtlEvent::Undelivered(id)) => {
                self.unacknowledged.remove(&id);
            }
            _ => {}
        }
    }
}

/// The devices of a pair, the impolite one first.
pub(super) fn couple(scenario: &Scenario, now: Instant) -> [Device; 2] {
    let mut keys = [[1; 32], [2; 32]].map(|seed| Arc::new(SigningKey::from_seed(seed)));
    keys.sort_by_key(|key| std::cmp::Reverse(key.thumbprint().as_str().to_owned()));
    let pair = PairId::from_bytes(&[7; 32]);
    [0, 1].map(|at: usize| {
        let (own, peer) = (&keys[at], &keys[1 - at]);
        let settings = LinkSettings {
            pair_id: pair.clone(),
            own: own.clone(),
            peer_id: peer.thumbprint(),
            peer_key: *peer.public(),
            is_verified: true,
            own_time_ms: 0,
            peer_time_ms: 0,
            policy: scenario.policy,
            ice_servers: Vec::new(),
            keys: Some(link_keys(at)),
            has_files: true,
            has_llm: true,
            seed: seed(scenario.seed, at),
        };
        let mut core = LinkCore::new(settings, now);
        core.handle_clock(START_MS, now);
        let sockets = BTreeSet::from([network::inside(scenario.homes[at], at, 0)]);
        core.handle_sockets(sockets.clone(), now);
        Device {
            core,
            id: own.thumbprint(),
            pair: pair.clone(),
            socket: None,
            sockets,
            opened_after: None,
            path: None,
            unacknowledged: BTreeMap::new(),
            delivered: Vec::new(),
            heard: Vec::new(),
            failures: Vec::new(),
            stills: Stills::new(),
            chats: Chats::new(),
            disk: Disk::default(),
            files: 0,
            files_sent: 0,
        }
    })
}

fn link_keys(at: usize) -> LinkKeys {
    let key = |at: usize| NoiseKey::from_secret([1 + u8::try_from(at).expect("one of two"); 32]);
    LinkKeys {
        own: Arc::new(key(at)),
        peer: *key(1 - at).public(),
        secret: [9; 32],
    }
}

fn seed(world: u64, at: usize) -> [u8; 32] {
    let mut seed = [u8::try_from(at).expect("one of two"); 32];
    seed[..8].copy_from_slice(&world.to_be_bytes());
    seed
}
