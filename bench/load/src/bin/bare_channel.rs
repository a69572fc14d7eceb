//! The least that a data channel of str0m can do: one thread, one socket, no signalling, files,
//! proofs or recovery. What a native device could reach at best.
//!
//! `bare_channel role=offer|answer address=IP send=BYTES take=BYTES`: prints its description as
//! `{"event":"description","sdp":…}` and reads the other's as a line of the same form. Who takes
//! bytes answers when they are there; who sends them says `{"event":"done"}` then.

use std::error::Error;
use std::io::{BufRead, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use load::Arguments;
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::channel::ChannelId;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// As the file channel has them, sealed.
const MESSAGE_BYTES: usize = 15 * 1024;
/// As much as a path without delay holds; SCTP works the more for each packet the more there is.
const BUFFER_BYTES: usize = 128 * 1024;
const SYSTEM_BUFFER_BYTES: usize = 2 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::of_process();
    let address: IpAddr = arguments.required("address");
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(SocketAddr::new(address, 0)),
        socket2::Type::DGRAM,
        None,
    )?;
    socket.set_recv_buffer_size(SYSTEM_BUFFER_BYTES)?;
    socket.bind(&SocketAddr::new(address, 0).into())?;
    let socket: UdpSocket = socket.into();
    let mut rtc = RtcConfig::new()
        .set_sctp_max_buffered_amount(BUFFER_BYTES)
        .build(Instant::now());
    let local = socket.local_addr()?;
    rtc.add_local_candidate(Candidate::host(local, Protocol::Udp)?);
    negotiate(&mut rtc, &arguments.required::<String>("role"))?;
    let mut bulk = Bulk {
        unsent: arguments.required("send"),
        untaken: arguments.required("take"),
        channel: None,
    };
    drive(&mut rtc, &socket, local, &mut bulk)
}

fn negotiate(rtc: &mut Rtc, role: &str) -> Result<(), Box<dyn Error>> {
    if role == "offer" {
        let mut changes = rtc.sdp_api();
        changes.add_channel("bulk".to_owned());
        let (offer, pending) = changes.apply().ok_or("a channel is a change")?;
        tell(&json!({"event": "description", "sdp": offer.to_sdp_string()}));
        let answer = SdpAnswer::from_sdp_string(&read_description()?)?;
        rtc.sdp_api().accept_answer(pending, answer)?;
    } else {
        let offer = SdpOffer::from_sdp_string(&read_description()?)?;
        let answer = rtc.sdp_api().accept_offer(offer)?;
        tell(&json!({"event": "description", "sdp": answer.to_sdp_string()}));
    }
    Ok(())
}

fn read_description() -> Result<String, Box<dyn Error>> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let value: Value = serde_json::from_str(&line)?;
    Ok(value["sdp"].as_str().ok_or("no sdp")?.to_owned())
}

/// What is to be sent and to come.
struct Bulk {
    unsent: u64,
    untaken: u64,
    channel: Option<ChannelId>,
}

impl Bulk {
    /// Hands on what has room.
    fn send(&mut self, rtc: &mut Rtc) -> Result<bool, Box<dyn Error>> {
        let message = [7; MESSAGE_BYTES];
        let Some(mut channel) = self.channel.and_then(|id| rtc.channel(id)) else {
            return Ok(false);
        };
        if self.unsent == 0 || !channel.write(true, &message)? {
            return Ok(false);
        }
        self.unsent = self.unsent.saturating_sub(MESSAGE_BYTES as u64);
        Ok(true)
    }

    fn take(&mut self, rtc: &mut Rtc, event: Event) -> Result<(), Box<dyn Error>> {
        match event {
            Event::ChannelOpen(id, _) => self.channel = Some(id),
            Event::ChannelData(data) if self.untaken > 0 => {
                self.untaken = self.untaken.saturating_sub(data.data.len() as u64);
                if self.untaken == 0 {
                    let mut channel = rtc.channel(data.id).ok_or("the channel is open")?;
                    channel.write(true, b"all here")?;
                }
            }
            Event::ChannelData(_) => tell(&json!({"event": "done"})),
            _ => {}
        }
        Ok(())
    }
}

fn drive(
    rtc: &mut Rtc,
    socket: &UdpSocket,
    local: SocketAddr,
    bulk: &mut Bulk,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; 2048];
    loop {
        let wake_at = loop {
            match rtc.poll_output()? {
                Output::Timeout(at) if !bulk.send(rtc)? => break at,
                Output::Timeout(_) => {}
                Output::Transmit(transmit) => {
                    socket.send_to(&transmit.contents, transmit.destination)?;
                }
                Output::Event(event) => bulk.take(rtc, event)?,
            }
        };
        let wait = wake_at.saturating_duration_since(Instant::now());
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let packet = Receive::new(Protocol::Udp, from, local, &buffer[..length])?;
                rtc.handle_input(Input::Receive(Instant::now(), packet))?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                rtc.handle_input(Input::Timeout(Instant::now()))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[allow(clippy::print_stdout, reason = "its words are read from there")]
fn tell(fact: &Value) {
    println!("{fact}");
}
