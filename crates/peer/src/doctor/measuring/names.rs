//! Whether names under `.local` are told and found here (RFC 6762): browsers hide the addresses of
//! their own network behind such names.

use std::collections::HashMap;
use std::time::Duration;

use mdns_sd::{ServiceDaemon, ServiceInfo};
use tokio::time::Instant;

use crate::device::random;
use crate::driver::resolve_locally;

/// The discard service (RFC 863): nobody is to come.
const PORT: u16 = 9;

/// Tells a name that nobody else has and asks the own network for it: how long that took, none
/// where it is not found.
pub(super) async fn find_own_name() -> Option<Duration> {
    let number = u64::from_be_bytes(random());
    let (name, host) = (
        format!("{number:016x}"),
        format!("helio-{number:016x}.local"),
    );
    let properties: HashMap<String, String> = HashMap::new();
    let service = ServiceInfo::new(
        "_heliograph._udp.local.",
        &name,
        &format!("{host}."),
        "",
        PORT,
        properties,
    );
    let telling = ServiceDaemon::new().ok()?;
    telling.register(service.ok()?.enable_addr_auto()).ok()?;
    let started = Instant::now();
    let found = resolve_locally(&host).await.unwrap_or_default();
    let took = started.elapsed();
    // Its thread says goodbye for the name and ends by itself.
    let _ = telling.shutdown();
    (!found.is_empty()).then_some(took)
}
