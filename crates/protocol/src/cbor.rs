//! Deterministic CBOR (RFC 8949 §4.2.1) as the data channels carry it, and its limits.
//!
//! There is one encoding of a value, and only that one is read: longer integers than needed,
//! unsorted or doubled keys, indefinite lengths, wider floats than needed, NaN, tags and simple
//! values are refused, so that no two readers understand one message differently. The same bytes
//! are read and refused by the TypeScript SDK (`testdata/control`).

use std::collections::BTreeMap;
use std::convert::Infallible;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// The largest message, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;
/// How deep arrays and maps may nest.
pub const MAX_DEPTH: usize = 4;
/// The largest integer, 2^53 - 1: the last that a JavaScript number holds exactly. Whole floats up
/// to it are written as integers, since JavaScript cannot tell the two apart.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What a message may carry.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number of at most [`MAX_SAFE_INTEGER`] either way.
    Integer(i64),
    /// Another number; NaN cannot be encoded.
    Float(f64),
    /// UTF-8.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<String, Value>),
}

/// Why bytes are no message, or a value cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Larger than [`MAX_BYTES`].
    #[error("cbor of {found} bytes, the limit is {MAX_BYTES}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("cbor nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Cut short, or not CBOR.
    #[error("not cbor: {0}")]
    Malformed(String),
    /// CBOR that the wire does not carry: tags, undefined, indefinite lengths, other simple values.
    #[error("cbor of the kind {0} is not carried")]
    Kind(String),
    /// A map key that stands twice.
    #[error("a cbor map holds the key {0:?} twice")]
    DuplicateKey(String),
    /// An integer beyond [`MAX_SAFE_INTEGER`].
    #[error("a cbor integer beyond {MAX_SAFE_INTEGER}")]
    UnsafeInteger,
    /// Not a number.
    #[error("cbor holds a NaN")]
    NotANumber,
    /// A second item, or the same value spelled in another way.
    #[error("the cbor is not the deterministic encoding of one value")]
    NotDeterministic,
}

impl Value {
    /// The number, whether it was written whole or not.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a figure, not an id")]
            Value::Integer(integer) => Some(*integer as f64),
            Value::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// The unsigned number.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Integer(integer) => u64::try_from(*integer).ok(),
            _ => None,
        }
    }

    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<u64> for Value {
    /// What does not fit is refused by [`encode`], as all beyond [`MAX_SAFE_INTEGER`] is.
    fn from(number: u64) -> Self {
        Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Integer(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        whole(number).map_or(Value::Float(number), Value::Integer)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// The one encoding of a value.
///
/// # Errors
/// [`CborError::NotANumber`], [`CborError::UnsafeInteger`], [`CborError::TooDeep`] and
/// [`CborError::TooLarge`].
pub fn encode(value: &Value) -> Result<Vec<u8>, CborError> {
    let mut out = Encoder::new(Vec::new());
    write(&mut out, value, 0)?;
    let bytes = out.into_writer();
    check_size(&bytes)?;
    Ok(bytes)
}

/// The value of exactly one item, written as [`encode`] writes it.
///
/// # Errors
/// One [`CborError`] per cause.
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    check_size(bytes)?;
    let value = read(&mut Decoder::new(bytes), 0)?;
    // Catches every other spelling at once, and bytes behind the item.
    if encode(&value)? != bytes {
        return Err(CborError::NotDeterministic);
    }
    Ok(value)
}

fn check_size(bytes: &[u8]) -> Result<(), CborError> {
    if bytes.len() > MAX_BYTES {
        return Err(CborError::TooLarge { found: bytes.len() });
    }
    Ok(())
}

fn check_depth(depth: usize) -> Result<(), CborError> {
    if depth > MAX_DEPTH {
        return Err(CborError::TooDeep);
    }
    Ok(())
}

fn check_safe(integer: i64) -> Result<i64, CborError> {
    if integer.unsigned_abs() > MAX_SAFE_INTEGER {
        return Err(CborError::UnsafeInteger);
    }
    Ok(integer)
}

fn write(out: &mut Encoder<Vec<u8>>, value: &Value, depth: usize) -> Result<(), CborError> {
    let written = match value {
        Value::Null => out.null().map(drop),
        Value::Bool(bool) => out.bool(*bool).map(drop),
        Value::Integer(integer) => out.i64(check_safe(*integer)?).map(drop),
        Value::Float(float) if float.is_nan() => return Err(CborError::NotANumber),
        Value::Float(float) => write_float(out, *float),
        Value::Text(text) => out.str(text).map(drop),
        Value::Bytes(bytes) => out.bytes(bytes).map(drop),
        Value::Array(items) => {
            check_depth(depth + 1)?;
            let written = out.array(items.len() as u64).map(drop);
            for item in items {
                write(out, item, depth + 1)?;
            }
            written
        }
        Value::Map(entries) => {
            check_depth(depth + 1)?;
            let written = out.map(entries.len() as u64).map(drop);
            for (key, value) in in_wire_order(entries) {
                out.str(key).expect(TAKES_EVERY_BYTE);
                write(out, value, depth + 1)?;
            }
            written
        }
    };
    written.expect(TAKES_EVERY_BYTE);
    Ok(())
}

const TAKES_EVERY_BYTE: &str = "a vector takes every byte";

/// Keys are ordered by their encoded bytes (RFC 8949 §4.2.1): a shorter text has a lower head.
fn in_wire_order(entries: &BTreeMap<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
    sorted
}

/// The number as an integer, if it is a whole one that JavaScript would write so.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53 - 1 is the last that fits a f64 exactly"
    )]
    let is_whole = number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER as f64;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    is_whole.then_some(number as i64)
}

