//! Fragments of SDP that trickle candidates or restart ICE: `application/trickle-ice-sdpfrag`
//! (RFC 8840 §9, RFC 9725 §4.3).

use crate::error::PatchError;
use crate::offer::{check_password, check_ufrag};

/// Lines of one fragment.
const MAX_LINES: usize = 1024;

/// What of a fragment counts here. Its candidates do not: the gateway is ICE-lite (RFC 8445 §2.5)
/// and answers whoever shows the session's credentials, so it never needs to be told an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The client's user name fragment.
    pub ufrag: String,
    /// Its password.
    pub password: String,
}

impl Fragment {
    /// Reads a fragment.
    ///
    /// # Errors
    /// [`PatchError::Malformed`] where a line is none of SDP, or the credentials are missing.
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        let malformed = |why: String| PatchError::Malformed(why);
        let (mut ufrag, mut password) = (None, None);
        for (at, line) in text.lines().enumerate() {
            if at == MAX_LINES {
                return Err(malformed(format!("more than {MAX_LINES} lines")));
            }
            let line = line.trim_end();
            let Some((kind, value)) = line.split_once('=') else {
                if line.is_empty() {
                    continue;
                }
                return Err(malformed(format!("line {} is no SDP", at + 1)));
            };
            if !matches!(kind, "a" | "m" | "c" | "b" | "v" | "o" | "s" | "t") {
                return Err(malformed(format!("line {} is no SDP", at + 1)));
            }
            match value.split_once(':') {
                Some(("ice-ufrag", value)) => ufrag = Some(value),
                Some(("ice-pwd", value)) => password = Some(value),
                _ => {}
            }
        }
        let ufrag = ufrag.ok_or_else(|| malformed("a=ice-ufrag is missing".to_owned()))?;
        let password = password.ok_or_else(|| malformed("a=ice-pwd is missing".to_owned()))?;
        check_ufrag(ufrag).map_err(malformed)?;
        check_password(password).map_err(malformed)?;
        let (ufrag, password) = (ufrag.to_owned(), password.to_owned());
        Ok(Self { ufrag, password })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAGMENT: &str = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n\
        a=end-of-candidates\r\n";

    #[test]
    fn a_fragment_carries_the_credentials_of_its_session() {
        let fragment = Fragment::parse(FRAGMENT).expect("the RFC's example");
        assert_eq!(fragment.ufrag, "EsAw");
        assert_eq!(fragment.password, "P2uYro0UCOQ4zxjKXaWCBui1");
    }

    #[test]
    fn what_is_no_fragment_is_refused_by_its_line() {
        let error = |text: &str| Fragment::parse(text).expect_err("refused").to_string();
        assert_eq!(error("{}"), "the fragment: line 1 is no SDP");
        assert_eq!(error(""), "the fragment: a=ice-ufrag is missing");
        assert_eq!(
            error("a=ice-ufrag:EsAw\n"),
            "the fragment: a=ice-pwd is missing"
        );
        let long = "a=x\n".repeat(MAX_LINES) + FRAGMENT;
        assert_eq!(error(&long), "the fragment: more than 1024 lines");
        assert!(Fragment::parse(&("a=x\n".repeat(MAX_LINES - 6) + FRAGMENT)).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,200}") {
            let _ = Fragment::parse(&text);
        }
    }
}
