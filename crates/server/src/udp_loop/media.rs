//! The way to the gateway: what HTTP asks of it, and its answers.

use std::net::SocketAddr;

use gateway::{
    Answer, Attendance, Event, Gateway, LayerError, NewSession, OfferError, PatchError, Patched,
    Path, PathState, Role, SessionId, Tag, TrackLayers,
};
use metrics::counter;
use protocol::stream::StreamName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{oneshot, watch};

use super::followers::{Followed, Followers};
use super::sockets::unmapped;
use super::{Inbox, Input, connections};

/// A session as its URL names it.
#[derive(Debug, Clone)]
pub struct SessionName {
    /// Its unguessable part.
    pub id: SessionId,
    /// The stream.
    pub stream: StreamName,
    /// Whether it came by WHIP or by WHEP.
    pub role: Role,
}

/// What a PATCH is for, as [`Tag`] has it, with a tag of its own.
#[derive(Debug, Clone)]
pub enum OwnTag {
    /// [`Tag::Any`].
    Any,
    /// [`Tag::Exact`].
    Exact(String),
}

/// The loop is gone: the server is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media loop has stopped")]
pub struct Stopped;

/// A question to the gateway, with where its answer goes. Who asked may be gone by then.
pub(super) enum Question {
    Offer {
        new: NewSession,
        sdp: String,
        answer: oneshot::Sender<Result<Answer, OfferError>>,
    },
    Patch {
        session: SessionName,
        tag: Option<OwnTag>,
        fragment: String,
        answer: oneshot::Sender<Result<Patched, PatchError>>,
    },
    Answered {
        session: SessionName,
        sdp: String,
        answer: oneshot::Sender<Result<(), PatchError>>,
    },
    Delete {
        session: SessionName,
        answer: oneshot::Sender<bool>,
    },
    Has {
        session: SessionName,
        answer: oneshot::Sender<bool>,
    },
    Kick {
        id: SessionId,
        answer: oneshot::Sender<bool>,
    },
    Layers {
        id: SessionId,
        stream: StreamName,
        answer: oneshot::Sender<Option<TrackLayers>>,
    },
    ChooseLayer {
        id: SessionId,
        stream: StreamName,
        mid: String,
        layer: Option<String>,
        answer: oneshot::Sender<Result<(), LayerError>>,
    },
    Paths {
        answer: oneshot::Sender<Vec<PathState>>,
    },
    Attend {
        stream: StreamName,
        answer: oneshot::Sender<watch::Receiver<Attendance>>,
    },
    Follow {
        id: SessionId,
        stream: StreamName,
        answer: oneshot::Sender<Followed>,
    },
}

/// The way to a running gateway; clones are cheap.
#[derive(Clone)]
pub struct MediaHandle {
    pub(super) inbox: Inbox,
}

impl std::fmt::Debug for MediaHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaHandle").finish_non_exhaustive()
    }
}

impl MediaHandle {
    /// See [`Gateway::handle_offer`].
    ///
    /// # Errors
    /// [`Stopped`]; what the gateway says of the offer is inside.
    pub async fn offer(
        &self,
        new: NewSession,
        sdp: String,
    ) -> Result<Result<Answer, OfferError>, Stopped> {
        self.ask(|answer| Question::Offer { new, sdp, answer })
            .await
    }

    /// See [`Gateway::handle_patch`].
    ///
    /// # Errors
    /// [`Stopped`]; what the gateway says of the fragment is inside.
    pub async fn patch(
        &self,
        session: SessionName,
        tag: Option<OwnTag>,
        fragment: String,
    ) -> Result<Result<Patched, PatchError>, Stopped> {
        self.ask(|answer| Question::Patch {
            session,
            tag,
            fragment,
            answer,
        })
        .await
    }

    /// See [`Gateway::handle_answer`].
    ///
    /// # Errors
    /// [`Stopped`]; what the gateway says of the answer is inside.
    pub async fn answered(
        &self,
        session: SessionName,
        sdp: String,
    ) -> Result<Result<(), PatchError>, Stopped> {
        self.ask(|answer| Question::Answered {
            session,
            sdp,
            answer,
        })
        .await
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn delete(&self, session: SessionName) -> Result<bool, Stopped> {
        self.ask(|answer| Question::Delete { session, answer })
            .await
    }

    /// Whether there is such a session.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn has(&self, session: SessionName) -> Result<bool, Stopped> {
        self.ask(|answer| Question::Has { session, answer }).await
    }

