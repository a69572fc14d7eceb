//! Device records and pair statements: their fields, their rules, and the bytes that are signed
//! (`docs/protocol.md`, Identity). The signatures themselves are checked by the identity crate.

use minicbor::Encoder;
use serde::{Deserialize, Serialize};

use crate::base64url::Base64Url;
use crate::id::{DeviceId, PairId};

/// The longest name or label, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 64;
/// The most features of a record.
pub const MAX_FEATURES: usize = 16;
/// The longest feature, in ASCII characters.
pub const MAX_FEATURE_CHARS: usize = 32;
/// The largest time, in milliseconds: what a JavaScript number holds exactly.
pub const MAX_TIME_MS: u64 = (1 << 53) - 1;

/// What kind of device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// A laptop.
    Laptop,
    /// A desktop computer.
    Desktop,
    /// A box without a screen, such as a camera.
    Box,
}

impl DeviceKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceKind::Phone => "phone",
            DeviceKind::Tablet => "tablet",
            DeviceKind::Laptop => "laptop",
            DeviceKind::Desktop => "desktop",
            DeviceKind::Box => "box",
        }
    }
}

/// What a device says about itself, signed by its Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceRecord {
    /// Thumbprint of `key`.
    pub device_id: DeviceId,
    /// Ed25519 public key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: Base64Url<32>,
    /// X25519 public key: the Noise static key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub x25519: Base64Url<32>,
    /// 1 to 64 Unicode scalar values, none a control character.
    pub name: String,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// At most 16 names of what it can do.
    pub features: Vec<String>,
    /// When the record was signed, in Unix milliseconds.
    pub created: u64,
    /// Ed25519 over [`DeviceRecord::signed_bytes`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sig: Base64Url<64>,
}

/// That two devices are a pair; signed by both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PairStatement {
    /// The pair.
    pub pair_id: PairId,
    /// The lower device id.
    pub a: DeviceId,
    /// The higher device id.
    pub b: DeviceId,
    /// When they paired, in Unix milliseconds.
    pub time: u64,
}

/// Which rule a record, a statement or a label breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A name or label is empty or too long.
    #[error("the name has {found} characters, not 1 to {MAX_NAME_CHARS}")]
    NameLength {
        /// How many it has.
        found: usize,
    },
    /// A name or label holds a control character.
    #[error("the name holds a control character")]
    NameControl,
    /// Too many features.
    #[error("{found} features, more than {MAX_FEATURES}")]
    TooManyFeatures {
        /// How many there are.
        found: usize,
    },
    /// A feature is empty, too long or not printable ASCII.
    #[error("a feature is not 1 to {MAX_FEATURE_CHARS} ascii characters")]
    Feature,
    /// A time beyond what every part can hold.
    #[error("the time {found} is above {MAX_TIME_MS} ms")]
    Time {
        /// The time.
        found: u64,
    },
    /// `a` is not the lower of two different device ids.
    #[error("a is not the lower of two device ids")]
    Order,
}

/// Checks a device's name or a label: 1 to 64 Unicode scalar values, none a control character.
///
/// # Errors
/// [`FieldError::NameLength`] and [`FieldError::NameControl`].
pub fn check_name(name: &str) -> Result<(), FieldError> {
    let found = name.chars().count();
    if found == 0 || found > MAX_NAME_CHARS {
        return Err(FieldError::NameLength { found });
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::NameControl);
    }
    Ok(())
}

fn check_time(time_ms: u64) -> Result<(), FieldError> {
    if time_ms > MAX_TIME_MS {
        return Err(FieldError::Time { found: time_ms });
    }
    Ok(())
}

fn is_feature(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    (1..=MAX_FEATURE_CHARS).contains(&text.len()) && is_printable
}

impl DeviceRecord {
    /// Checks every limit that the types do not hold.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_fields(&self) -> Result<(), FieldError> {
        check_name(&self.name)?;
        check_time(self.created)?;
        if self.features.len() > MAX_FEATURES {
            return Err(FieldError::TooManyFeatures {
                found: self.features.len(),
            });
        }
        if !self.features.iter().all(|feature| is_feature(feature)) {
            return Err(FieldError::Feature);
        }
        Ok(())
    }

    /// The CBOR array that `sig` covers:
    /// `["heliograph-device-v1", deviceId, key, x25519, name, kind, [features…], created]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor(|out| {
            out.array(8)?
                .str("heliograph-device-v1")?
                .str(self.device_id.as_str())?;
            out.bytes(&self.key.0)?.bytes(&self.x25519.0)?;
            out.str(&self.name)?.str(self.kind.as_str())?;
            out.array(self.features.len() as u64)?;
            for feature in &self.features {
                out.str(feature)?;
            }
            out.u64(self.created)?.ok()
        })
    }
}

