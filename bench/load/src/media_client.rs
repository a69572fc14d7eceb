//! A WebRTC client of one track of picture, in RTP mode, with a socket of its own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt};
use str0m::net::Receive;
use str0m::rtp::RtpWrite;
use str0m::{Event, Input, Output, Rtc};

use crate::media_socket::MediaSocket;
use crate::publisher::begins_key_frame;

/// What a client saw, in the order in which it came.
#[derive(Debug)]
pub enum Seen {
    /// Media may flow.
    Connected,
    /// A packet of the other side.
    Packet {
        /// Its extended number.
        seq: u64,
        /// A key frame begins with it.
        begins_key_frame: bool,
        /// A frame ends with it.
        ends_frame: bool,
    },
    /// The other side lacks a key frame.
    KeyFrameWanted,
}

/// The client.
pub struct MediaClient {
    rtc: Rtc,
    /// For the poll to watch.
    pub socket: MediaSocket,
    local: SocketAddr,
    /// Its track.
    pub mid: Mid,
    due: Instant,
}

impl std::fmt::Debug for MediaClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaClient")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl MediaClient {
    /// A client that has this socket, and makes no offer yet.
    ///
    /// # Errors
    /// What the system says of the socket.
    fn new(socket: MediaSocket, now: Instant) -> io::Result<Self> {
        let local = socket.local_addr()?;
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(socket.candidate()?);
        Ok(Self {
            rtc,
            socket,
            local,
            mid: "0".into(),
            due: now,
        })
    }

    /// A client with its offer.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub fn offer(
        socket: MediaSocket,
        direction: Direction,
        now: Instant,
    ) -> io::Result<(Self, SdpPendingOffer, String)> {
        let mut client = Self::new(socket, now)?;
        let mut changes = client.rtc.sdp_api();
        client.mid = changes.add_media(MediaKind::Video, direction, None, None, None);
        let (offer, pending) = changes.apply().expect("a track is a change");
        Ok((client, pending, offer.to_sdp_string()))
    }

    /// Takes the answer to its offer.
    ///
    /// # Errors
    /// When it is none.
    pub fn accept(&mut self, pending: SdpPendingOffer, answer: &str) -> io::Result<()> {
        let answer = SdpAnswer::from_sdp_string(answer).map_err(io::Error::other)?;
        let api = self.rtc.sdp_api();
        api.accept_answer(pending, answer).map_err(io::Error::other)
    }

    /// A client that answers an offer, and its answer.
    ///
    /// # Errors
    /// When it is none, or there is no port.
    pub fn answer(ip: IpAddr, offer: &str, now: Instant) -> io::Result<(Self, String)> {
        let mut client = Self::new(MediaSocket::bind(ip)?, now)?;
        let offer = SdpOffer::from_sdp_string(offer).map_err(io::Error::other)?;
        let answer = client.rtc.sdp_api().accept_offer(offer);
        let answer = answer.map_err(io::Error::other)?.to_sdp_string();
        Ok((client, answer))
    }

    /// When [`MediaClient::handle_timeout`] is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Reads what has come.
    pub fn handle_readable(&mut self, now: Instant, mut see: impl FnMut(Seen)) {
        let (protocol, local) = (self.socket.protocol(), self.local);
        let mut packets = Vec::new();
        self.socket
            .receive(|packet, from| packets.push((packet.to_vec(), from)));
        for (packet, from) in packets {
            let Ok(receive) = Receive::new(protocol, from, local, &packet) else {
                continue;
            };
            // A packet that is refused is lost, as on any path.
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
            self.drain(&mut see);
        }
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant, mut see: impl FnMut(Seen)) {
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain(&mut see);
    }

    /// The payload type of VP8.
    pub fn payload_type(&self) -> Pt {
        let config = self.rtc.codec_config();
        let params = config.find(|params| params.spec().codec == Codec::Vp8);
        params.expect("it is enabled").pt()
    }

    /// Writes packets, which leave at once.
    pub fn write(&mut self, packets: Vec<RtpWrite>, now: Instant, see: impl FnMut(Seen)) {
        let mut api = self.rtc.direct_api();
        if let Some(stream) = api.stream_tx_by_mid(self.mid, None) {
            for packet in packets {
                stream.write_rtp(packet);
            }
        }
        self.handle_timeout(now, see);
    }

    /// Asks for a key frame (PLI, RFC 4585 §6.3.1).
    pub fn ask_for_key_frame(&mut self, now: Instant, see: impl FnMut(Seen)) {
        let mut api = self.rtc.direct_api();
        if let Some(stream) = api.stream_rx_by_mid(self.mid, None) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        self.handle_timeout(now, see);
    }

    fn drain(&mut self, see: &mut impl FnMut(Seen)) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.due = at;
                    return;
                }
                Ok(Output::Transmit(sent)) => self.socket.send(&sent.contents, sent.destination),
                Ok(Output::Event(Event::Connected)) => see(Seen::Connected),
                Ok(Output::Event(Event::RtpPacket(packet))) => see(Seen::Packet {
                    seq: *packet.seq_no,
                    begins_key_frame: begins_key_frame(&packet.payload),
                    ends_frame: packet.header.marker,
                }),
                Ok(Output::Event(Event::KeyframeRequest(_))) => see(Seen::KeyFrameWanted),
                Ok(Output::Event(_)) => {}
                Err(_) => return,
            }
        }
    }
}
