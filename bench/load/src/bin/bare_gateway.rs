//! The least that a gateway can do: str0m in RTP mode, one stream, every packet to every viewer.
//!
//! It believes everybody, keeps no key frame, limits nothing and ends nothing. It reads in batches,
//! writes to each viewer all that came together, and sends with GSO. What a gateway spends beyond
//! this is the price of what it does besides.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use load::serve;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::crypto::from_feature_flags;
use str0m::format::Codec;
use str0m::media::{KeyframeRequestKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

const BUFFER_BYTES: usize = 1 << 16;
const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel takes no more in one call.
const MAX_BATCH_BYTES: usize = 65_000;

/// An offer on its way to the loop: to `/…/whip` or not, and where the answer goes.
struct Asked {
    is_publisher: bool,
    offer: String,
    answer: Sender<String>,
}

struct Session {
    rtc: Rtc,
    is_publisher: bool,
    mid: Option<Mid>,
    payload_type: Option<Pt>,
    due: Instant,
    next_seq: u64,
    first_seq: Option<u64>,
}

/// What the loop owns.
struct Loop {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    cert: DtlsCert,
    sessions: Vec<Session>,
    by_addr: HashMap<SocketAddr, usize>,
    /// What the publisher sent and viewers have not got yet.
    packets: Vec<RtpPacket>,
    wants_key_frame: bool,
    batch: Batch,
}

/// Datagrams of one size to one place.
#[derive(Default)]
struct Batch {
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
    segment_bytes: usize,
    is_closed: bool,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (ask, asked) = channel();
    std::thread::spawn(move || {
        serve(&listener, |path, offer| {
            let (answer, answered) = channel();
            let is_publisher = path.ends_with("/whip");
            let offer = offer.to_owned();
            let new = Asked {
                is_publisher,
                offer,
                answer,
            };
            ask.send(new).expect("the loop runs");
            waker.wake().expect("the loop can be woken");
            answered.recv().unwrap_or_default()
        })
    });
    Loop::new()?.run(poll, &asked)
}

impl Loop {
    fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let state = UdpSocketState::new((&socket).into())?;
        for set in [
            UdpSocketState::set_recv_buffer_size,
            UdpSocketState::set_send_buffer_size,
        ] {
            // The kernel gives what it may.
            let _ = set(&state, (&socket).into(), 4 << 20);
        }
        let certificates = from_feature_flags().dtls_provider;
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            state,
            cert: certificates.generate_certificate().expect("a certificate"),
            sessions: Vec::new(),
            by_addr: HashMap::new(),
            packets: Vec::new(),
            wants_key_frame: false,
            batch: Batch::default(),
        })
    }

    fn run(mut self, mut poll: Poll, asked: &Receiver<Asked>) -> io::Result<()> {
        poll.registry()
            .register(&mut self.socket, SOCKET, Interest::READABLE)?;
        let mut events = Events::with_capacity(16);
        let mut buffers = vec![0; BATCH_SIZE * BUFFER_BYTES];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let due = self.sessions.iter().map(|session| session.due).min();
            let patience = due.map_or(PATIENCE, |due| {
                due.saturating_duration_since(Instant::now()).min(PATIENCE)
            });
            poll.poll(&mut events, Some(patience))?;
            for new in asked.try_iter() {
                let answer = self.open(new.is_publisher, &new.offer);
                let _ = new.answer.send(answer);
            }
            loop {
                let mut chunks = buffers.chunks_mut(BUFFER_BYTES);
                let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                    std::array::from_fn(|_| IoSliceMut::new(chunks.next().expect("a chunk each")));
                let count = self
                    .state
                    .recv((&self.socket).into(), &mut slices, &mut metas);
                let Ok(count) = count else {
                    break;
                };
                let now = Instant::now();
                for (meta, buffer) in metas[..count].iter().zip(buffers.chunks(BUFFER_BYTES)) {
                    for bytes in buffer[..meta.len].chunks(meta.stride.max(1)) {
                        self.receive(meta.addr, bytes, now);
                    }
                }
                self.fan_out(now);
                if count < BATCH_SIZE {
                    break;
                }
            }
            let now = Instant::now();
            for index in 0..self.sessions.len() {
                if self.sessions[index].due <= now {
                    self.wake(index, now);
                }
            }
            self.fan_out(now);
            self.flush();
        }
    }

    fn open(&mut self, is_publisher: bool, offer: &str) -> String {
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_dtls_cert(self.cert.clone())
            .build(now);
        let candidate = Candidate::host(self.local, Protocol::Udp).expect("an address");
        rtc.add_local_candidate(candidate);
        let offer = SdpOffer::from_sdp_string(offer).expect("SDP");
        let answer = rtc.sdp_api().accept_offer(offer).expect("an offer");
        self.sessions.push(Session {
            rtc,
            is_publisher,
            mid: None,
            payload_type: None,
            due: now,
            next_seq: 1,
            first_seq: None,
        });
        answer.to_sdp_string()
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, bytes) else {
            return;
        };
        let input = Input::Receive(now, receive);
        let index = self.by_addr.get(&from).copied().or_else(|| {
            let mut sessions = self.sessions.iter();
            sessions.position(|session| session.rtc.accepts(&input))
        });
        let Some(index) = index else {
            return;
        };
        self.by_addr.insert(from, index);
        let _ = self.sessions[index].rtc.handle_input(input);
        self.drain(index);
    }

    fn wake(&mut self, index: usize, now: Instant) {
        let _ = self.sessions[index].rtc.handle_input(Input::Timeout(now));
        self.drain(index);
    }

    fn drain(&mut self, index: usize) {
        loop {
            match self.sessions[index].rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.sessions[index].due = at;
                    return;
                }
                Ok(Output::Transmit(sent)) => {
                    if !self.batch.fits(sent.destination, sent.contents.len()) {
                        self.flush();
                    }
                    self.batch.push(sent.destination, &sent.contents);
                }
                Ok(Output::Event(event)) => self.handle_event(index, event),
                Err(_) => return,
            }
        }
    }

    fn handle_event(&mut self, index: usize, event: Event) {
        match event {
            Event::MediaAdded(added) => self.sessions[index].mid = Some(added.mid),
            Event::RtpPacket(packet) if self.sessions[index].is_publisher => {
                self.packets.push(packet);
            }
            Event::Connected | Event::KeyframeRequest(_) => self.wants_key_frame = true,
            _ => {}
        }
    }

    /// Everything that came goes to every viewer.
    fn fan_out(&mut self, now: Instant) {
        if std::mem::take(&mut self.wants_key_frame) {
            self.ask_key_frame(now);
        }
        if self.packets.is_empty() {
            return;
        }
        let packets = std::mem::take(&mut self.packets);
        for index in 0..self.sessions.len() {
            if !self.sessions[index].is_publisher && self.sessions[index].rtc.is_connected() {
                self.sessions[index].write(&packets, now);
                self.wake(index, now);
            }
        }
        self.packets = packets;
        self.packets.clear();
    }

    fn ask_key_frame(&mut self, now: Instant) {
        let publisher = self.sessions.iter().position(|each| each.is_publisher);
        let Some(index) = publisher else {
            return;
        };
        let session = &mut self.sessions[index];
        let mut api = session.rtc.direct_api();
        if let Some(stream) = session.mid.and_then(|mid| api.stream_rx_by_mid(mid, None)) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        self.wake(index, now);
    }

    fn flush(&mut self) {
        let Some(destination) = self.batch.to.take() else {
            return;
        };
        let segment_bytes = self.batch.segment_bytes;
        let contents = &self.batch.bytes;
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: (segment_bytes < contents.len()).then_some(segment_bytes),
            src_ip: None,
        };
        // What the kernel does not take is lost, as on any path.
        let _ = self.state.try_send((&self.socket).into(), &transmit);
        self.batch.bytes.clear();
        self.batch.is_closed = false;
    }
}

