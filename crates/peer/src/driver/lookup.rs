//! Host names of relays to addresses.
//!
//! Names under `.local` are answered with no address: browsers hide theirs behind such names, and
//! are reached all the same, because they check this side's candidates first.

use std::net::IpAddr;
use std::time::Duration;

use tokio::task::JoinSet;

/// How long a name server may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// Lookups under way.
#[derive(Default)]
pub(super) struct Lookups(JoinSet<(String, Vec<IpAddr>)>);

impl Lookups {
    pub(super) fn start(&mut self, host: String) {
        self.0.spawn(async move {
            let addrs = if host.ends_with(".local") {
                Vec::new()
            } else {
                resolve(&host).await
            };
            (host, addrs)
        });
    }

    /// The next that is done; pends while there is none.
    pub(super) async fn next(&mut self) -> Option<(String, Vec<IpAddr>)> {
        match self.0.join_next().await {
            Some(found) => found.ok(),
            None => std::future::pending().await,
        }
    }
}

async fn resolve(host: &str) -> Vec<IpAddr> {
    let looking = tokio::net::lookup_host((host, 0));
    match tokio::time::timeout(LOOKUP_LIMIT, looking).await {
        Ok(Ok(found)) => found.map(|addr| addr.ip()).collect(),
        _ => Vec::new(),
    }
}
