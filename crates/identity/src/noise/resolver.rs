//! The primitives of `snow`, by aws-lc-rs.
//!
//! snow ships RustCrypto's and ring's. Neither is in the product: one provider of cryptography
//! serves TLS, tokens, signatures and this.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest::{Context, SHA256};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};

use super::x25519_public;
use crate::channel::gcm_nonce;

const TAG_BYTES: usize = 16;

/// Resolves 25519, AESGCM and SHA256, and hands out the caller's ephemeral key.
pub(super) struct AwsLcResolver {
    ephemeral: [u8; 32],
}

impl AwsLcResolver {
    pub(super) fn new(ephemeral: [u8; 32]) -> Self {
        Self { ephemeral }
    }
}

impl CryptoResolver for AwsLcResolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneDraw(Some(self.ephemeral))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::<Curve25519>::default() as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::<Sha256>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::<AesGcm>::default() as Box<dyn Cipher>)
    }
}

/// The ephemeral key, once: a handshake draws no more than that.
struct OneDraw(Option<[u8; 32]>);

impl Random for OneDraw {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.take().filter(|bytes| bytes.len() == out.len());
        out.copy_from_slice(&bytes.ok_or(Error::Rng)?);
        Ok(())
    }
}

#[derive(Default)]
struct Curve25519 {
    secret: [u8; 32],
    public: [u8; 32],
}

impl Dh for Curve25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        self.public.len()
    }

    fn priv_len(&self) -> usize {
        self.secret.len()
    }

    fn set(&mut self, secret: &[u8]) {
        self.secret.copy_from_slice(secret);
        self.public = x25519_public(&self.secret);
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut secret = [0; 32];
        rng.try_fill_bytes(&mut secret)?;
        self.set(&secret);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &self.secret
    }

    /// aws-lc refuses an all-zero result (RFC 7748 §6.1): the peer sent a low-order point.
    fn dh(&self, peer: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let private = PrivateKey::from_private_key(&X25519, &self.secret).map_err(|_| Error::Dh)?;
        let peer = peer.get(..self.pub_len()).ok_or(Error::Dh)?;
        let out = out.get_mut(..self.pub_len()).ok_or(Error::Dh)?;
        let peer = UnparsedPublicKey::new(&X25519, peer);
        agree(&private, peer, Error::Dh, |shared| {
            out.copy_from_slice(shared);
            Ok(())
        })
    }
}

struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hash for Sha256 {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(self.0.clone().finish().as_ref());
    }
}

struct AesGcm(LessSafeKey);

impl AesGcm {
    fn of(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 keys have 32 bytes");
        Self(LessSafeKey::new(key))
    }
}

impl Default for AesGcm {
    fn default() -> Self {
        Self::of(&[0; 32])
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        *self = Self::of(key);
    }

    fn encrypt(&self, nonce: u64, data: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, tag) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let sealed = self
            .0
            .seal_in_place_separate_tag(gcm_nonce(nonce), Aad::from(data), text)
            .expect("a Noise message is far below what AES-GCM seals");
        tag[..TAG_BYTES].copy_from_slice(sealed.as_ref());
        plaintext.len() + TAG_BYTES
    }

    fn decrypt(
        &self,
        nonce: u64,
        data: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let length = sealed.len().checked_sub(TAG_BYTES).ok_or(Error::Decrypt)?;
        let (text, tag) = sealed.split_at(length);
        let out = out.get_mut(..length).ok_or(Error::Decrypt)?;
        let nonce: Nonce = gcm_nonce(nonce);
        self.0
            .open_separate_gather(nonce, Aad::from(data), text, tag, out)
            .map_err(|_| Error::Decrypt)?;
        Ok(length)
    }
}
