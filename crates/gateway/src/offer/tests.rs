use proptest::prelude::*;

use super::*;

/// As a browser makes it, shortened.
const OFFER: &str = "v=0\r\n\
    o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:EsAw\r\n\
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
    a=setup:actpass\r\n\
    a=mid:0\r\n\
    a=sendonly\r\n\
    a=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:EsAw\r\n\
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
    a=setup:actpass\r\n\
    a=mid:1\r\n\
    a=sendonly\r\n\
    a=rtcp-mux\r\n\
    a=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";

/// What is changed, into what, and what is then wrong with the offer.
#[rustfmt::skip] // A table: one fault a line.
const MALFORMED: [(&str, &str, &str); 20] = [
    ("v=0", "v=1", "no SDP: it does not begin with v=0"),
    ("a=group:BUNDLE 0 1\r\n", "", "a=group:BUNDLE is missing"),
    ("BUNDLE 0 1", "BUNDLE 0", "a=group:BUNDLE does not name each m= line"),
    ("a=mid:1", "a=mid:0", "each m= line needs an a=mid of its own"),
    ("a=sendonly", "a=inactive", "m=audio is inactive, not sendonly"),
    ("a=rtcp-mux\r\n", "", "m=audio lacks a=rtcp-mux"),
    ("a=ice-ufrag:EsAw", "a=ice-ufrag:abc", "a=ice-ufrag is not 4 to 256 ICE characters"),
    ("a=ice-ufrag:EsAw", "a=ice-ufrag:a b c d", "a=ice-ufrag is not 4 to 256 ICE characters"),
    ("P2uYro0UCOQ4zxjKXaWCBui1", "short", "a=ice-pwd is not 22 to 256 ICE characters"),
    ("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", "", "a=ice-pwd is missing"),
    (":1E:1F", ":1E", "a=fingerprint is no SHA-256 in hexadecimal"),
    (":1E:1F", ":1E:XY", "a=fingerprint is no SHA-256 in hexadecimal"),
    ("sha-256", "sha-1", "a=fingerprint is no SHA-256 in hexadecimal"),
    ("a=setup:actpass", "a=setup:holdconn", "a=setup:holdconn is not actpass, active or passive"),
    ("a=setup:actpass\r\n", "", "a=setup is missing"),
    ("opus/48000/2", "PCMU/8000", "m=audio has none of opus, H264, VP8, VP9, AV1"),
    ("m=audio 9", "m=audio 0", "m=audio is rejected"),
    ("m=audio 9", "m=application 9", "m=application is not forwarded"),
    ("m=audio 9", "m=video 9", "more than one track of picture"),
    ("m=video 9", "m=audio 9", "more than one track of sound"),
];

fn refusal(text: &str, role: Role) -> String {
    let refused = check_offer(text, role).expect_err("refused");
    refused.to_string()
}

#[test]
fn what_a_browser_offers_is_taken_by_the_role_that_it_fits() {
    assert_eq!(check_offer(OFFER, Role::Publish), Ok(()));
    assert_eq!(
        refusal(OFFER, Role::Watch),
        "the offer: m=audio is sendonly, not recvonly"
    );
    let watching = OFFER.replace("sendonly", "recvonly");
    assert_eq!(check_offer(&watching, Role::Watch), Ok(()));
    for role in [Role::Publish, Role::Watch] {
        let both = OFFER.replace("sendonly", "sendrecv");
        assert_eq!(check_offer(&both, role), Ok(()), "{role:?}");
    }
}

#[test]
fn a_malformed_offer_is_refused_by_what_is_wrong_with_it() {
    for (from, to, why) in MALFORMED {
        let text = OFFER.replace(from, to);
        assert_ne!(text, OFFER, "{from}");
        assert_eq!(refusal(&text, Role::Publish), format!("the offer: {why}"));
    }
    assert_eq!(
        refusal("v=0\r\n", Role::Publish),
        "the offer: it has no m= line"
    );
}

#[test]
fn an_offer_is_taken_up_to_its_limits() {
    let padded = |bytes: usize| {
        let rest = bytes - OFFER.len() - "a=x:\r\n".len();
        format!("{OFFER}a=x:{}\r\n", "y".repeat(rest))
    };
    assert_eq!(check_offer(&padded(MAX_SDP_BYTES), Role::Publish), Ok(()));
    assert_eq!(
        refusal(&padded(MAX_SDP_BYTES + 1), Role::Publish),
        "the offer: more than 65536 bytes"
    );
    let candidate = "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host\r\n";
    let many = |count: usize| format!("{OFFER}{}", candidate.repeat(count));
    assert_eq!(check_offer(&many(MAX_CANDIDATES), Role::Publish), Ok(()));
    assert_eq!(
        refusal(&many(MAX_CANDIDATES + 1), Role::Publish),
        "the offer: more than 256 candidates"
    );
}

#[test]
fn candidates_that_nobody_can_use_do_no_harm() {
    let odd = format!(
        "{OFFER}a=candidate:1 1 udp 1 4a5b.local 9 typ host\r\na=candidate:nonsense\r\n\
         a=candidate:2 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\na=end-of-candidates\r\n"
    );
    assert_eq!(check_offer(&odd, Role::Publish), Ok(()));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "(v=0\r\n)?(\\PC{0,40}\r\n){0,12}") {
        let _ = check_offer(&text, Role::Publish);
    }

    #[test]
    fn an_offer_with_a_line_missing_or_doubled_never_panics(at in 0..30_usize, doubled: bool) {
        let mut lines: Vec<&str> = OFFER.lines().collect();
        let at = at % lines.len();
        let line = lines.remove(at);
        if doubled {
            lines.insert(at, line);
            lines.insert(at, line);
        }
        let _ = check_offer(&lines.join("\r\n"), Role::Publish);
    }
}
