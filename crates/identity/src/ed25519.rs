//! Ed25519 (RFC 8032): sign and verify. The seed comes from the caller.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use jsonwebtoken::EncodingKey;
use protocol::base64url::Base64Url;
use protocol::id::DeviceId;

use crate::thumbprint::thumbprint;

/// A private Ed25519 key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    public: Base64Url<32>,
}

impl SigningKey {
    /// The key of a seed: 32 bytes of randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed");
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .expect("Ed25519 keys have 32 bytes");
        Self {
            pair,
            seed,
            public: Base64Url(public),
        }
    }

    /// The seed it was made from. A secret.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The public half.
    pub fn public(&self) -> &Base64Url<32> {
        &self.public
    }

    /// The thumbprint of the public half.
    pub fn thumbprint(&self) -> DeviceId {
        thumbprint(&self.public)
    }

    /// The signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Base64Url<64> {
        let signature = self.pair.sign(message);
        Base64Url(
            signature
                .as_ref()
                .try_into()
                .expect("Ed25519 signatures have 64 bytes"),
        )
    }

    pub(crate) fn encoding_key(&self) -> EncodingKey {
        let document = self.pair.to_pkcs8().expect("a key pair has an encoding");
        EncodingKey::from_ed_der(document.as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.thumbprint())
    }
}

/// Whether `signature` over `message` is by `key`.
pub fn verify_signature(key: &Base64Url<32>, message: &[u8], signature: &Base64Url<64>) -> bool {
    UnparsedPublicKey::new(&ED25519, key.as_bytes())
        .verify(message, signature.as_bytes())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    }

    #[test]
    fn test_2_of_rfc_8032_section_7_1() {
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SigningKey::from_seed(seed);
        let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        assert_eq!(key.public(), &Base64Url(public));
        let signature = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(key.sign(&[0x72]), Base64Url(signature));
        assert!(verify_signature(
            key.public(),
            &[0x72],
            &Base64Url(signature)
        ));
        assert!(!verify_signature(
            key.public(),
            &[0x73],
            &Base64Url(signature)
        ));
    }

    #[test]
    fn a_private_key_does_not_show_in_debug_output() {
        let key = SigningKey::from_seed([0; 32]);
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey({})", key.thumbprint())
        );
    }
}
