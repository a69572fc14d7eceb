//! The gateway of this very server, asked without a network: what is pulled is published here.

use axum::http::{Method, Request, Response, StatusCode, header};
use gateway::{NewSession, Patched, Role, SessionId};
use protocol::stream::StreamName;
use whip::{Reply, Requests};

use crate::udp_loop::{MediaHandle, OwnTag, SessionName, Stopped};

/// Publishes one stream.
#[derive(Clone)]
pub(super) struct LocalGateway {
    pub(super) media: MediaHandle,
    pub(super) stream: StreamName,
}

impl Requests for LocalGateway {
    fn send(&self, request: Request<String>) -> Reply {
        let this = self.clone();
        Box::pin(async move {
            let reply = match *request.method() {
                Method::POST => this.open(request.into_body()).await,
                Method::PATCH => this.patch(request).await,
                _ => this.delete(&request).await,
            };
            reply.map_err(|stopped| stopped.to_string())
        })
    }
}

impl LocalGateway {
    async fn open(&self, offer: String) -> Result<Response<String>, Stopped> {
        let id = SessionId(crate::random::bytes());
        let new = NewSession {
            id,
            stream: self.stream.clone(),
            role: Role::Publish,
            holders: Vec::new(),
            until: None,
            external: Vec::new(),
        };
        Ok(match self.media.offer(new, offer).await? {
            Ok(answer) => {
                let reply = Response::builder().status(StatusCode::CREATED);
                let reply = reply.header(header::LOCATION, format!("/{id}"));
                let tag = format!("\"{}\"", answer.tag);
                built(reply.header(header::ETAG, tag).body(answer.sdp))
            }
            Err(error) => status(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        })
    }

    async fn patch(&self, request: Request<String>) -> Result<Response<String>, Stopped> {
        let Some(session) = self.session(&request) else {
            return Ok(status(StatusCode::NOT_FOUND, String::new()));
        };
        let fragment = request.into_body();
        let patched = self.media.patch(session, Some(OwnTag::Any), fragment).await;
        Ok(match patched? {
            Ok(Patched::Trickled) => status(StatusCode::NO_CONTENT, String::new()),
            Ok(Patched::Restarted { fragment, .. }) => status(StatusCode::OK, fragment),
            Err(error) => status(StatusCode::CONFLICT, error.to_string()),
        })
    }

    async fn delete(&self, request: &Request<String>) -> Result<Response<String>, Stopped> {
        if let Some(session) = self.session(request) {
            self.media.delete(session).await?;
        }
        Ok(status(StatusCode::OK, String::new()))
    }

    fn session(&self, request: &Request<String>) -> Option<SessionName> {
        let name = request.uri().path().strip_prefix('/')?;
        Some(SessionName {
            id: SessionId::parse(name)?,
            stream: self.stream.clone(),
            role: Role::Publish,
        })
    }
}

fn status(status: StatusCode, body: String) -> Response<String> {
    built(Response::builder().status(status).body(body))
}

fn built(reply: Result<Response<String>, axum::http::Error>) -> Response<String> {
    reply.expect("base64url and ICE characters fit a header")
}
