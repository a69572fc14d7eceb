//! Which addresses of this machine a link may use.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// Interfaces of containers and virtual machines: nobody else is reached through them. VPNs
/// (`wg`, `tun`, `tailscale`) stay.
const VIRTUAL: [&str; 14] = [
    "docker", "br-", "virbr", "veth", "vnet", "lxc", "lxdbr", "cni", "flannel", "cali", "podman",
    "vmnet", "vboxnet", "dummy",
];

/// The addresses to bind, one socket each. Loopback is used where there is nothing else: two
/// programs on a machine without a network can still link.
pub(crate) fn usable_addresses() -> BTreeSet<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = |interface: &if_addrs::Interface| {
        interface.is_oper_up() && !is_virtual(&interface.name) && is_bindable(interface.ip())
    };
    let (loopback, others): (BTreeSet<_>, BTreeSet<_>) = all
        .iter()
        .filter(|interface| usable(interface))
        .map(if_addrs::Interface::ip)
        .partition(IpAddr::is_loopback);
    if others.is_empty() { loopback } else { others }
}

fn is_virtual(name: &str) -> bool {
    VIRTUAL.iter().any(|prefix| name.starts_with(prefix))
}

/// IPv6 link-local addresses need a scope, which candidates do not carry.
fn is_bindable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xFFC0 != 0xFE80 && !ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_interfaces_are_left_out_and_vpns_kept() {
        for name in ["docker0", "br-2f1c", "virbr0", "veth12ab", "lxdbr0"] {
            assert!(is_virtual(name), "{name}");
        }
        for name in [
            "eth0",
            "wlan0",
            "enp3s0",
            "tailscale0",
            "wg0",
            "tun0",
            "utun4",
        ] {
            assert!(!is_virtual(name), "{name}");
        }
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!usable_addresses().is_empty());
    }
}
