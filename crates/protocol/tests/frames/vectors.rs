//! Reads `testdata/*/frames.json`: hex with spaces, where `61*2001` repeats, and the frame that it
//! is, or the code by which it is refused.

use serde::Deserialize;
use serde_json::Value as Json;

/// One row.
#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    hex: String,
    pub(crate) frame: Option<Json>,
    pub(crate) refused: Option<String>,
}

impl Vector {
    /// The bytes on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.hex.split_whitespace().flat_map(repeated).collect()
    }
}

fn repeated(part: &str) -> Vec<u8> {
    let (digits, times) = part.split_once('*').unwrap_or((part, "1"));
    hex(digits).repeat(times.parse().unwrap())
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// All rows of `testdata/<of>/frames.json`.
pub(crate) fn vectors(of: &str) -> Vec<Vector> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/../../testdata/{of}/frames.json");
    let rows: Vec<Vector> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(rows.len() > 10);
    rows
}

pub(crate) fn text(frame: &Json, member: &str) -> String {
    let times = frame["repeat"].as_u64().unwrap_or(1);
    let times = usize::try_from(times).unwrap();
    frame[member].as_str().unwrap().repeat(times)
}

pub(crate) fn id(frame: &Json) -> u32 {
    frame["id"].as_u64().unwrap().try_into().unwrap()
}
