//! Measures, in order, and tells each check as soon as it has its finding.

use std::sync::Arc;

use futures_util::future::join_all;
use hyper::Uri;
use protocol::http::IceServer;

use super::finding::{Check, CheckId, Finding, State};
use super::gathered::Gathered;
use super::mapping::{
    StunAnswer, comparable, has_no_nat, ipv6_finding, mapping_finding, names_finding, no_nat,
    stun_finding,
};
use super::relays::{Tried, relay_finding, udp_finding};
use super::trial::{TrialPath, trial_finding};
use crate::device::{self, Device};
use crate::link::{IcePolicy, IceUrl, Transport};
use crate::server_api::{ApiError, ServerApi, Trust};
use asking::{ask, own_addresses};

mod access;
mod asking;
mod linking;
mod names;

const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
const NO_SERVERS: &str = "the server's list of STUN and TURN servers is not known without a token";
const NO_LIST: &str = "the server hands its list of STUN and TURN servers to its own devices only";
const GET_LIST: &str =
    "Open a setup link on this device, or pair it (helio pair); then these checks can run.";

/// What is examined.
#[derive(Debug)]
pub struct Subject {
    /// Of the server.
    pub origin: String,
    /// Who asks; without a device what needs one is not told.
    pub device: Option<Device>,
    /// Which certificates are believed.
    pub trust: Trust,
}

/// What the doctor found.
#[derive(Debug)]
pub struct Diagnosis {
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// Whether the server answered.
    pub is_reachable: bool,
}

impl Diagnosis {
    /// How many checks found a fault.
    pub fn faults(&self) -> usize {
        let is_fault = |check: &&Check| check.finding.state == State::Bad;
        self.checks.iter().filter(is_fault).count()
    }
}

/// Runs every check; `tell` hears each as soon as it has its finding. Takes seconds, and up to a
/// minute where packets are dropped.
///
/// # Errors
/// The origin is none, or not encrypted.
pub async fn examine(subject: Subject, tell: impl FnMut(&Check)) -> Result<Diagnosis, ApiError> {
    let keys = match &subject.device {
        Some(device) => Arc::clone(device.keys()),
        None => device::nobody(),
    };
    let api = ServerApi::new(&subject.origin, keys, subject.trust)?;
    let (own_host, port) = host_and_port(api.origin());
    let mut examiner = Examiner {
        api,
        own_host,
        port,
        device: subject.device,
        checks: Vec::new(),
        tell,
    };
    let is_reachable = examiner.run().await;
    Ok(Diagnosis {
        checks: examiner.checks,
        is_reachable,
    })
}

fn host_and_port(origin: &str) -> (String, u16) {
    let uri: Option<Uri> = origin.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let port = uri.as_ref().and_then(Uri::port_u16);
    (host.to_owned(), port.unwrap_or(443))
}

/// A server of the list, alone with one of its URLs.
struct Named {
    url: String,
    server: IceServer,
}

struct Examiner<T> {
    api: ServerApi,
    /// The server's; IPv6 in brackets.
    own_host: String,
    port: u16,
    device: Option<Device>,
    checks: Vec<Check>,
    tell: T,
}

impl<T: FnMut(&Check)> Examiner<T> {
    async fn run(&mut self) -> bool {
        self.tell(CheckId::Keys, access::keys_finding(self.device.as_ref()));
        let reached = self.api.reach().await;
        let (server, is_reachable) = access::check_server(&self.api, &reached).await;
        self.tell(CheckId::Server, server);
        self.tell(CheckId::Tls, access::tls_finding(&reached));
        // A server that is not believed is asked nothing more.
        let is_believed = is_reachable && access::is_believed(&reached);
        let (token, list) =
            access::check_token(&self.api, self.device.is_some(), is_believed).await;
        self.tell(CheckId::Token, token);
        let socket = access::check_socket(&self.api, is_believed).await;
        self.tell(CheckId::WebSocket, socket);
        let unknown = list.is_none().then(|| self.unknown_list());
        let named = named(&list.unwrap_or_default());
        let stun = self.examine_stun(&named, unknown.as_ref()).await;
        let tried = self.examine_relays(&named, unknown.as_ref()).await;
        let stun: Vec<_> = stun.iter().collect();
        self.tell(CheckId::Udp, udp_finding(&stun, &tried, is_reachable));
        self.link(&named, &tried).await;
        is_reachable
    }

    /// Why servers cannot be asked: nobody told which.
    fn unknown_list(&self) -> Finding {
        match &self.device {
            Some(_) => Finding::untold(NO_SERVERS),
            None => Finding::untold(NO_LIST).remedied(GET_LIST),
        }
    }

