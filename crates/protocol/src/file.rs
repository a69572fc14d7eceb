//! File frames: what the ordered, reliable channel `file` carries (`docs/protocol.md`, Files).
//!
//! Types, limits and bytes; who reads, writes and resumes is the peer's affair. The same vectors
//! check the TypeScript SDK (`testdata/file/frames.json`).

use crate::cbor::{self, Value};
use crate::frame::{Fields, FrameError, wrong};

/// The name in `features` of a device that speaks these frames.
pub const FEATURE: &str = "file";
/// The label of their data channel.
pub const LABEL: &str = "file";
/// The longest name of an offer, in bytes of UTF-8. The receiver makes it fit its disk.
pub const MAX_NAME_BYTES: usize = 1024;
/// The largest chunk, in bytes: a frame with it stays below the 16 KiB of every message here.
pub const MAX_CHUNK_BYTES: usize = 15 * 1024;
/// The longest code of a cancellation or refusal, in ASCII characters.
pub const MAX_CODE_CHARS: usize = 32;
/// How many offers of one sender may wait or run at a time.
pub const MAX_OPEN_OFFERS: usize = 64;
/// How far a sender may run ahead of the receiver's `progress`, in bytes.
pub const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// How many items each kind has, by its number.
const LENGTHS: [usize; 8] = [5, 4, 4, 3, 3, 2, 3, 3];

/// Bytes that stay the same for the same file, so that it can go on after a broken link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey(pub [u8; 16]);

impl std::fmt::Debug for FileKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// One message on `file`. `id` names a file among those of its sender; offsets and sizes are bytes
/// below 2^53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFrame {
    /// The sender has a file.
    Offer {
        /// The file.
        id: u32,
        /// Its name as the sender has it: not to be trusted as a path.
        name: String,
        /// Its size.
        size: u64,
        /// The same for the same file.
        key: FileKey,
    },
    /// The receiver wants it.
    Accept {
        /// The file.
        id: u32,
        /// How much of it the receiver has.
        offset: u64,
        /// The hash of what it has.
        hash: Hash,
    },
    /// A part: the first one is at the accepted offset, or at 0 where the hash differed; the next
    /// ones follow without a gap.
    Chunk {
        /// The file.
        id: u32,
        /// Where it belongs.
        offset: u64,
        /// 1 to [`MAX_CHUNK_BYTES`].
        bytes: Vec<u8>,
    },
    /// All of it was sent.
    Done {
        /// The file.
        id: u32,
        /// The hash of the whole.
        hash: Hash,
    },
    /// The receiver has stored so much.
    Progress {
        /// The file.
        id: u32,
        /// Up to here.
        offset: u64,
    },
    /// The receiver has stored it all and the hash is right.
    Received {
        /// The file.
        id: u32,
    },
    /// The sender gives up.
    Cancel {
        /// The file.
        id: u32,
        /// Why.
        code: String,
    },
    /// The receiver does not want it, or cannot go on.
    Refuse {
        /// The file.
        id: u32,
        /// Why.
        code: String,
    },
}

impl FileFrame {
    /// The bytes of the frame.
    ///
    /// # Errors
    /// [`FrameError::Field`] for a name, chunk or code outside its limits; [`FrameError::Cbor`] for
    /// a size or offset of 2^53.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let (kind, id, rest): (u32, u32, Vec<Value>) = match self {
            Self::Offer {
                id,
                name,
                size,
                key,
            } => {
                let key = Value::Bytes(key.0.to_vec());
                (0, *id, vec![checked_name(name)?, (*size).into(), key])
            }
            Self::Accept { id, offset, hash } => (1, *id, vec![(*offset).into(), bytes(hash)]),
            Self::Chunk {
                id,
                offset,
                bytes: chunk,
            } => {
                check_chunk(chunk)?;
                (2, *id, vec![(*offset).into(), bytes(chunk)])
            }
            Self::Done { id, hash } => (3, *id, vec![bytes(hash)]),
            Self::Progress { id, offset } => (4, *id, vec![(*offset).into()]),
            Self::Received { id } => (5, *id, vec![]),
            Self::Cancel { id, code } => (6, *id, vec![checked_code(code)?]),
            Self::Refuse { id, code } => (7, *id, vec![checked_code(code)?]),
        };
        let mut items = vec![kind.into(), id.into()];
        items.extend(rest);
        Ok(cbor::encode(&Value::Array(items))?)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`] says what is wrong with it.
    pub fn decode(input: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut fields) = Fields::read(input, &LENGTHS)?;
        let id = fields.id()?;
        Ok(match kind {
            0 => {
                let name = fields.text("name")?;
                checked_name(&name)?;
                Self::Offer {
                    id,
                    name,
                    size: fields.number("size")?,
                    key: FileKey(fields.array("key", "16 bytes")?),
                }
            }
            1 => Self::Accept {
                id,
                offset: fields.number("offset")?,
                hash: hash(&mut fields)?,
            },
            2 => {
                let offset = fields.number("offset")?;
                let bytes = fields.bytes("chunk")?;
                check_chunk(&bytes)?;
                Self::Chunk { id, offset, bytes }
            }
            3 => Self::Done {
                id,
                hash: hash(&mut fields)?,
            },
            4 => Self::Progress {
                id,
                offset: fields.number("offset")?,
            },
            5 => Self::Received { id },
            6 => Self::Cancel {
                id,
                code: code(&mut fields)?,
            },
            _ => Self::Refuse {
                id,
                code: code(&mut fields)?,
            },
        })
    }
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

fn checked_name(name: &str) -> Result<Value, FrameError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(wrong("name", "text of 1 to 1024 bytes"));
    }
    Ok(name.into())
}

fn check_chunk(chunk: &[u8]) -> Result<(), FrameError> {
    if chunk.is_empty() || chunk.len() > MAX_CHUNK_BYTES {
        return Err(wrong("chunk", "1 to 15360 bytes"));
    }
    Ok(())
}

fn checked_code(code: &str) -> Result<Value, FrameError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_CODE_CHARS).contains(&code.len()) || !code.bytes().all(is_plain) {
        return Err(wrong("code", "1 to 32 of a-z, 0-9 and -"));
    }
    Ok(code.into())
}

fn code(fields: &mut Fields) -> Result<String, FrameError> {
    let code = fields.text("code")?;
    checked_code(&code)?;
    Ok(code)
}

fn hash(fields: &mut Fields) -> Result<Hash, FrameError> {
    fields.array("hash", "32 bytes")
}
