//! TCP and TLS connections to TURN servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use crate::link::StreamId;

/// How long a connection may take to come up, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Messages that wait to be written; more are lost, each as a whole, as datagrams are.
const MAX_QUEUED_MESSAGES: usize = 1024;
const READ_BYTES: usize = 16 * 1024;

/// What happened on a stream.
#[derive(Debug)]
pub(super) enum StreamEvent {
    Open(SocketAddr),
    Data(Vec<u8>),
    /// It ended, or did not come up, for this reason.
    Closed(String),
}

struct Open {
    messages: mpsc::Sender<Vec<u8>>,
    task: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The streams, by their ids.
pub(super) struct Streams {
    open: BTreeMap<StreamId, Open>,
    events: mpsc::Sender<(StreamId, StreamEvent)>,
    tls: Arc<ClientConfig>,
}

impl Streams {
    /// `tls` says whose certificates are believed.
    pub(super) fn new(tls: &ClientConfig, events: mpsc::Sender<(StreamId, StreamEvent)>) -> Self {
        let mut tls = tls.clone();
        // RFC 7443: so that one port can serve HTTPS as well.
        tls.alpn_protocols = vec![b"stun.turn".to_vec()];
        Self {
            open: BTreeMap::new(),
            events,
            tls: Arc::new(tls),
        }
    }

    pub(super) fn open(&mut self, stream: StreamId, to: SocketAddr, tls_name: Option<String>) {
        let (messages, queue) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let (tls, events) = (self.tls.clone(), self.events.clone());
        let task = tokio::spawn(async move {
            let sending = events.clone();
            let why = match run(stream, to, tls_name, tls, queue, sending).await {
                Ok(()) => "the relay closed the connection".to_owned(),
                Err(error) => error.to_string(),
            };
            tracing::debug!(why, "a stream to a relay ended");
            // Nobody listens any more where the link itself is gone.
            let _ = events.send((stream, StreamEvent::Closed(why))).await;
        });
        let task = task.abort_handle();
        self.open.insert(stream, Open { messages, task });
    }

    pub(super) fn send(&self, stream: StreamId, bytes: Vec<u8>) {
        if let Some(open) = self.open.get(&stream)
            && open.messages.try_send(bytes).is_err()
        {
            tracing::trace!("a message to a relay was lost");
        }
    }

    pub(super) fn close(&mut self, stream: StreamId) {
        self.open.remove(&stream);
    }
}

async fn run(
    stream: StreamId,
    to: SocketAddr,
    tls_name: Option<String>,
    tls: Arc<ClientConfig>,
    queue: mpsc::Receiver<Vec<u8>>,
    events: mpsc::Sender<(StreamId, StreamEvent)>,
) -> std::io::Result<()> {
    let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(to));
    let tcp = connecting.await.map_err(std::io::Error::other)??;
    tcp.set_nodelay(true)?;
    let local = tcp.local_addr()?;
    let Some(name) = tls_name else {
        return carry(tcp, local, stream, queue, events).await;
    };
    let name = ServerName::try_from(name).map_err(std::io::Error::other)?;
    let handshake = TlsConnector::from(tls).connect(name, tcp);
    let handshake = tokio::time::timeout(CONNECT_LIMIT, handshake).await;
    let tls = handshake.map_err(std::io::Error::other)??;
    carry(tls, local, stream, queue, events).await
}

async fn carry<S: AsyncRead + AsyncWrite>(
    connection: S,
    local: SocketAddr,
    stream: StreamId,
    mut queue: mpsc::Receiver<Vec<u8>>,
    events: mpsc::Sender<(StreamId, StreamEvent)>,
) -> std::io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let gone = std::io::Error::other;
    let opened = events.send((stream, StreamEvent::Open(local))).await;
    opened.map_err(gone)?;
    let reading = async {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = reader.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let data = StreamEvent::Data(buffer[..length].to_vec());
            events.send((stream, data)).await.map_err(gone)?;
        }
    };
    let writing = async {
        while let Some(message) = queue.recv().await {
            writer.write_all(&message).await?;
            writer.flush().await?;
        }
        Ok(())
    };
    tokio::select! {
        end = reading => end,
        end = writing => end,
    }
}
