//! Perfect negotiation (W3C WebRTC §10.7) of one connection, with trickled candidates.
//!
//! Descriptions arrive here verified; signing and sending are the link's. Whoever makes the first
//! offer opens the channels in it; either may offer later.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use identity::DescriptionKind;
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};

use super::channels::Label;
use super::rtc::DrainedRtc;
use super::sdp;

/// Candidates that wait for their description; a peer sends at most 128 per offer.
const MAX_WAITING_CANDIDATES: usize = 256;
/// An offer that is not answered is sent again after this long.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// After this many unanswered in a row the connection is beyond help.
const MAX_UNANSWERED: u32 = 3;

/// A candidate beside its description; an empty line ends a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trickled {
    pub(super) line: String,
    pub(super) ufrag: Option<String>,
}

/// What the peer is to be told.
#[derive(Debug)]
pub(super) enum Say {
    Describe {
        kind: DescriptionKind,
        sdp: String,
        /// The answered offer, for an answer.
        offer: Option<String>,
    },
    Candidate(Trickled),
}

/// Only another connection helps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck;

struct Pending {
    token: SdpPendingOffer,
    sdp: String,
    restarts: bool,
    video: Option<Mid>,
}

/// Offers, answers and candidates of one connection.
pub(super) struct Negotiation {
    is_polite: bool,
    /// Whether the first offer is the peer's.
    waits: bool,
    /// Opened with the first offer; empty where that is the peer's, and afterwards.
    channels: Vec<Label>,
    wants_restart: bool,
    wants_video: bool,
    /// A section that was offered and answered, until it is taken.
    video: Option<Mid>,
    pending: Option<Pending>,
    /// The offer of ours that is or was last out.
    offer_sdp: Option<String>,
    remote_fingerprints: BTreeSet<String>,
    remote_ufrags: BTreeSet<String>,
    /// Whether this side answered that it is the one that begins DTLS.
    begins_dtls: bool,
    waiting: Vec<Trickled>,
    /// Candidates of the peer that belong to its current description.
    accepted: VecDeque<String>,
    local_ufrag: String,
    /// Own candidates since the description that is out, to repeat with it.
    trickled: Vec<Trickled>,
    answer_due: Option<Instant>,
    unanswered: u32,
    outgoing: VecDeque<Say>,
}

impl Negotiation {
    /// `channels` are opened with the first offer; without any, that is the peer's to make.
    pub(super) fn new(is_polite: bool, channels: Vec<Label>) -> Self {
        Self {
            is_polite,
            waits: channels.is_empty(),
            channels,
            wants_restart: false,
            wants_video: false,
            video: None,
            pending: None,
            offer_sdp: None,
            remote_fingerprints: BTreeSet::new(),
            remote_ufrags: BTreeSet::new(),
            begins_dtls: false,
            waiting: Vec::new(),
            accepted: VecDeque::new(),
            local_ufrag: String::new(),
            trickled: Vec::new(),
            answer_due: None,
            unanswered: 0,
            outgoing: VecDeque::new(),
        }
    }

    /// The offer that an answer has to name by its hash.
    pub(super) fn offer_sdp(&self) -> Option<&str> {
        self.offer_sdp.as_deref()
    }

    /// The peer's description that is in force fixes this certificate.
    pub(super) fn remote_fingerprints(&self) -> &BTreeSet<String> {
        &self.remote_fingerprints
    }

    /// Whether the peer described itself.
    pub(super) fn has_met(&self) -> bool {
        !self.remote_fingerprints.is_empty()
    }

    /// The generation of the peer's description that is in force.
    pub(super) fn remote_ufrags(&self) -> &BTreeSet<String> {
        &self.remote_ufrags
    }

    /// Whether a description belongs to another connection of the peer than this one knows.
    pub(super) fn is_foreign(&self, sdp: &str) -> bool {
        !self.remote_fingerprints.is_empty() && sdp::fingerprints(sdp) != self.remote_fingerprints
    }

    pub(super) fn poll_say(&mut self) -> Option<Say> {
        self.outgoing.pop_front()
    }

    /// The next candidate of the peer that may be used now.
    pub(super) fn poll_candidate(&mut self) -> Option<String> {
        self.accepted.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.answer_due
    }

