//! A link as its holder sees it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use identity::{NoiseKey, SigningKey};
use protocol::cbor::Value;
use protocol::http::IceServer;
use protocol::id::PairId;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Command, DiskThread, Driver, Inputs, LlmChannel, Lookups, MAX_EVENTS, Reports, Signalling,
    Sockets, Streams, llm,
};
use crate::ctl::{self, RoundTrip};
use crate::device::{Device, random};
use crate::files::disk::Saving;
use crate::link::{
    Attempt, Event, IcePolicy, LinkCore, LinkKeys, LinkSettings, Phase, Section, Statistics,
    VideoEvent,
};
use crate::server_api::{ApiError, ServerApi, unix_ms};
use crate::store::{Store, StoreError, StoredPair};

/// The feature of a signed record that says: control frames inside Noise.
const CTL_NOISE: &str = "ctl-noise";
/// The feature that says: files are taken.
const FILE: &str = "file";
const MAX_COMMANDS: usize = 64;
const MAX_STREAM_EVENTS: usize = 1024;
const MAX_SIGNALS: usize = 256;

/// How a link is to be made.
#[derive(Debug, Clone, Default)]
pub struct LinkOptions {
    /// Which paths may be used.
    pub policy: IcePolicy,
    /// STUN and TURN servers of the person's own, beside those of the server.
    pub ice_servers: Vec<IceServer>,
    /// PEM of the authority to trust alone; else what was pinned when the devices paired.
    pub ca_pem: Option<Vec<u8>>,
    /// Live video will be sent, of so many bits per second at most: less where the path carries
    /// less.
    pub live_bits_per_second: Option<u32>,
    /// Where accepted files of the peer go; without a directory they are refused.
    pub save_files_to: Option<PathBuf>,
    /// Whether this program speaks on `llm`: [`Link::take_llm`] then holds its end.
    pub has_llm: bool,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// This device is not paired so.
    #[error("{0} is no pair of this device; `helio pairs` lists them")]
    NotPaired(PairId),
    /// The device's memory could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server's address or its pinned certificate cannot be used.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// The directory for files cannot be made.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Directory(PathBuf, #[source] io::Error),
}

/// Why a text did not arrive, as far as this side knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// It cannot be sent as it is.
    #[error(transparent)]
    Refused(ctl::SayError),
    /// It was not acknowledged within three seconds, or the connection broke before.
    #[error("the other device did not acknowledge it")]
    NotDelivered,
    /// Too many texts wait for the link to open.
    #[error("too many texts wait for the link to open")]
    TooManyWaiting,
    /// The link is over.
    #[error("the link is over")]
    Over,
}

