//! The way to the server, step by step: the device's keys, TCP, TLS, HTTP, token, WebSocket.

use std::time::{Duration, Instant};

use protocol::http::IceServer;
use tokio::time::timeout;

use crate::device::{Device, random};
use crate::doctor::access::{
    ServerReply, SocketAttempt, SocketEnd, TokenGrant, server_finding, socket_finding,
    token_finding,
};
use crate::doctor::finding::{Finding, State};
use crate::doctor::milliseconds;
use crate::server_api::{
    ApiError, NotReached, Reached, Secured, ServerApi, TrustError, Voucher, unix_ms,
};

/// The first request opens the connection, the others tell the round trip.
const REQUESTS: usize = 4;
const SOCKET_LIMIT: Duration = Duration::from_secs(5);
/// A connection that ended without a close frame (RFC 6455 §7.1.5).
const BROKEN: u16 = 1006;
const AWAY: &str = "the server does not answer";
const NOT_BELIEVED: &str = "nothing is asked of a server whose certificate is not believed";

type Reach = Result<Reached, NotReached>;

/// Whether this machine is a device.
pub(super) fn keys_finding(device: Option<&Device>) -> Finding {
    match device {
        Some(device) => {
            let name = &device.keys().record().name;
            let path = device.store().dir().join("device.json");
            Finding::good(vec![format!("{name}, with its keys in {}", path.display())])
        }
        None => Finding::untold("this machine is no device yet")
            .remedied("Open a setup link on it, or pair it: helio pair LINK."),
    }
}

/// Whether the server answers, how soon, and how far its clock is from ours; and whether it does.
pub(super) async fn check_server(api: &ServerApi, reached: &Reach) -> (Finding, bool) {
    let reached = match reached {
        Ok(reached) => reached,
        Err(why) => return (unreachable_finding(api, why), false),
    };
    let connected = format!("TCP connected in {}", milliseconds(ms(reached.tcp)));
    match &reached.tls {
        Some(Err(ApiError::Trust(_))) => {
            let measured = vec![connected, NOT_BELIEVED.to_owned()];
            return (Finding::of(State::Untold, measured), true);
        }
        Some(Err(error)) => return (refusal_finding(error), false),
        Some(Ok(_)) | None => {}
    }
    match measure_server(api).await {
        Ok(reply) => {
            let mut finding = server_finding(&reply);
            finding.measured.insert(0, connected);
            (finding, true)
        }
        Err(error) => {
            let is_reachable = !matches!(error, ApiError::Unreachable { .. });
            (refusal_finding(&error), is_reachable)
        }
    }
}

async fn measure_server(api: &ServerApi) -> Result<ServerReply, ApiError> {
    let mut best: Option<ServerReply> = None;
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let info = api.server_info().await?;
        let took = started.elapsed();
        if best
            .as_ref()
            .is_none_or(|best| ms(took) < best.round_trip_ms)
        {
            // The server read its clock half a round trip ago.
            let [theirs, ours] = [info.now, unix_ms()].map(|ms| ms as f64);
            best = Some(ServerReply {
                version: info.version,
                round_trip_ms: ms(took),
                requests: REQUESTS,
                offset_ms: theirs - (ours - ms(took) / 2.0),
            });
        }
    }
    Ok(best.expect("there was a request"))
}

fn unreachable_finding(api: &ServerApi, why: &NotReached) -> Finding {
    let origin = api.origin();
    let (host, port) = super::host_and_port(origin);
    let bad = |how: &str| Finding::of(State::Bad, vec![format!("{origin} does not answer: {how}")]);
    match why {
        NotReached::NoAddress(error) => bad(error)
            .because(format!("{host} is a name without an address here"))
            .remedied("Check the address, that this device is online, and its name servers."),
        NotReached::Refused => bad("the connection was refused")
            .because(format!(
                "the machine is there, and nothing listens on its TCP port {port}"
            ))
            .remedied("Check that the server is running, and that it listens there.")
            .at_line(format!("http.listen = [\"[::]:{port}\"]")),
        NotReached::Silent => bad("nothing came back in 10 s")
            .because("the machine is off, or a firewall drops what is sent to it")
            .remedied(format!(
                "Check that the server is running, and let TCP port {port} through to it."
            )),
        NotReached::NoWay(error) => bad(error)
            .because("this device has no way to the server's network")
            .remedied("Check that this device is online."),
    }
}

/// Whether the certificate is believed, and who vouched for it.
pub(super) fn tls_finding(reached: &Reach) -> Finding {
    let Ok(reached) = reached else {
        return Finding::untold(AWAY);
    };
    match &reached.tls {
        None => Finding::untold("plain http on this machine needs none"),
        Some(Ok(secured)) => secured_finding(secured),
        Some(Err(ApiError::Trust(error))) => trust_finding(error),
        Some(Err(error)) => Finding::of(State::Bad, vec![error.to_string()])
            .because("something answers on that port, and does not speak TLS as the server does")
            .remedied("Check the port; where a proxy ends TLS, look into its log.")
            .at_line("http.tls = \"self-signed\""),
    }
}

