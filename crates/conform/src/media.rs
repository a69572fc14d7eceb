//! A client whose media flows: str0m and one UDP socket. Its sound is Opus, one byte of silence in
//! each packet: what arrives is counted, not heard.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::Mid;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio::time::{interval, sleep_until, timeout};

use crate::offer::{Offer, Role, values};
use crate::row::Miss;
use crate::stand::{Opened, Stand};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SOUND_INTERVAL: Duration = Duration::from_millis(20);
/// Samples at 48 kHz in as much time.
const SOUND_SAMPLES: u32 = 960;
/// A frame of silence (RFC 6716 §3.1: a code 0 packet of 20 ms).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
const MAX_DATAGRAM: usize = 2000;

/// A WHIP or WHEP client with an address.
pub(crate) struct Client {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    sound: Mid,
    sent: u64,
}

impl Client {
    /// Opens a session with an offer without candidates, and tells its own in a fragment.
    pub(crate) async fn open(stand: &mut Stand, role: Role) -> Result<(Self, Opened), Miss> {
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        let (offer, pending, [sound, _]) = Offer::made_by(&mut rtc, role);
        let opened = stand.open(role, &offer).await?;
        let answer = opened.reply.body.clone();
        accept(&mut rtc, pending, &answer)?;
        let remote = first_host(&answer)
            .ok_or_else(|| Miss::untold("the answer tells no address over UDP to send media to"))?;
        let socket = socket_towards(remote)
            .await
            .map_err(|error| Miss::Fault(error.to_string()))?;
        let local = socket
            .local_addr()
            .map_err(|error| Miss::Fault(error.to_string()))?;
        let candidate = Candidate::host(local, Protocol::Udp);
        let candidate = candidate.map_err(|error| Miss::Fault(error.to_string()))?;
        let fragment = offer.fragment(&[&candidate.to_sdp_string()]);
        rtc.add_local_candidate(candidate);
        let reply = stand.patch(&opened, Some(opened.tag()), &fragment).await?;
        if !reply.is_success() {
            let why = format!("its candidates are answered with {}", reply.status);
            return Err(Miss::Fault(why));
        }
        Ok((
            Self {
                rtc,
                socket,
                local,
                sound,
                sent: 0,
            },
            opened,
        ))
    }

    /// Runs until media may flow.
    pub(crate) async fn connect(&mut self) -> Result<(), Miss> {
        self.until("connection", |event| matches!(event, Event::Connected))
            .await
    }

    /// Runs until a packet of media comes.
    pub(crate) async fn hear(&mut self) -> Result<(), Miss> {
        self.until("media", |event| matches!(event, Event::RtpPacket(_)))
            .await
    }

    async fn until(&mut self, what: &str, is_it: impl Fn(&Event) -> bool) -> Result<(), Miss> {
        let waited = timeout(CONNECT_LIMIT, self.run(is_it)).await;
        waited
            .unwrap_or_else(|_| Err(format!("no {what} within {CONNECT_LIMIT:?}")))
            .map_err(Miss::Fault)
    }

    /// Sends silence until it is stopped.
    async fn speak(mut self) {
        let mut ticks = interval(SOUND_INTERVAL);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.write(),
                ended = self.run(|_| false) => {
                    if ended.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn write(&mut self) {
        let opus = self
            .rtc
            .codec_config()
            .find(|params| params.spec().codec == Codec::Opus);
        let Some(pt) = opus.map(|params| params.pt()) else {
            return;
        };
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(self.sound, None) {
            let time = (self.sent as u32).wrapping_mul(SOUND_SAMPLES);
            let packet =
                RtpWrite::new(pt, self.sent.into(), time, Instant::now(), SILENCE.to_vec());
            stream.write_rtp(packet);
            self.sent += 1;
        }
    }

    /// Carries packets until an event is the one that is waited for. It may be dropped at any await.
    async fn run(&mut self, is_it: impl Fn(&Event) -> bool) -> Result<(), String> {
        let mut buffer = [0; MAX_DATAGRAM];
        // What was written leaves with the next time that str0m is told.
        self.handle(Input::Timeout(Instant::now()))?;
        loop {
            let wake_at = loop {
                match self.rtc.poll_output().map_err(|error| error.to_string())? {
                    Output::Timeout(at) => break at,
                    // One that cannot be sent is one that got lost.
                    Output::Transmit(sent) => {
                        drop(self.socket.try_send_to(&sent.contents, sent.destination))
                    }
                    Output::Event(event) if is_it(&event) => return Ok(()),
                    Output::Event(_) => {}
                }
            };
            tokio::select! {
                () = sleep_until(wake_at.into()) => self.handle(Input::Timeout(Instant::now()))?,
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((length, from)) = received else { continue };
                    let receive = Receive::new(Protocol::Udp, from, self.local, &buffer[..length]);
                    if let Ok(receive) = receive {
                        self.handle(Input::Receive(Instant::now(), receive))?;
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), String> {
        self.rtc
            .handle_input(input)
            .map_err(|error| error.to_string())
    }
}

fn accept(rtc: &mut Rtc, pending: SdpPendingOffer, answer: &str) -> Result<(), Miss> {
    let fault = |why: String| Miss::Fault(format!("the answer cannot be taken: {why}"));
    let answer = SdpAnswer::from_sdp_string(answer).map_err(|error| fault(error.to_string()))?;
    let accepted = rtc.sdp_api().accept_answer(pending, answer);
    accepted.map_err(|error| fault(error.to_string()))
}

/// Where the server says that its media is, over UDP.
fn first_host(answer: &str) -> Option<SocketAddr> {
    values(answer, "a=candidate:").iter().find_map(|line| {
        let mut words = line.split(' ').skip(2);
        let is_udp = words.next()?.eq_ignore_ascii_case("udp");
        let ip: IpAddr = words.nth(1)?.parse().ok()?;
        let port = words.next()?.parse().ok()?;
        is_udp.then_some(SocketAddr::new(ip, port))
    })
}

/// A socket at the address from which this one is reached.
async fn socket_towards(remote: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0; 16], 0).into(),
    };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(remote).await?;
    UdpSocket::bind((probe.local_addr()?.ip(), 0)).await
}

/// Somebody who publishes, in the background.
pub(crate) struct Publisher(AbortHandle);

impl Publisher {
    /// Publishes until it is dropped.
    pub(crate) async fn start(stand: &mut Stand) -> Result<Self, Miss> {
        let (mut client, _) = Client::open(stand, Role::Publish).await?;
        client.connect().await?;
        Ok(Self(tokio::spawn(client.speak()).abort_handle()))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_over_udp_is_where_media_goes() {
        let answer = "a=candidate:1 1 tcp 1 192.0.2.1 443 typ host tcptype passive\r\n\
            a=candidate:2 1 udp 1 odd.local 8443 typ host\r\n\
            a=candidate:3 1 UDP 1 2001:db8::1 8443 typ host\r\n";
        assert_eq!(first_host(answer), "[2001:db8::1]:8443".parse().ok());
        assert_eq!(first_host("a=candidate:1 1 udp"), None);
        assert_eq!(first_host(""), None);
    }
}
