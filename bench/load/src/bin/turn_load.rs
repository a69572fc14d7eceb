//! Relays ChannelData through a TURN server to a peer that sends every packet back, and prints
//! what the server process spent on it, as one line of JSON.
//!
//! `mode=busy`: frames of 8 packets, 8 frames in flight, as fast as they return. `mode=light`:
//! single packets, evenly spread over `rate` a second. Both end after `packets` packets.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use load::{Account, Arguments, Process, TurnClient, reply_sizes};
use mio::net::UdpSocket as MioSocket;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

const FRAME_PACKETS: u64 = 8;
const FRAMES_IN_FLIGHT: usize = 8;
/// A frame that has not returned by then is lost.
const FRAME_LIMIT: Duration = Duration::from_millis(250);
/// No run takes longer, whatever the server does.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// How long late packets are waited for after a paced run.
const LATE: Duration = Duration::from_millis(300);

/// One load.
struct Load {
    packets: u64,
    bytes: u16,
    rate: u64,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    sent: u64,
    returned: u64,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::of_process();
    let process = Process(arguments.required("pid"));
    let account = account(&arguments);
    let rss_before_kib = process.rss_kib();
    let peer = Peer::start(arguments.required("peer_ip"))?;
    let mut clients = (0..arguments.required("allocations"))
        .map(|_| TurnClient::open(&account, peer.addr))
        .collect::<io::Result<Vec<_>>>()?;
    let rss_allocated_kib = process.rss_kib();
    let (cpu, start) = (process.cpu(), Instant::now());
    let outcome = run(&arguments, &clients)?;
    let cpu_ms = process.cpu().since_ms(cpu);
    let seconds = start.elapsed().as_secs_f64();
    let replies = reply_sizes(&account)?
        .map(|(name, request, reply)| json!({"name": name, "request": request, "reply": reply}));
    println!(
        "{}",
        json!({
            "sent": outcome.sent, "returned": outcome.returned,
            "atPeer": peer.count.load(Ordering::Relaxed),
            "cpuMs": cpu_ms, "seconds": seconds, "replies": replies,
            "rssBeforeKib": rss_before_kib, "rssAllocatedKib": rss_allocated_kib,
        })
    );
    clients.iter_mut().try_for_each(TurnClient::close)
}

fn run(arguments: &Arguments, clients: &[TurnClient]) -> io::Result<Outcome> {
    let load = Load {
        packets: arguments.required("packets"),
        bytes: arguments.required("bytes"),
        rate: arguments.required("rate"),
    };
    match arguments.required::<String>("mode").as_str() {
        "busy" => Busy::run(clients, &load),
        "light" => run_light(clients, &load),
        mode => panic!("mode={mode} is neither busy nor light"),
    }
}

fn account(arguments: &Arguments) -> Account {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let expiry = now.expect("it is after 1970").as_secs() + 600;
    Account::new(
        arguments.required("server"),
        arguments.required("realm"),
        format!("{expiry}:load"),
        &arguments.required::<String>("secret"),
    )
}

/// Sends every packet back to where it came from.
struct Peer {
    addr: SocketAddr,
    count: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Peer {
    fn start(ip: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let peer = Self {
            addr: socket.local_addr()?,
            count: Arc::default(),
            is_over: Arc::default(),
        };
        let (count, is_over) = (peer.count.clone(), peer.is_over.clone());
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !is_over.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                count.fetch_add(1, Ordering::Relaxed);
                // A packet that the kernel does not take is lost, as on any path.
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The clients' sockets as mio watches them.
struct Watched {
    poll: Poll,
    events: Events,
    sockets: Vec<MioSocket>,
}

impl Watched {
    fn new(clients: &[TurnClient]) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::new();
        for (index, client) in clients.iter().enumerate() {
            let socket = client.socket().try_clone()?;
            socket.set_nonblocking(true)?;
            let mut socket = MioSocket::from_std(socket);
            let registry = poll.registry();
            registry.register(&mut socket, Token(index), Interest::READABLE)?;
            sockets.push(socket);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(256),
            sockets,
        })
    }

    /// Waits, then tells of every mark that has come and the client it came to.
    fn receive(&mut self, wait: Duration, mut each: impl FnMut(usize, u64)) -> io::Result<()> {
        self.poll.poll(&mut self.events, Some(wait))?;
        let mut buffer = [0; 2048];
        for event in &self.events {
            let Token(index) = event.token();
            while let Ok(length) = self.sockets[index].recv(&mut buffer) {
                if let Some(mark) = TurnClient::mark(&buffer[..length]) {
                    each(index, mark);
                }
            }
        }
        Ok(())
    }
}

/// A frame on its way.
struct Frame {
    mark: u64,
    missing: u64,
    sent_at: Instant,
}

/// A load that keeps a number of frames in flight.
struct Busy<'a> {
    load: &'a Load,
    watched: Watched,
    frames_by_client: Vec<Option<Frame>>,
    in_flight: usize,
    next_client: usize,
    outcome: Outcome,
}

