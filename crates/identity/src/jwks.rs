//! The server's public keys as a JWK set (RFC 7517 §5, RFC 8037 §2).

use protocol::http::{Jwk, Jwks};

use crate::ed25519::SigningKey;
use crate::key_ring::KeyRing;

impl KeyRing {
    /// What `/.well-known/jwks.json` says.
    pub fn jwks(&self) -> Jwks {
        Jwks {
            keys: self.published().map(jwk).collect(),
        }
    }
}

fn jwk(key: &SigningKey) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: *key.public(),
        kid: key.thumbprint().to_string(),
        key_use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}
