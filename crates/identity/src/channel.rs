//! Frames inside AES-256-GCM on the channels of a link (`docs/protocol.md`, The channels of a
//! link): a key per channel and direction, by HKDF from the handshake.
//!
//! Each frame goes after its nonce. On unordered channels the receiver keeps a replay window; on
//! ordered ones the next nonce is the only one that it takes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::noise::TransportKeys;

pub use replay_window::{REPLAY_WINDOW, ReplayWindow};

mod replay_window;

/// What a channel adds to a frame, in bytes: nonce and tag.
pub const SEAL_OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

const NONCE_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// Somebody changed a frame, left one out of an ordered channel, or holds another key: the link
/// must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message on the link was changed on its way")]
pub struct AeadFailure;

/// The 96-bit IV of AESGCM: 4 zero bytes and the 64-bit nonce, big endian (Noise §12.4).
pub(crate) fn gcm_nonce(nonce: u64) -> Nonce {
    let mut iv = [0; 12];
    iv[4..].copy_from_slice(&nonce.to_be_bytes());
    Nonce::assume_unique_for_key(iv)
}

/// The key of a channel and direction, from the sender's transport key.
fn channel_key(hash: &[u8; 32], transport: &[u8; 32], label: &str) -> LessSafeKey {
    let extracted = Salt::new(HKDF_SHA256, hash).extract(transport);
    let info = [b"heliograph-channel-v1:", label.as_bytes()];
    let output = extracted.expand(&info, &AES_256_GCM);
    LessSafeKey::new(UnboundKey::from(output.expect("32 bytes are one block")))
}

/// Both directions of one channel.
struct Keys {
    send: LessSafeKey,
    receive: LessSafeKey,
    label: String,
    next_nonce: u64,
}

impl Keys {
    fn new(keys: &TransportKeys, label: &str) -> Self {
        Self {
            send: channel_key(&keys.hash, &keys.send, label),
            receive: channel_key(&keys.hash, &keys.receive, label),
            label: label.to_owned(),
            next_nonce: 0,
        }
    }

    /// Nonce ‖ sealed frame. 2⁶⁴ frames are more than a link can send.
    fn seal(&mut self, frame: &[u8]) -> Vec<u8> {
        let nonce = self.next_nonce;
        self.next_nonce += 1;
        let mut message = Vec::with_capacity(frame.len() + SEAL_OVERHEAD_BYTES);
        message.extend_from_slice(&nonce.to_be_bytes());
        message.extend_from_slice(frame);
        let aad = Aad::from(self.label.as_bytes());
        let tag = self
            .send
            .seal_in_place_separate_tag(gcm_nonce(nonce), aad, &mut message[NONCE_BYTES..])
            .expect("a frame is far below what AES-GCM seals");
        message.extend_from_slice(tag.as_ref());
        message
    }

    fn open(&self, nonce: u64, sealed: &[u8]) -> Result<Vec<u8>, AeadFailure> {
        let mut frame = sealed.to_vec();
        let aad = Aad::from(self.label.as_bytes());
        let opened = self
            .receive
            .open_in_place(gcm_nonce(nonce), aad, &mut frame)
            .map_err(|_| AeadFailure)?;
        let length = opened.len();
        frame.truncate(length);
        Ok(frame)
    }
}

/// Seals and opens the frames of an unordered channel.
pub struct UnorderedChannel {
    keys: Keys,
    window: ReplayWindow,
    replays: u64,
}

impl UnorderedChannel {
    /// The channel of a label.
    pub fn new(keys: &TransportKeys, label: &str) -> Self {
        Self {
            keys: Keys::new(keys, label),
            window: ReplayWindow::default(),
            replays: 0,
        }
    }

    /// The bytes to send.
    pub fn seal(&mut self, frame: &[u8]) -> Vec<u8> {
        self.keys.seal(frame)
    }

    /// The frame; `None` for one that came twice or more than [`REPLAY_WINDOW`] late.
    ///
    /// # Errors
    /// [`AeadFailure`]: the link must close.
    pub fn open(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, AeadFailure> {
        let (nonce, sealed) = split(message)?;
        if !self.window.is_fresh(nonce) {
            self.replays += 1;
            return Ok(None);
        }
        let frame = self.keys.open(nonce, sealed)?;
        // Only a frame that opens moves the window: a forged nonce must not shut others out.
        self.window.accept(nonce);
        Ok(Some(frame))
    }

    /// How many frames came twice or too late.
    pub fn replays(&self) -> u64 {
        self.replays
    }
}

/// Seals and opens the frames of an ordered, reliable channel.
pub struct OrderedChannel {
    keys: Keys,
    next_received: u64,
}

impl OrderedChannel {
    /// The channel of a label.
    pub fn new(keys: &TransportKeys, label: &str) -> Self {
        Self {
            keys: Keys::new(keys, label),
            next_received: 0,
        }
    }

