//! Speaks to the server's admin interface: over its socket where it runs, else in this process
//! on the same database. Either way the same router answers.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::settings::Settings;
use tokio::net::UnixStream;
use tower::ServiceExt;

use crate::arguments::ServerArguments;
use crate::output::Failure;

/// Proves the configuration that the arguments name.
pub(crate) fn settings(arguments: &ServerArguments) -> Result<Settings, Failure> {
    let reader = server::config::read(&arguments.sources());
    Settings::prove(reader).map_err(|faults| Failure::Configuration(faults.to_string()))
}

/// Sends one request and returns the reply's JSON (`null` where it has no body).
pub(crate) fn call(
    arguments: &ServerArguments,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value, Failure> {
    let settings = settings(arguments)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|_| Failure::because("an id cannot hold such characters"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::because)?;
    let (status, bytes) = runtime.block_on(send(&settings, request))?;
    let reply = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(reply);
    }
    let reason = reply["detail"]
        .as_str()
        .or(reply["title"].as_str())
        .unwrap_or("no reason given");
    Err(Failure::because(format!("{reason} ({status})")))
}

async fn send(
    settings: &Settings,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Failure> {
    match UnixStream::connect(server::admin::socket_path(&settings.data_dir)).await {
        Ok(stream) => send_over(stream, request).await,
        Err(_) => send_in_process(settings, request).await,
    }
}

async fn send_over(
    stream: UnixStream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Failure> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(Failure::because)?;
    let driving = tokio::spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(Failure::because)?;
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(Failure::because)?
        .to_bytes();
    driving.abort();
    Ok((status, body))
}

async fn send_in_process(
    settings: &Settings,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Failure> {
    let router = server::offline(settings).await.map_err(Failure::because)?;
    let response = router
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {});
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(Failure::because)?
        .to_bytes();
    Ok((status, body))
}
