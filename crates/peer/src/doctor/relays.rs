//! What TURN servers answered (RFC 8656), each asked alone over one transport, and whether UDP
//! passes at all.

use super::finding::{Finding, State};
use super::gathered::Gathered;
use super::{ANSWER_LIMIT, milliseconds};
use crate::link::{IceUrl, Transport};

/// A relay that was asked for an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// `turn:` or `turns:`.
    pub url: String,
    /// How it is reached.
    pub transport: Transport,
    /// What it brought.
    pub gathered: Gathered,
}

/// Whether the relays of one transport gave an address, and if not, what they said.
pub fn relay_finding(transport: Transport, tried: &[&Tried], own_host: &str) -> Finding {
    if tried.is_empty() {
        return unnamed(transport);
    }
    let line = |each: &&Tried| format!("{}: {}", each.url, outcome(&each.gathered));
    let measured = tried.iter().map(line).collect();
    let Some(failed) = tried.iter().find(|each| each.gathered.relays == 0) else {
        return Finding::good(measured);
    };
    let is_any_well = tried.iter().any(|each| each.gathered.relays > 0);
    let state = if is_any_well { State::Note } else { State::Bad };
    advise(Finding::of(state, measured), failed, own_host)
}

fn unnamed(transport: Transport) -> Finding {
    let name = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    };
    let finding = Finding::untold(&format!("the server names no relay over {name}"));
    if transport == Transport::Tls {
        finding.remedied("It offers one with a certificate that browsers trust (http.tls).")
    } else {
        finding
    }
}

fn outcome(gathered: &Gathered) -> String {
    if gathered.relays > 0 {
        let took = milliseconds(gathered.took_ms.unwrap_or_default());
        return format!("gave an address in {took}");
    }
    if let Some(refusal) = gathered.refusal() {
        let words = format!("refused: {} {}", refusal.code, refusal.text);
        return words.trim_end().to_owned();
    }
    match gathered.errors.first() {
        Some(error) if error.text.is_empty() => format!("not reached: {}", error.code),
        Some(error) => format!("not reached: {}", error.text),
        None => format!("no answer in {} s", ANSWER_LIMIT.as_secs()),
    }
}

fn advise(finding: Finding, failed: &Tried, own_host: &str) -> Finding {
    if let Some(refusal) = failed.gathered.refusal() {
        return advise_of_refusal(finding, refusal.code);
    }
    let url = &failed.url;
    let is_udp = failed.transport == Transport::Udp;
    let protocol = if is_udp { "UDP" } else { "TCP" };
    let port = port_of(url);
    let finding = finding
        .because(format!("nothing answers at {url}"))
        .remedied(format!(
            "Start the relay, and let {protocol} port {port} through to it."
        ));
    if !has_host(url, own_host) {
        return finding;
    }
    // Our own relay over TLS shares the port of the pages.
    let is_tls = failed.transport == Transport::Tls;
    let key = if is_tls { "http.listen" } else { "turn.listen" };
    finding.at_line(format!("{key} = [\"[::]:{port}\"]"))
}

/// What STUN error codes of an Allocate mean (RFC 8656 §20).
fn advise_of_refusal(finding: Finding, code: u16) -> Finding {
    match code {
        400 => finding
            .because("the relay could not read the request")
            .remedied("Look into the relay's log."),
        401 => finding
            .because("the relay does not accept the credentials that the server made")
            .remedied("Give server and relay the same secret, and set both clocks to automatic.")
            .at_line("turn.secrets = [\"the relay's secret\"], or secret of [[turn.external]]"),
        403 => finding
            .because("the relay forbids this device")
            .remedied("Look into the relay's rules."),
        486 => finding
            .because("this device holds as many allocations as it may")
            .remedied("Close other tabs and programs, wait ten minutes, or raise the limit.")
            .at_line("limits.turn_allocations_per_device = 64"),
        508 => finding
            .because("the relay is full")
            .remedied("Give the relay more ports, or wait."),
        _ => finding
            .because(format!("the relay refused with {code}"))
            .remedied("Look into the relay's log."),
    }
}

/// Whether UDP passes: told only by servers that were asked over both.
pub fn udp_finding(stun: &[&Gathered], tried: &[Tried], is_reachable: bool) -> Finding {
    let by_udp = |each: &&Tried| each.transport == Transport::Udp;
    let relays: Vec<_> = tried.iter().filter(by_udp).collect();
    let asked = stun.len() + relays.len();
    if asked == 0 {
        return Finding::untold("there is no server to ask over UDP");
    }
    let was_heard = |each: &&&Tried| each.gathered.was_heard();
    let answered = stun.iter().filter(|each| each.has_answered()).count();
    let heard = answered + relays.iter().filter(was_heard).count();
    let mut measured = vec![format!("{heard} of {asked} servers answered over UDP")];
    if heard > 0 {
        return Finding::good(measured);
    }
    let others = tried.iter().filter(|each| !by_udp(each));
    let over_tcp = others.filter(|each| each.gathered.was_heard()).count();
    if over_tcp > 0 {
        measured.push(format!("{over_tcp} over TCP"));
        return Finding::of(State::Bad, measured)
            .because("a relay that answers over TCP is silent over UDP: UDP is blocked on the way")
            .remedied(
                "Let UDP through the firewalls on both ends; until then links go by TCP, and slower.",
            );
    }
    let (state, rest) = if is_reachable {
        (State::Bad, "the server itself answers over TCP")
    } else {
        (State::Untold, "nothing answered over TCP either")
    };
    measured.push(rest.to_owned());
    Finding::of(state, measured)
        .because("UDP is blocked, or none of the servers listens; the two look alike from here")
        .remedied("See that the server listens on UDP, then let its ports through the firewall.")
        .at_line("turn.listen = [\"[::]:3478\"]")
}

/// Whether an ICE URL (RFC 7064, 7065) names a host; IPv6 ones may stand in brackets.
pub(super) fn has_host(url: &str, host: &str) -> bool {
    IceUrl::parse(url).is_some_and(|url| url.host == host.trim_matches(['[', ']']))
}

/// The port that an ICE URL names.
pub(super) fn port_of(url: &str) -> u16 {
    IceUrl::parse(url).map_or(3478, |url| url.port)
}
