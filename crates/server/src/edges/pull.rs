//! One stream that comes from elsewhere: watched there, published here, packet by packet.
//!
//! It is published once its first packet is here, and no longer where none has come for a while:
//! so servers that have it from each other, and from nobody else, find out.

use std::time::Duration;

use gateway::Attendance;
use protocol::stream::StreamName;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use whip::{Carriage, Event, Loss, Options, Over, Packet, Refusal, Session, Url};

use super::local::LocalGateway;
use crate::settings::Edge;
use crate::udp_loop::MediaHandle;

mod numbers;

use numbers::Numbers;

/// How long a stream is kept without viewers.
const LINGER: Duration = Duration::from_secs(10);
/// How long an origin that refused is left alone.
const REST: Duration = Duration::from_secs(2);
/// How long an origin that is gone is looked for, as long as viewers wait for a publisher.
const PATIENCE: Duration = Duration::from_secs(30);
/// After so long without a packet the origin is asked whether somebody publishes there.
const SILENCE: Duration = Duration::from_secs(10);
/// Packets that are kept until they can be published: two seconds of a large picture.
const MAX_WAITING: usize = 2048;

/// How far a pull is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    /// The origin is asked.
    #[default]
    Opening,
    /// The stream is here.
    Open,
    /// Nobody publishes it there either.
    Nothing,
    /// The origin refuses, or is not reached.
    Refused,
}

/// What others see of a pull.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) state: State,
    /// The servers that the origin has it from, itself last, where they say.
    pub(super) servers: Vec<String>,
}

/// Pulls one stream.
pub(super) struct Pull {
    pub(super) edge: Edge,
    pub(super) stream: StreamName,
    /// The names of the servers that it goes through.
    pub(super) via: String,
    pub(super) media: MediaHandle,
}

/// Why a pull is over.
#[derive(Debug)]
enum End {
    /// Nobody watches.
    Idle,
    /// Somebody publishes here, or an operator ended it.
    Replaced,
    /// The origin does not give it.
    Refused(State),
    /// The server stops.
    Stopped,
}

impl End {
    fn why(&self) -> &'static str {
        match self {
            Self::Idle => "nobody watches",
            Self::Replaced => "replaced",
            Self::Refused(State::Nothing) => "not published",
            Self::Refused(_) => "refused",
            Self::Stopped => "stopping",
        }
    }
}

impl Pull {
    /// Pulls until nobody watches any more, somebody publishes here, or the origin refuses; the
    /// stream.
    pub(super) async fn run(self, progress: watch::Sender<Progress>) -> StreamName {
        let stream = self.stream.clone();
        metrics::gauge!("helio_edge_streams").increment(1.0);
        tracing::info!(%stream, "pulling a stream from its origin");
        let end = match self.media.attend(stream.clone()).await {
            Ok(attendance) => {
                Pulling::begin(self, &progress, attendance)
                    .await
                    .run()
                    .await
            }
            Err(_) => End::Stopped,
        };
        tracing::info!(%stream, why = end.why(), "no longer pulling a stream");
        metrics::gauge!("helio_edge_streams").decrement(1.0);
        if let End::Refused(refused) = end {
            progress.send_modify(|progress| progress.state = refused);
            sleep(REST).await;
        }
        stream
    }

    /// Asks the origin, once the session is driven.
    async fn open(&self) -> Session {
        let mut endpoint = self.edge.origin.clone();
        endpoint.set_path(&format!("/{}/whep", self.stream));
        let options = Options {
            token: self.edge.credential.clone(),
            cdn_loop: Some(self.via.clone()),
            patience: PATIENCE,
            ..Options::watch(endpoint, Carriage::Packets)
        };
        Session::open(options, self.edge.http.clone()).await
    }
}

/// A pull under way.
struct Pulling<'a> {
    pull: Pull,
    progress: &'a watch::Sender<Progress>,
    attendance: watch::Receiver<Attendance>,
    origin: Session,
    /// The session that publishes here, while the origin gives.
    local: Option<Session>,
    /// What came before it was open.
    waiting: Vec<Packet>,
    numbers: Numbers,
    /// Since when nobody watches.
    idle_since: Option<Instant>,
    /// When the origin's latest packet came; none before the first.
    heard_at: Option<Instant>,
}

impl<'a> Pulling<'a> {
    async fn begin(
        pull: Pull,
        progress: &'a watch::Sender<Progress>,
        attendance: watch::Receiver<Attendance>,
    ) -> Self {
        Self {
            origin: pull.open().await,
            pull,
            progress,
            attendance,
            local: None,
            waiting: Vec::new(),
            numbers: Numbers::default(),
            idle_since: Some(Instant::now()),
            heard_at: None,
        }
    }

    async fn run(mut self) -> End {
        let end = loop {
            if let Some(end) = self.step().await {
                break end;
            }
        };
        self.unpublish().await;
        self.origin.close().await;
        end
    }