/// A link to a paired device. It comes up, stays up and recovers by itself, until it is closed or
/// dropped.
///
/// ```no_run
/// # async fn example(pair: protocol::id::PairId) -> Result<(), Box<dyn std::error::Error>> {
/// let device = peer::device::Device::open("/home/ada/.local/share/heliograph")?;
/// let link = device.link(&pair, Default::default())?;
/// link.say("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Link {
    pub(super) commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    /// As far as the events were read.
    phase: Phase,
    pub(super) takes_files: bool,
    pub(super) llm: Option<LlmChannel>,
    sending_on: Option<Section>,
    receiving_on: Option<Section>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Device {
    /// Links with the other device of a pair. Call it inside a tokio runtime; it returns at once,
    /// and [`Link::next`] tells how far the link is.
    ///
    /// # Errors
    /// There is no such pair, or its server cannot be spoken to safely.
    pub fn link(&self, pair: &PairId, options: LinkOptions) -> Result<Link, LinkError> {
        let store = self.store();
        let stored = store.pair(pair)?;
        let stored = stored.ok_or_else(|| LinkError::NotPaired(pair.clone()))?;
        let save = |directory: &PathBuf| {
            Saving::into_directory(directory, stored.peer.device_id.as_str())
                .map_err(|error| LinkError::Directory(directory.clone(), error))
        };
        let saving = options.save_files_to.as_ref().map(save).transpose()?;
        let api = ServerApi::for_device(&stored.server, self, options.ca_pem.as_deref())?;
        let now = Instant::now();
        let mut core = LinkCore::new(self.settings(&stored, &options)?, now);
        core.handle_clock(unix_ms(), now);
        if let Some(bits_per_second) = options.live_bits_per_second {
            core.expect_live(bits_per_second);
        }
        Ok(start(core, pair, store.clone(), Arc::new(api), saving))
    }

    fn settings(
        &self,
        pair: &StoredPair,
        options: &LinkOptions,
    ) -> Result<LinkSettings, StoreError> {
        let (keys, store, id) = (self.keys(), self.store(), &pair.pair_id);
        let both_say = |feature: &str| {
            let says = |features: &[String]| features.iter().any(|each| each == feature);
            says(&keys.record().features) && says(&pair.peer.features)
        };
        let noise = both_say(CTL_NOISE).then(|| LinkKeys {
            own: Arc::new(NoiseKey::from_secret(*keys.noise().secret())),
            peer: pair.peer.x25519,
            secret: pair.secret.0,
        });
        Ok(LinkSettings {
            pair_id: id.clone(),
            own: Arc::new(SigningKey::from_seed(*keys.signing().seed())),
            peer_id: pair.peer.device_id.clone(),
            peer_key: pair.peer.key,
            is_verified: true,
            own_time_ms: store.next_own_time(id, unix_ms())?,
            peer_time_ms: store.peer_time(id)?,
            policy: options.policy,
            ice_servers: options.ice_servers.clone(),
            keys: noise,
            has_files: both_say(FILE),
            has_llm: options.has_llm,
            seed: random(),
        })
    }
}

fn start(
    core: LinkCore,
    pair: &PairId,
    store: Store,
    api: Arc<ServerApi>,
    saving: Option<Saving>,
) -> Link {
    let (commands, obeyed) = mpsc::channel(MAX_COMMANDS);
    let (told, events) = mpsc::channel(MAX_EVENTS);
    let (streamed, streams) = mpsc::channel(MAX_STREAM_EVENTS);
    let (signals, outgoing) = mpsc::channel(MAX_SIGNALS);
    let (heard, signalled) = mpsc::channel(MAX_SIGNALS);
    let (llm, llm_end, llm_sent) = llm::channel();
    let reconnect = Arc::new(Notify::new());
    let tls = api.tls_config();
    let reports = Reports::start(api.clone(), pair.clone());
    let signalling = Signalling {
        api,
        pair: pair.clone(),
        outgoing,
        events: heard,
        reconnect: reconnect.clone(),
    };
    let takes_files = core.takes_files();
    let (disk, done) = DiskThread::start(saving);
    let driver = Driver {
        core,
        pair: pair.clone(),
        store,
        sockets: Sockets::new(),
        streams: Streams::new(&tls, streamed),
        lookups: Lookups::default(),
        disk,
        reports,
        signals,
        reconnect,
        had_network: false,
        events: told,
        llm,
        unsaid: Vec::new(),
        said: BTreeMap::new(),
    };
    let inputs = Inputs {
        commands: obeyed,
        streams,
        signals: signalled,
        disk: done,
        llm: llm_sent,
    };
    let task = tokio::spawn(async move {
        // The signalling task ends by itself, after the last message, once its queue is closed.
        tokio::join!(driver.run(inputs), signalling.run());
    });
    Link {
        commands,
        events,
        phase: Phase::Signalling,
        takes_files,
        llm: Some(llm_end),
        sending_on: None,
        receiving_on: None,
        task: Some(task),
    }
}

impl Link {
    /// Says a text of at most 2000 characters; done when the peer acknowledged it. While the link
    /// is not open it waits.
    ///
    /// # Errors
    /// Each of [`NotSaid`].
    pub async fn say(&self, text: &str) -> Result<(), NotSaid> {
        self.voice().say(text).await
    }

