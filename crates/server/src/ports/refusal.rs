//! Connections that are not let in: a few at a time are told why and when to come back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::Ports;
use super::sniff::Guess;
use crate::gate::Refusal;
use crate::http::connection::Connection;

/// Told at once; more are closed without a word.
pub(super) const AT_ONCE: usize = 32;

impl Ports {
    pub(super) fn refuse(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        refusal: Refusal,
        refusals: &Arc<Semaphore>,
    ) {
        drop(counted(refusal));
        let Ok(place) = refusals.clone().try_acquire_owned() else {
            return;
        };
        let ports = self.clone();
        self.tasks.spawn(async move {
            let told = ports.tell_refusal(stream, peer, refusal);
            if tokio::time::timeout(ports.limits.header_timeout, told)
                .await
                .is_err()
            {
                tracing::debug!(%peer, "refused connection did not listen");
            }
            drop(place);
        });
    }

    async fn tell_refusal(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        refusal: Refusal,
    ) -> io::Result<()> {
        let connection = Connection::new(peer, stream.local_addr()?, None);
        let router = self.routers.refusal.clone().layer(axum::Extension(refusal));
        let (guess, stream) = self.sniff(stream).await?;
        match (guess, &self.tls) {
            (Guess::Http, _) => self.serve_http(stream, router, connection).await,
            (Guess::Tls, Some(tls)) => {
                let stream = self.handshake(tls, stream).await?;
                self.serve_http(stream, router, connection).await
            }
            _ => Ok(()),
        }
    }
}

/// Counts a refusal and puts it into words for the log.
pub(super) fn counted(refusal: Refusal) -> io::Error {
    let cause = refusal.cause();
    metrics::counter!("helio_connections_refused_total", "cause" => cause).increment(1);
    io::Error::other(cause)
}
