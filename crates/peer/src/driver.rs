//! The shell of a link: one task that owns its [`LinkCore`], the sockets, the streams to relays,
//! the signalling socket and the clock.
//!
//! It decides nothing: facts go into the core, orders come out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::cbor::Value;
use protocol::id::PairId;
use protocol::signal::ClientMessage;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::ctl::{CtlEvent, TextId};
use crate::files::{DiskReport, FileEvent};
use crate::link::{
    Attempt, Cause, Event, LinkCore, Output, Phase, SayError, Section, Statistics, TriedPair,
};
use crate::server_api::unix_ms;
use crate::store::Store;
use disk::DiskThread;
use llm::LlmPort;
use lookup::Lookups;
use reports::{Reports, STATISTICS_INTERVAL};
use sharing::FileCommand;
use signalling::{SignalEvent, Signalling};
use sockets::{Datagram, Sockets};
use streams::{StreamEvent, Streams};

mod disk;
mod handle;
mod interfaces;
mod llm;
mod lookup;
mod network;
mod reports;
mod sharing;
mod signalling;
mod sockets;
mod streams;

pub use handle::{Link, LinkError, LinkOptions, NotSaid, Voice};
pub(crate) use interfaces::usable_addresses;
pub use llm::{LlmChannel, LlmEpoch, LlmIncoming, LlmSender, LlmSlot};
pub(crate) use lookup::resolve_locally;
pub(crate) use network::{Network, NetworkEvent};
pub use sharing::NotOffered;

/// How often the machine's addresses are looked at.
const INTERFACE_INTERVAL: Duration = Duration::from_millis(300);
/// Datagrams taken before anything else gets its turn.
const MAX_BURST: usize = 64;
/// Events that wait to be read; later ones are dropped.
const MAX_EVENTS: usize = 1024;
/// Texts that wait for the link to open.
const MAX_WAITING_TEXTS: usize = 256;

/// What the holder of a link wants.
#[derive(Debug)]
enum Command {
    Say(String, oneshot::Sender<Result<(), NotSaid>>),
    Instruct(String, BTreeMap<String, Value>),
    OpenVideo,
    SendVideo(Arc<[u8]>),
    AskKeyFrame(Section),
    File(FileCommand),
    Statistics(oneshot::Sender<Statistics>),
    Attempt(oneshot::Sender<Option<Attempt>>),
    Restart,
    Close(String),
}

/// Everything that the one task owns.
struct Driver {
    core: LinkCore,
    pair: PairId,
    store: Store,
    sockets: Sockets,
    streams: Streams,
    lookups: Lookups,
    disk: DiskThread,
    reports: Reports,
    signals: mpsc::Sender<ClientMessage>,
    reconnect: Arc<Notify>,
    /// Whether there were addresses before: the first ones are no change.
    had_network: bool,
    events: mpsc::Sender<Event>,
    llm: LlmPort,
    unsaid: Vec<(String, oneshot::Sender<Result<(), NotSaid>>)>,
    said: BTreeMap<TextId, oneshot::Sender<Result<(), NotSaid>>>,
}

/// What comes in, each on its own bounded channel.
struct Inputs {
    commands: mpsc::Receiver<Command>,
    streams: mpsc::Receiver<(crate::link::StreamId, StreamEvent)>,
    signals: mpsc::Receiver<SignalEvent>,
    disk: mpsc::Receiver<DiskReport>,
    llm: mpsc::Receiver<(LlmEpoch, Vec<u8>)>,
}

