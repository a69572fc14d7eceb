//! Finds out what became of pairs whose last message was lost, here or at the server.

use protocol::id::PairId;

use super::Outcome;
use super::session::outcome_of;
use crate::device::Device;
use crate::server_api::ServerApi;
use crate::store::{PairState, StoreError};

/// For so long the other side may still be about to have the server store a pair, in
/// milliseconds: a server that does not hold it yet says nothing.
const UNDER_WAY_MS: u64 = 30_000;

/// Asks the server about every pending pair of its own: one that it holds is confirmed, one that
/// it does not is forgotten, unless it may still be on its way there. Returns those that stay
/// pending.
///
/// # Errors
/// The device's memory cannot be used.
pub async fn settle(
    device: &Device,
    api: &ServerApi,
    now_ms: u64,
) -> Result<Vec<PairId>, StoreError> {
    let store = device.store();
    let mut open = Vec::new();
    for pair in store.pairs()? {
        if pair.state != PairState::Pending || pair.server != api.origin() {
            continue;
        }
        let answer = api.fresh_link_token(&pair.pair_id).await;
        match outcome_of(answer.map(|_| ())) {
            Outcome::Holds => store.confirm_pair(&pair.pair_id)?,
            Outcome::Refused(_) if now_ms < pair.kept.saturating_add(UNDER_WAY_MS) => {
                open.push(pair.pair_id);
            }
            Outcome::Refused(_) => store.delete_pair(&pair.pair_id)?,
            Outcome::Unknown(_) => open.push(pair.pair_id),
        }
    }
    Ok(open)
}
