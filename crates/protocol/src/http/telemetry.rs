//! `POST /api/telemetry`: what a peer saw of its link (`docs/protocol.md`, Telemetry).
//!
//! Every name is an enumeration, so that none can become a metric label of a stranger's choice.

use serde::{Deserialize, Serialize};

/// The most still sizes of one report.
pub const MAX_STILLS_PER_REPORT: usize = 64;

/// What a peer reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// What became of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkReport>,
    /// How it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<LinkStats>,
}

/// What became of a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinkReport {
    /// What happened.
    pub event: LinkEvent,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
    /// How it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// How long it took to come up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases_ms: Option<Phases>,
}

/// What happened to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LinkEvent {
    /// It came up.
    Connected,
    /// It did not, or it broke.
    Failed,
    /// ICE was restarted and found a path again.
    Restarted,
    /// One side ended it.
    Closed,
}

/// Why a link failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// This device found no address of its own.
    NoCandidates,
    /// No pair of addresses reached through.
    ChecksFailed,
    /// The relay refused.
    RelayRefused,
    /// A path was found, DTLS did not complete.
    DtlsFailed,
    /// The other's description was not signed by the paired key.
    SignatureRefused,
    /// The Noise handshake inside did not complete.
    NoiseFailed,
    /// The server could not be reached.
    SignallingLost,
}

impl FailureCause {
    /// The name on the wire, also of a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCandidates => "no-candidates",
            Self::ChecksFailed => "checks-failed",
            Self::RelayRefused => "relay-refused",
            Self::DtlsFailed => "dtls-failed",
            Self::SignatureRefused => "signature-refused",
            Self::NoiseFailed => "noise-failed",
            Self::SignallingLost => "signalling-lost",
        }
    }
}

/// Both ends of the path in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Path {
    /// The reporter's end.
    pub local: PathEnd,
    /// The other's end.
    pub remote: PathEnd,
}

/// The kind of candidate at one end (RFC 8445 §5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PathEnd {
    /// An own address.
    Host,
    /// The address that a STUN server saw.
    Srflx,
    /// The address that the peer saw.
    Prflx,
    /// A relay's address.
    Relay,
}

/// Set-up phases, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// From the offer to its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_to_answer: Option<f64>,
    /// From the answer to ICE and DTLS connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_to_connected: Option<f64>,
    /// From connected to the first open channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_to_channel: Option<f64>,
}

/// How a link runs. Absent is unknown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinkStats {
    /// The path in use; whoever names one says that the link is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Round trip of ICE, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Of the received media, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f64>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_ratio: Option<f64>,
    /// Packets that the reporter sent again, since its last report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmits: Option<u64>,
    /// Media bytes that the reporter sent, since its last report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_bytes: Option<u64>,
    /// Data channel bytes that the reporter sent, since its last report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_bytes: Option<u64>,
    /// Size of each still since the last report, at most [`MAX_STILLS_PER_REPORT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_bytes: Vec<u64>,
    /// Round trip of `ctl` pings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_rtt_ms: Option<Percentiles>,
}

/// Three percentiles, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Percentiles {
    /// Half are below.
    pub p50: f64,
    /// 95 % are below.
    pub p95: f64,
    /// 99 % are below.
    pub p99: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_the_protocol_reads() {
        let text = r#"{"link":{"event":"connected","path":{"local":"host","remote":"relay"},
            "phasesMs":{"offerToAnswer":12.5,"answerToConnected":40,"connectedToChannel":3}},
            "stats":{"path":{"local":"relay","remote":"host"},"rttMs":0.4,"jitterMs":1,"lossRatio":0.01,"retransmits":2,"mediaBytes":1000,
            "dataBytes":20,"stillBytes":[90000],"channelRttMs":{"p50":1,"p95":2,"p99":3},"x":1}}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.link.unwrap().path.unwrap().remote, PathEnd::Relay);
        let stats = report.stats.unwrap();
        assert_eq!(stats.path.unwrap().local, PathEnd::Relay);
        assert_eq!(stats.still_bytes, [90_000]);
    }

    #[test]
    fn a_cause_that_is_not_in_the_list_is_refused() {
        let text = r#"{"link":{"event":"failed","cause":"<script>"}}"#;
        assert!(serde_json::from_str::<Report>(text).is_err());
        let text = r#"{"link":{"event":"failed","cause":"dtls-failed"}}"#;
        assert!(serde_json::from_str::<Report>(text).is_ok());
    }
}
