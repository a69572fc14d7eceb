//! A client whose media flows: str0m and one UDP socket. Its sound is Opus, a frame of silence in
//! each packet, its picture VP8 in name only: what arrives is counted, neither heard nor seen.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
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
use crate::stand::{Opened, SDP, Stand};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SOUND_INTERVAL: Duration = Duration::from_millis(20);
/// Samples at 48 kHz in as much time.
const SOUND_SAMPLES: u32 = 960;
/// A frame of silence (RFC 6716 §3.1: a code 0 packet of 20 ms).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// Between two pictures, in sounds.
const PICTURE_EVERY: u64 = 10;
const PICTURE_TICKS: u32 = 90 * 20 * PICTURE_EVERY as u32;
/// The beginning of a key frame of VP8 (RFC 7741 §4.2, §4.3).
const PICTURE: [u8; 5] = [0x10, 0x00, 0x9d, 0x01, 0x2a];
const MAX_DATAGRAM: usize = 2000;

/// A WHIP or WHEP client with an address.
pub(crate) struct Client {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    /// Its tracks, sound first.
    mids: [Mid; 2],
    sent: u64,
}

impl Client {
    /// Opens a session with an offer without candidates, and tells its own in a fragment.
    pub(crate) async fn open(stand: &mut Stand, role: Role) -> Result<(Self, Opened), Miss> {
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        let (offer, pending, mids) = Offer::made_by(&mut rtc, role);
        let opened = stand.open(role, &offer).await?;
        let answer = opened.reply.body.clone();
        accept(&mut rtc, pending, &answer)?;
        let (socket, local, candidate) = socket_for(&answer).await?;
        let fragment = offer.fragment(&[&candidate.to_sdp_string()]);
        rtc.add_local_candidate(candidate);
        let reply = stand.patch(&opened, Some(opened.tag()), &fragment).await?;
        if !reply.is_success() {
            let why = format!("its candidates are answered with {}", reply.status);
            return Err(Miss::Fault(why));
        }
        let client = Self {
            rtc,
            socket,
            local,
            mids,
            sent: 0,
        };
        Ok((client, opened))
    }

    /// Answers what a server offers in place of an answer.
    pub(crate) async fn answer(stand: &mut Stand, opened: &Opened) -> Result<Self, Miss> {
        let fault = |why: String| Miss::Fault(format!("the offer cannot be taken: {why}"));
        let sdp = &opened.reply.body;
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|error| fault(error.to_string()))?;
        let (socket, local, candidate) = socket_for(sdp).await?;
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(candidate);
        let answer = rtc.sdp_api().accept_offer(offer);
        let answer = answer.map_err(|error| fault(error.to_string()))?;
        let reply = stand
            .patch_as(opened, None, SDP, &answer.to_sdp_string())
            .await?;
        if reply.status != 204 {
            let why = format!("the answer to its offer is answered with {}", reply.status);
            return Err(Miss::Fault(why));
        }
        Ok(Self {
            rtc,
            socket,
            local,
            mids: [Mid::new(), Mid::new()],
            sent: 0,
        })
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
        let [sound, picture] = self.mids;
        let sounds = (self.sent, SOUND_SAMPLES);
        if self.sent.is_multiple_of(PICTURE_EVERY) {
            let pictures = (self.sent / PICTURE_EVERY, PICTURE_TICKS);
            self.write_one(picture, Codec::Vp8, pictures, &PICTURE);
        }
        self.write_one(sound, Codec::Opus, sounds, &SILENCE);
        self.sent += 1;
    }

    /// The packet of this number, where the codec was negotiated.
    fn write_one(&mut self, mid: Mid, codec: Codec, (seq, ticks): (u64, u32), payload: &[u8]) {
        let mut formats = self.rtc.codec_config().iter();
        let format = formats.find(|params| params.spec().codec == codec);
        let Some(pt) = format.map(|params| params.pt()) else {
            return;
        };
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            let (time, now) = ((seq as u32).wrapping_mul(ticks), Instant::now());
            let packet = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec());
            stream.write_rtp(packet.marker(true));
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

/// A socket from which a description's media is reached, its address, and the candidate for it.
async fn socket_for(sdp: &str) -> Result<(UdpSocket, SocketAddr, Candidate), Miss> {
    let remote = first_host(sdp)
        .ok_or_else(|| Miss::untold("the server tells no address over UDP to send media to"))?;
    let fault = |error: std::io::Error| Miss::Fault(error.to_string());
    let socket = socket_towards(remote).await.map_err(fault)?;
    let local = socket.local_addr().map_err(fault)?;
    let candidate = Candidate::host(local, Protocol::Udp);
    let candidate = candidate.map_err(|error| Miss::Fault(error.to_string()))?;
    Ok((socket, local, candidate))
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
