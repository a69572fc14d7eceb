//! Reads the few lines of a session description that a link decides by (RFC 8866, RFC 8839).

use std::collections::BTreeSet;

const CANDIDATE: &str = "a=candidate:";
const UFRAG: &str = "a=ice-ufrag:";
const SCTP_INIT: &str = "a=sctp-init:";
const FINGERPRINT: &str = "a=fingerprint:";

/// Every certificate fingerprint as `sha-256 AB:CD:…`, sorted, without doubles.
pub(super) fn fingerprints(sdp: &str) -> BTreeSet<String> {
    let in_one_spelling = |value: &str| {
        let (algorithm, hex) = value.split_once(' ').unwrap_or((value, ""));
        let (algorithm, hex) = (algorithm.to_ascii_lowercase(), hex.trim().to_uppercase());
        format!("{algorithm} {hex}")
    };
    values(sdp, FINGERPRINT).map(in_one_spelling).collect()
}

/// Every ICE user name; the candidates of a description name one of them.
pub(super) fn ufrags(sdp: &str) -> BTreeSet<String> {
    values(sdp, UFRAG).map(str::to_owned).collect()
}

/// The candidates, as they would be trickled: `candidate:…`.
pub(super) fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines()
        .filter(|line| line.starts_with(CANDIDATE))
        .filter_map(|line| line.strip_prefix("a="))
        .map(str::trim_end)
}

/// The description with only those candidate lines that `keep` keeps.
pub(super) fn with_candidates(sdp: &str, keep: impl Fn(&str) -> bool) -> String {
    sdp.split_inclusive('\n')
        .filter(|line| !line.starts_with(CANDIDATE) || keep(line.trim_end()))
        .collect()
}

/// Whether it holds SCTP's first exchange (draft-hancke-tsvwg-snap).
pub(super) fn has_sctp_init(sdp: &str) -> bool {
    sdp.lines().any(|line| line.starts_with(SCTP_INIT))
}

/// An offer in which whoever answers begins DTLS, which an offer may leave open (RFC 8842 §5.2).
pub(super) fn with_passive_offerer(sdp: &str) -> String {
    sdp.replace("a=setup:actpass", "a=setup:passive")
}

fn values<'a>(sdp: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    sdp.lines()
        .filter_map(move |line| line.strip_prefix(prefix))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=fingerprint:SHA-256 aa:0b\r\na=ice-ufrag:abcd\r\n\
                       a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
                       a=candidate:2 1 udp 1 192.0.2.1 9 typ prflx\r\na=mid:0\r\n";

    #[test]
    fn lines_are_found_in_one_spelling() {
        let expected: Vec<String> = vec!["sha-256 AA:0B".to_owned()];
        assert_eq!(fingerprints(SDP).into_iter().collect::<Vec<_>>(), expected);
        assert!(ufrags(SDP).contains("abcd"));
        let first = candidates(SDP).next();
        assert_eq!(first, Some("candidate:1 1 udp 1 192.0.2.1 9 typ host"));
    }

    #[test]
    fn only_candidate_lines_are_ever_taken_out() {
        let kept = with_candidates(SDP, |line| !line.ends_with("prflx"));
        assert_eq!(
            kept.len(),
            SDP.len() - "a=candidate:2 1 udp 1 192.0.2.1 9 typ prflx\r\n".len()
        );
        assert!(kept.ends_with("a=mid:0\r\n"));
    }
}