    /// Ends a session at the operator's wish; whether there was one.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn kick(&self, id: SessionId) -> Result<bool, Stopped> {
        self.ask(|answer| Question::Kick { id, answer }).await
    }

    /// Serves one client that connected for its media (RFC 6544) until it ends; bytes already read
    /// must be put back first. Once it has shown a session, `on_session` is called.
    pub async fn accept_connection<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        local: SocketAddr,
        on_session: impl Fn() + Send,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let path = Path::tcp(unmapped(local), unmapped(peer));
        connections::serve(stream, path, &self.inbox, on_session).await;
    }

    /// Every stream that is published or waited for.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn paths(&self) -> Result<Vec<PathState>, Stopped> {
        self.ask(|answer| Question::Paths { answer }).await
    }

    /// Who is at a stream, until the loop stops.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn attend(&self, stream: StreamName) -> Result<watch::Receiver<Attendance>, Stopped> {
        self.ask(|answer| Question::Attend { stream, answer }).await
    }

    /// What somebody who watches can see change, until the loop stops.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn follow(&self, id: SessionId, stream: StreamName) -> Result<Followed, Stopped> {
        self.ask(|answer| Question::Follow { id, stream, answer })
            .await
    }

    /// See [`Gateway::layers`].
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn layers(
        &self,
        id: SessionId,
        stream: StreamName,
    ) -> Result<Option<TrackLayers>, Stopped> {
        self.ask(|answer| Question::Layers { id, stream, answer })
            .await
    }

    /// See [`Gateway::handle_layer`].
    ///
    /// # Errors
    /// [`Stopped`]; what the gateway says of the layer is inside.
    pub async fn choose_layer(
        &self,
        id: SessionId,
        stream: StreamName,
        mid: String,
        layer: Option<String>,
    ) -> Result<Result<(), LayerError>, Stopped> {
        self.ask(|answer| Question::ChooseLayer {
            id,
            stream,
            mid,
            layer,
            answer,
        })
        .await
    }

    /// Ends the sessions that tokens of a signing key opened.
    pub fn kill_key(&self, kid: &str) {
        self.inbox.orders(|orders| {
            orders.killed.insert(kid.to_owned());
        });
    }

    /// Ends every session of a stream that is no more.
    pub fn forget(&self, stream: &StreamName) {
        self.inbox.orders(|orders| {
            orders.forgotten.insert(stream.clone());
        });
    }

    /// Records a stream from here on, or no longer.
    pub fn record(&self, stream: &StreamName, is_recorded: bool) {
        self.inbox.orders(|orders| {
            orders.recorded.insert(stream.clone(), is_recorded);
        });
    }

    /// Ends the sessions of those who watched because anybody might.
    pub fn close_to_strangers(&self, stream: &StreamName) {
        self.inbox.orders(|orders| {
            orders.closed.insert(stream.clone());
        });
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        self.inbox.send(Input::Media(question(answer))).await;
        answered.await.map_err(|_| Stopped)
    }
}

/// Asks the core, and tells whoever asked.
pub(super) fn ask(
    gateway: &mut Gateway,
    followers: &mut Followers,
    question: Question,
    now: std::time::Instant,
) {
    match question {
        Question::Offer { new, sdp, answer } => {
            reply(answer, gateway.handle_offer(new, &sdp, now));
        }
        Question::Patch {
            session,
            tag,
            fragment,
            answer,
        } => {
            let about = (session.id, &session.stream, session.role);
            let tag = tag.as_ref().map(|tag| match tag {
                OwnTag::Any => Tag::Any,
                OwnTag::Exact(tag) => Tag::Exact(tag),
            });
            reply(answer, gateway.handle_patch(about, tag, &fragment, now));
        }
        Question::Answered {
            session,
            sdp,
            answer,
        } => {
            let about = (session.id, &session.stream, session.role);
            reply(answer, gateway.handle_answer(about, &sdp, now));
        }
        Question::Delete { session, answer } => {
            let SessionName { id, stream, role } = session;
            reply(answer, gateway.handle_delete(id, &stream, role, now));
        }
        Question::Has { session, answer } => {
            let SessionName { id, stream, role } = session;
            reply(answer, gateway.has_session(id, &stream, role));
        }
        Question::Layers { id, stream, answer } => {
            reply(answer, gateway.layers(id, &stream, now));
        }
        Question::ChooseLayer {
            id,
            stream,
            mid,
            layer,
            answer,
        } => {
            let chosen = gateway.handle_layer((id, &stream), &mid, layer.as_deref());
            reply(answer, chosen);
        }
        Question::Kick { id, answer } => reply(answer, gateway.kick(id, now)),
        Question::Paths { answer } => reply(answer, gateway.paths()),
        Question::Attend { stream, answer } => {
            let attendance = gateway.attendance(&stream);
            reply(answer, followers.attend(stream, attendance));
        }
        Question::Follow { id, stream, answer } => {
            let attendance = gateway.attendance(&stream);
            let layers = gateway.layers(id, &stream, now);
            reply(answer, followers.follow((id, stream), attendance, layers));
        }
    }
}

/// Whoever asked may be gone.
fn reply<T>(answer: oneshot::Sender<T>, what: T) {
    let _ = answer.send(what);
}

/// Writes down what happened, counts it, and tells those whom it concerns.
pub(super) fn tell(
    gateway: &Gateway,
    followers: &mut Followers,
    event: &Event,
    now: std::time::Instant,
) {
    match event {
        Event::Connected { id, stream, role } => {
            let role = word(*role);
            tracing::info!(session = %id, %stream, role, "media flows");
            counter!("helio_gateway_sessions_total", "role" => role).increment(1);
            followers.tell(stream, gateway.attendance(stream));
        }
        Event::Ended(ended) => {
            let (id, stream, why) = (&ended.id, &ended.stream, ended.why);
            let role = word(ended.role);
            tracing::info!(session = %id, %stream, role, why, "session ended");
            counter!("helio_gateway_ended_total", "role" => role, "cause" => why).increment(1);
            followers.tell(stream, gateway.attendance(stream));
        }
        Event::Layer { id, stream, layer } => {
            tracing::debug!(session = %id, %stream, layer, "another layer");
            counter!("helio_gateway_layer_changes_total").increment(1);
            let layers = |id| gateway.layers(id, stream, now);
            followers.tell_layers(stream, Some(*id), layers);
        }
        Event::Layers { stream } => {
            followers.tell_layers(stream, None, |id| gateway.layers(id, stream, now));
        }
        Event::Left(path) => tracing::debug!(?path, "media connection left"),
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Publish => "publish",
        Role::Watch => "watch",
    }
}