    /// Wants fresh paths, with the next offer.
    pub(super) fn want_restart(&mut self) {
        if self.pending.is_none() {
            self.wants_restart = true;
        }
    }

    /// Wants a section to send video on, with the next offer.
    pub(super) fn want_video(&mut self) {
        self.wants_video = true;
    }

    /// A section that the peer answered, once.
    pub(super) fn take_video(&mut self) -> Option<Mid> {
        self.video.take()
    }

    pub(super) fn is_offer_out(&self) -> bool {
        self.pending.is_some()
    }

    /// The peer can hear us: offers what is wanted, and again what was not answered.
    pub(super) fn resume(&mut self, rtc: &mut DrainedRtc, now: Instant) {
        if let Some(pending) = &self.pending {
            // The same text as before, so that an answer to either is an answer to both.
            let sdp = pending.sdp.clone();
            self.say_offer(sdp, now);
            let repeated = self.trickled.iter().cloned().map(Say::Candidate);
            self.outgoing.extend(repeated);
        } else {
            self.offer(rtc, now);
        }
    }

    fn offer(&mut self, rtc: &mut DrainedRtc, now: Instant) {
        let is_first_theirs = self.waits && self.remote_fingerprints.is_empty();
        let is_wanted = self.wants_restart || self.wants_video || !self.channels.is_empty();
        if is_first_theirs || !is_wanted || self.pending.is_some() {
            return;
        }
        let channels = std::mem::take(&mut self.channels);
        // There is nothing to restart before the first description of the peer.
        let restarts = self.wants_restart && !self.remote_fingerprints.is_empty();
        self.wants_restart = false;
        let wants_video = std::mem::take(&mut self.wants_video);
        let (offer, video) = rtc.change(now, |rtc| {
            let mut api = rtc.sdp_api();
            for label in channels {
                api.add_channel_with_config(label.config());
            }
            let video = wants_video
                .then(|| api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None));
            if restarts {
                api.ice_restart(true);
            }
            (api.apply(), video)
        });
        let Some((offer, token)) = offer else { return };
        let sdp = described(&offer.to_sdp_string());
        self.pending = Some(Pending {
            token,
            sdp: sdp.clone(),
            restarts,
            video,
        });
        self.begin_generation(&sdp);
        self.say_offer(sdp, now);
    }

    fn say_offer(&mut self, sdp: String, now: Instant) {
        self.offer_sdp = Some(sdp.clone());
        self.answer_due = Some(now + ANSWER_LIMIT);
        let kind = DescriptionKind::Offer;
        self.outgoing.push_back(Say::Describe {
            kind,
            sdp,
            offer: None,
        });
    }

    /// Takes a verified offer and answers it, unless ours goes first.
    ///
    /// # Errors
    /// What the offer lacks.
    pub(super) fn accept_offer(
        &mut self,
        rtc: &mut DrainedRtc,
        text: &str,
        now: Instant,
    ) -> Result<(), String> {
        if self.pending.is_some() && !self.is_polite {
            return Ok(());
        }
        let mut bare = sdp::with_candidates(text, |_| false);
        // A browser's SCTP waits a second for what was lost of its first exchange. Who begins DTLS
        // begins SCTP as well, and so there are two exchanges of which one is enough.
        if self.remote_ufrags.is_empty() {
            self.begins_dtls = !sdp::has_sctp_init(text);
        }
        if self.begins_dtls {
            bare = sdp::with_passive_offerer(&bare);
        }
        let offer = SdpOffer::from_sdp_string(&bare).map_err(|error| error.to_string())?;
        let restarts = !self.remote_ufrags.is_empty() && sdp::ufrags(text) != self.remote_ufrags;
        let answer = rtc
            .change(now, |rtc| {
                let answer = rtc.sdp_api().accept_offer(offer);
                if restarts && answer.is_ok() {
                    lead(rtc, false);
                }
                answer
            })
            .map_err(|error| error.to_string())?;
        // Ours is rolled back; what it wished for is wished for again, unless this offer brings it.
        if let Some(ours) = self.pending.take() {
            self.wants_restart |= ours.restarts && !restarts;
            self.wants_video |= ours.video.is_some();
        }
        let sdp = described(&answer.to_sdp_string());
        self.begin_generation(&sdp);
        self.remember(text);
        let (kind, offer) = (DescriptionKind::Answer, Some(text.to_owned()));
        self.outgoing.push_back(Say::Describe { kind, sdp, offer });
        self.offer(rtc, now);
        Ok(())
    }

    /// Takes a verified answer to the offer that is out.
    ///
    /// # Errors
    /// What the answer lacks; the offer stays out.
    pub(super) fn accept_answer(
        &mut self,
        rtc: &mut DrainedRtc,
        text: &str,
        now: Instant,
    ) -> Result<(), String> {
        if self.pending.is_none() {
            return Ok(());
        }
        let bare = sdp::with_candidates(text, |_| false);
        let answer = SdpAnswer::from_sdp_string(&bare).map_err(|error| error.to_string())?;
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        rtc.change(now, |rtc| {
            let accepted = rtc.sdp_api().accept_answer(pending.token, answer);
            if pending.restarts && accepted.is_ok() {
                lead(rtc, true);
            }
            accepted
        })
        .map_err(|error| error.to_string())?;
        self.video = pending.video;
        self.remember(text);
        // An answer may leave wishes open that came up while it was under way.
        self.offer(rtc, now);
        Ok(())
    }

    /// Takes a candidate of the peer now, or when its description came.
    pub(super) fn accept_candidate(&mut self, candidate: Trickled) {
        if self.is_current(&candidate) {
            self.accepted.push_back(candidate.line);
        } else if self.waiting.len() < MAX_WAITING_CANDIDATES {
            self.waiting.push(candidate);
        }
    }

    /// Tells the peer of an own candidate.
    pub(super) fn trickle(&mut self, line: &str) {
        let has_described = !self.local_ufrag.is_empty();
        if !has_described {
            return; // The description that comes will hold it.
        }
        // str0m names the user that is in force; a restart that is not answered has another.
        let line = line.split(" ufrag ").next().unwrap_or(line).to_owned();
        let ufrag = Some(self.local_ufrag.clone());
        let candidate = Trickled { line, ufrag };
        self.trickled.push(candidate.clone());
        self.outgoing.push_back(Say::Candidate(candidate));
    }

    /// Says it again when an answer stays out.
    ///
    /// # Errors
    /// The peer did not answer three times.
    pub(super) fn handle_timeout(
        &mut self,
        rtc: &mut DrainedRtc,
        can_send: bool,
        now: Instant,
    ) -> Result<(), Stuck> {
        if self.answer_due.is_none_or(|due| now < due) {
            return Ok(());
        }
        self.answer_due = None;
        // Where the peer is away, signalling resumes when it is back.
        if self.pending.is_none() || !can_send {
            return Ok(());
        }
        self.unanswered += 1;
        if self.unanswered >= MAX_UNANSWERED {
            return Err(Stuck);
        }
        self.resume(rtc, now);
        Ok(())
    }

    fn begin_generation(&mut self, sdp: &str) {
        self.local_ufrag = sdp::ufrags(sdp).into_iter().next().unwrap_or_default();
        self.trickled.clear();
    }

    fn remember(&mut self, text: &str) {
        self.answer_due = None;
        self.unanswered = 0;
        self.remote_fingerprints = sdp::fingerprints(text);
        self.remote_ufrags = sdp::ufrags(text);
        self.accepted
            .extend(sdp::candidates(text).map(str::to_owned));
        for candidate in std::mem::take(&mut self.waiting) {
            if self.is_current(&candidate) {
                self.accepted.push_back(candidate.line);
            }
        }
    }

    fn is_current(&self, candidate: &Trickled) -> bool {
        !self.remote_ufrags.is_empty()
            && candidate
                .ufrag
                .as_ref()
                .is_none_or(|ufrag| self.remote_ufrags.contains(ufrag))
    }
}

/// What str0m wrote, without the peer-reflexive addresses that it learnt: they are not ours to say.
fn described(sdp: &str) -> String {
    sdp::with_candidates(sdp, |line| !line.contains(" typ prflx"))
}

/// Who offers a restart is controlling from there on (RFC 5245 §5.2), which is what browsers do.
/// str0m keeps the roles (RFC 8445 §9), and two that control argue for seconds.
fn lead(rtc: &mut Rtc, is_offerer: bool) {
    rtc.direct_api().set_ice_controlling(is_offerer);
}
