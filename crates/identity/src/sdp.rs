//! Signed session descriptions: what binds a link to the identities of its two devices
//! (`docs/protocol.md`, `/api/signal`).
//!
//! Not an SDP parser: it takes the lines that say with whom DTLS and ICE will speak.

use std::collections::BTreeSet;

use minicbor::Encoder;
use protocol::id::{DeviceId, PairId};

use crate::secret::sha256;

/// Offer or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptionKind {
    /// An offer.
    Offer,
    /// An answer.
    Answer,
}

/// What the signature of a description covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDescription<'a> {
    /// The pair.
    pub pair_id: &'a PairId,
    /// Who signs.
    pub from: &'a DeviceId,
    /// Who is meant.
    pub to: &'a DeviceId,
    /// Offer or answer.
    pub kind: DescriptionKind,
    /// Unix milliseconds, growing per sender and pair.
    pub ts: u64,
    /// The description.
    pub sdp: &'a str,
    /// The answered offer, for an answer.
    pub offer: Option<&'a str>,
}

/// Why a description cannot be signed or verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// It names no certificate.
    #[error("the description has no a=fingerprint")]
    NoFingerprint,
    /// It names no ICE user.
    #[error("the description has no a=ice-ufrag")]
    NoUfrag,
}

impl SignedDescription<'_> {
    /// The CBOR array `["heliograph-sdp-v1", pairId, from, to, type, [fingerprints…], iceUfrag,
    /// ts, sha256(sdp), offerHash]`.
    ///
    /// # Errors
    /// The description lacks a fingerprint or an ICE user name.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, SdpError> {
        let fingerprints = fingerprints(self.sdp);
        if fingerprints.is_empty() {
            return Err(SdpError::NoFingerprint);
        }
        let ufrag = values(self.sdp, "a=ice-ufrag:")
            .next()
            .ok_or(SdpError::NoUfrag)?;
        let mut out = Encoder::new(Vec::new());
        self.write(&mut out, &fingerprints, ufrag)
            .expect("a vector takes every byte");
        Ok(out.into_writer())
    }

    fn write(
        &self,
        out: &mut Encoder<Vec<u8>>,
        fingerprints: &BTreeSet<String>,
        ufrag: &str,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        out.array(10)?
            .str("heliograph-sdp-v1")?
            .str(self.pair_id.as_str())?;
        out.str(self.from.as_str())?.str(self.to.as_str())?;
        out.str(match self.kind {
            DescriptionKind::Offer => "offer",
            DescriptionKind::Answer => "answer",
        })?;
        out.array(fingerprints.len() as u64)?;
        for fingerprint in fingerprints {
            out.str(fingerprint)?;
        }
        out.str(ufrag)?
            .u64(self.ts)?
            .bytes(&sha256(&[self.sdp.as_bytes()]))?;
        let offer_hash = self.offer.map(|offer| sha256(&[offer.as_bytes()]));
        out.bytes(offer_hash.as_ref().map_or(&[], |hash| &hash[..]))?
            .ok()
    }
}

/// Every certificate fingerprint (RFC 8122 §5), algorithm lower case, hex upper case, sorted,
/// without doubles.
fn fingerprints(sdp: &str) -> BTreeSet<String> {
    let in_one_spelling = |value: &str| {
        let (algorithm, hex) = value.split_once(' ').unwrap_or((value, ""));
        format!(
            "{} {}",
            algorithm.to_ascii_lowercase(),
            hex.trim().to_ascii_uppercase()
        )
    };
    values(sdp, "a=fingerprint:").map(in_one_spelling).collect()
}

fn values<'a>(sdp: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    sdp.lines()
        .filter_map(move |line| line.strip_prefix(prefix))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_sorted_in_one_spelling_without_doubles() {
        let sdp = "v=0\r\na=fingerprint:SHA-256 bb:cc\r\nm=audio 9\r\na=fingerprint:sha-256 BB:CC\r\n\
                   a=fingerprint:sha-256 aa:01\n";
        let found: Vec<String> = fingerprints(sdp).into_iter().collect();
        assert_eq!(found, ["sha-256 AA:01", "sha-256 BB:CC"]);
    }

    #[test]
    fn a_description_without_fingerprint_or_ufrag_cannot_be_signed() {
        let (pair_id, device) = (PairId::from_bytes(&[1; 32]), DeviceId::from_bytes(&[2; 32]));
        let bytes = |sdp| {
            let kind = DescriptionKind::Offer;
            let (from, to, pair_id) = (&device, &device, &pair_id);
            SignedDescription {
                pair_id,
                from,
                to,
                kind,
                ts: 1,
                sdp,
                offer: None,
            }
            .signed_bytes()
        };
        assert_eq!(bytes("a=ice-ufrag:abcd\r\n"), Err(SdpError::NoFingerprint));
        assert_eq!(
            bytes("a=fingerprint:sha-256 AA\r\n"),
            Err(SdpError::NoUfrag)
        );
    }
}
