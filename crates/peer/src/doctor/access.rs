//! What the way to the server tells: HTTP, token, WebSocket.

use serde::Deserialize;

use super::finding::{Finding, State};
use super::milliseconds;

/// Clocks this far apart are worth knowing, in milliseconds.
pub const CLOCK_NOTE_MS: f64 = 30_000.0;

/// How the server answered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerReply {
    /// Of the server.
    pub version: String,
    /// The best round trip, in milliseconds.
    pub round_trip_ms: f64,
    /// Of how many requests.
    pub requests: usize,
    /// The server's clock minus ours, in milliseconds.
    pub offset_ms: f64,
}

/// How soon the server answers, and how far its clock is from ours.
pub fn server_finding(reply: &ServerReply) -> Finding {
    let ServerReply {
        version,
        round_trip_ms,
        requests,
        offset_ms,
    } = reply;
    let trip = milliseconds(*round_trip_ms);
    let apart = milliseconds(offset_ms.abs());
    let side = if *offset_ms < 0.0 { "behind" } else { "ahead" };
    let measured = vec![
        format!("version {version} answered in {trip}, the best of {requests}"),
        format!("its clock is {apart} {side}"),
    ];
    if offset_ms.abs() < CLOCK_NOTE_MS {
        return Finding::good(measured);
    }
    Finding::of(State::Note, measured)
        .because("the clocks of this device and the server differ by more than 30 s")
        .remedied("Set both clocks to automatic.")
}

/// What came with a token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenGrant {
    /// Until the reply, in milliseconds.
    pub took_ms: f64,
    /// How long the token serves, in seconds.
    pub expires_in: u64,
    /// Of STUN and TURN servers.
    pub urls: Vec<String>,
}

/// The server took this device's assertion.
pub fn token_finding(grant: &TokenGrant) -> Finding {
    let took = milliseconds(grant.took_ms);
    let seconds = grant.expires_in;
    let servers = if grant.urls.is_empty() {
        "no STUN or TURN server came with it".to_owned()
    } else {
        format!("with it: {}", grant.urls.join(", "))
    };
    Finding::good(vec![
        format!("the device's assertion was taken in {took}; the token serves {seconds} s"),
        servers,
    ])
}

/// How the attempt to open a WebSocket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketEnd {
    /// It is open.
    Open,
    /// Nothing came in time.
    Silent,
    /// It closed before, with this code (RFC 6455 §7.4).
    Closed(u16),
    /// The server answered without an upgrade, with this HTTP status.
    Answered(u16),
}

/// An attempt to open a WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub struct SocketAttempt<'a> {
    /// Of the server.
    pub origin: &'a str,
    /// How it ended.
    pub end: SocketEnd,
    /// After how long, in milliseconds.
    pub took_ms: f64,
}

/// Whether WebSockets pass, where requests do.
pub fn socket_finding(attempt: &SocketAttempt<'_>) -> Finding {
    let took = milliseconds(attempt.took_ms);
    let how = match attempt.end {
        SocketEnd::Open => return Finding::good(vec![format!("opened in {took}")]),
        SocketEnd::Silent => "nothing came back".to_owned(),
        SocketEnd::Closed(code) => format!("it closed with {code}"),
        SocketEnd::Answered(status) => format!("the answer had status {status}"),
    };
    Finding::of(State::Bad, vec![format!("not opened: {how} after {took}")])
        .because("requests reach the server and WebSockets do not")
        .remedied(
            "A proxy in between must pass upgrades, and the server must know the address that it is reached by.",
        )
        .at_line(format!("http.public_origins = [\"{}\"]", attempt.origin))
}
