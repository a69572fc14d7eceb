//! One WebRTC session: its offer or answer, its ICE sessions, what is written to it and what comes.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::bwe::BweKind;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::{Codec, PayloadParams};
use str0m::media::{Direction, KeyframeRequestKind, MediaData, MediaKind, MediaTime, Mid, Pt};
use str0m::net::{Protocol, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event as RtcEvent, IceConnectionState, Rtc};

use crate::answer;
use crate::event::{Event, Frame, Packet, Received};
use crate::fragment;
use crate::options::{Carriage, Options, Role};
use crate::rtc::DrainedRtc;

/// What a step of the session means to its client.
pub(crate) enum Step {
    /// Something to tell.
    Tell(Event),
    /// Media may flow, also after a restart.
    Connected,
    /// The path gives no replies any more.
    PathDied,
    /// The server said goodbye.
    Ended,
}

/// A WebRTC session.
pub(crate) struct Connection {
    rtc: DrainedRtc,
    carriage: Carriage,
    tracks: Vec<(Mid, MediaKind)>,
    /// What we last said: an offer, or the answer to the server's.
    description: String,
    pending: Option<SdpPendingOffer>,
    /// What the server last said.
    remote: String,
    /// The payload types that were agreed on.
    payload_types: Vec<(MediaKind, Codec, Pt)>,
}

impl Connection {
    /// A session with an offer, reached at these addresses.
    pub(crate) fn new(options: &Options, addrs: &[SocketAddr], now: Instant) -> Self {
        let mut rtc = DrainedRtc::new(options, now);
        let direction = match options.role {
            Role::Publish => Direction::SendOnly,
            Role::Watch => Direction::RecvOnly,
        };
        let kinds = [MediaKind::Audio, MediaKind::Video]
            .into_iter()
            .filter(|kind| {
                let is_of_kind = |codec: &Codec| codec.is_audio() == (*kind == MediaKind::Audio);
                options.codecs.iter().any(is_of_kind)
            });
        let (tracks, made) = rtc.change(now, |rtc| {
            for addr in addrs {
                add_candidate(rtc, *addr);
            }
            let mut changes = rtc.sdp_api();
            let tracks: Vec<_> = kinds
                .map(|kind| (changes.add_media(kind, direction, None, None, None), kind))
                .collect();
            (tracks, changes.apply())
        });
        let (description, pending) = made.map_or_else(
            || (String::new(), None),
            |(offer, pending)| (offer.to_sdp_string(), Some(pending)),
        );
        Self {
            rtc,
            carriage: options.carriage,
            tracks,
            description,
            pending,
            remote: String::new(),
            payload_types: Vec::new(),
        }
    }

    /// A session that the server offers, with what is taken of it, reached at these addresses.
    pub(crate) fn answering(
        options: &Options,
        addrs: &[SocketAddr],
        offer: &str,
        now: Instant,
    ) -> Result<Self, String> {
        let offer = fragment::understood(offer);
        let parsed = SdpOffer::from_sdp_string(&offer).map_err(|error| error.to_string())?;
        let mut rtc = DrainedRtc::new(options, now);
        let answer = rtc.change(now, |rtc| {
            for addr in addrs {
                add_candidate(rtc, *addr);
            }
            rtc.sdp_api().accept_offer(parsed)
        });
        let answer = answer.map_err(|error| error.to_string())?;
        let tracks = answer::tracks(&offer);
        let payload_types = rtc.look(|rtc| agreed(rtc, &tracks));
        if payload_types.is_empty() {
            return Err("the server offers no codec that is understood".to_owned());
        }
        Ok(Self {
            rtc,
            carriage: options.carriage,
            tracks,
            description: answer::rejecting(&answer.to_sdp_string()),
            pending: None,
            remote: offer,
            payload_types,
        })
    }

    /// Its offer or answer, with the candidates that there were.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Makes it reachable at one more address; the fragment that tells the server.
    pub(crate) fn add_address(&mut self, addr: SocketAddr, now: Instant) -> Option<String> {
        let candidate = self.rtc.change(now, |rtc| add_candidate(rtc, addr))?;
        Some(fragment::of_candidates(&self.description, &[candidate]))
    }

