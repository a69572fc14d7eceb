//! Edges: a stream that nobody publishes here is pulled by WHEP from where it is, when its first
//! viewer comes, and left some seconds after the last one has gone.
//!
//! One task owns the pulls; each is a task of its own. Servers that pull from each other in a ring
//! find out: whoever asks writes its name into `CDN-Loop` (RFC 8586), whoever gives says in `Via`
//! (RFC 9110 §7.6.3) which servers it has the stream from, and gives it to none of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::VIA;
use axum::http::{HeaderMap, HeaderValue};
use protocol::stream::StreamName;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::settings::Edge;
use crate::udp_loop::MediaHandle;

mod local;
mod metrics;
mod pull;

use pull::{Progress, Pull, State};

/// Streams that are pulled at the same time.
const MAX_PULLS: usize = 64;
/// How long a viewer waits for a stream from elsewhere.
const PATIENCE: Duration = Duration::from_secs(6);
/// Servers that a stream comes through at most, the origin not counted.
const MAX_HOPS: usize = 4;
const LOOP_HEADER: &str = "cdn-loop";
/// Viewers whose question waits for the owner of the pulls; more of them wait for room.
const ORDERS: usize = 64;

/// Why a stream cannot be had from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotPulled {
    /// This server is no edge, or not for this stream.
    #[error("nothing is published")]
    NoEdge,
    /// Nobody publishes it at its origin either.
    #[error("nothing is published, neither here nor where it comes from")]
    Nothing,
    /// The server that it is to come from asks this one for it.
    #[error("nothing is published, and the servers that it is to come from ask each other")]
    Ring,
    /// As many others are pulled as there may be.
    #[error("nothing is published here, and {MAX_PULLS} other streams are pulled already")]
    Full,
    /// Its origin is not reached, or refuses.
    #[error("nothing is published here, and where it comes from does not give it")]
    Origin,
}

impl NotPulled {
    /// The value of a metric's `cause` label; none where nothing was refused.
    fn cause(self) -> Option<&'static str> {
        match self {
            Self::NoEdge => None,
            Self::Nothing => Some("nothing"),
            Self::Ring => Some("ring"),
            Self::Full => Some("full"),
            Self::Origin => Some("origin"),
        }
    }
}

/// How far a pull is; the other end is gone once it is over.
type Following = watch::Receiver<Progress>;

/// A question to the owner of the pulls.
#[derive(Debug)]
enum Order {
    /// That it pulls this stream, on behalf of these servers.
    Pull {
        stream: StreamName,
        via: Vec<String>,
        answer: oneshot::Sender<Result<Following, NotPulled>>,
    },
    /// Whether it does already.
    Find {
        stream: StreamName,
        answer: oneshot::Sender<Option<Following>>,
    },
}

/// The way to the owner of the pulls; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Edges {
    /// None where this server is no edge.
    orders: Option<mpsc::Sender<Order>>,
    /// This server's name in `CDN-Loop`.
    name: Arc<str>,
}

impl Edges {
    /// Pulls what these say, until the server stops.
    pub(crate) fn spawn(edges: Vec<Edge>, media: MediaHandle, stop: CancellationToken) -> Self {
        metrics::describe();
        let id = gateway::SessionId(crate::random::bytes());
        let name: Arc<str> = Arc::from(format!("heliograph-{id}"));
        let orders = (!edges.is_empty()).then(|| {
            let (orders, ordered) = mpsc::channel(ORDERS);
            let owner = Owner {
                edges,
                media,
                name: Arc::clone(&name),
                pulls: HashMap::new(),
                running: JoinSet::new(),
            };
            tokio::spawn(async move { stop.run_until_cancelled(owner.run(ordered)).await });
            orders
        });
        Self { orders, name }
    }

