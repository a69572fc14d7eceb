//! Devices with real keys for tests. Not for production: the keys follow from a number.

use aws_lc_rs::agreement::{PrivateKey, X25519};
use protocol::base64url::{self, Base64Url};
use protocol::http::NewPair;
use protocol::id::DeviceId;
use protocol::record::{DeviceKind, DeviceRecord, PairStatement};
use serde_json::{Value, json};

use crate::ed25519::SigningKey;
use crate::pair_keys::pair_id;
use crate::record::VerifiedRecord;
use crate::secret::sha256;

pub mod noise;

/// When every test device signed its record, in Unix milliseconds.
pub const CREATED_MS: u64 = 1_760_000_000_000;

/// A device with its keys.
#[derive(Debug)]
pub struct TestDevice {
    key: SigningKey,
    record: VerifiedRecord,
}

impl TestDevice {
    /// The device of a number: the same number, the same keys.
    pub fn new(number: u64, name: &str) -> Self {
        let seed = |label: &[u8]| sha256(&[label, &number.to_be_bytes()]);
        let key = SigningKey::from_seed(seed(b"ed25519"));
        let record = DeviceRecord {
            device_id: key.thumbprint(),
            key: *key.public(),
            x25519: x25519_public(&seed(b"x25519")),
            name: name.to_owned(),
            kind: DeviceKind::Phone,
            features: vec!["ctl-noise".to_owned()],
            created: CREATED_MS,
            sig: Base64Url([0; 64]),
        };
        let record = VerifiedRecord::sign(record, &key).expect("a test device keeps the rules");
        Self { key, record }
    }

    /// Its id.
    pub fn id(&self) -> DeviceId {
        self.record.device_id().clone()
    }

    /// Its signing key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its record.
    pub fn record(&self) -> DeviceRecord {
        self.record.as_record().clone()
    }

    /// Its record, verified.
    pub fn verified_record(&self) -> VerifiedRecord {
        self.record.clone()
    }

    /// Its record, signed again with another name and time.
    pub fn renamed(&self, name: &str, created: u64) -> VerifiedRecord {
        let record = DeviceRecord {
            name: name.to_owned(),
            created,
            ..self.record()
        };
        VerifiedRecord::sign(record, &self.key).expect("a test device keeps the rules")
    }

    /// An assertion for `audience`, made at `now_s`, whose `jti` follows from `number`.
    pub fn assertion(&self, audience: &str, now_s: u64, number: u64) -> String {
        let jti = base64url::encode(&sha256(&[&number.to_be_bytes()])[..16]);
        let claims = json!({
            "iss": self.id(), "sub": self.id(), "aud": audience,
            "iat": now_s, "exp": now_s + 60, "jti": jti,
        });
        sign_jws(&json!({"alg": "EdDSA", "typ": "JWT"}), &claims, &self.key)
    }
}

/// A JWS of any header and claims, also wrong ones.
pub fn sign_jws(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let [header, claims] =
        [header, claims].map(|part| base64url::encode(part.to_string().as_bytes()));
    let signature = key.sign(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{signature}")
}

/// What two devices post once they paired. Different times make different pairs.
pub fn sign_pair(one: &TestDevice, other: &TestDevice, time_ms: u64) -> NewPair {
    let (a, b) = if one.id() <= other.id() {
        (one, other)
    } else {
        (other, one)
    };
    let contributions = [0_u8, 1].map(|side| sha256(&[&[side], &time_ms.to_be_bytes()]));
    let pair_id = pair_id([(&a.id(), &contributions[0]), (&b.id(), &contributions[1])]);
    let statement = PairStatement {
        pair_id,
        a: a.id(),
        b: b.id(),
        time: time_ms,
    };
    let message = statement.signed_bytes();
    NewPair {
        sig_a: a.key.sign(&message),
        sig_b: b.key.sign(&message),
        record_a: a.record(),
        record_b: b.record(),
        statement,
    }
}

/// The X25519 public key of 32 secret bytes (RFC 7748 §5).
pub fn x25519_public(secret: &[u8; 32]) -> Base64Url<32> {
    let private = PrivateKey::from_private_key(&X25519, secret).expect("any 32 bytes are a key");
    let public = private
        .compute_public_key()
        .expect("a private key has a public one");
    Base64Url(
        public
            .as_ref()
            .try_into()
            .expect("X25519 keys have 32 bytes"),
    )
}