impl Driver {
    async fn run(mut self, mut inputs: Inputs) {
        let mut interfaces = interval(INTERFACE_INTERVAL);
        interfaces.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut figures = interval(STATISTICS_INTERVAL);
        figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.execute().await {
            let wake_at = self.core.poll_timeout();
            let far = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                () = sleep_until(wake_at.unwrap_or(far).into()) => {
                    self.core.handle_timeout(Instant::now());
                }
                datagram = self.sockets.receive() => {
                    take(&mut self.core, &datagram);
                    for _ in 1..MAX_BURST {
                        let Some(datagram) = self.sockets.try_receive() else { break };
                        take(&mut self.core, &datagram);
                    }
                }
                Some((stream, event)) = inputs.streams.recv() => {
                    let now = Instant::now();
                    match event {
                        StreamEvent::Open(local) => self.core.handle_stream_open(stream, local, now),
                        StreamEvent::Data(bytes) => self.core.handle_stream_data(stream, &bytes, now),
                        StreamEvent::Closed(_) => self.core.handle_stream_closed(stream, now),
                    }
                }
                Some(event) = inputs.signals.recv() => self.hear(event),
                Some((host, addrs)) = self.lookups.next() => {
                    self.core.handle_found(&host, &addrs, Instant::now());
                }
                Some(report) = inputs.disk.recv() => {
                    self.core.handle_disk(report, Instant::now());
                }
                Some(message) = inputs.llm.recv(), if self.core.has_llm_room() => {
                    self.say_on_llm(message);
                }
                _ = figures.tick() => self.reports.handle_statistics(self.core.statistics()),
                _ = interfaces.tick() => self.look_at_interfaces(),
                command = inputs.commands.recv() => {
                    // What was said before a link is closed goes out with it; it is little.
                    while let Ok(message) = inputs.llm.try_recv() {
                        self.say_on_llm(message);
                    }
                    match command {
                        Some(command) => self.obey(command),
                        // Nobody holds the link any more.
                        None => self.core.close("closed", Instant::now()),
                    }
                }
            }
        }
        drop(inputs);
        tokio::join!(self.disk.finish(), self.reports.finish());
    }

    fn hear(&mut self, event: SignalEvent) {
        let now = Instant::now();
        match event {
            SignalEvent::Message(message) => {
                self.core.handle_clock(unix_ms(), now);
                self.core.handle_signal(*message, now);
            }
            SignalEvent::Lost(why) => {
                tracing::debug!(why, "signalling lost");
                self.core.handle_signalling_lost(now);
            }
            SignalEvent::Ended(by) => self.core.handle_ended(by, now),
        }
    }

    fn say_on_llm(&mut self, (epoch, message): (LlmEpoch, Vec<u8>)) {
        if self.llm.is_current(epoch) {
            self.core.send_llm(message, Instant::now());
        }
    }

    fn look_at_interfaces(&mut self) {
        let before = self.sockets.addresses();
        self.sockets.follow(&interfaces::usable_addresses());
        let after = self.sockets.addresses();
        if before != after {
            // Also when addresses come back: what was tried meanwhile still waits for an answer.
            if self.had_network {
                self.reconnect.notify_one();
            }
            self.had_network |= !after.is_empty();
            self.core.handle_sockets(after, Instant::now());
        }
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Say(text, done) => self.say(text, done, now),
            Command::Instruct(name, args) => self.core.command(&name, args, now),
            Command::OpenVideo => self.core.open_video(now),
            // A section that is not open yet has no use for a frame of now.
            Command::SendVideo(access_unit) => drop(self.core.send_video(access_unit, now)),
            Command::AskKeyFrame(section) => self.core.ask_key_frame(section, now),
            Command::File(command) => self.obey_about_file(command, now),
            // Whoever asked may have stopped waiting.
            Command::Statistics(told) => drop(told.send(self.core.statistics())),
            Command::Attempt(told) => drop(told.send(self.core.attempt())),
            Command::Restart => self.core.restart(now),
            Command::Close(reason) => self.core.close(&reason, now),
        }
    }

    /// Sends a text, or keeps it until the link opens.
    fn say(&mut self, text: String, done: oneshot::Sender<Result<(), NotSaid>>, now: Instant) {
        let refused = match self.core.say(&text, now) {
            Ok(id) => {
                self.said.insert(id, done);
                return;
            }
            Err(SayError::NotOpen) if self.unsaid.len() < MAX_WAITING_TEXTS => {
                self.unsaid.push((text, done));
                return;
            }
            Err(SayError::NotOpen) => NotSaid::TooManyWaiting,
            Err(SayError::Text(error)) => NotSaid::Refused(error),
        };
        // Whoever asked may have stopped waiting.
        let _ = done.send(Err(refused));
    }

    /// Carries the core's orders out; whether the link is over.
    async fn execute(&mut self) -> bool {
        while let Some(output) = self.core.poll_output() {
            match output {
                // Without a connection the core says it again when there is one.
                Output::Signal(message) => drop(self.signals.try_send(message)),
                Output::Datagram { from, to, bytes } => self.sockets.send(from, to, &bytes).await,
                Output::OpenStream {
                    stream,
                    to,
                    tls_name,
                } => {
                    self.streams.open(stream, to, tls_name);
                }
                Output::StreamData { stream, bytes } => self.streams.send(stream, bytes),
                Output::CloseStream { stream } => self.streams.close(stream),
                Output::Lookup { host } => self.lookups.start(host),
                Output::Disk(order) => self.disk.execute(order),
                Output::RememberOwnTime(ts) => {
                    self.remember(|store, pair| store.next_own_time(pair, ts).map(|_| ()));
                }
                Output::RememberPeerTime(ts) => {
                    self.remember(|store, pair| store.raise_peer_time(pair, ts).map(|_| ()));
                }
                Output::Event(event) => self.tell(event),
            }
        }
        matches!(self.core.phase(), Phase::Ended(_))
    }

    fn remember(&self, write: impl Fn(&Store, &PairId) -> Result<(), crate::store::StoreError>) {
        if let Err(error) = write(&self.store, &self.pair) {
            tracing::warn!(%error, "times of signatures are not kept: replays may be accepted");
        }
    }

    fn tell(&mut self, event: Event) {
        if let Event::Llm(event) = event {
            return self.llm.tell(event);
        }
        if let Event::Failed(cause) = &event {
            self.log_failure(*cause);
        }
        self.reports.handle_event(&event, || self.core.statistics());
        match &event {
            Event::Talk(CtlEvent::Delivered(id)) => self.settle_text(*id, Ok(())),
            Event::Talk(CtlEvent::Undelivered(id)) => {
                self.settle_text(*id, Err(NotSaid::NotDelivered));
            }
            _ => {
                let opened = event == Event::Phase(Phase::Open);
                if is_progress(&event) && self.events.capacity() < MAX_EVENTS / 2 {
                    return;
                }
                if self.events.try_send(event).is_err() {
                    tracing::debug!("an event was dropped: nobody reads them");
                }
                if opened {
                    for (text, done) in std::mem::take(&mut self.unsaid) {
                        self.say(text, done, Instant::now());
                    }
                }
            }
        }
    }

    /// The explanation that people get, for the log; addresses are no more than DEBUG.
    fn log_failure(&self, cause: Cause) {
        let attempt = self.core.attempt();
        let pairs = attempt.as_ref().map_or(0, |attempt| attempt.pairs.len());
        let refusal = attempt
            .as_ref()
            .and_then(|attempt| attempt.refusal.as_deref());
        let error = cause.as_str();
        tracing::warn!(pair = %self.pair, error, tried = pairs, refusal, "no link");
        for tried in attempt.map(|attempt| attempt.pairs).unwrap_or_default() {
            let (local, remote) = (tried.path.local_addr, tried.path.remote_addr);
            let TriedPair {
                requests,
                responses,
                ..
            } = tried;
            tracing::debug!(pair = %self.pair, %local, %remote, requests, responses, "tried");
        }
    }

    fn settle_text(&mut self, id: TextId, outcome: Result<(), NotSaid>) {
        if let Some(done) = self.said.remove(&id) {
            // Whoever asked may have stopped waiting.
            let _ = done.send(outcome);
        }
    }
}

fn take(core: &mut LinkCore, datagram: &Datagram<'_>) {
    core.handle_datagram(
        datagram.local,
        datagram.from,
        datagram.bytes,
        Instant::now(),
    );
}

/// Whether the next event of its kind says the same and more: a slow reader may miss it.
fn is_progress(event: &Event) -> bool {
    matches!(
        event,
        Event::File(FileEvent::Sending { .. } | FileEvent::Receiving { .. })
    )
}
