//! Tells protocols apart by their first bytes. Ten are enough.

/// As many bytes as a decision can need: an RFC 4571 length and a STUN header up to its cookie.
pub(super) const SNIFF_BYTES: usize = 10;

/// RFC 8489 §5.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// TLS record type "handshake" and the major version of every TLS since 1.0 (RFC 8446 §5.1).
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// What a connection seems to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// TLS handshake.
    Tls,
    /// STUN or TURN over a stream (RFC 8489 §6.2.2).
    Stun,
    /// STUN framed by a length: ICE-TCP (RFC 4571, RFC 6544).
    IceTcp,
    /// An HTTP/1.1 method.
    Http,
    /// Too few bytes to tell.
    NeedsMore,
    /// None of these.
    Unknown,
}

pub(super) fn guess(head: &[u8]) -> Guess {
    let Some(&first) = head.first() else {
        return Guess::NeedsMore;
    };
    if first == TLS_HANDSHAKE[0] {
        return match head.get(1) {
            None => Guess::NeedsMore,
            Some(major) if *major == TLS_HANDSHAKE[1] => Guess::Tls,
            // 0x16.. may also be the length of a large ICE-TCP frame.
            Some(_) => framed(head),
        };
    }
    if first.is_ascii_uppercase() {
        return Guess::Http;
    }
    if first & 0xc0 == 0 && head.get(4..8) == Some(&MAGIC_COOKIE) {
        return Guess::Stun;
    }
    framed(head)
}

fn framed(head: &[u8]) -> Guess {
    match head.get(6..SNIFF_BYTES) {
        None => Guess::NeedsMore,
        Some(cookie) if cookie == MAGIC_COOKIE && head[2] & 0xc0 == 0 => Guess::IceTcp,
        Some(_) => Guess::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_protocol_is_told_by_its_first_bytes() {
        assert_eq!(guess(&[0x16, 0x03, 0x01]), Guess::Tls);
        assert_eq!(guess(b"GET / HTT"), Guess::Http);
        let binding = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        assert_eq!(guess(&binding), Guess::Stun);
        let framed = [&[0, 20][..], &binding].concat();
        assert_eq!(guess(&framed), Guess::IceTcp);
        assert_eq!(guess(&[0xff; 10]), Guess::Unknown);
    }

    proptest! {
        #[test]
        fn ten_bytes_always_decide(head: [u8; SNIFF_BYTES]) {
            prop_assert_ne!(guess(&head), Guess::NeedsMore);
        }

        #[test]
        fn a_decision_does_not_change_with_more_bytes(head: [u8; SNIFF_BYTES]) {
            let decided = guess(&head);
            for length in 0..SNIFF_BYTES {
                let early = guess(&head[..length]);
                prop_assert!(early == Guess::NeedsMore || early == decided);
            }
        }
    }
}