impl PairStatement {
    /// Checks the order of the devices and the time.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_fields(&self) -> Result<(), FieldError> {
        if self.a >= self.b {
            return Err(FieldError::Order);
        }
        check_time(self.time)
    }

    /// The CBOR array that both signatures cover: `["heliograph-pair-v1", pairId, a, b, time]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor(|out| {
            out.array(5)?
                .str("heliograph-pair-v1")?
                .str(self.pair_id.as_str())?;
            out.str(self.a.as_str())?.str(self.b.as_str())?;
            out.u64(self.time)?.ok()
        })
    }
}

/// The deterministic encoding (RFC 8949 §4.2.1): minicbor writes shortest heads, and only
/// definite lengths are asked of it.
fn cbor(
    write: impl FnOnce(
        &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    write(&mut out).expect("a vector takes every byte");
    out.into_writer()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DeviceRecord {
        DeviceRecord {
            device_id: DeviceId::from_bytes(&[1; 32]),
            key: Base64Url([2; 32]),
            x25519: Base64Url([3; 32]),
            name: "Ada's phone".to_owned(),
            kind: DeviceKind::Phone,
            features: vec!["ctl-noise".to_owned()],
            created: 1_760_000_000_000,
            sig: Base64Url([4; 64]),
        }
    }

    fn statement() -> PairStatement {
        PairStatement {
            pair_id: PairId::from_bytes(&[9; 32]),
            a: DeviceId::from_bytes(&[1; 32]),
            b: DeviceId::from_bytes(&[2; 32]),
            time: 1_760_000_000_000,
        }
    }

    #[test]
    fn a_name_has_1_to_64_scalar_values_and_no_control_characters() {
        assert_eq!(check_name(&"é".repeat(64)), Ok(()));
        assert_eq!(
            check_name(&"é".repeat(65)),
            Err(FieldError::NameLength { found: 65 })
        );
        assert_eq!(check_name(""), Err(FieldError::NameLength { found: 0 }));
        for control in ["\n", "\0", "\u{7f}", "\u{85}"] {
            assert_eq!(check_name(control), Err(FieldError::NameControl));
        }
    }

    #[test]
    fn a_record_has_at_most_16_features_of_32_ascii_characters() {
        let with = |features: Vec<String>| {
            DeviceRecord {
                features,
                ..record()
            }
            .check_fields()
        };
        assert_eq!(with(vec!["f".repeat(32); 16]), Ok(()));
        let too_many = FieldError::TooManyFeatures { found: 17 };
        assert_eq!(with(vec!["f".to_owned(); 17]), Err(too_many));
        for feature in [
            "f".repeat(33),
            String::new(),
            "é".to_owned(),
            "\n".to_owned(),
        ] {
            assert_eq!(with(vec![feature]), Err(FieldError::Feature));
        }
    }

    #[test]
    fn a_time_is_one_that_javascript_can_hold() {
        let at = |created| {
            DeviceRecord {
                created,
                ..record()
            }
            .check_fields()
        };
        assert_eq!(at(MAX_TIME_MS), Ok(()));
        assert_eq!(
            at(MAX_TIME_MS + 1),
            Err(FieldError::Time {
                found: MAX_TIME_MS + 1
            })
        );
        let time = MAX_TIME_MS + 1;
        let late = PairStatement {
            time,
            ..statement()
        };
        assert_eq!(late.check_fields(), Err(FieldError::Time { found: time }));
    }

    #[test]
    fn a_statement_names_the_lower_device_first_and_two_devices() {
        let (a, b) = (statement().a, statement().b);
        assert_eq!(statement().check_fields(), Ok(()));
        let swapped = PairStatement {
            a: b,
            b: a.clone(),
            ..statement()
        };
        assert_eq!(swapped.check_fields(), Err(FieldError::Order));
        let alone = PairStatement {
            b: a,
            ..statement()
        };
        assert_eq!(alone.check_fields(), Err(FieldError::Order));
    }

    #[test]
    fn every_field_is_signed() {
        let base = record().signed_bytes();
        let changed = [
            DeviceRecord {
                device_id: DeviceId::from_bytes(&[8; 32]),
                ..record()
            },
            DeviceRecord {
                key: Base64Url([8; 32]),
                ..record()
            },
            DeviceRecord {
                x25519: Base64Url([8; 32]),
                ..record()
            },
            DeviceRecord {
                name: "Eve's phone".to_owned(),
                ..record()
            },
            DeviceRecord {
                kind: DeviceKind::Box,
                ..record()
            },
            DeviceRecord {
                features: vec![],
                ..record()
            },
            DeviceRecord {
                created: 1,
                ..record()
            },
        ];
        for record in changed {
            assert_ne!(record.signed_bytes(), base, "{record:?}");
        }
    }

    #[test]
    fn a_record_reads_back_and_unknown_members_are_ignored() {
        let mut json = serde_json::to_value(record()).unwrap();
        json["later"] = serde_json::json!({"any": 1});
        assert_eq!(
            serde_json::from_value::<DeviceRecord>(json).unwrap(),
            record()
        );
    }
}
