//! Media, and how sessions end without a word.

use std::time::{Duration, Instant};

use hyper::Method;
use tokio::time::sleep;

use crate::media::Client;
use crate::offer::Role;
use crate::row::{Miss, Outcome, expect};
use crate::stand::Stand;

/// Consent runs out after 30 s (RFC 7675 §5.1); what notices it may look now and then.
const GONE_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) async fn flows_from_nothing(stand: &mut Stand) -> Outcome {
    stand.publish().await?;
    let (mut viewer, _) = Client::open(stand, Role::Watch).await?;
    viewer.connect().await?;
    viewer.hear().await
}

pub(super) async fn ends_when_nobody_consents(stand: &mut Stand) -> Outcome {
    if !stand.target.is_patient {
        return Err(Miss::untold("it takes a minute, and was not asked for"));
    }
    let (mut client, opened) = Client::open(stand, Role::Publish).await?;
    client.connect().await?;
    drop(client);
    let begun = Instant::now();
    while begun.elapsed() < GONE_WITHIN {
        if stand.ask_session(&opened, Method::GET).await?.status == 404 {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    Err(Miss::Fault(format!(
        "it is still there after {GONE_WITHIN:?}"
    )))
}

pub(super) async fn turns_away_properly(stand: &mut Stand) -> Outcome {
    if stand.turned_away.is_empty() {
        return Err(Miss::untold(
            "nobody was turned away while these rows were asked",
        ));
    }
    let silent = stand.turned_away.iter().find(|(_, says_more)| !says_more);
    expect(silent.is_none(), || {
        format!(
            "{} without a word of where or when",
            silent.map_or(0, |(status, _)| *status)
        )
    })
}
