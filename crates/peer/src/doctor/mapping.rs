//! What STUN and this device's own addresses tell of the NAT before it (RFC 5780 §4.3, as far as
//! two ports of one address go).

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use serde::Deserialize;

use super::finding::{Finding, State};
use super::gathered::Gathered;
use super::relays::{has_host, port_of};
use super::{ANSWER_LIMIT, milliseconds};

/// A STUN server, and what it brought when it was the only one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StunAnswer {
    /// `stun:host:port`.
    pub url: String,
    /// What it brought.
    pub gathered: Gathered,
}

/// Which address the STUN servers see; `own_host` is the server's, whose configuration we know.
pub fn stun_finding(answers: &[StunAnswer], own_host: &str) -> Finding {
    if answers.is_empty() {
        let measured = vec!["the server named no STUN server".to_owned()];
        return Finding::of(State::Bad, measured)
            .because("it has none of its own on UDP, and none of others is configured")
            .remedied("Let the server listen on UDP, or name a STUN server.")
            .at_line("turn.listen = [\"[::]:3478\"]");
    }
    let line = |answer: &StunAnswer| format!("{}: {}", answer.url, seen(&answer.gathered));
    let measured = answers.iter().map(line).collect();
    let silent = answers.iter().find(|each| !each.gathered.has_answered());
    let Some(StunAnswer { url, .. }) = silent else {
        return Finding::good(measured);
    };
    let is_any_heard = answers.iter().any(|each| each.gathered.has_answered());
    let state = if is_any_heard {
        State::Note
    } else {
        State::Bad
    };
    let port = port_of(url);
    let finding = Finding::of(state, measured)
        .because(format!("{url} did not answer over UDP"))
        .remedied(format!(
            "Let UDP port {port} through to the server, and see that it listens there."
        ));
    if has_host(url, own_host) {
        finding.at_line(format!("turn.listen = [\"[::]:{port}\"]"))
    } else {
        finding
    }
}

fn seen(gathered: &Gathered) -> String {
    if !gathered.srflx.is_empty() {
        let took = milliseconds(gathered.took_ms.unwrap_or_default());
        return format!("{} in {took}", gathered.srflx.join(", "));
    }
    if gathered.has_answered() {
        return "the address this device has itself: no NAT in between".to_owned();
    }
    format!("no answer in {} s", ANSWER_LIMIT.as_secs())
}

/// The first two servers that gave as many addresses of each family, or fewer than two: where one
/// is reached by a network or a family that the other is not, more addresses prove nothing.
pub fn comparable(answers: &[StunAnswer]) -> Vec<&StunAnswer> {
    let is_translated = |answer: &&StunAnswer| !answer.gathered.srflx.is_empty();
    let answering: Vec<_> = answers.iter().filter(is_translated).collect();
    for (index, first) in answering.iter().enumerate() {
        let rest = &answering[index + 1..];
        let second = rest.iter().find(|each| families(each) == families(first));
        if let Some(second) = second {
            return vec![first, second];
        }
    }
    answering.into_iter().take(1).collect()
}

/// How many addresses of IPv4 and of IPv6 it saw.
fn families(answer: &StunAnswer) -> (usize, usize) {
    let srflx = &answer.gathered.srflx;
    let ipv6 = srflx.iter().filter(|each| each.starts_with('[')).count();
    (srflx.len() - ipv6, ipv6)
}

/// Whether a server saw the very address that this device has, and none saw another.
pub fn has_no_nat(answers: &[StunAnswer]) -> bool {
    let is_translated = |answer: &StunAnswer| !answer.gathered.srflx.is_empty();
    let has_answered = |answer: &StunAnswer| answer.gathered.has_answered();
    !answers.iter().any(is_translated) && answers.iter().any(has_answered)
}

/// The finding where there is none.
pub fn no_nat() -> Finding {
    let seen = "no NAT: the server sees an address of this device";
    Finding::good(vec![seen.to_owned()])
}