    /// Takes the answer; where the server's media is.
    pub(crate) fn accept(&mut self, answer: &str, now: Instant) -> Result<Vec<SocketAddr>, String> {
        let answer = fragment::understood(answer);
        let pending = self.pending.take().ok_or("nothing was offered")?;
        let parsed = SdpAnswer::from_sdp_string(&answer).map_err(|error| error.to_string())?;
        let accepted = self
            .rtc
            .change(now, |rtc| rtc.sdp_api().accept_answer(pending, parsed));
        accepted.map_err(|error| error.to_string())?;
        self.payload_types = self.rtc.look(|rtc| agreed(rtc, &self.tracks));
        self.remote = answer;
        Ok(self.remote_addrs())
    }

    /// The codecs that both sides take.
    pub(crate) fn codecs(&self) -> Vec<Codec> {
        let mut codecs: Vec<Codec> = Vec::new();
        for (_, codec, _) in &self.payload_types {
            if !codecs.contains(codec) {
                codecs.push(*codec);
            }
        }
        codecs
    }

    /// Where the server's media is.
    pub(crate) fn remote_addrs(&self) -> Vec<SocketAddr> {
        let candidates = fragment::candidates(&self.remote);
        let over_udp = candidates.filter(|candidate| candidate.proto() == Protocol::Udp);
        over_udp.map(|candidate| candidate.addr()).collect()
    }

    /// Begins another ICE session; the fragment that asks the server for its half.
    pub(crate) fn restart(&mut self, now: Instant) -> Option<String> {
        let made = self.rtc.change(now, |rtc| {
            let mut changes = rtc.sdp_api();
            changes.ice_restart(true);
            changes.apply()
        });
        let (offer, pending) = made?;
        self.pending = Some(pending);
        self.description = offer.to_sdp_string();
        let own: Vec<_> = fragment::candidates(&self.description)
            .map(|candidate| candidate.to_sdp_string())
            .collect();
        Some(fragment::of_candidates(&self.description, &own))
    }

    /// Takes the server's half of the other ICE session; where its media is.
    pub(crate) fn restarted(
        &mut self,
        fragment: &str,
        now: Instant,
    ) -> Result<Vec<SocketAddr>, String> {
        let answer = fragment::restarted(&self.remote, fragment);
        self.accept(&answer.ok_or("a restart without credentials")?, now)
    }

    /// Sends a frame; false where its codec was not agreed on, or media cannot flow.
    pub(crate) fn write_frame(
        &mut self,
        codec: Codec,
        time: MediaTime,
        data: impl Into<std::sync::Arc<[u8]>>,
        now: Instant,
    ) -> bool {
        let agreed = self
            .payload_types
            .iter()
            .find(|(_, each, _)| *each == codec);
        let Some((kind, _, payload_type)) = agreed.copied() else {
            return false;
        };
        let Some(mid) = self.mid(kind).filter(|_| self.carriage == Carriage::Frames) else {
            return false;
        };
        let data = data.into();
        self.rtc.change(now, |rtc| {
            let writer = rtc.writer(mid);
            writer.is_some_and(|writer| writer.write(payload_type, now, time, data).is_ok())
        })
    }

