//! JSON text at the door: how large, how deep, and which member names its kind.
//!
//! Shared by every WebSocket dialect. Not a parser: `serde_json` is; this checks what it does
//! not limit, and sets a member of an object that is relayed without touching the others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// How deep arrays and objects may nest in a message.
pub const MAX_DEPTH: usize = 16;

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A part is larger than its limit.
    #[error("{part} of {size} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        part: &'static str,
        /// Its size in bytes.
        size: usize,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// Arrays and objects nest too deeply.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The text is not JSON.
    #[error("not json: {0}")]
    BadJson(String),
    /// The text is JSON, but a member is missing, doubled or of the wrong type.
    #[error("not a message: {0}")]
    BadMessage(String),
    /// No message has this type.
    #[error("no message has the type {0:?}")]
    UnknownType(String),
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => DecodeError::BadMessage(error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => {
                DecodeError::BadJson(error.to_string())
            }
        }
    }
}

/// What holds for every message: its size, its depth, and that it is an object, since a list
/// would fill a struct by position.
///
/// # Errors
/// One [`DecodeError`] per cause.
pub fn check_message(text: &str, limit: usize) -> Result<(), DecodeError> {
    check_size("message", text.len(), limit)?;
    check_depth(text)?;
    if !text.trim_start().starts_with('{') {
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        return Err(DecodeError::BadMessage("it is not an object".into()));
    }
    // Members that nobody reads are skipped without a look at their escapes; a lone surrogate
    // there would be relayed to a peer that cannot read it.
    if text.contains("\\u") {
        serde_json::from_str::<serde_json::Value>(text)?;
    }
    Ok(())
}

/// Checks the size of one part of a message.
///
/// # Errors
/// [`DecodeError::TooLarge`] above `limit` bytes.
pub(crate) fn check_size(part: &'static str, size: usize, limit: usize) -> Result<(), DecodeError> {
    if size > limit {
        return Err(DecodeError::TooLarge { part, size, limit });
    }
    Ok(())
}

/// Checks that arrays and objects nest at most [`MAX_DEPTH`] deep.
///
/// # Errors
/// [`DecodeError::TooDeep`].
fn check_depth(text: &str) -> Result<(), DecodeError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
    }
    Ok(())
}

/// Reads the body of a message whose kind is known. Unknown members are ignored.
pub(crate) fn body<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(DecodeError::from)
}

/// The same object with the string `value` at `key`, in place of whatever stood there; all other
/// members stay byte for byte. `text` must be a non-empty JSON object.
pub fn with_member(text: &str, key: &str, value: &str) -> String {
    let member = member(key, value);
    let members = match text.trim_start().strip_prefix('{') {
        Some(members) if !may_hold(text, key) => Cow::Borrowed(members),
        _ => Cow::Owned(members_without(text, key)),
    };
    format!("{{{member},{members}")
}

/// `"key":"value"`, escaped.
fn member(key: &str, value: &str) -> String {
    let quoted = |text| serde_json::to_string(text).expect("a string is always JSON");
    format!("{}:{}", quoted(key), quoted(value))
}

/// A key can only be there literally, or with an escape in it.
fn may_hold(text: &str, key: &str) -> bool {
    text.contains("\\u") || text.contains(&format!("\"{key}\""))
}

/// The object without its opening brace and without `key`.
fn members_without(text: &str, key: &str) -> String {
    let mut members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).unwrap_or_default();
    members.remove(key);
    let text = serde_json::to_string(&members).expect("raw values are JSON already");
    text[1..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        assert_eq!(check_depth(&"[".repeat(MAX_DEPTH)), Ok(()));
        assert_eq!(
            check_depth(&"[".repeat(MAX_DEPTH + 1)),
            Err(DecodeError::TooDeep)
        );
        assert_eq!(check_depth(&format!("\"{}\"", "[".repeat(99))), Ok(()));
        assert_eq!(check_depth(&format!(r#""\"{}""#, "[".repeat(99))), Ok(()));
        assert_eq!(check_depth(&"[]".repeat(99)), Ok(()));
    }

    #[test]
    fn a_lone_surrogate_is_refused_wherever_it_stands() {
        for text in [r#"{"t":"bye","x":"\ud809"}"#, r#"{"t":"bye","\ud809":1}"#] {
            assert!(
                matches!(check_message(text, 99), Err(DecodeError::BadJson(_))),
                "{text}"
            );
        }
        assert_eq!(check_message(r#"{"x":"\ud83d\ude00"}"#, 99), Ok(()));
    }

    #[test]
    fn a_member_is_set_and_the_rest_is_untouched() {
        assert_eq!(
            with_member(r#" {"t":"bye",  "x":[1, 2]}"#, "from", "A"),
            r#"{"from":"A","t":"bye",  "x":[1, 2]}"#
        );
    }

    #[test]
    fn a_member_that_was_there_is_overwritten_however_it_was_spelled() {
        for theirs in [
            r#"{"t":"bye","from":"B"}"#,
            r#"{"from":"B","t":"bye"}"#,
            r#"{"t":"bye","from":"B","from":"C"}"#,
            r#"{"t":"bye","fr\u006fm":"B"}"#,
        ] {
            assert_eq!(
                with_member(theirs, "from", "A"),
                r#"{"from":"A","t":"bye"}"#
            );
        }
    }
}
