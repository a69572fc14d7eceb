//! `helio proxy`: a paired device's language model for programs of this machine that know Ollama or
//! OpenAI.

use llm::chatting::Chats;
use llm::proxy::router;
use serde_json::json;
use tokio::net::TcpListener;

use super::chats::over_chats;
use super::linking::Linked;
use crate::arguments::{DeviceArguments, OutputArguments, ProxyArguments};
use crate::output::Failure;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &ProxyArguments,
) -> Result<(), Failure> {
    let listen = arguments.listen;
    // A port that is taken is told before anybody is asked for a link.
    let fails = |error| Failure::because(format!("{listen}: {error}"));
    let listener = std::net::TcpListener::bind(listen).map_err(fails)?;
    listener.set_nonblocking(true).map_err(fails)?;
    over_chats(device, output, &arguments.link, async |linked, chats| {
        serve(linked, chats.clone(), listener).await
    })
}

/// Serves until the link is over for good; while it is only lost, requests wait.
async fn serve(
    linked: &mut Linked,
    chats: Chats,
    listener: std::net::TcpListener,
) -> Result<(), Failure> {
    let listener = TcpListener::from_std(listener).map_err(Failure::because)?;
    let address = listener.local_addr().map_err(Failure::because)?;
    let fact = json!({ "event": "serving", "address": address });
    let peer = &linked.peer;
    let sentence =
        format!("{peer} answers on http://{address}: Ollama's API, and OpenAI's under /v1.");
    linked.tell_of(&fact, &sentence);
    let serving = axum::serve(listener, router(chats));
    tokio::select! {
        served = serving => served.map_err(Failure::because),
        failure = follow(linked) => Err(failure),
    }
}

/// Reads the link's events until it is over; why it is.
async fn follow(linked: &mut Linked) -> Failure {
    loop {
        if let Err(failure) = linked.next().await {
            return failure;
        }
    }
}
