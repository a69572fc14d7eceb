//! The server's signing keys: previous, current and next (`docs/protocol.md`, tokens).
//!
//! The next key is published before it signs, the previous one verifies until its tokens have
//! expired.

use protocol::id::DeviceId;

use crate::ed25519::SigningKey;

/// The three keys. Their names (`kid`) are their thumbprints.
#[derive(Debug)]
pub struct KeyRing {
    previous: Option<SigningKey>,
    current: SigningKey,
    next: SigningKey,
}

/// No key has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no signing key is named {kid:?}")]
pub struct UnknownKey {
    /// The name.
    pub kid: String,
}

impl KeyRing {
    /// A ring of keys that were stored or just made.
    pub fn new(previous: Option<SigningKey>, current: SigningKey, next: SigningKey) -> Self {
        Self {
            previous,
            current,
            next,
        }
    }

    /// The key before the last rotation; it only verifies.
    pub fn previous(&self) -> Option<&SigningKey> {
        self.previous.as_ref()
    }

    /// The key that signs.
    pub fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The key that will sign after the next rotation.
    pub fn next(&self) -> &SigningKey {
        &self.next
    }

    /// The keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.previous.iter().chain([&self.current, &self.next])
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys().find(|key| key.thumbprint().as_str() == kid)
    }

    /// The next key signs from here on, `fresh` becomes the next.
    #[must_use]
    pub fn rotated(self, fresh: SigningKey) -> Self {
        Self {
            previous: Some(self.current),
            current: self.next,
            next: fresh,
        }
    }

    /// Without the key named `kid`: its tokens are refused from here on. `fresh` fills the gap.
    ///
    /// # Errors
    /// [`UnknownKey`].
    pub fn without(self, kid: &DeviceId, fresh: SigningKey) -> Result<Self, UnknownKey> {
        let Self {
            previous,
            current,
            next,
        } = self;
        if previous
            .as_ref()
            .is_some_and(|key| key.thumbprint() == *kid)
        {
            return Ok(Self {
                previous: None,
                current,
                next,
            });
        }
        if current.thumbprint() == *kid {
            return Ok(Self {
                previous,
                current: next,
                next: fresh,
            });
        }
        if next.thumbprint() == *kid {
            return Ok(Self {
                previous,
                current,
                next: fresh,
            });
        }
        Err(UnknownKey {
            kid: kid.to_string(),
        })
    }
}
