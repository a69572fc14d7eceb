//! Where media is reached from outside: what `media.external` says, its names resolved.
//!
//! Resolved at start, and again for sessions that begin a minute later. A name that does not
//! resolve keeps the addresses that it had, or is left out, and the log says so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::Address;
use metrics::{Unit, describe_gauge, gauge};

use crate::settings::{ExternalAddress, ExternalHost};

/// How long an answer serves.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// How long a session that begins waits for one.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Of one name; more are left out.
const MAX_IPS_OF_NAME: usize = 4;

/// The configured addresses, and what their names resolved to.
#[derive(Debug)]
pub(crate) struct ExternalAddresses {
    configured: Vec<ExternalAddress>,
    found: tokio::sync::Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    ips_by_name: BTreeMap<String, Vec<IpAddr>>,
    at: Option<Instant>,
}

impl ExternalAddresses {
    /// Nothing is resolved yet.
    pub(crate) fn new(configured: Vec<ExternalAddress>) -> Self {
        describe_gauge!(
            "helio_media_external_unresolved",
            Unit::Count,
            "names in media.external that have no address"
        );
        Self {
            configured,
            found: tokio::sync::Mutex::default(),
        }
    }

    /// All that are known, in the order of the configuration. Whoever asks while names are looked
    /// up waits for them, within their limit.
    pub(crate) async fn current(&self, now: Instant) -> Vec<Address> {
        let mut found = self.found.lock().await;
        if found.at.is_none_or(|at| now >= at + FRESH_FOR) {
            found.at = Some(now);
            self.look_up(&mut found.ips_by_name).await;
        }
        let known = self.configured.iter().flat_map(|each| {
            let ips = match &each.host {
                ExternalHost::Ip(ip) => std::slice::from_ref(ip),
                ExternalHost::Name(name) => {
                    found.ips_by_name.get(name).map_or(&[][..], Vec::as_slice)
                }
            };
            ips.iter().map(|ip| Address {
                transport: each.transport,
                addr: (*ip, each.port).into(),
            })
        });
        known.collect()
    }

    async fn look_up(&self, ips_by_name: &mut BTreeMap<String, Vec<IpAddr>>) {
        let names = self.configured.iter().filter_map(|each| match &each.host {
            ExternalHost::Name(name) => Some(name.as_str()),
            ExternalHost::Ip(_) => None,
        });
        let mut unresolved = 0;
        for (name, ips) in join_all(names.map(look_up)).await {
            match ips {
                Ok(ips) => {
                    ips_by_name.insert(name.to_owned(), ips);
                }
                Err(error) => {
                    let is_known = ips_by_name.contains_key(name);
                    unresolved += u32::from(!is_known);
                    tracing::warn!(
                        name,
                        error,
                        is_known,
                        "media.external: a name has no address"
                    );
                }
            }
        }
        gauge!("helio_media_external_unresolved").set(unresolved);
    }
}

/// A name's addresses, or why it has none.
async fn look_up(name: &str) -> (&str, Result<Vec<IpAddr>, String>) {
    let looking = tokio::net::lookup_host((name, 0));
    let ips = match tokio::time::timeout(LOOKUP_TIMEOUT, looking).await {
        Ok(Ok(addrs)) => {
            let ips: Vec<_> = addrs.map(|addr| addr.ip()).take(MAX_IPS_OF_NAME).collect();
            Some(ips)
                .filter(|ips| !ips.is_empty())
                .ok_or("none".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {LOOKUP_TIMEOUT:?}")),
    };
    (name, ips)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> ExternalAddresses {
        let parsed = texts.iter().map(|text| text.parse().expect("an address"));
        ExternalAddresses::new(parsed.collect())
    }

    #[tokio::test]
    async fn addresses_and_names_are_told_in_their_order() {
        let external = addresses(&["203.0.113.7:443/tcp", "localhost:40000/udp"]);
        let current = external.current(Instant::now()).await;
        assert_eq!(current[0], Address::tcp(([203, 0, 113, 7], 443).into()));
        assert!(current.len() > 1);
        for resolved in &current[1..] {
            assert!(resolved.addr.ip().is_loopback());
            assert_eq!(*resolved, Address::udp((resolved.addr.ip(), 40000).into()));
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_left_out() {
        let external = addresses(&["nothing.invalid:443/tcp", "203.0.113.7:443/tcp"]);
        let current = external.current(Instant::now()).await;
        assert_eq!(current, [Address::tcp(([203, 0, 113, 7], 443).into())]);
    }

    #[tokio::test]
    async fn a_name_is_looked_up_again_after_a_minute_and_keeps_what_it_had() {
        let external = addresses(&["nothing.invalid:443/tcp"]);
        let now = Instant::now();
        external.found.lock().await.at = Some(now);
        let before = IpAddr::from([203, 0, 113, 7]);
        let name = "nothing.invalid".to_owned();
        external
            .found
            .lock()
            .await
            .ips_by_name
            .insert(name, vec![before]);
        for (after, looked_up_at) in [(FRESH_FOR / 2, now), (FRESH_FOR, now + FRESH_FOR)] {
            let current = external.current(now + after).await;
            assert_eq!(current, [Address::tcp((before, 443).into())]);
            assert_eq!(external.found.lock().await.at, Some(looked_up_at));
        }
    }
}
