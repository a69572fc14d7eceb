//! `helio proxy`: a paired device's language model for programs of this machine that know Ollama or
//! OpenAI.

use std::net::SocketAddr;

use llm::chatting::Chats;
use llm::proxy::router;
use peer::LinkOptions;
use serde_json::json;
use tokio::net::TcpListener;

use super::linking::{Linked, over_link, until_ctrl_c};
use crate::arguments::{DeviceArguments, OutputArguments, ProxyArguments};
use crate::output::Failure;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &ProxyArguments,
) -> Result<(), Failure> {
    let options = LinkOptions {
        has_llm: true,
        ..LinkOptions::default()
    };
    over_link(device, output, &arguments.link, options, async |linked| {
        let chats = Chats::start(linked.link.take_llm().expect("it is taken once"));
        let outcome = until_ctrl_c(serve(linked, chats.clone(), arguments.listen)).await;
        chats.finish().await;
        outcome
    })
}

/// Serves until the link is over for good; while it is only lost, requests wait.
async fn serve(linked: &mut Linked, chats: Chats, listen: SocketAddr) -> Result<(), Failure> {
    if !listen.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "{listen} is open to others; the proxy asks nobody who they are, so it listens on \
             127.0.0.1 or [::1]"
        )));
    }
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| Failure::because(format!("{listen}: {error}")))?;
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