/// The narrowest float that holds the number exactly.
fn write_float(
    out: &mut Encoder<Vec<u8>>,
    number: f64,
) -> Result<(), minicbor::encode::Error<Infallible>> {
    if let Some(whole) = whole(number) {
        return out.i64(whole)?.ok();
    }
    #[expect(clippy::cast_possible_truncation, reason = "compared with the whole")]
    let single = number as f32;
    if f64::from(single) != number {
        out.f64(number)?.ok()
    } else if half::f16::from_f32(single).to_f32() == single {
        out.f16(single)?.ok()
    } else {
        out.f32(single)?.ok()
    }
}

fn malformed(error: minicbor::decode::Error) -> CborError {
    CborError::Malformed(error.to_string())
}

fn read(input: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    match input.datatype().map_err(malformed)? {
        Type::Null => input.null().map(|()| Value::Null),
        Type::Bool => input.bool().map(Value::Bool),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => return read_integer(input),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => return read_integer(input),
        Type::F16 => return number(input.f16().map(f64::from)),
        Type::F32 => return number(input.f32().map(f64::from)),
        Type::F64 => return number(input.f64()),
        Type::String => input.str().map(|text| Value::Text(text.to_owned())),
        Type::Bytes => input.bytes().map(|bytes| Value::Bytes(bytes.to_vec())),
        Type::Array => return read_array(input, depth + 1),
        Type::Map => return read_map(input, depth + 1),
        other => return Err(CborError::Kind(other.to_string())),
    }
    .map_err(malformed)
}

fn read_integer(input: &mut Decoder<'_>) -> Result<Value, CborError> {
    let integer = i64::try_from(input.int().map_err(malformed)?);
    let integer = integer.map_err(|_| CborError::UnsafeInteger)?;
    check_safe(integer).map(Value::Integer)
}

fn number(read: Result<f64, minicbor::decode::Error>) -> Result<Value, CborError> {
    let number = read.map_err(malformed)?;
    if number.is_nan() {
        return Err(CborError::NotANumber);
    }
    Ok(Value::Float(number))
}

fn read_array(input: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    check_depth(depth)?;
    let length = input.array().map_err(malformed)?.unwrap_or(0);
    // Grown as items come: the announced length may be a lie.
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(read(input, depth)?);
    }
    Ok(Value::Array(items))
}

