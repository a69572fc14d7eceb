//! Nonces without state (RFC 8489 section 9.2): the time, and a MAC over it and the 5-tuple.
//!
//! 24 hexadecimal digits, so a nonce can never begin with the "nonce cookie"
//! `obMatJos2` that would advertise USERHASH or password algorithms.

use std::time::Duration;

use stun_types::message::IntegrityKey;

use crate::five_tuple::FiveTuple;
use crate::random::{hmac_sha256, keyed};

/// After this a nonce is answered with 438 and another one.
pub(crate) const NONCE_LIFETIME: Duration = Duration::from_secs(600);

const TIME_DIGITS: usize = 8;
const MAC_BYTES: usize = 8;

/// Makes and checks nonces.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: IntegrityKey,
}

impl Nonces {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self {
            key: keyed(seed, "nonce"),
        }
    }

    /// A nonce for this client at this time since the server's start.
    pub(crate) fn issue(&self, client: &FiveTuple, age: Duration) -> String {
        self.sign(client, age.as_secs() as u32)
    }

    /// Whether we issued it to this client, and not too long ago.
    pub(crate) fn is_fresh(&self, nonce: &str, client: &FiveTuple, age: Duration) -> bool {
        let Some(issued) = nonce
            .get(..TIME_DIGITS)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        else {
            return false;
        };
        // Not a secret comparison: a nonce protects against replay, not forgery of identity.
        let is_ours = self.sign(client, issued) == nonce;
        let elapsed = age.as_secs().checked_sub(u64::from(issued));
        is_ours && elapsed.is_some_and(|secs| secs < NONCE_LIFETIME.as_secs())
    }

    fn sign(&self, client: &FiveTuple, issued_secs: u32) -> String {
        let mac = hmac_sha256(
            &self.key,
            &[client.to_string().as_bytes(), &issued_secs.to_be_bytes()],
        );
        let mac = mac[..MAC_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        format!("{issued_secs:08x}{mac}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::five_tuple::Transport;

    fn client(port: u16) -> FiveTuple {
        FiveTuple {
            transport: Transport::Udp,
            client: ([198, 51, 100, 1], port).into(),
            server: ([203, 0, 113, 1], 3478).into(),
        }
    }

    #[test]
    fn nonce_is_bound_to_the_five_tuple_and_the_time() {
        let nonces = Nonces::new(&[7; 32]);
        let start = Duration::from_secs(50);
        let nonce = nonces.issue(&client(1), start);
        assert!(nonces.is_fresh(&nonce, &client(1), start));
        assert!(!nonces.is_fresh(&nonce, &client(2), start));
        assert!(nonces.is_fresh(&nonce, &client(1), Duration::from_secs(649)));
        assert!(!nonces.is_fresh(&nonce, &client(1), Duration::from_secs(650)));
        assert!(!Nonces::new(&[8; 32]).is_fresh(&nonce, &client(1), start));
    }

    #[test]
    fn nonsense_is_stale() {
        let nonces = Nonces::new(&[7; 32]);
        for nonce in ["", "x", "00000000", "€€€€", "ffffffff0011223344556677"] {
            assert!(
                !nonces.is_fresh(nonce, &client(1), Duration::ZERO),
                "{nonce}"
            );
        }
    }
}