    async fn examine_stun(&mut self, named: &[Named], unknown: Option<&Finding>) -> Vec<Gathered> {
        let urls: Vec<&str> = named.iter().map(|each| each.url.as_str()).collect();
        let is_stun = |url: &&&str| IceUrl::parse(url).is_some_and(|url| !url.is_turn);
        let stun: Vec<&str> = urls.iter().filter(is_stun).copied().collect();
        let ports = if unknown.is_some() {
            Vec::new()
        } else {
            self.ports(&urls, &stun)
        };
        let asked = ports.into_iter().map(async |url| {
            let gathered = self.ask_stun(&[&url]).await;
            StunAnswer { url, gathered }
        });
        let answers = join_all(asked).await;
        let is_named = |answer: &&StunAnswer| stun.contains(&answer.url.as_str());
        let named: Vec<_> = answers.iter().filter(is_named).cloned().collect();
        let seen = unknown.cloned();
        self.tell(
            CheckId::Stun,
            seen.unwrap_or_else(|| stun_finding(&named, &self.own_host)),
        );
        let mapping = match unknown {
            Some(finding) => finding.clone(),
            None => self.mapping(&answers).await,
        };
        self.tell(CheckId::Mapping, mapping);
        let own = own_addresses();
        let alone: Vec<_> = named.into_iter().map(|answer| answer.gathered).collect();
        let gatherings: Vec<_> = [&own].into_iter().chain(&alone).collect();
        self.tell(CheckId::Ipv6, ipv6_finding(&gatherings));
        let found = names::find_own_name().await;
        self.tell(CheckId::Mdns, names_finding(&own, found));
        alone
    }

    /// The STUN servers named, then the other ports that may answer STUN: relays and the one port.
    fn ports(&self, urls: &[&str], stun: &[&str]) -> Vec<String> {
        let mut ports: Vec<String> = stun.iter().map(|url| (*url).to_owned()).collect();
        let relays = urls.iter().filter_map(|url| {
            let parsed = IceUrl::parse(url)?;
            let is_udp = parsed.is_turn && parsed.transport == Transport::Udp;
            let at = url.strip_prefix("turn:")?.split('?').next()?;
            is_udp.then(|| format!("stun:{at}"))
        });
        let own = format!("stun:{}:{}", self.own_host, self.port);
        for url in relays.chain([own]) {
            if !ports.contains(&url) {
                ports.push(url);
            }
        }
        ports
    }

    /// Two ports of one server, asked from one socket, tell whether the mapping depends on them.
    async fn mapping(&self, answers: &[StunAnswer]) -> Finding {
        if has_no_nat(answers) {
            return no_nat();
        }
        let pair = comparable(answers);
        let urls: Vec<&str> = pair.iter().map(|answer| answer.url.as_str()).collect();
        let both = match urls.as_slice() {
            [_, _] => Some(self.ask_stun(&urls).await),
            _ => None,
        };
        mapping_finding(&pair, both.as_ref())
    }

    async fn ask_stun(&self, urls: &[&str]) -> Gathered {
        let server = IceServer {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            username: None,
            credential: None,
        };
        ask(&self.api.tls_config(), &server, IcePolicy::All).await
    }

    async fn examine_relays(&mut self, named: &[Named], unknown: Option<&Finding>) -> Vec<Tried> {
        let asked = named.iter().filter_map(|named| {
            let url = IceUrl::parse(&named.url).filter(|url| url.is_turn)?;
            Some((named, url.transport))
        });
        let tls = self.api.tls_config();
        let tried = join_all(asked.map(async |(named, transport)| Tried {
            url: named.url.clone(),
            transport,
            gathered: ask(&tls, &named.server, IcePolicy::Relay).await,
        }))
        .await;
        for transport in TRANSPORTS {
            let over: Vec<_> = tried
                .iter()
                .filter(|each| each.transport == transport)
                .collect();
            let found = || relay_finding(transport, &over, &self.own_host);
            let finding = unknown.cloned().unwrap_or_else(found);
            self.tell(CheckId::Relay(transport), finding);
        }
        tried
    }

    async fn link(&mut self, named: &[Named], tried: &[Tried]) {
        let tls = self.api.tls_config();
        let direct = linking::link(&tls, None).await;
        self.tell(
            CheckId::LinkDirect,
            trial_finding(TrialPath::Direct, &direct),
        );
        for transport in TRANSPORTS {
            let is_open = |each: &&Tried| each.transport == transport && each.gathered.relays > 0;
            let open = tried.iter().find(is_open);
            let server = open.and_then(|open| named.iter().find(|each| each.url == open.url));
            let finding = match server {
                Some(named) => {
                    let trial = linking::link(&tls, Some(&named.server)).await;
                    trial_finding(TrialPath::Relay, &trial)
                }
                None => Finding::untold("no relay over this transport gave an address"),
            };
            self.tell(CheckId::LinkRelayed(transport), finding);
        }
    }

    fn tell(&mut self, id: CheckId, finding: Finding) {
        let check = Check { id, finding };
        (self.tell)(&check);
        self.checks.push(check);
    }
}

/// Each URL with its credentials; those that are not understood here are left out.
fn named(list: &[IceServer]) -> Vec<Named> {
    let urls = list
        .iter()
        .flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let known = urls.filter(|(_, url)| IceUrl::parse(url).is_some());
    known
        .map(|(server, url)| Named {
            url: url.clone(),
            server: IceServer {
                urls: vec![url.clone()],
                ..server.clone()
            },
        })
        .collect()
}