    async fn step(&mut self) -> Option<End> {
        let idle = until(self.idle_since, LINGER);
        let silent = until(self.heard_at, SILENCE);
        let local = async {
            match &mut self.local {
                Some(local) => local.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.origin.next() => match event {
                Some(event) => self.hear_origin(event).await,
                None => Some(End::Refused(State::Refused)),
            },
            event = local => match event {
                Some(event) => self.hear_local(&event),
                None => Some(End::Replaced),
            },
            changed = self.attendance.changed() => match changed {
                Ok(()) => self.look(),
                Err(_) => Some(End::Stopped),
            },
            () = idle => Some(End::Idle),
            () = silent => self.ask_again().await,
        }
    }

    /// Looks who is at the stream here.
    fn look(&mut self) -> Option<End> {
        let attendance = *self.attendance.borrow_and_update();
        self.idle_since = match attendance.viewers {
            0 => self.idle_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        match (attendance.is_published, &self.local) {
            (true, None) => Some(End::Replaced),
            (true, Some(_)) => {
                if self.tell(State::Open) {
                    // Who asked for it is on the way.
                    self.idle_since = self.idle_since.map(|_| Instant::now());
                }
                None
            }
            (false, _) => None,
        }
    }

    /// Tells how far it is; whether that is news.
    fn tell(&self, state: State) -> bool {
        self.progress
            .send_if_modified(|progress| std::mem::replace(&mut progress.state, state) != state)
    }

    async fn hear_origin(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Packet(packet) => self.forward(packet).await,
            Event::Opened(links) => self
                .progress
                .send_modify(|progress| progress.servers = links.servers),
            Event::Lost(loss) => {
                tracing::info!(stream = %self.pull.stream, %loss, "the origin is gone");
                self.unpublish().await;
            }
            // Who came for it hears why; who was there before waits for it to come back.
            Event::Waiting(Loss::Refused(refusal), _) if self.idle_since.is_some() => {
                return Some(End::Refused(refused(&refusal)));
            }
            Event::Over(Over::Refused(refusal)) => {
                tracing::warn!(stream = %self.pull.stream, %refusal, "the origin refuses");
                return Some(End::Refused(refused(&refusal)));
            }
            Event::Over(_) => return Some(End::Refused(State::Refused)),
            _ => {}
        }
        None
    }

    /// Publishes a packet, or keeps it until it can be published.
    async fn forward(&mut self, packet: Packet) {
        self.heard_at = Some(Instant::now());
        // What was not agreed on cannot be passed on.
        let packet = Some(packet).filter(|packet| packet.codec.is_some());
        let Some(packet) = packet.and_then(|packet| self.numbers.renumbered(packet)) else {
            return;
        };
        match &mut self.local {
            Some(local) if local.is_open() => {
                local.write_packets(&[packet]);
            }
            Some(_) if self.waiting.len() < MAX_WAITING => self.waiting.push(packet),
            Some(_) => {}
            None => {
                self.waiting.push(packet);
                self.local = Some(self.publish().await);
            }
        }
    }

    // Takes it whole: a session is not to be looked at from two threads.
    async fn publish(&mut self) -> Session {
        let (media, stream) = (self.pull.media.clone(), self.pull.stream.clone());
        let endpoint: Url = "http://127.0.0.1/".parse().expect("it is a URL");
        let options = Options {
            carriage: Carriage::Packets,
            ..Options::publish(endpoint, self.origin.codecs())
        };
        Session::open(options, LocalGateway { media, stream }).await
    }

    /// Publishes no longer; viewers here wait.
    async fn unpublish(&mut self) {
        self.waiting.clear();
        self.numbers = Numbers::default();
        self.heard_at = None;
        if let Some(local) = self.local.take() {
            self.tell(State::Opening);
            local.close().await;
        }
    }

    fn hear_local(&mut self, event: &Event) -> Option<End> {
        match event {
            Event::Connected => {
                let waiting = std::mem::take(&mut self.waiting);
                if let Some(local) = &mut self.local {
                    local.write_packets(&waiting);
                }
                if waiting.len() >= MAX_WAITING {
                    self.origin.ask_key_frame();
                }
            }
            Event::KeyFrameWanted => self.origin.ask_key_frame(),
            // Trying again, it would take the place of whoever publishes here.
            Event::Lost(_) | Event::Waiting(..) | Event::Over(_) => return Some(End::Replaced),
            _ => {}
        }
        None
    }

    /// The origin is silent: another session tells whether somebody publishes there.
    async fn ask_again(&mut self) -> Option<End> {
        tracing::info!(stream = %self.pull.stream, "the origin is silent");
        self.unpublish().await;
        let before = std::mem::replace(&mut self.origin, self.pull.open().await);
        before.close().await;
        None
    }
}

/// Waits until so long after a moment; for ever where there is none.
async fn until(since: Option<Instant>, after: Duration) {
    match since {
        Some(since) => sleep_until(since + after).await,
        None => std::future::pending().await,
    }
}

fn refused(refusal: &Refusal) -> State {
    match refusal {
        Refusal::Status {
            status: 404 | 409, ..
        } => State::Nothing,
        _ => State::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_without_the_stream_is_told_from_one_that_refuses() {
        let status = |status| Refusal::Status {
            status,
            reason: String::new(),
            retry_after: None,
        };
        assert_eq!(refused(&status(409)), State::Nothing);
        assert_eq!(refused(&status(401)), State::Refused);
        assert_eq!(refused(&Refusal::Redirects(5)), State::Refused);
    }
}
