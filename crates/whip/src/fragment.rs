//! SDP fragments (RFC 8840 §9): what a client tells of its ICE session in a PATCH, and what a server
//! answers to a restart (RFC 9725 §4.3).

use str0m::Candidate;

/// Tells candidates of the ICE session that `offer` began. They stand in its first section: all
/// media go over one transport.
pub(crate) fn of_candidates(offer: &str, candidates: &[String]) -> String {
    let group = value(offer, "a=group:BUNDLE ");
    let media = offer.lines().find(|line| line.starts_with("m="));
    let mut lines = vec![
        format!("a=ice-ufrag:{}", value(offer, "a=ice-ufrag:")),
        format!("a=ice-pwd:{}", value(offer, "a=ice-pwd:")),
        format!("a=group:BUNDLE {group}"),
        media.unwrap_or_default().trim_end().to_owned(),
        format!("a=mid:{}", group.split(' ').next().unwrap_or_default()),
    ];
    lines.extend(candidates.iter().map(|candidate| format!("a={candidate}")));
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// The answer as it would be if it had said what this fragment says: other credentials, and its
/// candidates instead of those before. None where the fragment has no credentials.
pub(crate) fn restarted(answer: &str, fragment: &str) -> Option<String> {
    let (ufrag, password) = (
        value(fragment, "a=ice-ufrag:"),
        value(fragment, "a=ice-pwd:"),
    );
    if ufrag.is_empty() || password.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    let mut sections = 0;
    for line in answer.lines().map(str::trim_end) {
        sections += usize::from(line.starts_with("m="));
        if line.starts_with("a=ice-ufrag:") {
            lines.push(format!("a=ice-ufrag:{ufrag}"));
        } else if line.starts_with("a=ice-pwd:") {
            lines.push(format!("a=ice-pwd:{password}"));
        } else if !is_of_candidates(line) {
            lines.push(line.to_owned());
            if line.starts_with("a=mid:") && sections == 1 {
                let candidates = values(fragment, "a=candidate:");
                lines.extend(candidates.map(|candidate| format!("a=candidate:{candidate}")));
            }
        }
    }
    Some(lines.iter().map(|line| format!("{line}\r\n")).collect())
}

fn is_of_candidates(line: &str) -> bool {
    line.starts_with("a=candidate:") || line == "a=end-of-candidates"
}

/// The answer without candidates that nobody here understands, like names (RFC 9725 §4.3).
pub(crate) fn understood(answer: &str) -> String {
    let is_understood = |line: &&str| {
        let candidate = line.strip_prefix("a=").filter(|_| is_of_candidates(line));
        candidate.is_none_or(|words| {
            !words.starts_with("candidate:") || Candidate::from_sdp_string(words.trim_end()).is_ok()
        })
    };
    let lines = answer.lines().filter(is_understood);
    lines
        .map(|line| format!("{}\r\n", line.trim_end()))
        .collect()
}

/// Every candidate of an answer that is understood.
pub(crate) fn candidates(answer: &str) -> impl Iterator<Item = Candidate> {
    let words = values(answer, "a=candidate:");
    words.filter_map(|words| Candidate::from_sdp_string(&format!("candidate:{words}")).ok())
}

/// What stands behind the first line that begins so; empty where none does.
pub(crate) fn value<'a>(sdp: &'a str, start: &'a str) -> &'a str {
    values(sdp, start).next().unwrap_or("")
}

fn values<'a>(sdp: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let found = sdp.lines().filter_map(move |line| line.strip_prefix(start));
    found.map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\n\
        a=candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host\r\n\
        a=candidate:2 1 udp 2130706431 odd.local 8443 typ host\r\na=end-of-candidates\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\n";

    #[test]
    fn a_fragment_is_of_the_offers_ice_session_and_first_section() {
        let told = ["candidate:1 1 udp 1 192.0.2.7 9 typ host".to_owned()];
        let fragment = of_candidates(ANSWER, &told);
        let lines: Vec<_> = fragment.lines().collect();
        assert_eq!(
            lines,
            [
                "a=ice-ufrag:old",
                "a=ice-pwd:older",
                "a=group:BUNDLE 0 1",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "a=mid:0",
                "a=candidate:1 1 udp 1 192.0.2.7 9 typ host",
            ]
        );
    }

    #[test]
    fn a_restart_changes_credentials_and_candidates_and_nothing_else() {
        let fragment = "a=ice-ufrag:new\r\na=ice-pwd:newer\r\n\
            a=candidate:9 1 udp 1 192.0.2.9 9 typ host\r\n";
        let answer = restarted(ANSWER, fragment).expect("it has credentials");
        assert_eq!(
            values(&answer, "a=ice-ufrag:").collect::<Vec<_>>(),
            ["new"; 2]
        );
        assert_eq!(
            values(&answer, "a=ice-pwd:").collect::<Vec<_>>(),
            ["newer"; 2]
        );
        let candidates: Vec<_> = values(&answer, "a=candidate:").collect();
        assert_eq!(candidates, ["9 1 udp 1 192.0.2.9 9 typ host"]);
        assert_eq!(values(&answer, "m=").count(), 2);
        assert_eq!(restarted(ANSWER, "a=ice-ufrag:new\r\n"), None);
    }

    #[test]
    fn candidates_that_are_names_are_left_out() {
        let answer = understood(ANSWER);
        assert_eq!(values(&answer, "a=candidate:").count(), 1);
        assert!(answer.contains("a=end-of-candidates"));
        assert_eq!(candidates(ANSWER).count(), 1);
    }
}
