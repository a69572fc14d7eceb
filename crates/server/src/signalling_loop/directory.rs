//! What the hub wants to know of the registry and the token keys.

use std::sync::Arc;

use protocol::id::{AccountId, DeviceId, PairId};
use signalling::{Admission, Denial, Renewal, SocketId};

/// Who wants to come in.
#[derive(Debug, Clone)]
pub struct Question {
    /// The token's device.
    pub device: DeviceId,
    /// The token's account.
    pub account: AccountId,
    /// The token's pair; none for an inviter.
    pub pair: Option<PairId>,
    /// The name that the client came by, which its ICE servers should have too.
    pub host: Arc<str>,
}

/// Answers the hub's questions. The server's state does; tests may.
pub trait Directory: Send + Sync + 'static {
    /// Whether the device, its account and its pair still stand. Without a pair the answer is
    /// `Ok(None)`.
    fn admit(
        &self,
        question: Question,
    ) -> impl Future<Output = Result<Option<Admission>, Denial>> + Send;

    /// What a link token says, if it serves.
    fn verify(&self, token: String, host: Arc<str>)
    -> impl Future<Output = Option<Renewal>> + Send;
}

/// What came back, for the socket that waits.
pub(super) enum Answer {
    Lookup {
        socket: SocketId,
        answer: Result<Option<Admission>, Denial>,
    },
    Verified {
        socket: SocketId,
        renewal: Option<Renewal>,
    },
}

pub(super) async fn look_up(
    directory: Arc<impl Directory>,
    socket: SocketId,
    question: Question,
) -> Answer {
    Answer::Lookup {
        socket,
        answer: directory.admit(question).await,
    }
}

pub(super) async fn verify(
    directory: Arc<impl Directory>,
    socket: SocketId,
    token: String,
    host: Arc<str>,
) -> Answer {
    Answer::Verified {
        socket,
        renewal: directory.verify(token, host).await,
    }
}