    /// Says texts on this link while somebody else reads its events.
    pub fn voice(&self) -> Voice {
        Voice {
            commands: self.commands.clone(),
        }
    }

    /// Sends a command, best effort; dropped while the link is not open.
    pub async fn command(&self, name: &str, args: BTreeMap<String, Value>) {
        let command = Command::Instruct(name.to_owned(), args);
        // A link that is over has told so.
        let _ = self.commands.send(command).await;
    }

    /// Offers a section to send video on, for as long as the link lives;
    /// [`crate::link::VideoEvent::Sendable`] follows where the peer takes it.
    pub async fn open_video(&self) {
        // A link that is over has told so.
        let _ = self.commands.send(Command::OpenVideo).await;
    }

    /// Sends an H.264 access unit in Annex B; dropped while no section is open.
    pub async fn send_video(&self, access_unit: Arc<[u8]>) {
        // A link that is over has told so.
        let _ = self.commands.send(Command::SendVideo(access_unit)).await;
    }

    /// Asks the peer for a key frame.
    pub async fn ask_key_frame(&self, section: Section) {
        // A link that is over has told so.
        let _ = self.commands.send(Command::AskKeyFrame(section)).await;
    }

    /// How the link runs now; none once it is over.
    pub async fn statistics(&self) -> Option<Statistics> {
        let (told, figures) = oneshot::channel();
        let sent = self.commands.send(Command::Statistics(told)).await;
        sent.ok()?;
        figures.await.ok()
    }

    /// What was seen of the latest attempt to find a path; none before the first, and once the
    /// link is over.
    pub async fn attempt(&self) -> Option<Attempt> {
        let (told, attempt) = oneshot::channel();
        let sent = self.commands.send(Command::Attempt(told)).await;
        sent.ok()?;
        attempt.await.ok().flatten()
    }

    /// Round trips of the control channel; none before the first.
    pub async fn round_trip(&self) -> Option<RoundTrip> {
        self.statistics().await?.channel_rtt
    }

    /// The next event; none once the link is over. At most 1024 wait to be read; later ones are
    /// dropped.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        match &event {
            Event::Phase(phase) => self.phase = *phase,
            Event::Video(VideoEvent::Sendable(section)) => self.sending_on = Some(*section),
            Event::Video(VideoEvent::Offered(section)) => self.receiving_on = Some(*section),
            _ => {}
        }
        Some(event)
    }

    /// How far the link is, by the last event that was read.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The newest section that the peer takes video on, by the events that were read.
    pub fn sending_on(&self) -> Option<Section> {
        self.sending_on
    }

    /// The newest section that the peer may send on, by the events that were read.
    pub fn receiving_on(&self) -> Option<Section> {
        self.receiving_on
    }

    /// Looks for a new path now.
    pub async fn restart(&self) {
        // A link that is over has told so.
        let _ = self.commands.send(Command::Restart).await;
    }

    /// Ends the link and tells the peer why; done when that was sent.
    pub async fn close(mut self, reason: &str) {
        let _ = self.commands.send(Command::Close(reason.to_owned())).await;
        if let Some(task) = self.task.take() {
            // It only ends early when it panicked, which was reported where it happened.
            let _ = task.await;
        }
    }
}

/// Says texts on a link; see [`Link::voice`]. The link ends without it.
#[derive(Debug, Clone)]
pub struct Voice {
    commands: mpsc::Sender<Command>,
}

impl Voice {
    /// As [`Link::say`].
    ///
    /// # Errors
    /// Each of [`NotSaid`].
    pub async fn say(&self, text: &str) -> Result<(), NotSaid> {
        let (done, outcome) = oneshot::channel();
        let command = Command::Say(text.to_owned(), done);
        let sent = self.commands.send(command).await;
        sent.map_err(|_| NotSaid::Over)?;
        outcome.await.unwrap_or(Err(NotSaid::Over))
    }
}