fn read_map(input: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    check_depth(depth)?;
    let length = input.map().map_err(malformed)?.unwrap_or(0);
    let mut entries = BTreeMap::new();
    for _ in 0..length {
        let key = input.str().map_err(malformed)?.to_owned();
        let value = read(input, depth)?;
        if entries.insert(key.clone(), value).is_some() {
            return Err(CborError::DuplicateKey(key));
        }
    }
    Ok(Value::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Value {
        (1..levels).fold(Value::Array(vec![]), |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn four_levels_are_written_and_read_and_five_are_not() {
        let deepest = nested(MAX_DEPTH);
        assert_eq!(decode(&encode(&deepest).unwrap()), Ok(deepest));
        assert_eq!(encode(&nested(MAX_DEPTH + 1)), Err(CborError::TooDeep));
        assert_eq!(
            decode(&[0x81, 0x81, 0x81, 0x81, 0x80]),
            Err(CborError::TooDeep)
        );
    }

    #[test]
    fn one_byte_above_the_limit_is_neither_written_nor_read() {
        let text = |length| Value::Text("a".repeat(length));
        let fits = encode(&text(MAX_BYTES - 3)).unwrap();
        assert_eq!(fits.len(), MAX_BYTES);
        assert!(decode(&fits).is_ok());
        let found = MAX_BYTES + 1;
        assert_eq!(
            encode(&text(MAX_BYTES - 2)),
            Err(CborError::TooLarge { found })
        );
        let mut bytes = vec![0x79, 0x3f, 0xfe];
        bytes.resize(found, b'a');
        assert_eq!(decode(&bytes), Err(CborError::TooLarge { found }));
    }

    #[test]
    fn an_array_that_announces_more_than_it_has_is_refused() {
        let error = decode(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert!(matches!(error, Err(CborError::Malformed(_))), "{error:?}");
    }

    #[test]
    fn an_integer_of_2_to_the_53_is_neither_written_nor_read() {
        let largest = i64::try_from(MAX_SAFE_INTEGER).unwrap();
        for integer in [largest, -largest] {
            let bytes = encode(&Value::Integer(integer)).unwrap();
            assert_eq!(decode(&bytes), Ok(Value::Integer(integer)));
        }
        for integer in [largest + 1, -largest - 1, i64::MAX, i64::MIN] {
            let refused = Err(CborError::UnsafeInteger);
            assert_eq!(encode(&Value::Integer(integer)), refused);
        }
        for head in [0x1b, 0x3b] {
            let mut bytes = vec![head];
            bytes.extend(
                if head == 0x1b {
                    1_u64 << 53
                } else {
                    (1 << 53) - 1
                }
                .to_be_bytes(),
            );
            assert_eq!(decode(&bytes), Err(CborError::UnsafeInteger));
            bytes[1..].fill(0xff);
            assert_eq!(decode(&bytes), Err(CborError::UnsafeInteger));
        }
        assert_eq!(encode(&u64::MAX.into()), Err(CborError::UnsafeInteger));
    }

    #[test]
    fn keys_are_ordered_by_length_and_then_by_bytes() {
        let map = ["b", "aa", "a"].map(|key| (key.to_owned(), Value::Null));
        let bytes = encode(&Value::Map(map.into())).unwrap();
        assert_eq!(bytes, b"\xa3\x61a\xf6\x61b\xf6\x62aa\xf6");
        assert_eq!(
            decode(b"\xa2\x61b\xf6\x61a\xf6"),
            Err(CborError::NotDeterministic)
        );
    }

    #[test]
    fn a_number_takes_its_narrowest_form() {
        for (number, bytes) in [
            (1.0, vec![0x01]),
            (-0.0, vec![0x00]),
            (1.5, vec![0xf9, 0x3e, 0x00]),
            (f64::from(0.1_f32), vec![0xfa, 0x3d, 0xcc, 0xcc, 0xcd]),
            (
                0.1,
                vec![0xfb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
            ),
            (f64::INFINITY, vec![0xf9, 0x7c, 0x00]),
        ] {
            assert_eq!(encode(&Value::Float(number)), Ok(bytes), "{number}");
        }
        assert_eq!(encode(&Value::Float(f64::NAN)), Err(CborError::NotANumber));
    }
}