impl<'a> Busy<'a> {
    fn run(clients: &[TurnClient], load: &'a Load) -> io::Result<Outcome> {
        let mut busy = Busy {
            load,
            watched: Watched::new(clients)?,
            frames_by_client: clients.iter().map(|_| None).collect(),
            in_flight: 0,
            next_client: 0,
            outcome: Outcome::default(),
        };
        let end = Instant::now() + RUN_LIMIT;
        loop {
            busy.fill();
            if busy.in_flight == 0 || Instant::now() > end {
                return Ok(busy.outcome);
            }
            busy.drain()?;
        }
    }

    /// Sends frames, client after client, until enough are in flight.
    fn fill(&mut self) {
        let limit = FRAMES_IN_FLIGHT.min(self.frames_by_client.len());
        while self.in_flight < limit && self.outcome.sent < self.load.packets {
            let client = self.next_client;
            self.next_client = (client + 1) % self.frames_by_client.len();
            if self.frames_by_client[client].is_some() {
                continue;
            }
            let mark = self.outcome.sent;
            let packet = TurnClient::channel_data(mark, self.load.bytes);
            for _ in 0..FRAME_PACKETS {
                let _ = self.watched.sockets[client].send(&packet);
            }
            self.outcome.sent += FRAME_PACKETS;
            self.in_flight += 1;
            self.frames_by_client[client] = Some(Frame {
                mark,
                missing: FRAME_PACKETS,
                sent_at: Instant::now(),
            });
        }
    }

    /// Takes what has returned, and gives up what will not.
    fn drain(&mut self) -> io::Result<()> {
        let (frames, outcome) = (&mut self.frames_by_client, &mut self.outcome);
        let in_flight = &mut self.in_flight;
        let mut is_idle = true;
        self.watched.receive(FRAME_LIMIT, |client, mark| {
            is_idle = false;
            outcome.returned += 1;
            let slot = &mut frames[client];
            let Some(frame) = slot.as_mut().filter(|frame| frame.mark == mark) else {
                return;
            };
            frame.missing -= 1;
            if frame.missing == 0 {
                *slot = None;
                *in_flight -= 1;
            }
        })?;
        let now = Instant::now();
        if is_idle || self.outcome.sent.is_multiple_of(1024) {
            for slot in &mut self.frames_by_client {
                let is_lost = |frame: &Frame| now - frame.sent_at > FRAME_LIMIT;
                if slot.as_ref().is_some_and(is_lost) {
                    *slot = None;
                    self.in_flight -= 1;
                }
            }
        }
        Ok(())
    }
}

/// Single packets at even distances, client after client.
fn run_light(clients: &[TurnClient], load: &Load) -> io::Result<Outcome> {
    let mut watched = Watched::new(clients)?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut returned = 0;
            while !is_over.load(Ordering::Relaxed) {
                let wait = Duration::from_millis(50);
                watched.receive(wait, |_, _| returned += 1)?;
            }
            io::Result::Ok(returned)
        });
        let distance = Duration::from_nanos(1_000_000_000 / load.rate);
        let start = Instant::now();
        let mut sent = 0;
        while sent < load.packets && start.elapsed() < RUN_LIMIT {
            let due = start + distance * u32::try_from(sent).expect("a run is short");
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                thread::sleep(wait);
            }
            let client = usize::try_from(sent).expect("a run is short") % clients.len();
            let packet = TurnClient::channel_data(sent, load.bytes);
            let _ = clients[client].socket().send(&packet);
            sent += 1;
        }
        thread::sleep(LATE);
        is_over.store(true, Ordering::Relaxed);
        let returned = receiver.join().expect("the receiver does not panic")?;
        Ok(Outcome { sent, returned })
    })
}
