//! Looks at an offer before anything is made of it, so that a malformed one is the client's fault
//! by name (RFC 8866, RFC 8829 §5.8, RFC 9725 §4.2).

use str0m::change::SdpOffer;
use str0m::format::Codec;
use str0m::media::{Mid, Rid};

use crate::error::OfferError;
use crate::fragment::Fragment;
use crate::session::Role;
use crate::simulcast::layers_of;
use crate::stream::Track;

/// The longest offer, in bytes; browsers' are below 10,000.
pub const MAX_SDP_BYTES: usize = 64 * 1024;
/// Candidates of one offer.
const MAX_CANDIDATES: usize = 256;
/// RFC 8839 §5.4.
const UFRAG_CHARS: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 22..=256;
/// What is forwarded, sound first.
pub(crate) const CODECS: [Codec; 5] =
    [Codec::Opus, Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1];
/// Lines that are left out: the gateway is ICE-lite and needs no addresses.
const LEFT_OUT: [&str; 2] = ["a=candidate:", "a=end-of-candidates"];
/// Lines that are left out of a viewer's offer besides: it gets one layer of each track.
const LEFT_OUT_TO_WATCH: [&str; 2] = ["a=simulcast:", "a=rid:"];

/// An offer that was looked at.
#[derive(Debug, Clone)]
pub(crate) struct CheckedOffer {
    /// What is left of it for the session.
    pub(crate) text: String,
    /// The client's user name fragment.
    pub(crate) ufrag: String,
    /// Its `m=` lines, with their mids.
    pub(crate) tracks: Vec<(Track, Mid)>,
    /// The layers of its picture; none where it has one encoding without a name.
    pub(crate) layers: Vec<Rid>,
}

/// One `m=` line and what stands under it.
pub(crate) struct Section<'a> {
    kind: &'a str,
    lines: Vec<&'a str>,
}

impl<'a> Section<'a> {
    /// `audio`, `video`, …
    pub(crate) fn kind(&self) -> &'a str {
        self.kind
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.lines.iter().find_map(|line| {
            line.strip_prefix("a=")?
                .strip_prefix(name)?
                .strip_prefix(':')
        })
    }

    fn has(&self, flag: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.strip_prefix("a=") == Some(flag))
    }

    /// Whether one of its payload types is this codec.
    fn names(&self, codec: Codec) -> bool {
        let codec = codec.to_string();
        self.lines.iter().any(|line| {
            let format = line.strip_prefix("a=rtpmap:");
            let name = format.and_then(|format| format.split_once(' ')?.1.split('/').next());
            name.is_some_and(|name| name.eq_ignore_ascii_case(&codec))
        })
    }

    pub(crate) fn direction(&self) -> &'a str {
        let words = ["sendonly", "recvonly", "inactive", "sendrecv"];
        let line = self.lines.iter().filter_map(|line| line.strip_prefix("a="));
        line.into_iter()
            .find(|word| words.contains(word))
            .unwrap_or("sendrecv")
    }
}

/// Checks an offer as a session of this role would.
///
/// # Errors
/// What is wrong with it.
pub fn check_offer(text: &str, role: Role) -> Result<(), OfferError> {
    CheckedOffer::new(text, role).map(drop)
}

impl CheckedOffer {
    pub(crate) fn new(text: &str, role: Role) -> Result<Self, OfferError> {
        let malformed = |why: &str| OfferError::Malformed(why.to_owned());
        if text.len() > MAX_SDP_BYTES {
            return Err(malformed("more than 65536 bytes"));
        }
        if !text.starts_with("v=0") {
            return Err(malformed("no SDP: it does not begin with v=0"));
        }
        let (session, sections) = sections(text);
        check_counts(&sections, text)?;
        check_bundle(&session, &sections).map_err(OfferError::Malformed)?;
        for section in &sections {
            check_section(section, role)?;
        }
        check_transport(&session, &sections).map_err(OfferError::Malformed)?;
        let ufrag = everywhere(&session, &sections, "ice-ufrag").unwrap_or_default();
        let ufrag = ufrag.to_owned();
        let tracks = sections.iter().filter_map(track).collect();
        let layers = match role {
            Role::Publish => published_layers(&sections)?,
            Role::Watch => Vec::new(),
        };
        let text = kept(text, role);
        let offer = Self {
            text,
            ufrag,
            tracks,
            layers,
        };
        offer.sdp().map_err(OfferError::Malformed)?;
        Ok(offer)
    }
}

