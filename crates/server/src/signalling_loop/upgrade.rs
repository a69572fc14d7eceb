//! From an HTTP request to a WebSocket (RFC 6455 §4.2), with buffers of a size that thousands of
//! idle sockets can afford, and only for pages of ours (§10.2).
//!
//! The handshake is checked first, then the hub is told, then the client: nobody can speak to a
//! hub that does not know it yet.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use protocol::problem::{Problem, ProblemCode};
use protocol::signal::MAX_MESSAGE_BYTES;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::socket::Socket;
use crate::http::connection::Connection;

/// The subprotocol of this version, the only one that is ever echoed.
const SUBPROTOCOL: &str = "heliograph.v1";
/// The default of 128 KiB is zero-filled before each read, for every socket.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// What is gathered before a write.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// What may pile up in a socket whose client does not read.
const MAX_WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// A request that asks for a WebSocket properly, and not from a foreign page.
pub(crate) struct Handshake {
    /// Counts as long as the socket lives.
    connection: Option<Connection>,
    upgrade: OnUpgrade,
    accept: HeaderValue,
    echoes_subprotocol: bool,
}

impl Handshake {
    /// Checks the request's origin and handshake. Only browsers send an origin; it must be
    /// one that `is_ours`, to the byte.
    ///
    /// # Errors
    /// `forbidden-origin` for a foreign page, `upgrade-required` where no WebSocket of version
    /// 13 is asked for.
    pub(crate) fn from_request(
        request: &mut Request,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Self, Problem> {
        let headers = request.headers();
        let mut origins = headers.get_all(header::ORIGIN).into_iter();
        if !origins.all(|origin| origin.to_str().is_ok_and(&is_ours)) {
            return Err(Problem::new(ProblemCode::ForbiddenOrigin));
        }
        let is_asked = request.method() == Method::GET
            && holds(headers, header::CONNECTION, "upgrade")
            && holds(headers, header::UPGRADE, "websocket")
            && holds(headers, header::SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_asked);
        let accept = key.map(|key| derive_accept_key(key.as_bytes()));
        let echoes_subprotocol = offered(headers).any(|protocol| protocol == SUBPROTOCOL);
        let connection = request.extensions().get::<Connection>().cloned();
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let (Some(accept), Some(upgrade)) = (accept, upgrade) else {
            let problem = Problem::new(ProblemCode::UpgradeRequired);
            return Err(problem.with_detail("this path speaks WebSocket, version 13, only"));
        };
        let accept = HeaderValue::try_from(accept).expect("base64 is a header value");
        Ok(Self {
            connection,
            upgrade,
            accept,
            echoes_subprotocol,
        })
    }

    /// The client showed a token that serves: it is no stranger.
    pub(crate) fn authenticated(&self) {
        if let Some(connection) = &self.connection {
            connection.authenticated();
        }
    }

    /// Accepts, and lets the socket run on its own task.
    pub(crate) fn complete(self, socket: Socket) -> Response {
        let tasks = socket.tasks.clone();
        tasks.spawn(async move {
            let _counted = self.connection;
            match self.upgrade.await {
                Ok(upgraded) => {
                    let io = TokioIo::new(upgraded);
                    let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config()));
                    socket.run(stream.await).await;
                }
                Err(error) => tracing::debug!(%error, "websocket was not upgraded"),
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if self.echoes_subprotocol {
            let echo = HeaderValue::from_static(SUBPROTOCOL);
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, echo);
        }
        response
    }
}

/// The subprotocols that a client offers, in its order.
pub(super) fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    values(headers, header::SEC_WEBSOCKET_PROTOCOL)
}

fn holds(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    values(headers, name).any(|value| value.eq_ignore_ascii_case(token))
}

fn values(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}
