//! One HTTP/1.1 connection on hyper, with the timers that `axum::serve` does not set.

use std::io;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::http::connection::Connection;
use crate::settings::Limits;

/// Request line and headers together; a link token takes 1 KiB of it.
const HEAD_BYTES: usize = 32 * 1024;

/// Serves requests until either side ends the connection or `stop` is cancelled.
///
/// The header limit also bounds how long an idle connection is kept; the write limit also holds
/// for the WebSocket that it may become.
pub(super) async fn serve<S>(
    stream: S,
    router: Router,
    connection: Connection,
    limits: &Limits,
    stop: &CancellationToken,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_timeout));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    served.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    fn limits() -> Limits {
        let sources = crate::config::Sources::default();
        let settings = crate::settings::Settings::prove(crate::config::read(&sources));
        settings.expect("the defaults are right").limits
    }

    async fn serve_pages(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let page = "x".repeat(64 * 1024);
        let router = Router::new().route("/", get(|| async move { page }));
        let nobody = ([127, 0, 0, 1], 0).into();
        let connection = Connection::new(nobody, nobody, None);
        // How it ends is seen by its time.
        let _ = serve(
            stream,
            router,
            connection,
            &limits(),
            &CancellationToken::new(),
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_never_reads_is_cut_after_the_write_limit() {
        let (mut client, stream) = duplex(1024);
        client.write_all(REQUEST).await.unwrap();
        let began = Instant::now();
        serve_pages(stream).await;
        assert_eq!(began.elapsed(), limits().write_timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_slow_but_reads_gets_everything() {
        let (mut client, stream) = duplex(1024);
        client.write_all(REQUEST).await.unwrap();
        let reading = async {
            let mut read = 0;
            while read < 64 * 1024 {
                sleep(limits().write_timeout - Duration::from_secs(1)).await;
                read += client.read(&mut [0; 1024]).await.unwrap();
            }
            read
        };
        tokio::select! {
            () = serve_pages(stream) => panic!("cut"),
            read = reading => assert!(read >= 64 * 1024),
        }
    }
}
