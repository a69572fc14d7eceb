//! An offer of ours to a viewer whose own lacks what is published
//! (draft-ietf-wish-whep, "Server Sends Counter-Offer").

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use str0m::change::SdpPendingOffer;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::Transmit;

use super::{NewSession, Reached, Session, TrackState};
use crate::answer::CheckedAnswer;
use crate::error::PatchError;
use crate::offer::CheckedOffer;
use crate::rtc::DrainedRtc;
use crate::stream::Track;

/// How far it is.
pub(super) enum CounterOffer {
    /// The viewer has not answered it.
    Out(SdpPendingOffer),
    Answered,
}

impl Session {
    /// Offers what is published of the tracks that a viewer asked for, in the codecs that it comes
    /// in and no others: a viewer that can none of them is to know. The session, and the offer.
    pub(crate) fn offering(
        new: NewSession,
        asked: CheckedOffer,
        published: &BTreeMap<Track, Codec>,
        reached: Reached<'_>,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) -> (Self, String) {
        let addrs = reached.addrs.iter().chain(&new.external);
        let codecs: Vec<Codec> = published.values().copied().collect();
        let rtc = DrainedRtc::new(reached.cert, addrs, reached.has_choice, &codecs, now);
        let mut session = Self::unnegotiated(new, asked, rtc, now);
        // Sound first: everybody knows Opus, and Firefox does not connect a bundle whose first
        // section it rejected.
        let is_asked = |track: &&Track| session.tracks.iter().any(|each| each.track == **track);
        let tracks: Vec<Track> = published.keys().filter(is_asked).copied().collect();
        let stream = session.stream.to_string();
        let (offer, pending, mids, ufrag) = session.rtc.change(now, out, |rtc| {
            let mut api = rtc.sdp_api();
            let add = |track: &Track| {
                let stream = Some(stream.clone());
                api.add_media(kind(*track), Direction::SendOnly, stream, None, None)
            };
            let mids: Vec<Mid> = tracks.iter().map(add).collect();
            let (offer, pending) = api.apply().expect("an offer that was checked has a track");
            let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
            (offer.to_sdp_string(), pending, mids, ufrag)
        });
        session.ufrag = ufrag;
        session.tracks = tracks.into_iter().zip(mids).map(TrackState::new).collect();
        session.counter_offer = Some(CounterOffer::Out(pending));
        if reached.has_choice {
            session.begin_estimate(now);
        }
        let offer = reachable_everywhere(&session.worded(&offer));
        (session, offer)
    }

    /// Takes the viewer's answer.
    ///
    /// # Errors
    /// Nothing waits for it, or what is wrong with it.
    pub(crate) fn handle_answer(
        &mut self,
        text: &str,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) -> Result<(), PatchError> {
        if !matches!(self.counter_offer, Some(CounterOffer::Out(_))) {
            return Err(PatchError::NotOffered);
        }
        let mids: Vec<Mid> = self.tracks.iter().map(|track| track.mid).collect();
        let answer = CheckedAnswer::new(text, &mids).map_err(PatchError::Answer)?;
        let Some(CounterOffer::Out(pending)) = self.counter_offer.replace(CounterOffer::Answered)
        else {
            return Err(PatchError::NotOffered);
        };
        let accepted = self.rtc.change(now, out, |rtc| {
            rtc.sdp_api().accept_answer(pending, answer.sdp)
        });
        self.offer.ufrag = answer.ufrag;
        accepted.map_err(|error| PatchError::Answer(error.to_string()))
    }
}

/// The offer with its candidates in each `m=` section: a viewer may reject the one that has them,
/// and takes the bundle's from the first that it accepts (RFC 9143 §7.3.1).
fn reachable_everywhere(offer: &str) -> String {
    let is_candidate = |line: &&str| line.starts_with("a=candidate:");
    let candidates: Vec<&str> = offer.lines().filter(is_candidate).collect();
    let mut lines = Vec::new();
    for line in offer.lines().filter(|line| !is_candidate(line)) {
        // The credentials come after what a section says of itself.
        if line.starts_with("a=ice-ufrag:") {
            lines.extend(&candidates);
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

fn kind(track: Track) -> MediaKind {
    match track {
        Track::Audio => MediaKind::Audio,
        Track::Video => MediaKind::Video,
    }
}
