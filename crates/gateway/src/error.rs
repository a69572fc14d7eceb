//! Why an offer or a change of a session is refused. Each is the client's fault or its moment.

/// Why an offer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not SDP, or not what WebRTC makes of it.
    #[error("the offer: {0}")]
    Malformed(String),
    /// SDP that asks for more than one stream is, or for codecs that are not forwarded.
    #[error("the offer: {0}")]
    Unsupported(String),
    /// Nobody publishes the stream that is to be watched.
    #[error("nothing is published")]
    NothingPublished,
    /// As many sessions as there may be.
    #[error("more than {limit} sessions")]
    TooManySessions {
        /// How many there may be.
        limit: usize,
    },
}

/// Why a PATCH is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// There is no such session, or not any more.
    #[error("no such session")]
    NoSession,
    /// It does not say which ICE session it is for.
    #[error("there is no tag")]
    Untagged,
    /// The tag is that of an ICE session before.
    #[error("the tag is not the session's")]
    Stale,
    /// Not a fragment of SDP (RFC 8840 §9), or one of another session.
    #[error("the fragment: {0}")]
    Malformed(String),
    /// No offer of the server's waits for an answer.
    #[error("the server has made no offer that waits for an answer")]
    NotOffered,
    /// Not an answer to the server's offer.
    #[error("the answer: {0}")]
    Answer(String),
    /// ICE is restarted by whoever offered, which was the server; a new session is as good.
    #[error("a session that the server offered cannot restart ICE; open another")]
    NotRestartable,
}
