//! Many viewers in one thread: what came to them, and what is missing.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};

use crate::media_client::{MediaClient, Seen};

const EVENTS_CAPACITY: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a viewer waits for a whole key frame until it asks for one, and until it asks again.
const WITHOUT_PICTURE: Duration = Duration::from_millis(200);
const WAKER: Token = Token(usize::MAX);

/// What all of them together have had.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Packets, each once.
    pub packets: u64,
    /// Numbers between the first and the last that nothing came with, repaired ones not counted.
    pub missing: u64,
}

enum Order {
    /// A viewer, and where it says when its first packet came, and its first whole key frame.
    Join(Box<MediaClient>, Sender<Instant>),
    Count(Sender<Count>),
}

/// The viewers.
#[derive(Debug)]
pub struct Viewers {
    poll: Poll,
    orders: Receiver<Order>,
    viewers: Vec<Viewer>,
}

/// The way to them.
#[derive(Debug)]
pub struct ViewersHandle {
    orders: Sender<Order>,
    waker: Arc<Waker>,
}

impl ViewersHandle {
    /// Takes a client that has its answer; `seen` is told when its first packet has come, and when
    /// its first whole key frame.
    pub fn join(&self, client: MediaClient, seen: Sender<Instant>) {
        self.order(Order::Join(Box::new(client), seen));
    }

    /// What they have had so far.
    pub fn count(&self) -> Count {
        let (answer, answered) = channel();
        self.order(Order::Count(answer));
        answered.recv().expect("the viewers' thread runs")
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the viewers' thread runs");
        self.waker.wake().expect("it can be woken");
    }
}

impl Viewers {
    /// Starts their thread, for this many.
    ///
    /// # Errors
    /// When there is no poll.
    pub fn start(count: usize) -> io::Result<ViewersHandle> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (orders, ordered) = channel();
        let viewers = Self {
            poll,
            orders: ordered,
            viewers: Vec::with_capacity(count),
        };
        thread::spawn(move || viewers.run());
        Ok(ViewersHandle { orders, waker })
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_CAPACITY);
        loop {
            let due = self.viewers.iter().map(|viewer| viewer.client.due()).min();
            let now = Instant::now();
            let patience = due.map_or(PATIENCE, |due| due.saturating_duration_since(now));
            let _ = self.poll.poll(&mut events, Some(patience.min(PATIENCE)));
            while let Ok(order) = self.orders.try_recv() {
                self.obey(order);
            }
            let now = Instant::now();
            for event in &events {
                if let Some(viewer) = self.viewers.get_mut(event.token().0) {
                    viewer
                        .client
                        .handle_readable(now, |seen| viewer.seen.see(seen, now));
                }
            }
            for viewer in &mut self.viewers {
                if viewer.client.due() <= now {
                    viewer
                        .client
                        .handle_timeout(now, |seen| viewer.seen.see(seen, now));
                }
                if viewer.seen.is_to_ask(now) {
                    viewer
                        .client
                        .ask_for_key_frame(now, |seen| viewer.seen.see(seen, now));
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Join(mut client, seen) => {
                let token = Token(self.viewers.len());
                let registry = self.poll.registry();
                registry
                    .register(&mut client.socket, token, Interest::READABLE)
                    .expect("a socket can be watched");
                let seen = Track::new(seen);
                self.viewers.push(Viewer { client, seen });
            }
            Order::Count(answer) => {
                let mut all = Count::default();
                for viewer in &self.viewers {
                    all.packets += viewer.seen.packets;
                    all.missing += viewer.seen.missing();
                }
                // Who asked waits.
                let _ = answer.send(all);
            }
        }
    }
}

#[derive(Debug)]
struct Viewer {
    client: Box<MediaClient>,
    seen: Track,
}

/// What one viewer has had.
#[derive(Debug)]
struct Track {
    packets: u64,
    first: Option<u64>,
    last: u64,
    /// Until it has had a whole key frame.
    joining: Option<Joining>,
}

/// What a viewer has had that may become its first whole key frame, in whatever order it came.
#[derive(Debug)]
struct Joining {
    tell: Sender<Instant>,
    /// By number: whether a key frame begins there, and whether a frame ends there.
    packets: BTreeMap<u64, (bool, bool)>,
    asks_at: Option<Instant>,
}

impl Track {
    fn new(tell: Sender<Instant>) -> Self {
        Self {
            packets: 0,
            first: None,
            last: 0,
            joining: Some(Joining {
                tell,
                packets: BTreeMap::new(),
                asks_at: None,
            }),
        }
    }

    fn missing(&self) -> u64 {
        let expected = self.first.map_or(0, |first| self.last + 1 - first);
        expected.saturating_sub(self.packets)
    }

    fn see(&mut self, seen: Seen, now: Instant) {
        let Seen::Packet {
            seq,
            begins_key_frame,
            ends_frame,
        } = seen
        else {
            return;
        };
        self.packets += 1;
        self.last = self.last.max(seq);
        let is_first = self.first.is_none();
        self.first = self.first.or(Some(seq));
        let Some(joining) = &mut self.joining else {
            return;
        };
        if is_first {
            joining.asks_at = Some(now + WITHOUT_PICTURE);
            joining.tell(now);
        }
        joining.packets.insert(seq, (begins_key_frame, ends_frame));
        if joining.has_picture() {
            joining.tell(now);
            self.joining = None;
        }
    }

    /// Whether it has waited for a picture, and waits again.
    fn is_to_ask(&mut self, now: Instant) -> bool {
        let asks_at = self.joining.as_mut().and_then(|it| it.asks_at.as_mut());
        let due = asks_at.filter(|at| **at <= now);
        due.is_some_and(|at| {
            *at = now + WITHOUT_PICTURE;
            true
        })
    }
}

impl Joining {
    fn tell(&self, now: Instant) {
        // Who waits for it may have given up.
        let _ = self.tell.send(now);
    }

    fn has_picture(&self) -> bool {
        let begins = self.packets.iter().filter(|(_, (begins, _))| *begins);
        begins.into_iter().any(|(begin, _)| {
            let follow = self.packets.range(begin..).zip(*begin..);
            let mut whole = follow.take_while(|((seq, _), next)| **seq == *next);
            whole.any(|((_, (_, ends)), _)| *ends)
        })
    }
}