impl CheckedOffer {
    /// Whether it asks for this track, and its codecs lack the one that it comes in.
    pub(crate) fn lacks(&self, track: Track, codec: Codec) -> bool {
        let (_, sections) = sections(&self.text);
        let mut tracks = self.tracks.iter().zip(&sections);
        tracks.any(|((each, _), section)| *each == track && !section.names(codec))
    }

    /// The same offer from a client that restarts ICE with other credentials.
    pub(crate) fn with_credentials(&self, fragment: &Fragment) -> Self {
        let mut text = String::with_capacity(self.text.len());
        for line in self.text.lines() {
            let line = match line.split_once(':') {
                Some(("a=ice-ufrag", _)) => &format!("a=ice-ufrag:{}", fragment.ufrag),
                Some(("a=ice-pwd", _)) => &format!("a=ice-pwd:{}", fragment.password),
                _ => line,
            };
            text.push_str(line);
            text.push_str("\r\n");
        }
        Self {
            text,
            ufrag: fragment.ufrag.clone(),
            tracks: self.tracks.clone(),
            layers: self.layers.clone(),
        }
    }

    /// As the session takes it.
    pub(crate) fn sdp(&self) -> Result<SdpOffer, String> {
        SdpOffer::from_sdp_string(&self.text).map_err(|error| error.to_string())
    }
}

/// The lines before the first `m=`, and what follows by `m=` line.
pub(crate) fn sections(text: &str) -> (Section<'_>, Vec<Section<'_>>) {
    let mut session = Section {
        kind: "",
        lines: Vec::new(),
    };
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            let kind = media.split(' ').next().unwrap_or_default();
            let lines = vec![line];
            sections.push(Section { kind, lines });
        } else {
            let current = sections.last_mut().unwrap_or(&mut session);
            current.lines.push(line);
        }
    }
    (session, sections)
}

fn published_layers(sections: &[Section<'_>]) -> Result<Vec<Rid>, OfferError> {
    let video = sections.iter().find(|section| section.kind == "video");
    let layers = video.map(|section| layers_of(&section.lines));
    layers
        .unwrap_or(Ok(Vec::new()))
        .map_err(OfferError::Unsupported)
}

fn track(section: &Section<'_>) -> Option<(Track, Mid)> {
    let track = match section.kind {
        "audio" => Track::Audio,
        _ => Track::Video,
    };
    Some((track, section.value("mid")?.into()))
}

/// One track of sound and one of picture at most (RFC 9725 §4.2.1; draft-ietf-wish-whep §4.2).
fn check_counts(sections: &[Section<'_>], text: &str) -> Result<(), OfferError> {
    if sections.is_empty() {
        return Err(OfferError::Malformed("it has no m= line".to_owned()));
    }
    for (kind, what) in [("audio", "sound"), ("video", "picture")] {
        if sections.iter().filter(|each| each.kind == kind).count() > 1 {
            let why = format!("more than one track of {what}");
            return Err(OfferError::Unsupported(why));
        }
    }
    let is_track = |section: &Section<'_>| matches!(section.kind, "audio" | "video");
    if let Some(other) = sections.iter().find(|section| !is_track(section)) {
        let why = format!("m={} is not forwarded", other.kind);
        return Err(OfferError::Unsupported(why));
    }
    let candidates = text.lines().filter(|line| line.starts_with("a=candidate:"));
    if candidates.count() > MAX_CANDIDATES {
        let why = format!("more than {MAX_CANDIDATES} candidates");
        return Err(OfferError::Malformed(why));
    }
    Ok(())
}

/// Every `m=` line in one group (RFC 9143), each with a mid of its own.
fn check_bundle(session: &Section<'_>, sections: &[Section<'_>]) -> Result<(), String> {
    let mids: Vec<_> = sections.iter().map(|each| each.value("mid")).collect();
    let group = session
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("a=group:BUNDLE"))
        .ok_or("a=group:BUNDLE is missing")?;
    let grouped: Vec<_> = group.split_whitespace().map(Some).collect();
    let is_twice = |at: usize| mids[..at].contains(&mids[at]);
    if mids.contains(&None) || (0..mids.len()).any(is_twice) {
        return Err("each m= line needs an a=mid of its own".to_owned());
    }
    if grouped.len() != mids.len() || !mids.iter().all(|mid| grouped.contains(mid)) {
        return Err("a=group:BUNDLE does not name each m= line".to_owned());
    }
    Ok(())
}