    /// The bytes to send.
    pub fn seal(&mut self, frame: &[u8]) -> Vec<u8> {
        self.keys.seal(frame)
    }

    /// The frame.
    ///
    /// # Errors
    /// [`AeadFailure`], also for a frame that was repeated, left out or moved: the link must
    /// close.
    pub fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, AeadFailure> {
        let (nonce, sealed) = split(message)?;
        if nonce != self.next_received {
            return Err(AeadFailure);
        }
        let frame = self.keys.open(nonce, sealed)?;
        self.next_received += 1;
        Ok(frame)
    }
}

fn split(message: &[u8]) -> Result<(u64, &[u8]), AeadFailure> {
    let (nonce, sealed) = message.split_first_chunk().ok_or(AeadFailure)?;
    Ok((u64::from_be_bytes(*nonce), sealed))
}

impl std::fmt::Debug for UnorderedChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnorderedChannel({:?})", self.keys.label)
    }
}

impl std::fmt::Debug for OrderedChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderedChannel({:?})", self.keys.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides() -> (TransportKeys, TransportKeys) {
        let ours = TransportKeys {
            hash: [1; 32],
            send: [2; 32],
            receive: [3; 32],
        };
        let theirs = TransportKeys {
            hash: [1; 32],
            send: [3; 32],
            receive: [2; 32],
        };
        (ours, theirs)
    }

    fn unordered() -> (UnorderedChannel, UnorderedChannel) {
        let (ours, theirs) = sides();
        (
            UnorderedChannel::new(&ours, "ctl"),
            UnorderedChannel::new(&theirs, "ctl"),
        )
    }

    #[test]
    fn frames_open_in_any_order_each_once() {
        let (mut sender, mut receiver) = unordered();
        let [one, two] = [b"one", b"two"].map(|frame| sender.seal(frame));
        assert_eq!(one[..8], [0; 8]);
        assert_eq!(two[..8], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(receiver.open(&two), Ok(Some(b"two".to_vec())));
        assert_eq!(receiver.open(&one), Ok(Some(b"one".to_vec())));
        assert_eq!(receiver.open(&one), Ok(None));
        assert_eq!(receiver.replays(), 1);
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let (mut sender, mut receiver) = unordered();
        let sealed = sender.seal(b"a frame");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(receiver.open(&changed), Err(AeadFailure), "byte {at}");
        }
        assert_eq!(receiver.open(&sealed[..7]), Err(AeadFailure));
        assert_eq!(receiver.open(&sealed[..23]), Err(AeadFailure));
        assert_eq!(receiver.open(&sealed), Ok(Some(b"a frame".to_vec())));
    }

    #[test]
    fn a_forged_high_nonce_does_not_move_the_window() {
        let (mut sender, mut receiver) = unordered();
        let mut forged = sender.seal(b"x");
        forged[2] = 9;
        assert_eq!(receiver.open(&forged), Err(AeadFailure));
        let next = sender.seal(b"next");
        assert_eq!(receiver.open(&next), Ok(Some(b"next".to_vec())));
    }

    #[test]
    fn another_label_and_the_other_direction_have_another_key() {
        let (ours, theirs) = sides();
        let sealed = UnorderedChannel::new(&ours, "ctl").seal(b"x");
        let mut telemetry = UnorderedChannel::new(&theirs, "telemetry");
        assert_eq!(telemetry.open(&sealed), Err(AeadFailure));
        let mut sender = UnorderedChannel::new(&ours, "ctl");
        assert_eq!(sender.open(&sealed), Err(AeadFailure));
    }

    #[test]
    fn an_ordered_channel_takes_every_frame_once_and_in_order() {
        let (ours, theirs) = sides();
        let mut sender = OrderedChannel::new(&ours, "file");
        let mut receiver = OrderedChannel::new(&theirs, "file");
        let frames = [b"one", b"two"].map(|frame| sender.seal(frame));
        assert_eq!(receiver.open(&frames[1]), Err(AeadFailure));
        assert_eq!(receiver.open(&frames[0]), Ok(b"one".to_vec()));
        assert_eq!(receiver.open(&frames[0]), Err(AeadFailure));
        assert_eq!(receiver.open(&frames[1]), Ok(b"two".to_vec()));
    }
}
