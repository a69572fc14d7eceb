//! One check of the doctor and what it found.

use serde::{Deserialize, Serialize};

use crate::link::Transport;

/// What is checked, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckId {
    /// The device's own keys.
    Keys,
    /// The server answers, and its clock.
    Server,
    /// Its certificate.
    Tls,
    /// It takes this device.
    Token,
    /// WebSockets pass.
    WebSocket,
    /// The address that STUN servers see.
    Stun,
    /// The kind of NAT.
    Mapping,
    /// Whether UDP passes.
    Udp,
    /// Relays over one transport.
    Relay(Transport),
    /// Addresses of IPv6.
    Ipv6,
    /// Own addresses, as peers are told of them.
    Mdns,
    /// A whole link inside this device.
    LinkDirect,
    /// A whole link over the relay.
    LinkRelayed(Transport),
}

impl CheckId {
    /// Every check, in order.
    pub const ALL: [Self; 17] = [
        Self::Keys,
        Self::Server,
        Self::Tls,
        Self::Token,
        Self::WebSocket,
        Self::Stun,
        Self::Mapping,
        Self::Ipv6,
        Self::Mdns,
        Self::Relay(Transport::Udp),
        Self::Relay(Transport::Tcp),
        Self::Relay(Transport::Tls),
        Self::Udp,
        Self::LinkDirect,
        Self::LinkRelayed(Transport::Udp),
        Self::LinkRelayed(Transport::Tcp),
        Self::LinkRelayed(Transport::Tls),
    ];

    /// The name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Server => "server",
            Self::Tls => "tls",
            Self::Token => "token",
            Self::WebSocket => "websocket",
            Self::Stun => "stun",
            Self::Mapping => "mapping",
            Self::Udp => "udp",
            Self::Relay(Transport::Udp) => "relay-udp",
            Self::Relay(Transport::Tcp) => "relay-tcp",
            Self::Relay(Transport::Tls) => "relay-tls",
            Self::Ipv6 => "ipv6",
            Self::Mdns => "mdns",
            Self::LinkDirect => "link-direct",
            Self::LinkRelayed(Transport::Udp) => "link-udp",
            Self::LinkRelayed(Transport::Tcp) => "link-tcp",
            Self::LinkRelayed(Transport::Tls) => "link-tls",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Keys => "Keys of this device",
            Self::Server => "Server",
            Self::Tls => "Certificate (TLS)",
            Self::Token => "Token",
            Self::WebSocket => "WebSocket",
            Self::Stun => "Address seen from outside (STUN)",
            Self::Mapping => "Kind of NAT",
            Self::Udp => "UDP",
            Self::Relay(Transport::Udp) => "Relay over UDP",
            Self::Relay(Transport::Tcp) => "Relay over TCP",
            Self::Relay(Transport::Tls) => "Relay over TLS",
            Self::Ipv6 => "IPv6",
            Self::Mdns => "Addresses on this network",
            Self::LinkDirect => "Link inside this device, direct",
            Self::LinkRelayed(Transport::Udp) => "Link over the relay, UDP",
            Self::LinkRelayed(Transport::Tcp) => "Link over the relay, TCP",
            Self::LinkRelayed(Transport::Tls) => "Link over the relay, TLS",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Measured, and well.
    Good,
    /// Measured, works, and is worth knowing.
    Note,
    /// Measured, and a fault.
    Bad,
    /// Could not be measured here.
    Untold,
}

impl State {
    /// The name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Note => "note",
            State::Bad => "bad",
            State::Untold => "untold",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How it ended.
    pub state: State,
    /// What was measured, a line per thing that was tried; where nothing was, why.
    pub measured: Vec<String>,
    /// Why it is so, as far as the measurement goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do; a whole sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The line of the server's configuration that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Finding {
    pub(super) fn of(state: State, measured: Vec<String>) -> Self {
        Self {
            state,
            measured,
            cause: None,
            remedy: None,
            line: None,
        }
    }

    pub(super) fn good(measured: Vec<String>) -> Self {
        Self::of(State::Good, measured)
    }

    /// The check could not measure anything, for this reason.
    pub fn untold(why: &str) -> Self {
        Self::of(State::Untold, vec![why.to_owned()])
    }

    pub(super) fn because(self, cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    pub(super) fn remedied(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub(super) fn at_line(self, line: impl Into<String>) -> Self {
        Self {
            line: Some(line.into()),
            ..self
        }
    }
}

/// A check with its finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub id: CheckId,
    /// What it found.
    pub finding: Finding,
}