    /// Sends packets of one track as they are; false where a codec was not agreed on.
    pub(crate) fn write_packets(&mut self, packets: &[Packet], now: Instant) -> bool {
        if self.carriage != Carriage::Packets {
            return false;
        }
        let written = packets.iter().map(|packet| {
            let is_it = |each: &&(MediaKind, Codec, Pt)| Some(each.1) == packet.codec;
            let (kind, _, payload_type) = self.payload_types.iter().find(is_it).copied()?;
            let number = packet.number.into();
            let write = RtpWrite::new(
                payload_type,
                number,
                packet.time,
                now,
                packet.payload.clone(),
            );
            let write = write
                .marker(packet.marker)
                .nackable(kind == MediaKind::Video);
            Some((self.mid(kind)?, write))
        });
        let Some(written) = written.collect::<Option<Vec<_>>>() else {
            return false;
        };
        self.rtc.change(now, |rtc| {
            for (mid, write) in written {
                if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
                    stream.write_rtp(write);
                }
            }
        });
        true
    }

    /// Asks the server for a key frame (PLI, RFC 4585 §6.3.1).
    pub(crate) fn ask_key_frame(&mut self, now: Instant) {
        let Some(mid) = self.mid(MediaKind::Video) else {
            return;
        };
        self.rtc.change(now, |rtc| {
            // Before the first packet there is nothing to ask for.
            if let Some(stream) = rtc.direct_api().stream_rx_by_mid(mid, None) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        });
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        let closed = self.rtc.change(now, Rtc::close);
        if let Err(error) = closed {
            tracing::debug!(%error, "webrtc");
        }
    }

    pub(crate) fn handle_packet(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        self.rtc.handle_packet(local, from, bytes, now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.rtc.handle_timeout(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.rtc.is_alive().then(|| self.rtc.poll_timeout())
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.rtc.poll_transmit()
    }

    pub(crate) fn poll_step(&mut self) -> Option<Step> {
        loop {
            let event = self.rtc.poll_event()?;
            if let Some(step) = self.step(event) {
                return Some(step);
            }
        }
    }

    fn step(&self, event: RtcEvent) -> Option<Step> {
        let told = match event {
            RtcEvent::Connected => return Some(Step::Connected),
            // DTLS stays as it is over a restart: only ICE says that there is a path again.
            RtcEvent::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) if self.rtc.look(Rtc::is_connected) => return Some(Step::Connected),
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                return Some(Step::PathDied);
            }
            RtcEvent::Closed => return Some(Step::Ended),
            RtcEvent::MediaData(data) => Event::Frame(frame(data)),
            RtcEvent::RtpPacket(packet) => Event::Packet(self.packet(packet)?),
            RtcEvent::KeyframeRequest(_) => Event::KeyFrameWanted,
            RtcEvent::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                Event::Capacity(estimate.as_u64())
            }
            RtcEvent::MediaIngressStats(stats) => Event::Received(Received {
                kind: self.kind(stats.mid)?,
                packets: stats.packets,
                bytes: stats.bytes,
                nacks: stats.nacks,
                loss: stats.loss,
                round_trip: stats.rtt,
            }),
            _ => return None,
        };
        Some(Step::Tell(told))
    }

    fn packet(&self, packet: RtpPacket) -> Option<Packet> {
        let payload_type = packet.header.payload_type;
        let agreed = self
            .payload_types
            .iter()
            .find(|(_, _, each)| *each == payload_type);
        let kind = match agreed {
            Some((kind, _, _)) => *kind,
            None => self.kind(packet.header.ext_vals.mid?)?,
        };
        Some(Packet {
            kind,
            codec: agreed.map(|(_, codec, _)| *codec),
            number: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            heard_at: packet.timestamp,
            payload: packet.payload,
        })
    }

    fn mid(&self, kind: MediaKind) -> Option<Mid> {
        let found = self.tracks.iter().find(|(_, each)| *each == kind);
        found.map(|(mid, _)| *mid)
    }

    fn kind(&self, mid: Mid) -> Option<MediaKind> {
        let found = self.tracks.iter().find(|(each, _)| *each == mid);
        found.map(|(_, kind)| *kind)
    }
}

fn add_candidate(rtc: &mut Rtc, addr: SocketAddr) -> Option<String> {
    let candidate = Candidate::host(addr, Protocol::Udp).ok()?;
    rtc.add_local_candidate(candidate)
        .map(Candidate::to_sdp_string)
}

/// What both sides take, one payload type for each codec. H.264 in packetization mode 1 is taken
/// before others, as it cuts a frame into packets (RFC 6184 §5.4).
fn agreed(rtc: &Rtc, tracks: &[(Mid, MediaKind)]) -> Vec<(MediaKind, Codec, Pt)> {
    let mut agreed = Vec::new();
    for (mid, kind) in tracks {
        let Some(media) = rtc.media(*mid) else {
            continue;
        };
        let is_taken = |params: &&PayloadParams| {
            let codec = params.spec().codec;
            media.remote_pts().contains(&params.pt())
                && codec.is_audio() == (*kind == MediaKind::Audio)
        };
        let params = rtc.codec_config().params();
        let mut params: Vec<_> = params.iter().filter(is_taken).collect();
        params.sort_by_key(|params| params.spec().format.packetization_mode != Some(1));
        let params = params.iter();
        agreed.extend(params.map(|params| (*kind, params.spec().codec, params.pt())));
    }
    agreed
}

fn frame(data: MediaData) -> Frame {
    Frame {
        codec: data.params.spec().codec,
        time: data.time,
        is_key: data.is_keyframe(),
        is_contiguous: data.contiguous,
        heard_at: data.network_time,
        data: data.data,
    }
}
