//! Whether a server keeps to WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): a checklist of rows,
//! each a question that only requests and packets of our own can answer.
//!
//! It knows nothing of the server but two URLs and the tokens for them, and uses no crate of ours:
//! what it finds holds for any server. [`examine`] asks row by row; each row opens sessions of its
//! own and leaves none behind.
//!
//! - `row.rs` what a row is, and how it may end;
//! - `rows/` the rows, by what they are about;
//! - `stand.rs` the server as the rows meet it: offers, sessions, fragments;
//! - `offer.rs` the client's offers; `media.rs` a client whose media flows;
//! - `http.rs` one request, one connection.

mod http;
mod media;
mod offer;
mod row;
mod rows;
mod stand;

pub use http::HttpError;
pub use row::{Finding, Verdict};
pub use rows::ROWS;
pub use stand::Target;
pub use url::Url;

use stand::Stand;

/// Asks every row in turn and tells each finding as it comes. The stream that is named is taken
/// over by publishers of ours: it must be nobody's meanwhile.
///
/// # Errors
/// The server does not answer at all or not any more, or the authorities given cannot be read.
pub async fn examine(
    target: Target,
    mut tell: impl FnMut(&Finding),
) -> Result<Vec<Finding>, HttpError> {
    let mut stand = Stand::new(target)?;
    stand.greet().await?;
    let mut findings = Vec::with_capacity(ROWS.len());
    for row in &ROWS {
        let verdict = Verdict::from((row.check)(&mut stand).await);
        stand.clear().await;
        let finding = Finding {
            row: row.id,
            says: row.says,
            verdict,
        };
        let has_failed = matches!(finding.verdict, Verdict::Failed(_));
        tell(&finding);
        findings.push(finding);
        // A row that a server dies of says nothing of those after it.
        if has_failed {
            let reached = stand.reach().await;
            reached.map_err(|why| HttpError::Gone { row: row.id, why })?;
        }
    }
    Ok(findings)
}
