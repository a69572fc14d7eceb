//! A WebSocket to the server: text both ways, a close code at the end.

use std::fmt;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use protocol::close::CloseCode;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Read at once, in bytes: larger buffers are zero-filled before each read.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// The largest message either way, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// What may wait to be written, in bytes.
const MAX_WRITE_BUFFER_BYTES: usize = 256 * 1024;
/// Stands for a close without a frame (RFC 6455 §7.1.5): the connection broke.
const BROKEN: u16 = 1006;

/// An open socket. It answers pings while it is read.
pub struct Socket(Box<WebSocketStream<TokioIo<Upgraded>>>);

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A text message.
    Text(String),
    /// It is over, with the server's close code (`docs/protocol.md`, WebSockets); 1006 where the
    /// connection broke.
    Closed(u16),
}

/// The socket is gone; [`Socket::receive`] says with which code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the server broke")]
pub struct SocketLost;

impl Socket {
    pub(super) async fn new(upgraded: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES))
            .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES);
        let io = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(io, Role::Client, Some(config)).await;
        Self(Box::new(stream))
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// [`SocketLost`].
    pub async fn send(&mut self, text: String) -> Result<(), SocketLost> {
        let sent = self.0.send(Message::text(text)).await;
        sent.map_err(|_| SocketLost)
    }

    /// The next message, or the end. Cancel-safe: a message is given once or not at all.
    pub async fn receive(&mut self) -> Received {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Received::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return Received::Closed(code);
                }
                // Pings are answered by tungstenite; the server sends no binary messages.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Received::Closed(BROKEN),
            }
        }
    }

    /// Ends the socket; what was sent before arrives.
    pub async fn close(mut self) {
        let frame = CloseFrame {
            code: CloseCode::Normal.number().into(),
            reason: "".into(),
        };
        // One that is gone is closed already.
        let _ = (*self.0).close(Some(frame)).await;
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}