fn secured_finding(secured: &Secured) -> Finding {
    let Secured {
        took,
        version,
        voucher,
    } = secured;
    let who = match voucher {
        Some(Voucher::Public) => "an authority that this system knows",
        Some(Voucher::Pinned) => "the authority that was pinned when this device paired",
        Some(Voucher::Given) => "the authority that --ca names",
        Some(Voucher::Nobody) | None => "nobody that this device knows",
    };
    let took = milliseconds(ms(*took));
    let measured = vec![
        format!("{version} in {took}"),
        format!("{who} vouches for the certificate"),
    ];
    if matches!(voucher, Some(Voucher::Nobody) | None) {
        return Finding::of(State::Note, measured)
            .because("the server signs its certificate itself, and this device has not met it yet")
            .remedied("Pairing pins it; or name its authority with --ca FILE (tls/ca.pem there).");
    }
    Finding::good(measured)
}

fn trust_finding(error: &TrustError) -> Finding {
    let (measured, cause, remedy) = match error {
        TrustError::Unknown { host, cause } => (
            format!("the certificate of {host} is not believed: {cause}"),
            "no authority that this device knows signed it for that name",
            "Open the server by a name that is in its certificate (http.public_origins); pair with \
             it, or name its authority with --ca FILE (tls/ca.pem in its data directory)."
                .to_owned(),
        ),
        TrustError::Changed { host, pin } => (
            format!("the certificate of {host} is of another authority than the one pinned"),
            "the server was set up anew, or somebody sits in between",
            format!(
                "If it was set up anew, delete {} and pair again; else trust this network no more.",
                pin.display()
            ),
        ),
        TrustError::NotGiven { host, cause } => (
            format!("the certificate of {host} is not believed: {cause}"),
            "the authority that --ca names did not sign it",
            "Take tls/ca.pem out of that server's data directory.".to_owned(),
        ),
        TrustError::Authority(cause) => (
            cause.clone(),
            "the authority to believe cannot be read",
            "Give --ca a PEM file with a certificate.".to_owned(),
        ),
    };
    let finding = Finding::of(State::Bad, vec![measured])
        .because(cause)
        .remedied(remedy);
    match error {
        TrustError::Unknown { host, .. } => {
            finding.at_line(format!("http.public_origins = [\"https://{host}\"]"))
        }
        _ => finding,
    }
}

pub(super) fn is_believed(reached: &Reach) -> bool {
    let tls = reached.as_ref().map(|reached| &reached.tls);
    matches!(tls, Ok(None | Some(Ok(_))))
}

/// Whether the server takes this device's assertion, and the ICE servers that it hands out.
pub(super) async fn check_token(
    api: &ServerApi,
    is_device: bool,
    is_believed: bool,
) -> (Finding, Option<Vec<IceServer>>) {
    if !is_device {
        let why =
            "this machine is no device of an account, so there is nothing to ask a token with";
        let remedy = "Open a setup link on it, or pair it: helio pair LINK.";
        return (Finding::untold(why).remedied(remedy), None);
    }
    if !is_believed {
        return (Finding::untold(AWAY), None);
    }
    let started = Instant::now();
    match api.fresh_account_token().await {
        Ok(reply) => {
            let list = reply.ice_servers;
            let finding = token_finding(&TokenGrant {
                took_ms: ms(started.elapsed()),
                expires_in: reply.expires_in,
                urls: list.iter().flat_map(|server| server.urls.clone()).collect(),
            });
            (finding, Some(list))
        }
        Err(error) => (refusal_finding(&error), None),
    }
}

/// Whether WebSockets reach the server. `/api/signal` is left alone: a socket of this device there
/// would end the one of an open link, and its peer would start to connect.
pub(super) async fn check_socket(api: &ServerApi, is_believed: bool) -> Finding {
    if !is_believed {
        return Finding::untold(AWAY);
    }
    let rendezvous = protocol::base64url::encode(&random::<16>());
    let started = Instant::now();
    let opened = timeout(SOCKET_LIMIT, api.open_rendezvous(&rendezvous, None)).await;
    let took_ms = ms(started.elapsed());
    let end = match opened {
        Ok(Ok(socket)) => {
            socket.close().await;
            SocketEnd::Open
        }
        Ok(Err(ApiError::Refused { status, .. })) => SocketEnd::Answered(status),
        Ok(Err(_)) => SocketEnd::Closed(BROKEN),
        Err(_) => SocketEnd::Silent,
    };
    socket_finding(&SocketAttempt {
        origin: api.origin(),
        end,
        took_ms,
    })
}

/// A call that the server did not answer as it should.
fn refusal_finding(error: &ApiError) -> Finding {
    let bad = |measured: String| Finding::of(State::Bad, vec![measured]);
    match error {
        ApiError::Refused { code, message, .. } => {
            let remedy = match code.as_str() {
                "assertion-expired" | "assertion-invalid" | "clock-skew" => {
                    "Set this device's clock to automatic, then try again."
                }
                "unauthorized" | "unknown-device" | "revoked" => {
                    "Pair this device again, or open a setup link on it."
                }
                "wrong-audience" => "Open the server by one of its own addresses.",
                "rate-limited" | "unavailable" => "Wait a moment, then try again.",
                _ => "Look into the server's log; docs/problems.md lists the codes.",
            };
            let finding = bad(message.clone()).because(format!("the server refused: {code}"));
            let finding = finding.remedied(remedy);
            match code.as_str() {
                "wrong-audience" => finding.at_line("http.public_origins"),
                _ => finding,
            }
        }
        ApiError::NotHeliograph { .. } => bad(error.to_string())
            .because("another program answers at that address")
            .remedied("Check the address and its port; a proxy in between must pass /api on."),
        other => bad(other.to_string())
            .because("the connection broke before a reply")
            .remedied("Check that this device is online and the server is running."),
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
