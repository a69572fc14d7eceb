//! What a client offers: as str0m words it, with changes where a row asks for them.

use std::time::Instant;

use str0m::Rtc;
use str0m::change::{SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};

/// Which of the two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// WHIP.
    Publish,
    /// WHEP.
    Watch,
}

impl Role {
    fn direction(self) -> Direction {
        match self {
            Self::Publish => Direction::SendOnly,
            Self::Watch => Direction::RecvOnly,
        }
    }
}

/// An offer of one sound and one picture, without candidates.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) sdp: String,
}

impl Offer {
    /// Of a client that is never heard of again.
    pub(crate) fn of(role: Role) -> Self {
        Self::made_by(
            &mut Rtc::builder().set_rtp_mode(true).build(Instant::now()),
            role,
        )
        .0
    }

    /// Of this client; what it needs to take the answer; its sound and its picture.
    pub(crate) fn made_by(rtc: &mut Rtc, role: Role) -> (Self, SdpPendingOffer, [Mid; 2]) {
        let mut changes = rtc.sdp_api();
        let mids = [MediaKind::Audio, MediaKind::Video]
            .map(|kind| changes.add_media(kind, role.direction(), None, None, None));
        let (offer, pending): (SdpOffer, _) = changes.apply().expect("media were added");
        (
            Self {
                sdp: offer.to_sdp_string(),
            },
            pending,
            mids,
        )
    }

    /// With other words in all places.
    pub(crate) fn with(&self, words: &str, others: &str) -> Self {
        Self {
            sdp: self.sdp.replace(words, others),
        }
    }

    /// A fragment of this ICE session (RFC 8840 §9) with these candidates.
    pub(crate) fn fragment(&self, candidates: &[&str]) -> String {
        let credentials = [
            value(&self.sdp, "a=ice-ufrag:"),
            value(&self.sdp, "a=ice-pwd:"),
        ];
        fragment(&self.sdp, credentials, candidates)
    }

    /// A fragment that restarts ICE with other credentials.
    pub(crate) fn restart(&self, ufrag: &str) -> String {
        fragment(&self.sdp, [ufrag, "0123456789abcdefghijkl"], &[])
    }
}

fn fragment(sdp: &str, [ufrag, password]: [&str; 2], candidates: &[&str]) -> String {
    let group = value(sdp, "a=group:BUNDLE ");
    let first = group.split(' ').next().unwrap_or_default();
    let media = sdp
        .lines()
        .find(|line| line.starts_with("m="))
        .unwrap_or_default();
    let mut lines = vec![
        format!("a=ice-ufrag:{ufrag}"),
        format!("a=ice-pwd:{password}"),
        format!("a=group:BUNDLE {group}"),
        media.trim_end().to_owned(),
        format!("a=mid:{first}"),
    ];
    lines.extend(candidates.iter().map(|candidate| format!("a={candidate}")));
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// What stands behind the first line that begins so; empty where none does.
pub(crate) fn value<'a>(sdp: &'a str, start: &str) -> &'a str {
    sdp.lines()
        .find_map(|line| line.strip_prefix(start))
        .unwrap_or("")
        .trim_end()
}

/// What stands behind every line that begins so.
pub(crate) fn values<'a>(sdp: &'a str, start: &'a str) -> Vec<&'a str> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix(start))
        .map(str::trim_end)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_of_the_offers_ice_session_and_first_section() {
        let offer = Offer::of(Role::Publish);
        let fragment = offer.fragment(&["candidate:1 1 udp 1 192.0.2.7 9 typ host"]);
        for line in ["a=ice-ufrag:", "a=ice-pwd:", "a=mid:"] {
            assert_eq!(value(&fragment, line), value(&offer.sdp, line), "{line}");
        }
        assert_eq!(values(&fragment, "m=").len(), 1);
        assert_eq!(values(&fragment, "a=candidate:").len(), 1);
    }

    #[test]
    fn an_offer_sends_or_receives_one_sound_and_one_picture_and_tells_no_candidate() {
        for (role, direction) in [(Role::Publish, "a=sendonly"), (Role::Watch, "a=recvonly")] {
            let sdp = Offer::of(role).sdp;
            assert_eq!(values(&sdp, direction).len(), 2);
            assert_eq!(values(&sdp, "m=").len(), 2);
            assert!(values(&sdp, "a=candidate:").is_empty());
        }
    }
}