impl Session {
    fn write(&mut self, packets: &[RtpPacket], now: Instant) {
        let Some(mid) = self.mid else {
            return;
        };
        let payload_type = *self.payload_type.get_or_insert_with(|| {
            let config = self.rtc.codec_config();
            let params = config.find(|params| params.spec().codec == Codec::Vp8);
            params.expect("it is enabled").pt()
        });
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else {
            return;
        };
        for packet in packets {
            let seq = *packet.seq_no;
            let first = *self.first_seq.get_or_insert(seq);
            self.next_seq = 1 + seq.saturating_sub(first);
            let write = RtpWrite::new(
                payload_type,
                self.next_seq.into(),
                packet.header.timestamp,
                now,
                Arc::clone(&packet.payload),
            );
            stream.write_rtp(write.marker(packet.header.marker).nackable(true));
        }
    }
}

impl Batch {
    fn fits(&self, to: SocketAddr, length: usize) -> bool {
        self.to == Some(to)
            && !self.is_closed
            && length <= self.segment_bytes
            && self.bytes.len() + length <= MAX_BATCH_BYTES
            && self.bytes.len() / self.segment_bytes < 63
    }

    fn push(&mut self, to: SocketAddr, contents: &[u8]) {
        if self.to.replace(to).is_none() {
            self.segment_bytes = contents.len();
        }
        self.is_closed = contents.len() < self.segment_bytes;
        self.bytes.extend_from_slice(contents);
    }
}
