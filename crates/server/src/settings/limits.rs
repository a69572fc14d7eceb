//! Section `[limits]`: what strangers, accounts and devices may use up.

use std::time::Duration;

use crate::config::Reader;

/// Section `[limits]`; each has a test at limit + 1.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "documented key by key in the example configuration"
)]
pub struct Limits {
    pub connects_per_ip_per_minute: u32,
    pub sockets_per_ip: usize,
    pub sockets_per_account: usize,
    pub unauthenticated_sockets: usize,
    pub handshake_timeout: Duration,
    pub header_timeout: Duration,
    pub write_timeout: Duration,
    pub authenticate_timeout: Duration,
    pub messages_burst: u32,
    pub messages_per_second: u32,
    pub turn_allocations_per_device: usize,
    pub turn_allocations: usize,
    pub turn_bytes_per_second: u64,
    pub turn_bytes_per_second_total: u64,
    pub telemetry_per_minute: u32,
    pub gateway_sessions: usize,
}

pub(super) fn read(reader: &mut Reader) -> Limits {
    let count = |reader: &mut Reader, key: &str| {
        usize::try_from(reader.number(key, 1..=1_000_000)).unwrap_or(usize::MAX)
    };
    let rate = |reader: &mut Reader, key: &str| {
        u32::try_from(reader.number(key, 1..=1_000_000)).unwrap_or(u32::MAX)
    };
    let span =
        |reader: &mut Reader, key: &str| Duration::from_millis(reader.number(key, 100..=600_000));
    Limits {
        connects_per_ip_per_minute: rate(reader, "limits.connects_per_ip_per_minute"),
        sockets_per_ip: count(reader, "limits.sockets_per_ip"),
        sockets_per_account: count(reader, "limits.sockets_per_account"),
        unauthenticated_sockets: count(reader, "limits.unauthenticated_sockets"),
        handshake_timeout: span(reader, "limits.handshake_timeout_ms"),
        header_timeout: span(reader, "limits.header_timeout_ms"),
        write_timeout: span(reader, "limits.write_timeout_ms"),
        authenticate_timeout: span(reader, "limits.authenticate_timeout_ms"),
        messages_burst: rate(reader, "limits.messages_burst"),
        messages_per_second: rate(reader, "limits.messages_per_second"),
        turn_allocations_per_device: count(reader, "limits.turn_allocations_per_device"),
        turn_allocations: count(reader, "limits.turn_allocations"),
        turn_bytes_per_second: reader.number("limits.turn_bytes_per_second", 0..=u64::MAX),
        turn_bytes_per_second_total: reader
            .number("limits.turn_bytes_per_second_total", 0..=u64::MAX),
        telemetry_per_minute: rate(reader, "limits.telemetry_per_minute"),
        gateway_sessions: count(reader, "limits.gateway_sessions"),
    }
}