fn check_section(section: &Section<'_>, role: Role) -> Result<(), OfferError> {
    let malformed = |why: String| OfferError::Malformed(why);
    let direction = section.direction();
    let (fitting, other) = match role {
        Role::Publish => ("sendonly", "recvonly"),
        Role::Watch => ("recvonly", "sendonly"),
    };
    if direction == other || direction == "inactive" {
        let kind = section.kind;
        return Err(malformed(format!("m={kind} is {direction}, not {fitting}")));
    }
    let media: Vec<_> = section.lines[0].split(' ').collect();
    if media.get(1) == Some(&"0") && !section.has("bundle-only") {
        return Err(malformed(format!("m={} is rejected", section.kind)));
    }
    if !section.has("rtcp-mux") {
        return Err(malformed(format!("m={} lacks a=rtcp-mux", section.kind)));
    }
    if !CODECS.iter().any(|codec| section.names(*codec)) {
        let known: Vec<_> = CODECS.iter().map(Codec::to_string).collect();
        let why = format!("m={} has none of {}", section.kind, known.join(", "));
        return Err(OfferError::Unsupported(why));
    }
    Ok(())
}

/// Credentials, fingerprint and role, of which one transport has one each.
pub(crate) fn check_transport(
    session: &Section<'_>,
    sections: &[Section<'_>],
) -> Result<(), String> {
    let value = |name: &str| {
        everywhere(session, sections, name).ok_or_else(|| format!("a={name} is missing"))
    };
    check_ufrag(value("ice-ufrag")?)?;
    check_password(value("ice-pwd")?)?;
    let fingerprint = value("fingerprint")?;
    let (hash, hex) = fingerprint.split_once(' ').unwrap_or((fingerprint, ""));
    let is_byte = |pair: &str| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok();
    let bytes = hex.trim().split(':');
    if !hash.eq_ignore_ascii_case("sha-256")
        || bytes.clone().count() != 32
        || !bytes.into_iter().all(is_byte)
    {
        return Err("a=fingerprint is no SHA-256 in hexadecimal".to_owned());
    }
    match value("setup")? {
        "actpass" | "active" | "passive" => Ok(()),
        other => Err(format!("a=setup:{other} is not actpass, active or passive")),
    }
}

/// The first value of an attribute, in the session's part or in any `m=` section's.
pub(crate) fn everywhere<'a>(
    session: &Section<'a>,
    sections: &[Section<'a>],
    name: &str,
) -> Option<&'a str> {
    session
        .value(name)
        .or_else(|| sections.iter().find_map(|section| section.value(name)))
}

/// RFC 8839 §5.4.
pub(crate) fn check_ufrag(ufrag: &str) -> Result<(), String> {
    check_ice_chars("a=ice-ufrag", ufrag, UFRAG_CHARS)
}

/// RFC 8839 §5.4.
pub(crate) fn check_password(password: &str) -> Result<(), String> {
    check_ice_chars("a=ice-pwd", password, PASSWORD_CHARS)
}

fn check_ice_chars(
    name: &str,
    value: &str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<(), String> {
    let is_ice = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    // Some clients draw their words from base64url.
    let is_near = |c: char| is_ice(c) || c == '-' || c == '_';
    if !lengths.contains(&value.len()) || !value.chars().all(is_near) {
        let (least, most) = lengths.into_inner();
        return Err(format!("{name} is not {least} to {most} ICE characters"));
    }
    Ok(())
}

/// What the session is to see: one direction only, and nothing that it has no use for.
pub(crate) fn kept(text: &str, role: Role) -> String {
    let direction = match role {
        Role::Publish => "a=sendonly",
        Role::Watch => "a=recvonly",
    };
    let mut kept = String::with_capacity(text.len());
    let besides = match role {
        Role::Publish => &[][..],
        Role::Watch => &LEFT_OUT_TO_WATCH,
    };
    let is_left_out = |line: &str| {
        let mut starts = LEFT_OUT.iter().chain(besides);
        line.is_empty() || starts.any(|start| line.starts_with(start))
    };
    for line in text.lines().map(str::trim_end) {
        if is_left_out(line) {
            continue;
        }
        let is_both = line == "a=sendrecv";
        kept.push_str(if is_both { direction } else { line });
        kept.push_str("\r\n");
    }
    kept
}

#[cfg(test)]
mod tests;
