//! What a client is asked to do.

use std::time::Duration;

use str0m::format::Codec;
use url::Url;

/// How long a client goes on without media, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which of the two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// WHIP (RFC 9725).
    Publish,
    /// WHEP (draft-ietf-wish-whep).
    Watch,
}

/// What media come and go as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// Whole frames, in order: for who encodes or decodes.
    Frames,
    /// RTP packets as they come: for who forwards or counts.
    Packets,
}

/// What a client is asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where sessions are asked for.
    pub endpoint: Url,
    /// Which protocol it speaks.
    pub role: Role,
    /// Bearer token (RFC 6750).
    pub token: Option<String>,
    /// What stands in `CDN-Loop` (RFC 8586), where a server passes streams on.
    pub cdn_loop: Option<String>,
    /// Codecs that are offered; one track of picture and one of sound, where there are codecs for
    /// them.
    pub codecs: Vec<Codec>,
    /// Frames or packets.
    pub carriage: Carriage,
    /// What is sent at most, where the path's capacity is to be estimated.
    pub send_bits_per_second: Option<u32>,
    /// How long it goes on trying while no media can flow.
    pub patience: Duration,
}

impl Options {
    /// One that publishes frames of these codecs.
    pub fn publish(endpoint: Url, codecs: Vec<Codec>) -> Self {
        Self {
            endpoint,
            role: Role::Publish,
            token: None,
            cdn_loop: None,
            codecs,
            carriage: Carriage::Frames,
            send_bits_per_second: None,
            patience: PATIENCE,
        }
    }

    /// One that watches, whatever codecs there are.
    pub fn watch(endpoint: Url, carriage: Carriage) -> Self {
        let codecs = vec![Codec::Opus, Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1];
        Self {
            role: Role::Watch,
            carriage,
            ..Self::publish(endpoint, codecs)
        }
    }
}
