//! A client of WHIP or WHEP: sessions, one after another, until it is closed, refused for good, or
//! out of patience.
//!
//! Where a path dies it first asks for another ICE session (RFC 9725 §4.3.3), over which media goes
//! on; where that is refused or leads nowhere, for another session.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use str0m::format::Codec;
use str0m::media::MediaTime;
use str0m::net::Transmit;

use crate::backoff::Backoff;
use crate::connection::{Connection, Step};
use crate::event::{Event, Loss, Over, Packet};
use crate::options::Options;
use crate::resource::{Answered, Resource};

/// How long the way to the server's media is looked for.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long an ICE restart may take before another session is asked for.
const RESTART_LIMIT: Duration = Duration::from_secs(5);
/// How long a goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);
/// Addresses of the server's media that are tried.
const MAX_REMOTES: usize = 8;

/// What the world should do.
#[derive(Debug)]
pub enum Output {
    /// Send this request, and hand its reply to [`Client::handle_reply`].
    Request(Request<String>),
    /// Send this datagram.
    Transmit(Transmit),
    /// Have a socket from which this address is reached, and name it by [`Client::handle_address`].
    Reach(SocketAddr),
    /// Something happened.
    Event(Event),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A session is asked for.
    Opening,
    /// Its media is looked for, until then.
    Connecting {
        until: Instant,
    },
    /// Media flows.
    Open,
    /// The path died, and another ICE session is asked for, until then.
    Restarting {
        until: Instant,
    },
    /// The next session is asked for then.
    Waiting {
        until: Instant,
    },
    /// The server is told, until then.
    Closing {
        until: Instant,
    },
    Over,
}

