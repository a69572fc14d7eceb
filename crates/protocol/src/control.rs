//! Control frames: what `ctl` and `telemetry` carry (`docs/protocol.md`, Control frames).
//!
//! Types and their bytes; what is acknowledged and resent is the peer's affair. The same vectors
//! check the TypeScript SDK (`testdata/control/frames.json`).

use std::collections::BTreeMap;

use crate::cbor::{self, Value};
use crate::frame::{Fields, FrameError, wrong};

/// The longest text, in Unicode scalar values.
pub const MAX_TEXT_CHARS: usize = 2000;

/// How many items each kind has, by its number.
const LENGTHS: [usize; 6] = [4, 2, 3, 3, 4, 3];
const TEXT_LIMIT: &str = "at most 2000 characters";

/// One message on `ctl` or `telemetry`. `id` grows per sender.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlFrame {
    /// Words for a person.
    Text {
        /// The frame.
        id: u32,
        /// At most [`MAX_TEXT_CHARS`].
        text: String,
        /// Whether the sender resends it until it is acknowledged.
        wants_ack: bool,
    },
    /// The text of this id arrived.
    Ack {
        /// The id of the text.
        id: u32,
    },
    /// Asks for a pong.
    Ping {
        /// The frame.
        id: u32,
        /// The sender's clock in microseconds, below 2^53.
        sent_micros: u64,
    },
    /// Answers a ping with what it held.
    Pong {
        /// The id of the ping.
        id: u32,
        /// The ping's time.
        sent_micros: u64,
    },
    /// Asks the peer to do something.
    Command {
        /// The frame.
        id: u32,
        /// What to do.
        name: String,
        /// What it needs to know.
        args: BTreeMap<String, Value>,
    },
    /// The sender's figures.
    Stats {
        /// The frame.
        id: u32,
        /// By name.
        stats: BTreeMap<String, Value>,
    },
}

impl ControlFrame {
    /// The bytes of the frame.
    ///
    /// # Errors
    /// [`FrameError::Field`] for a text of 2001 characters; [`FrameError::Cbor`] when the whole is
    /// too large, too deep, or holds a NaN or a number of 2^53.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let items = match self {
            Self::Text {
                id,
                text,
                wants_ack,
            } => {
                check_text(text)?;
                let wants_ack = Value::Bool(*wants_ack);
                vec![0_u32.into(), (*id).into(), text.as_str().into(), wants_ack]
            }
            Self::Ack { id } => vec![1_u32.into(), (*id).into()],
            Self::Ping { id, sent_micros } => {
                vec![2_u32.into(), (*id).into(), (*sent_micros).into()]
            }
            Self::Pong { id, sent_micros } => {
                vec![3_u32.into(), (*id).into(), (*sent_micros).into()]
            }
            Self::Command { id, name, args } => {
                let args = Value::Map(args.clone());
                vec![4_u32.into(), (*id).into(), name.as_str().into(), args]
            }
            Self::Stats { id, stats } => {
                vec![5_u32.into(), (*id).into(), Value::Map(stats.clone())]
            }
        };
        Ok(cbor::encode(&Value::Array(items))?)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`] says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut fields) = Fields::read(bytes, &LENGTHS)?;
        let id = fields.id()?;
        Ok(match kind {
            0 => {
                let text = fields.text("text")?;
                check_text(&text)?;
                let wants_ack = match fields.next() {
                    Value::Bool(wants_ack) => wants_ack,
                    _ => return Err(wrong("wish for an ack", "true or false")),
                };
                Self::Text {
                    id,
                    text,
                    wants_ack,
                }
            }
            1 => Self::Ack { id },
            2 => Self::Ping {
                id,
                sent_micros: fields.number("time")?,
            },
            3 => Self::Pong {
                id,
                sent_micros: fields.number("time")?,
            },
            4 => Self::Command {
                id,
                name: fields.text("name")?,
                args: map(&mut fields, "args")?,
            },
            _ => Self::Stats {
                id,
                stats: map(&mut fields, "stats")?,
            },
        })
    }
}

/// Checks a text's length before anything else is done with it.
///
/// # Errors
/// [`FrameError::Field`] above [`MAX_TEXT_CHARS`].
pub fn check_text(text: &str) -> Result<(), FrameError> {
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(wrong("text", TEXT_LIMIT));
    }
    Ok(())
}

fn map(fields: &mut Fields, field: &'static str) -> Result<BTreeMap<String, Value>, FrameError> {
    match fields.next() {
        Value::Map(entries) => Ok(entries),
        _ => Err(wrong(field, "a map")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_2001_characters_is_neither_sent_nor_taken() {
        let text = |count| ControlFrame::Text {
            id: 1,
            text: "😀".repeat(count),
            wants_ack: true,
        };
        assert!(text(MAX_TEXT_CHARS).encode().is_ok());
        let refused = wrong("text", TEXT_LIMIT);
        assert_eq!(text(MAX_TEXT_CHARS + 1).encode(), Err(refused));
    }

    #[test]
    fn a_time_beyond_what_javascript_holds_is_not_sent() {
        let ping = |sent_micros| ControlFrame::Ping { id: 1, sent_micros };
        assert!(ping(cbor::MAX_SAFE_INTEGER).encode().is_ok());
        assert!(ping(cbor::MAX_SAFE_INTEGER + 1).encode().is_err());
    }

    #[test]
    fn a_command_that_is_too_large_or_holds_a_nan_is_not_sent() {
        let with = |value| ControlFrame::Command {
            id: 1,
            name: "x".to_owned(),
            args: [("y".to_owned(), value)].into(),
        };
        let large = Value::Bytes(vec![0; cbor::MAX_BYTES]);
        assert_eq!(with(large).encode().unwrap_err().code(), "bad-cbor");
        let nan = with(Value::Float(f64::NAN)).encode();
        assert_eq!(nan, Err(FrameError::Cbor(cbor::CborError::NotANumber)));
    }
}
