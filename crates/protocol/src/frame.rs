//! The shape that control and file frames share: a CBOR array `[kind, id, …]`.
//!
//! Reads such an array item by item and says which one is wrong; it knows no kind.

use std::vec::IntoIter;

use crate::cbor::{self, CborError, Value};

/// Why bytes are no frame, or a frame cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not one deterministic CBOR item within the limits.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Not an array that begins with a known kind and has that kind's number of items.
    #[error("no frame has this kind and number of items")]
    Kind,
    /// An item of another type, or outside its limits.
    #[error("the frame's {field} is not {wanted}")]
    Field {
        /// Which item.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

impl FrameError {
    /// The code that the TypeScript SDK and the shared vectors use.
    pub fn code(&self) -> &'static str {
        match self {
            FrameError::Cbor(_) => "bad-cbor",
            FrameError::Kind | FrameError::Field { .. } => "bad-frame",
        }
    }
}

/// The items of a frame behind its kind, in order.
pub(crate) struct Fields(IntoIter<Value>);

impl Fields {
    /// Reads a frame's kind; `lengths` holds the number of items of each kind.
    pub(crate) fn read(bytes: &[u8], lengths: &[usize]) -> Result<(u64, Self), FrameError> {
        let Value::Array(items) = cbor::decode(bytes)? else {
            return Err(FrameError::Kind);
        };
        let length = items.len();
        let mut items = items.into_iter();
        let kind = items.next().and_then(|kind| kind.as_u64());
        let kind = kind.ok_or(FrameError::Kind)?;
        let wanted = usize::try_from(kind)
            .ok()
            .and_then(|kind| lengths.get(kind));
        if wanted != Some(&length) {
            return Err(FrameError::Kind);
        }
        Ok((kind, Self(items)))
    }

    /// The next item; [`Fields::read`] counted them.
    pub(crate) fn next(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }

    /// A number of 32 bits.
    pub(crate) fn id(&mut self) -> Result<u32, FrameError> {
        let id = self.next().as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or(wrong("id", "an unsigned number of 32 bits"))
    }

    /// A number below 2^53; larger ones are no CBOR here.
    pub(crate) fn number(&mut self, field: &'static str) -> Result<u64, FrameError> {
        let number = self.next().as_u64();
        number.ok_or(wrong(field, "an unsigned number"))
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, FrameError> {
        match self.next() {
            Value::Text(text) => Ok(text),
            _ => Err(wrong(field, "text")),
        }
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, FrameError> {
        match self.next() {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(wrong(field, "bytes")),
        }
    }

    /// So many bytes.
    pub(crate) fn array<const SIZE: usize>(
        &mut self,
        field: &'static str,
        wanted: &'static str,
    ) -> Result<[u8; SIZE], FrameError> {
        let bytes = self.bytes(field)?;
        bytes.try_into().map_err(|_| wrong(field, wanted))
    }
}

pub(crate) fn wrong(field: &'static str, wanted: &'static str) -> FrameError {
    FrameError::Field { field, wanted }
}