/// `answering` are servers that gave an address alone; `both` is one socket asking two of them.
pub fn mapping_finding(answering: &[&StunAnswer], both: Option<&Gathered>) -> Finding {
    let ([first, second, ..], Some(both)) = (answering, both) else {
        let count = answering.len();
        let why = format!("it takes comparable answers from two ports, there are {count}");
        return Finding::untold(&why).remedied(
            "Add a second STUN server (ice.stun_urls), or open both ports of the server.",
        );
    };
    let saw = both.srflx.join(", ");
    let measured = format!("{} and {} saw one socket as {saw}", first.url, second.url);
    let filtering = "filtering: not told, it takes a server with a second address";
    let wanted = first.gathered.srflx.len();
    let told = |state, kind: &str| {
        Finding::of(
            state,
            vec![measured.clone(), kind.to_owned(), filtering.to_owned()],
        )
    };
    if !both.is_complete || both.srflx.len() < wanted {
        let measured = vec![measured, "not both answered together".to_owned()];
        return Finding::of(State::Untold, measured);
    }
    if both.srflx.len() == wanted {
        let kind = "the mapping is endpoint-independent, or there is no NAT";
        return told(State::Good, kind);
    }
    let kind = "the mapping depends on address or port (symmetric NAT)";
    told(State::Note, kind)
        .because("this network gives a socket another port for each destination")
        .remedied(
            "Direct links work with peers on easier networks; else they need the relay below.",
        )
}

/// Whether this device has an IPv6 address that others could use.
pub fn ipv6_finding(gatherings: &[&Gathered]) -> Finding {
    let own = gatherings.iter().flat_map(|each| &each.hosts);
    let own = own.filter(|host| is_usable_ipv6(host));
    let mapped = gatherings.iter().flat_map(|each| &each.srflx);
    let mapped = mapped.filter(|each| each.starts_with('['));
    let mut known = BTreeSet::new();
    let found = own.chain(mapped).filter(|each| known.insert(*each));
    let found: Vec<_> = found.map(String::as_str).collect();
    if found.is_empty() {
        let none = "no IPv6 address; IPv4 serves alone";
        return Finding::of(State::Note, vec![none.to_owned()]);
    }
    Finding::good(vec![found.join(", ")])
}

/// Link-local ones (RFC 4291 §2.5.6) serve nobody else.
fn is_usable_ipv6(host: &str) -> bool {
    let address: Result<Ipv6Addr, _> = host.parse();
    address.is_ok_and(|address| address.segments()[0] & 0xFFC0 != 0xFE80)
}

/// As [`hidden_finding`], and whether names under `.local` are found here: after how long, none where
/// they are not.
pub fn names_finding(gathered: &Gathered, found_after: Option<Duration>) -> Finding {
    let mut finding = hidden_finding(gathered);
    if finding.state != State::Good {
        return finding;
    }
    let Some(after) = found_after else {
        finding
            .measured
            .push("a name under .local was not found".to_owned());
        return Finding::of(State::Note, finding.measured)
            .because(
                "multicast DNS (UDP port 5353) does not pass on this device or its network, so \
                 that addresses which browsers hide behind such names are not found",
            )
            .remedied(
                "Allow UDP port 5353 to 224.0.0.251 and ff02::fb where browsers of this network \
                 are to be reached without leaving it.",
            );
    };
    let took_ms = after.as_millis();
    let found = format!("a name under .local was found after {took_ms} ms");
    finding.measured.push(found);
    finding
}

/// Which addresses of this device peers are told; none is hidden here, as browsers do.
pub fn hidden_finding(gathered: &Gathered) -> Finding {
    if gathered.hosts.is_empty() {
        let measured = vec!["this device has no address that peers may be told".to_owned()];
        return Finding::of(State::Bad, measured)
            .because("it has no network, or a setting or an extension forbids WebRTC")
            .remedied("Check the connection, and in a browser its WebRTC settings.");
    }
    Finding::good(vec![format!(
        "shown to peers: {}",
        gathered.hosts.join(", ")
    )])
}
