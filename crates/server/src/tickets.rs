//! Tickets: a minute's right to load a stream's recordings by a link, which can send no bearer
//! token. They are signed with a key that lives as long as the process, and say nothing of who
//! asked: whoever lost a right since then has a minute left to begin.

use std::time::Duration;

use aws_lc_rs::hmac;
use protocol::base64url::{self, Base64Url};
use protocol::stream::StreamName;

/// How long a ticket serves.
const LIFETIME: Duration = Duration::from_secs(60);

/// Issues tickets and knows its own.
#[derive(Debug)]
pub(crate) struct Tickets {
    key: hmac::Key,
}

impl Tickets {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// A ticket for a stream, from this Unix millisecond on.
    pub(crate) fn issue(&self, stream: &StreamName, now_ms: u64) -> String {
        let lifetime_ms = u64::try_from(LIFETIME.as_millis()).unwrap_or(0);
        let until_ms = now_ms + lifetime_ms;
        let tag = hmac::sign(&self.key, said(stream, until_ms).as_bytes());
        format!("{until_ms}-{}", base64url::encode(tag.as_ref()))
    }

    /// Whether a ticket is for this stream and serves at this Unix millisecond.
    pub(crate) fn serves(&self, stream: &StreamName, ticket: &str, now_ms: u64) -> bool {
        let Some((until_ms, tag)) = ticket.split_once('-') else {
            return false;
        };
        let (Ok(until_ms), Ok(tag)) = (
            until_ms.parse::<u64>(),
            Base64Url::<32>::try_from(tag.to_owned()),
        ) else {
            return false;
        };
        let said = said(stream, until_ms);
        now_ms < until_ms && hmac::verify(&self.key, said.as_bytes(), &tag.0).is_ok()
    }
}

fn said(stream: &StreamName, until_ms: u64) -> String {
    format!("recording {stream} {until_ms}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_serves_its_stream_for_a_minute() {
        let tickets = Tickets::new(&[1; 32]);
        let cam0 = StreamName::parse("cam0").unwrap();
        let ticket = tickets.issue(&cam0, 1000);
        assert!(tickets.serves(&cam0, &ticket, 60_999));
        assert!(!tickets.serves(&cam0, &ticket, 61_000), "over");
        let cam1 = StreamName::parse("cam1").unwrap();
        assert!(!tickets.serves(&cam1, &ticket, 1000), "another stream's");
        let other = Tickets::new(&[2; 32]);
        assert!(!other.serves(&cam0, &ticket, 1000), "another key's");
        let longer = ticket.replacen("61000", "91000", 1);
        assert!(!tickets.serves(&cam0, &longer, 1000), "changed");
        for odd in ["", "-", "61000-", "61000-AAAA", "x"] {
            assert!(!tickets.serves(&cam0, odd, 1000), "{odd}");
        }
    }
}