    /// Waits until a stream is here that a viewer asks for, for six seconds at most.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) async fn pull(
        &self,
        stream: &StreamName,
        headers: &HeaderMap,
    ) -> Result<(), NotPulled> {
        let pulled = self.ask(stream, headers).await;
        if let Some(cause) = pulled.err().and_then(NotPulled::cause) {
            ::metrics::counter!("helio_edge_refused_total", "cause" => cause).increment(1);
        }
        pulled
    }

    async fn ask(&self, stream: &StreamName, headers: &HeaderMap) -> Result<(), NotPulled> {
        let orders = self.orders.as_ref().ok_or(NotPulled::NoEdge)?;
        let via = hops(headers);
        if via.len() >= MAX_HOPS || via.iter().any(|hop| **hop == *self.name) {
            return Err(NotPulled::Ring);
        }
        let (answer, answered) = oneshot::channel();
        let order = Order::Pull {
            stream: stream.clone(),
            via,
            answer,
        };
        // The owner is gone only while the server stops.
        orders.send(order).await.map_err(|_| NotPulled::Origin)?;
        let mut pull = answered.await.map_err(|_| NotPulled::Origin)??;
        let settled = pull.wait_for(|progress| progress.state != State::Opening);
        match timeout(PATIENCE, settled).await {
            Ok(Ok(progress)) => match progress.state {
                State::Open => Ok(()),
                State::Nothing => Err(NotPulled::Nothing),
                State::Opening | State::Refused => Err(NotPulled::Origin),
            },
            _ => Err(NotPulled::Origin),
        }
    }

    /// Refuses a server from which this one has the stream, or is to have it.
    ///
    /// # Errors
    /// [`NotPulled::Ring`].
    pub(crate) async fn check(
        &self,
        stream: &StreamName,
        headers: &HeaderMap,
    ) -> Result<(), NotPulled> {
        let asking = hops(headers);
        let servers = self.servers(stream, &asking).await;
        if asking.iter().any(|hop| servers.contains(hop)) {
            ::metrics::counter!("helio_edge_refused_total", "cause" => "ring").increment(1);
            return Err(NotPulled::Ring);
        }
        Ok(())
    }

    /// `Via` for a server that is given a stream; none for others.
    pub(crate) async fn via(&self, stream: &StreamName, headers: &HeaderMap) -> HeaderMap {
        let servers = self.servers(stream, &hops(headers)).await;
        let hops: Vec<_> = servers.iter().map(|name| format!("1.1 {name}")).collect();
        let value = HeaderValue::from_str(&hops.join(", "));
        // A server that names itself by no name has none.
        let value = value.ok().filter(|value| !value.is_empty());
        value.map(|value| (VIA, value)).into_iter().collect()
    }

    /// The servers that a stream comes through, this one last, where a server asks.
    async fn servers(&self, stream: &StreamName, asking: &[String]) -> Vec<String> {
        let Some(orders) = self.orders.as_ref().filter(|_| !asking.is_empty()) else {
            return Vec::new();
        };
        let (answer, answered) = oneshot::channel();
        let stream = stream.clone();
        // The owner is gone only while the server stops.
        let _ = orders.send(Order::Find { stream, answer }).await;
        let pull = answered.await.ok().flatten();
        let servers = pull.map(|pull| pull.borrow().servers.clone());
        let mut servers = servers.unwrap_or_default();
        servers.push(self.name.to_string());
        servers
    }
}

/// The names of the servers that a request came through (RFC 8586 §2).
fn hops(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(LOOP_HEADER).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let hops = values.flat_map(|value| value.split(','));
    let names = hops.filter_map(|hop| hop.split(';').next());
    let names = names.map(|name| name.trim().to_owned());
    names.take(MAX_HOPS).collect()
}

struct Owner {
    edges: Vec<Edge>,
    media: MediaHandle,
    name: Arc<str>,
    pulls: HashMap<StreamName, Following>,
    running: JoinSet<StreamName>,
}

impl Owner {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { return };
                    self.obey(order);
                }
                Some(ended) = self.running.join_next() => match ended {
                    Ok(stream) => self.forget(&stream),
                    Err(error) => tracing::error!(%error, "a pull died"),
                },
            }
        }
    }

    /// Answers a question. Whoever asked may be gone.
    fn obey(&mut self, order: Order) {
        match order {
            Order::Pull {
                stream,
                via,
                answer,
            } => {
                let _ = answer.send(self.pull(stream, via));
            }
            Order::Find { stream, answer } => {
                let _ = answer.send(self.find(&stream));
            }
        }
    }

    fn find(&self, stream: &StreamName) -> Option<Following> {
        let pull = self.pulls.get(stream);
        pull.filter(|pull| is_under_way(pull)).cloned()
    }

    /// The pull of a stream, which begins where there is none.
    fn pull(&mut self, stream: StreamName, mut via: Vec<String>) -> Result<Following, NotPulled> {
        if let Some(pull) = self.find(&stream) {
            return Ok(pull);
        }
        let is_it = |edge: &&Edge| edge.stream.as_ref().is_none_or(|named| *named == stream);
        let edge = self.edges.iter().find(is_it).ok_or(NotPulled::NoEdge)?;
        if self.running.len() >= MAX_PULLS {
            return Err(NotPulled::Full);
        }
        via.push(self.name.to_string());
        let pull = Pull {
            edge: edge.clone(),
            stream: stream.clone(),
            via: via.join(", "),
            media: self.media.clone(),
        };
        let (tell, following) = watch::channel(Progress::default());
        self.pulls.insert(stream, following.clone());
        self.running.spawn(pull.run(tell));
        Ok(following)
    }

    /// Forgets a pull that is over, unless another of the same stream has begun.
    fn forget(&mut self, stream: &StreamName) {
        if self.find(stream).is_none() {
            self.pulls.remove(stream);
        }
    }
}

fn is_under_way(pull: &Following) -> bool {
    pull.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_read_from_one_header_or_several_up_to_the_limit() {
        let mut headers = HeaderMap::new();
        headers.append(LOOP_HEADER, "a, b; v=\"1\"".parse().expect("a value"));
        headers.append(LOOP_HEADER, "c".parse().expect("a value"));
        assert_eq!(hops(&headers), ["a", "b", "c"]);
        headers.append(LOOP_HEADER, "d, e".parse().expect("a value"));
        assert_eq!(hops(&headers).len(), MAX_HOPS);
        assert!(hops(&HeaderMap::new()).is_empty());
    }
}
