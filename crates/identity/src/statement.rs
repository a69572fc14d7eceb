//! Pairs that both devices signed (`docs/protocol.md`, Pair statement).
//!
//! Whether `pairId` is the hash of both contributions only the two devices can tell: the server
//! never sees the contributions.

use protocol::base64url::Base64Url;
use protocol::http::NewPair;
use protocol::problem::ProblemCode;
use protocol::record::{FieldError, PairStatement};

use crate::ed25519::verify_signature;
use crate::record::{RecordError, VerifiedRecord};

/// A pair whose records and signatures were verified; there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPair {
    statement: PairStatement,
    signatures: [Base64Url<64>; 2],
    records: [VerifiedRecord; 2],
}

/// Why a pair is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// One of the records is not valid.
    #[error("record {which}: {error}")]
    Record {
        /// `A` or `B`.
        which: char,
        /// Why.
        error: RecordError,
    },
    /// A field breaks a rule.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A record is of another device than the statement's.
    #[error("record {which} is of another device than the statement's")]
    OtherDevice {
        /// `A` or `B`.
        which: char,
    },
    /// A signature does not verify.
    #[error("sig{which} does not verify")]
    Signature {
        /// `A` or `B`.
        which: char,
    },
}

impl StatementError {
    /// What the API answers.
    pub fn problem(&self) -> ProblemCode {
        match self {
            StatementError::Record { .. } => ProblemCode::RecordInvalid,
            StatementError::Field(_)
            | StatementError::OtherDevice { .. }
            | StatementError::Signature { .. } => ProblemCode::StatementInvalid,
        }
    }
}

impl VerifiedPair {
    /// Checks both records, the statement and both signatures.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn new(pair: NewPair) -> Result<Self, StatementError> {
        let NewPair {
            statement,
            sig_a,
            sig_b,
            record_a,
            record_b,
        } = pair;
        statement.check_fields()?;
        let message = statement.signed_bytes();
        let sides = [
            ('A', record_a, sig_a, &statement.a),
            ('B', record_b, sig_b, &statement.b),
        ];
        let verified = sides.map(|(which, record, signature, device)| {
            let record = VerifiedRecord::new(record)
                .map_err(|error| StatementError::Record { which, error })?;
            if record.device_id() != device {
                return Err(StatementError::OtherDevice { which });
            }
            if !verify_signature(&record.as_record().key, &message, &signature) {
                return Err(StatementError::Signature { which });
            }
            Ok(record)
        });
        let [a, b] = verified;
        Ok(Self {
            records: [a?, b?],
            signatures: [sig_a, sig_b],
            statement,
        })
    }

    /// What both signed.
    pub fn statement(&self) -> &PairStatement {
        &self.statement
    }

    /// The signatures, the lower device's first.
    pub fn signatures(&self) -> &[Base64Url<64>; 2] {
        &self.signatures
    }

    /// The records, the lower device's first.
    pub fn records(&self) -> &[VerifiedRecord; 2] {
        &self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDevice, sign_pair};

    fn new_pair() -> NewPair {
        sign_pair(
            &TestDevice::new(1, "Ada"),
            &TestDevice::new(2, "Bob"),
            1_760_000_000_000,
        )
    }

    #[test]
    fn a_pair_that_both_signed_is_valid() {
        let pair = VerifiedPair::new(new_pair()).unwrap();
        assert_eq!(pair.statement(), &new_pair().statement);
        assert_eq!(pair.records()[0].device_id(), &new_pair().statement.a);
    }

    #[test]
    fn a_pair_that_one_side_did_not_sign_is_refused() {
        let pair = NewPair {
            sig_b: new_pair().sig_a,
            ..new_pair()
        };
        assert_eq!(
            VerifiedPair::new(pair),
            Err(StatementError::Signature { which: 'B' })
        );
        let pair = NewPair {
            sig_a: new_pair().sig_b,
            ..new_pair()
        };
        assert_eq!(
            VerifiedPair::new(pair),
            Err(StatementError::Signature { which: 'A' })
        );
        let mut pair = new_pair();
        pair.statement.time += 1;
        assert_eq!(
            VerifiedPair::new(pair),
            Err(StatementError::Signature { which: 'A' })
        );
    }

    #[test]
    fn a_pair_with_a_strangers_record_is_refused() {
        let pair = NewPair {
            record_b: TestDevice::new(3, "Eve").record(),
            ..new_pair()
        };
        assert_eq!(
            VerifiedPair::new(pair),
            Err(StatementError::OtherDevice { which: 'B' })
        );
        let mut pair = new_pair();
        pair.record_a.name = "Eve".to_owned();
        let error = StatementError::Record {
            which: 'A',
            error: RecordError::Signature,
        };
        assert_eq!(VerifiedPair::new(pair), Err(error));
    }

    #[test]
    fn a_device_cannot_pair_with_itself() {
        let ada = TestDevice::new(1, "Ada");
        let pair = sign_pair(&ada, &ada, 1);
        assert_eq!(
            VerifiedPair::new(pair),
            Err(StatementError::Field(FieldError::Order))
        );
    }
}
