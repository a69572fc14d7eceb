//! The answer to a client's offer, and the answer to its restart of ICE.

use std::collections::VecDeque;
use std::time::Instant;

use str0m::net::Transmit;

use super::{NewSession, Reached, Session};
use crate::error::{OfferError, PatchError};
use crate::fragment::Fragment;
use crate::offer::{CODECS, CheckedOffer};
use crate::rtc::DrainedRtc;

impl Session {
    /// Answers an offer. What a viewer's connection carries is estimated where it has a choice.
    pub(crate) fn new(
        new: NewSession,
        offer: CheckedOffer,
        reached: Reached<'_>,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) -> Result<(Self, String), OfferError> {
        let addrs = reached.addrs.iter().chain(&new.external);
        let rtc = DrainedRtc::new(reached.cert, addrs, reached.has_choice, &CODECS, now);
        let mut session = Self::unnegotiated(new, offer, rtc, now);
        let answer = session.accept(now, out).map_err(OfferError::Malformed)?;
        if reached.has_choice {
            session.begin_estimate(now);
        }
        Ok((session, answer))
    }

    fn accept(&mut self, now: Instant, out: &mut VecDeque<Transmit>) -> Result<String, String> {
        let offer = self.offer.sdp()?;
        let accepted = self.rtc.change(now, out, |rtc| {
            let answer = rtc.sdp_api().accept_offer(offer);
            let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
            (answer, ufrag)
        });
        let (answer, ufrag) = accepted;
        let answer = answer.map_err(|error| error.to_string())?;
        self.ufrag = ufrag;
        Ok(self.worded(&answer.to_sdp_string()))
    }

    /// A description with one MediaStream for both tracks (draft-ietf-wish-whep §4.2).
    pub(super) fn worded(&self, answer: &str) -> String {
        let mut worded = String::with_capacity(answer.len());
        for line in answer.lines() {
            let msid = line.strip_prefix("a=msid:");
            if let Some((_, track)) = msid.and_then(|msid| msid.split_once(' ')) {
                worded.push_str(&format!("a=msid:{} {track}", self.stream));
            } else if line.starts_with("a=msid-semantic:") {
                worded.push_str(&format!("a=msid-semantic: WMS {}", self.stream));
            } else {
                worded.push_str(line);
            }
            worded.push_str("\r\n");
        }
        worded
    }

    /// Restarts ICE for a client with these credentials (RFC 9725 §4.3.2); what the answer to it
    /// says of ICE.
    pub(crate) fn restart(
        &mut self,
        fragment: &Fragment,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) -> Result<String, PatchError> {
        if self.counter_offer.is_some() {
            return Err(PatchError::NotRestartable);
        }
        let offer = self.offer.with_credentials(fragment);
        let before = std::mem::replace(&mut self.offer, offer);
        match self.accept(now, out) {
            Ok(answer) => Ok(ice_of(&answer)),
            Err(why) => {
                self.offer = before;
                Err(PatchError::Malformed(why))
            }
        }
    }

    /// Whether the fragment is of this session as it is.
    pub(crate) fn is_of(&self, fragment: &Fragment) -> bool {
        self.offer.ufrag == fragment.ufrag
    }
}

/// The ICE lines of an answer, as a fragment (RFC 8840 §9).
fn ice_of(answer: &str) -> String {
    let names = [
        "a=ice-",
        "a=candidate:",
        "a=end-of-candidates",
        "a=mid:",
        "m=",
        "a=group:",
    ];
    let is_ice = |line: &&str| names.iter().any(|name| line.starts_with(name));
    answer
        .lines()
        .filter(is_ice)
        .map(|line| format!("{line}\r\n"))
        .collect()
}
