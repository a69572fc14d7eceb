//! Looks at a client's answer to an offer of ours before anything is made of it: what str0m refuses
//! half-way is no session any more (RFC 8829 §5.11).

use str0m::change::SdpAnswer;
use str0m::media::Mid;

use crate::offer::{self, MAX_SDP_BYTES, sections};
use crate::session::Role;

/// An answer that was looked at.
#[derive(Debug)]
pub(crate) struct CheckedAnswer {
    /// As the session takes it.
    pub(crate) sdp: SdpAnswer,
    /// The client's user name fragment.
    pub(crate) ufrag: String,
}

impl CheckedAnswer {
    /// Of a viewer that was offered these tracks. It may reject each of them (RFC 3264 §6).
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(text: &str, mids: &[Mid]) -> Result<Self, String> {
        if text.len() > MAX_SDP_BYTES {
            return Err(format!("more than {MAX_SDP_BYTES} bytes"));
        }
        if !text.starts_with("v=0") {
            return Err("no SDP: it does not begin with v=0".to_owned());
        }
        let (session, sections) = sections(text);
        let answered: Vec<Mid> = sections
            .iter()
            .filter_map(|section| section.value("mid").map(Mid::from))
            .collect();
        if answered != mids || sections.len() != mids.len() {
            return Err("its m= lines are not those of the offer".to_owned());
        }
        let is_ours = |section: &&offer::Section<'_>| section.direction() == "sendonly";
        if let Some(section) = sections.iter().find(is_ours) {
            return Err(format!("m={} is sendonly, not recvonly", section.kind()));
        }
        offer::check_transport(&session, &sections)?;
        if offer::everywhere(&session, &sections, "setup") == Some("actpass") {
            return Err("a=setup:actpass is an offer's, not an answer's".to_owned());
        }
        let ufrag = offer::everywhere(&session, &sections, "ice-ufrag").unwrap_or_default();
        let kept = with_bare_rejections(&offer::kept(text, Role::Watch));
        let sdp = SdpAnswer::from_sdp_string(&kept).map_err(|error| error.to_string())?;
        Ok(Self {
            sdp,
            ufrag: ufrag.to_owned(),
        })
    }
}

/// The answer with nothing in its rejected sections that would have to fit together: what stands
/// there is ignored (RFC 3264 §6), and clients differ in it.
fn with_bare_rejections(answer: &str) -> String {
    let mut bare = String::with_capacity(answer.len());
    let mut is_rejected = false;
    for line in answer.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            let kind = media.split(' ').next().unwrap_or_default();
            is_rejected = media.split(' ').nth(1) == Some("0");
            if is_rejected {
                let section = format!("m={kind} 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n");
                bare.push_str(&section);
                bare.push_str("a=rtpmap:0 PCMU/8000\r\na=inactive\r\n");
                continue;
            }
        }
        if !is_rejected || line.starts_with("a=mid:") {
            bare.push_str(line);
            bare.push_str("\r\n");
        }
    }
    bare
}
