//! The TURN secret that is made at the first start and kept.

use std::io;
use std::path::Path;

use crate::files::{read_optional, write_private};

/// The configured secrets, or the kept one.
///
/// # Errors
/// A data directory that cannot be read or written.
pub(crate) fn turn_secrets(configured: &[String], data_dir: &Path) -> io::Result<Vec<String>> {
    if !configured.is_empty() {
        return Ok(configured.to_vec());
    }
    let path = data_dir.join("turn.secret");
    let kept = read_optional(&path)?.map(|text| text.trim().to_owned());
    if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
        return Ok(vec![kept]);
    }
    let made = protocol::base64url::encode(&crate::random::bytes::<32>());
    write_private(&path, made.as_bytes())?;
    Ok(vec![made])
}
