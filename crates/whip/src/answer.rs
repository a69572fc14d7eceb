//! Our answer to an offer of the server's (draft-ietf-wish-whep, "Server Sends Counter-Offer").

use str0m::media::{MediaKind, Mid};

/// The tracks of an offer.
pub(crate) fn tracks(offer: &str) -> Vec<(Mid, MediaKind)> {
    let mut tracks = Vec::new();
    let mut kind = None;
    for line in offer.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            kind = match media.split(' ').next() {
                Some("audio") => Some(MediaKind::Audio),
                Some("video") => Some(MediaKind::Video),
                _ => None,
            };
        } else if let Some(mid) = line.strip_prefix("a=mid:")
            && let Some(kind) = kind.take()
        {
            tracks.push((Mid::from(mid.trim_end()), kind));
        }
    }
    tracks
}

/// The answer with those sections rejected of which nothing is taken (RFC 3264 §6): str0m leaves
/// them as they are, with a payload type of 0.
pub(crate) fn rejecting(answer: &str) -> String {
    let rejected = rejected_mids(answer);
    let mut is_rejected = false;
    let mut lines = Vec::new();
    for line in answer.lines() {
        if let Some(mids) = line.strip_prefix("a=group:BUNDLE ") {
            // What is rejected is in no bundle (RFC 9143 §7.3.3).
            let kept: Vec<_> = mids
                .split(' ')
                .filter(|mid| !rejected.contains(mid))
                .collect();
            lines.push(format!("a=group:BUNDLE {}", kept.join(" ")));
        } else if line.starts_with("m=") {
            is_rejected = takes_nothing(line);
            let port = if is_rejected { " 0 " } else { " 9 " };
            lines.push(line.replacen(" 9 ", port, 1));
        } else if is_rejected && line == "a=recvonly" {
            lines.push("a=inactive".to_owned());
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

fn rejected_mids(answer: &str) -> Vec<&str> {
    let mut is_rejected = false;
    let mids = answer.lines().filter_map(|line| {
        if line.starts_with("m=") {
            is_rejected = takes_nothing(line);
        }
        line.strip_prefix("a=mid:").filter(|_| is_rejected)
    });
    mids.collect()
}

/// Whether an `m=` line names no payload type but 0, which is none of WebRTC's.
fn takes_nothing(media: &str) -> bool {
    media.split(' ').skip(3).eq(["0"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=recvonly\r\n";

    #[test]
    fn a_section_of_which_nothing_is_taken_is_rejected_and_leaves_the_bundle() {
        let answer = rejecting(ANSWER);
        assert_eq!(
            answer,
            "v=0\r\na=group:BUNDLE 0\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\n\
             m=video 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=inactive\r\n"
        );
    }

    #[test]
    fn tracks_are_those_of_sound_and_picture() {
        let offer =
            format!("{ANSWER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n");
        let expected = [("0", MediaKind::Audio), ("1", MediaKind::Video)];
        assert_eq!(
            tracks(&offer),
            expected.map(|(mid, kind)| (Mid::from(mid), kind))
        );
        assert!(tracks("m=\r\na=mid:\r\n").is_empty());
    }
}