/// A client of WHIP or WHEP.
///
/// ```
/// use std::time::Instant;
/// use whip::{Client, Codec, Options, Output};
/// let options = Options::publish("https://host/cam0/whip".parse()?, vec![Codec::H264]);
/// let mut client = Client::new(options, &["192.0.2.7:5000".parse()?], 0, Instant::now());
/// let Some(Output::Request(post)) = client.poll_output() else { panic!() };
/// assert!(post.body().contains("192.0.2.7 5000 typ host"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    options: Options,
    resource: Resource,
    connection: Connection,
    phase: Phase,
    addrs: Vec<SocketAddr>,
    /// Since when no media can flow.
    idle_since: Option<Instant>,
    latest_loss: Option<Loss>,
    /// Why it is over, once it is.
    over: Over,
    backoff: Backoff,
    outputs: VecDeque<Output>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.options.endpoint.as_str())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that asks for its first session at once. It is reached at `addrs`; `seed` spreads
    /// its later attempts.
    pub fn new(options: Options, addrs: &[SocketAddr], seed: u64, now: Instant) -> Self {
        let connection = Connection::new(&options, addrs, now);
        let mut resource = Resource::new(&options);
        resource.open(connection.description().to_owned());
        Self {
            resource,
            connection,
            phase: Phase::Opening,
            addrs: addrs.to_owned(),
            idle_since: Some(now),
            latest_loss: None,
            over: Over::Closed,
            backoff: Backoff::new(seed),
            outputs: VecDeque::new(),
            options,
        }
    }

    /// Whether media may flow.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The codecs that the server took, once it answered.
    pub fn codecs(&self) -> Vec<Codec> {
        self.connection.codecs()
    }

    /// The reply to a request, or why there is none.
    pub fn handle_reply(&mut self, reply: Result<Response<String>, String>, now: Instant) {
        match self.resource.handle_reply(reply) {
            None => {}
            Some(_) if matches!(self.phase, Phase::Closing { .. }) => self.close_on(),
            Some(Answered::Closed) => {}
            Some(Answered::Opened { answer, links }) => {
                self.tell(Event::Opened(links));
                let until = now + CONNECT_LIMIT;
                self.phase = Phase::Connecting { until };
                let accepted = self.connection.accept(&answer, now);
                self.reach(accepted, now);
            }
            Some(Answered::CounterOffered { offer, links }) => {
                self.tell(Event::Opened(links));
                self.answer(&offer, now);
            }
            Some(Answered::NotOpened(refusal)) if refusal.is_final() => {
                self.leave(Over::Refused(refusal), now);
            }
            Some(Answered::NotOpened(refusal)) => {
                let wanted = refusal.retry_after();
                self.wait(Loss::Refused(refusal), wanted, now);
            }
            Some(Answered::Restarted(fragment)) => {
                let accepted = self.connection.restarted(&fragment, now);
                self.reach(accepted, now);
            }
            Some(Answered::NotRestarted(_)) => self.reopen(Loss::PathDied, now),
        }
        self.settle(now);
    }

    /// One more address at which it is reached.
    pub fn handle_address(&mut self, addr: SocketAddr, now: Instant) {
        if self.addrs.contains(&addr) {
            return;
        }
        self.addrs.push(addr);
        if let Some(fragment) = self.connection.add_address(addr, now) {
            self.resource.trickle(fragment);
        }
        self.settle(now);
    }

    /// A datagram that came to `local`.
    pub fn handle_packet(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        self.connection.handle_packet(local, from, bytes, now);
        self.settle(now);
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.connection.poll_timeout().is_some_and(|due| due <= now) {
            self.connection.handle_timeout(now);
        }
        self.settle(now);
        let patient_until = self.patient_until();
        match self.phase {
            _ if patient_until.is_some_and(|until| until <= now) => {
                let loss = self.latest_loss.take().unwrap_or(Loss::NoPath);
                self.leave(Over::OutOfPatience(loss), now);
            }
            Phase::Connecting { until } if until <= now => self.reopen(Loss::NoPath, now),
            Phase::Restarting { until } if until <= now => self.reopen(Loss::PathDied, now),
            Phase::Waiting { until } if until <= now => {
                self.connection = Connection::new(&self.options, &self.addrs, now);
                self.resource.open(self.connection.description().to_owned());
                self.phase = Phase::Opening;
            }
            Phase::Closing { until } if until <= now => self.end(),
            _ => {}
        }
        self.settle(now);
    }

    /// Sends a frame, `time` on the track's clock; false where media cannot flow or its codec was
    /// not agreed on: it is lost.
    pub fn write_frame(
        &mut self,
        codec: Codec,
        time: MediaTime,
        data: impl Into<Arc<[u8]>>,
        now: Instant,
    ) -> bool {
        let is_written = self.is_open() && self.connection.write_frame(codec, time, data, now);
        self.settle(now);
        is_written
    }

    /// Sends packets, whose numbers of one track go on from below 65,536; false where media cannot
    /// flow or a codec was not agreed on: all of them are lost.
    pub fn write_packets(&mut self, packets: &[Packet], now: Instant) -> bool {
        let is_written = self.is_open() && self.connection.write_packets(packets, now);
        self.settle(now);
        is_written
    }

    /// Asks the server for a key frame.
    pub fn ask_key_frame(&mut self, now: Instant) {
        if self.is_open() {
            self.connection.ask_key_frame(now);
            self.settle(now);
        }
    }

    /// Ends the session, and the client with it.
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Closing { .. } | Phase::Over) {
            self.leave(Over::Closed, now);
            self.settle(now);
        }
    }

    /// What the world should do next; none until something happens.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.phase != Phase::Over {
            if let Some(transmit) = self.connection.poll_transmit() {
                return Some(Output::Transmit(transmit));
            }
            if let Some(request) = self.resource.poll_request() {
                return Some(Output::Request(request));
            }
        }
        self.outputs.pop_front()
    }

    /// When [`Client::handle_timeout`] is due; none once it is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Over => return None,
            Phase::Opening | Phase::Open => None,
            Phase::Connecting { until }
            | Phase::Restarting { until }
            | Phase::Waiting { until }
            | Phase::Closing { until } => Some(until),
        };
        let all = [phase, self.patient_until(), self.connection.poll_timeout()];
        all.into_iter().flatten().min()
    }

    fn patient_until(&self) -> Option<Instant> {
        let is_ending = matches!(self.phase, Phase::Closing { .. } | Phase::Over);
        let since = self.idle_since.filter(|_| !is_ending)?;
        since.checked_add(self.options.patience)
    }

    /// Hears what the connection has to say.
    fn settle(&mut self, now: Instant) {
        while let Some(step) = self.connection.poll_step() {
            match step {
                Step::Tell(event) => self.tell(event),
                Step::Connected => self.connected(),
                Step::PathDied if self.phase == Phase::Open => self.restart(now),
                Step::Ended if self.has_session() => self.reopen(Loss::Ended, now),
                Step::PathDied | Step::Ended => {}
            }
        }
    }

    fn has_session(&self) -> bool {
        matches!(
            self.phase,
            Phase::Connecting { .. } | Phase::Open | Phase::Restarting { .. }
        )
    }

    fn connected(&mut self) {
        if matches!(
            self.phase,
            Phase::Connecting { .. } | Phase::Restarting { .. }
        ) {
            self.phase = Phase::Open;
            self.idle_since = None;
            self.latest_loss = None;
            self.backoff.reset();
            self.tell(Event::Connected);
        }
    }

    fn restart(&mut self, now: Instant) {
        self.lose(Loss::PathDied, now);
        let fragment = self.connection.restart(now);
        if fragment.is_some_and(|fragment| self.resource.restart(fragment)) {
            let until = now + RESTART_LIMIT;
            self.phase = Phase::Restarting { until };
        } else {
            self.reopen(Loss::PathDied, now);
        }
    }

    /// Asks for sockets towards the server's media.
    fn reach(&mut self, accepted: Result<Vec<SocketAddr>, String>, now: Instant) {
        match accepted {
            Ok(remotes) => {
                let remotes = remotes.into_iter().take(MAX_REMOTES);
                self.outputs.extend(remotes.map(Output::Reach));
            }
            Err(why) => self.reopen(Loss::Answer(why), now),
        }
    }

    /// Takes what can be taken of the server's own offer.
    fn answer(&mut self, offer: &str, now: Instant) {
        let until = now + CONNECT_LIMIT;
        self.phase = Phase::Connecting { until };
        match Connection::answering(&self.options, &self.addrs, offer, now) {
            Ok(connection) => {
                self.resource.answer(connection.description().to_owned());
                let remotes = connection.remote_addrs();
                self.connection = connection;
                self.reach(Ok(remotes), now);
            }
            Err(why) => self.reopen(Loss::Answer(why), now),
        }
    }

    /// Leaves the session for another one.
    fn reopen(&mut self, loss: Loss, now: Instant) {
        self.lose(loss.clone(), now);
        self.connection.close(now);
        if loss == Loss::Ended {
            self.resource.forget();
        } else {
            // The server may not know yet that it is over.
            self.resource.close();
        }
        self.wait(loss, None, now);
    }

    fn lose(&mut self, loss: Loss, now: Instant) {
        if self.idle_since.is_none() {
            self.idle_since = Some(now);
            self.tell(Event::Lost(loss.clone()));
        }
        self.latest_loss = Some(loss);
    }

    fn wait(&mut self, loss: Loss, wanted: Option<Duration>, now: Instant) {
        let wait = self.backoff.next(wanted);
        self.phase = Phase::Waiting { until: now + wait };
        self.latest_loss = Some(loss.clone());
        self.tell(Event::Waiting(loss, wait));
    }

    /// Ends the session, where there is one, then the client.
    fn leave(&mut self, over: Over, now: Instant) {
        self.connection.close(now);
        self.over = over;
        if self.resource.close() {
            let until = now + CLOSE_LIMIT;
            self.phase = Phase::Closing { until };
        } else {
            self.end();
        }
    }

    /// Ends, unless what was asked for before it was closed brought a session.
    fn close_on(&mut self) {
        if !self.resource.close() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        self.tell(Event::Over(self.over.clone()));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests;
