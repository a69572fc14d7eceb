//! The server's signing keys: previous, current and next (`docs/protocol.md`, tokens).
//!
//! The next key is published before it signs. A key that no longer signs verifies until its
//! tokens have expired, however many rotations follow meanwhile, and nothing after that.

use protocol::http::TOKEN_LIFETIME_S;
use protocol::id::DeviceId;

use crate::ed25519::SigningKey;
use crate::jws::SKEW_S;

/// The keys. Their names (`kid`) are their thumbprints.
#[derive(Debug)]
pub struct KeyRing {
    /// The one before the last rotation first.
    retired: Vec<RetiredKey>,
    current: SigningKey,
    next: SigningKey,
}

/// A key that no longer signs.
#[derive(Debug)]
pub struct RetiredKey {
    /// The key.
    pub key: SigningKey,
    /// Since when, in Unix seconds.
    pub retired_s: u64,
}

impl RetiredKey {
    /// Whether a token that it signed may not have expired.
    fn verifies(&self, now_s: u64) -> bool {
        now_s <= self.retired_s.saturating_add(TOKEN_LIFETIME_S + SKEW_S)
    }
}

/// No key has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no signing key is named {kid:?}")]
pub struct UnknownKey {
    /// The name.
    pub kid: String,
}

impl KeyRing {
    /// A ring of keys that were stored or just made; of the retired ones the last first.
    pub fn new(retired: Vec<RetiredKey>, current: SigningKey, next: SigningKey) -> Self {
        Self {
            retired,
            current,
            next,
        }
    }

    /// The keys that no longer sign, the last one first. They only verify.
    pub fn retired(&self) -> &[RetiredKey] {
        &self.retired
    }

    /// The key that signs.
    pub fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The key that will sign after the next rotation.
    pub fn next(&self) -> &SigningKey {
        &self.next
    }

    /// The keys that are published: previous, current and next.
    pub fn published(&self) -> impl Iterator<Item = &SigningKey> {
        let previous = self.retired.first().map(|retired| &retired.key);
        previous.into_iter().chain([&self.current, &self.next])
    }

    /// The key of this name, if tokens of it may serve.
    pub fn find(&self, kid: &str, now_s: u64) -> Option<&SigningKey> {
        let retired = self.retired.iter().filter(|key| key.verifies(now_s));
        let mut keys = [&self.current, &self.next]
            .into_iter()
            .chain(retired.map(|retired| &retired.key));
        keys.find(|key| key.thumbprint().as_str() == kid)
    }

    /// The next key signs from here on, `fresh` becomes the next. Keys whose tokens have all
    /// expired are forgotten.
    #[must_use]
    pub fn rotated(mut self, fresh: SigningKey, now_s: u64) -> Self {
        self.retired.retain(|retired| retired.verifies(now_s));
        let retired = RetiredKey {
            key: self.current,
            retired_s: now_s,
        };
        self.retired.insert(0, retired);
        Self {
            retired: self.retired,
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
            mut retired,
            current,
            next,
        } = self;
        let known = retired.len();
        retired.retain(|retired| retired.key.thumbprint() != *kid);
        let (current, next) = if retired.len() < known {
            (current, next)
        } else if current.thumbprint() == *kid {
            (next, fresh)
        } else if next.thumbprint() == *kid {
            (current, fresh)
        } else {
            let kid = kid.to_string();
            return Err(UnknownKey { kid });
        };
        Ok(Self {
            retired,
            current,
            next,
        })
    }
}
