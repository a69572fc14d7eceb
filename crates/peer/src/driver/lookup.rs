//! Host names to addresses: those of relays by the system, those under `.local` by multicast DNS
//! (RFC 6762), which is what browsers hide the addresses of their own network behind.

use std::net::IpAddr;
use std::time::Duration;

use mdns_sd::{HostnameResolutionEvent, ServiceDaemon};
use tokio::task::JoinSet;

/// How long a name server may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// How long the device of that name may take: it is near, or not there.
const LOCAL_LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// Lookups under way.
#[derive(Default)]
pub(super) struct Lookups(JoinSet<(String, Vec<IpAddr>)>);

impl Lookups {
    pub(super) fn start(&mut self, host: String) {
        self.0.spawn(async move {
            let addrs = if host.ends_with(".local") {
                resolve_locally(&host).await.unwrap_or_default()
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

/// Asks the own network. The sockets for it are there while it is asked, and no longer.
pub(crate) async fn resolve_locally(host: &str) -> Result<Vec<IpAddr>, mdns_sd::Error> {
    let asking = ServiceDaemon::new()?;
    let limit_ms = u64::try_from(LOCAL_LOOKUP_LIMIT.as_millis()).ok();
    let answers = asking.resolve_hostname(&format!("{host}."), limit_ms)?;
    let mut found = Vec::new();
    while let Ok(answer) = answers.recv_async().await {
        match answer {
            HostnameResolutionEvent::AddressesFound(_, addrs) => {
                found.extend(addrs.iter().map(mdns_sd::ScopedIp::to_ip_addr));
                break;
            }
            HostnameResolutionEvent::SearchTimeout(_) => break,
            _ => {}
        }
    }
    // Its thread ends by itself.
    let _ = asking.shutdown();
    Ok(found)
}
