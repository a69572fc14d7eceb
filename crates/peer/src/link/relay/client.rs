//! The client of `turn-client-proto` that a relay is spoken to with.

use std::net::SocketAddr;
use std::time::Duration;

use turn_client_proto::api::TurnConfig;
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

turn_client_proto::impl_client!(pub(super) Client, (Udp, TurnClientUdp), (Tcp, TurnClientTcp));

/// A client that asks for an address of this version of IP.
pub(super) fn allocate(
    is_stream: bool,
    (local, server): (SocketAddr, SocketAddr),
    (username, password): &(String, String),
    family: AddressFamily,
) -> Client {
    let mut config = TurnConfig::new(TurnCredentials::new(username, password));
    config.set_address_family(family);
    // RFC 8489 §6.2.1 asks for 500 ms at least, and here a shorter wait would also break things:
    // a request that is answered 401 twice ends the client.
    config.set_request_retransmits(
        Duration::from_millis(1000),
        Duration::from_secs(4),
        7,
        Duration::from_secs(4),
    );
    if is_stream {
        Client::Tcp(TurnClientTcp::allocate(local, server, config))
    } else {
        Client::Udp(TurnClientUdp::allocate(local, server, config))
    }
}
