//! A server, its virtual clock and sockets, and clients that speak STUN to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use stun_types::attribute::{
    Attribute, AttributeFromRaw, AttributeStaticType, AttributeWrite, ErrorCode, Nonce, Realm,
    Username,
};
use stun_types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageIntegrityCredentials,
    MessageType, MessageWrite, MessageWriteExt, MessageWriteVec, Method, TransactionId,
};
use turn::{
    Command, FiveTuple, Limits, Now, Relay, RelayId, RelayIp, Server, Settings, Transport,
    rest_password,
};
use turn_types::AddressFamily;
use turn_types::attribute::{
    ChannelNumber, Data, Lifetime, RequestedAddressFamily, RequestedTransport, XorPeerAddress,
    XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH, SEND};

pub(crate) const SECRET: &str = "north";
pub(crate) const OTHER_SECRET: &str = "south";
pub(crate) const REALM: &str = "heliograph";
pub(crate) const PEER: &str = "198.51.100.9:7000";
pub(crate) const PEER_V6: &str = "[2600::9]:7000";
pub(crate) const RELAY_IP: &str = "203.0.113.1";
pub(crate) const EXTERNAL_IP: &str = "192.0.2.80";
pub(crate) const MEDIA: &str = "203.0.113.1:8443";
/// The world begins here.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_700_000_000);

pub(crate) fn settings() -> Settings {
    Settings {
        realm: REALM.into(),
        secrets: vec![SECRET.into(), OTHER_SECRET.into()],
        relay_ips: vec![
            RelayIp {
                bound: ip(RELAY_IP),
                advertised: ip(EXTERNAL_IP),
            },
            ip("2001:db8::1").into(),
        ],
        relay_ports: 50_000..=50_099,
        own_ips: vec![ip("203.0.113.77")],
        media_addrs: vec![addr(MEDIA)],
        allow_peers: vec![],
        limits: Limits::default(),
    }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The server with its sockets: every relay port can be bound, except the `taken` ones.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) now: Now,
    pub(crate) relays: BTreeMap<RelayId, SocketAddr>,
    pub(crate) taken: BTreeSet<u16>,
    pub(crate) replies: Vec<(FiveTuple, Vec<u8>)>,
    pub(crate) ended: Vec<FiveTuple>,
    last_transaction: u128,
    last_client: u16,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let now = Now {
            instant: Instant::now(),
            unix_time: EPOCH,
        };
        Self {
            server: Server::new(settings, &[9; 32], now.instant),
            now,
            relays: BTreeMap::new(),
            taken: BTreeSet::new(),
            replies: Vec::new(),
            ended: Vec::new(),
            last_transaction: 0,
            last_client: 1000,
        }
    }

    /// Time passes, and the server is woken whenever it wants to be.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(timeout) = self.server.poll_timeout().filter(|at| *at <= end) {
            self.advance_to(timeout.max(self.now.instant));
            self.server.handle_timeout(self.now.instant);
            self.obey();
        }
        self.advance_to(end);
    }

    fn advance_to(&mut self, instant: Instant) {
        self.now.unix_time += instant - self.now.instant;
        self.now.instant = instant;
    }

    pub(crate) fn send(&mut self, from: FiveTuple, bytes: &[u8]) -> Option<Relay> {
        let relay = self.server.handle_client(from, bytes, self.now);
        self.obey();
        relay
    }

    pub(crate) fn obey(&mut self) {
        while let Some(command) = self.server.poll_command() {
            match command {
                Command::Reply { to, bytes } => self.replies.push((to, bytes)),
                Command::Bind { relay, addr } => {
                    let is_free = !self.taken.contains(&addr.port())
                        && !self.relays.values().any(|bound| *bound == addr);
                    if is_free {
                        self.relays.insert(relay, addr);
                    }
                    self.server.handle_bound(relay, is_free, self.now);
                }
                Command::Close { relay } => {
                    self.relays.remove(&relay);
                }
                Command::Ended { client } => self.ended.push(client),
            }
        }
    }

    /// Sends a request and takes its answer, if there is one.
    pub(crate) fn ask(&mut self, from: FiveTuple, request: &[u8]) -> Option<Answer> {
        self.replies.clear();
        assert_eq!(self.send(from, request), None, "a request is not relayed");
        let (to, bytes) = self.replies.pop()?;
        assert_eq!(to, from);
        assert!(self.replies.is_empty(), "one request, one answer");
        Some(Answer(bytes))
    }

    /// A new client of this device on UDP, with credentials good for ten minutes.
    pub(crate) fn client(&mut self, device: &str) -> Client {
        self.last_client += 1;
        let from = FiveTuple {
            transport: Transport::Udp,
            client: (ip("198.51.100.1"), self.last_client).into(),
            server: (ip(RELAY_IP), 3478).into(),
        };
        let expiry = self.now.unix_time.as_secs() + 600;
        Client {
            from,
            username: format!("{expiry}:{device}"),
            secret: SECRET.into(),
            nonce: None,
        }
    }

    /// A client that has its allocation.
    pub(crate) fn allocated(&mut self, device: &str) -> Client {
        let mut client = self.client(device);
        assert_eq!(client.allocate(self).code(), 0);
        client
    }

    pub(crate) fn transaction(&mut self) -> TransactionId {
        self.last_transaction += 1;
        self.last_transaction.into()
    }

    /// The relay socket behind the client's only relayed address.
    pub(crate) fn relay_at(&self, bound: SocketAddr) -> RelayId {
        let found = self.relays.iter().find(|(_, addr)| **addr == bound);
        *found.expect("the relay is bound").0
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer(pub(crate) Vec<u8>);

impl Answer {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::from_bytes(&self.0).unwrap()
    }

    /// The error code, 0 for success.
    pub(crate) fn code(&self) -> u16 {
        match self.message().class() {
            MessageClass::Success => 0,
            _ => self.get::<ErrorCode>().code(),
        }
    }

    pub(crate) fn get<A: for<'a> AttributeFromRaw<'a> + AttributeStaticType>(&self) -> A {
        self.message().attribute::<A>().unwrap()
    }

    /// The attribute types, in order.
    pub(crate) fn attributes(&self) -> Vec<u16> {
        self.message()
            .iter_attributes()
            .map(|(_, raw)| raw.get_type().value())
            .collect()
    }

    pub(crate) fn lifetime(&self) -> u32 {
        self.get::<Lifetime>().seconds()
    }

    pub(crate) fn relayed(&self) -> SocketAddr {
        self.get::<XorRelayedAddress>()
            .addr(self.message().transaction_id())
    }
}

/// One 5-tuple and its credentials.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) from: FiveTuple,
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) nonce: Option<String>,
}

impl Client {
    pub(crate) fn credentials(&self) -> MessageIntegrityCredentials {
        let password = rest_password(&self.secret, &self.username);
        LongTermKeyCredentials::new(self.username.clone(), password, REALM.into()).into()
    }

    /// A request, signed if there is a nonce.
    pub(crate) fn request(
        &self,
        world: &mut World,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peers: &[SocketAddr],
    ) -> Vec<u8> {
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let transaction = world.transaction();
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        for attribute in attributes {
            message.add_attribute(*attribute).unwrap();
        }
        for peer in peers {
            let peer = XorPeerAddress::new(*peer, transaction);
            message.add_attribute(&peer).unwrap();
        }
        if let Some(nonce) = &self.nonce {
            let username = Username::new(&self.username).unwrap();
            message.add_attribute(&username).unwrap();
            message.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
            message.add_attribute(&Nonce::new(nonce).unwrap()).unwrap();
            message
                .add_message_integrity(&self.credentials(), IntegrityAlgorithm::Sha1)
                .unwrap();
        }
        message.add_fingerprint().unwrap();
        message.finish()
    }

    /// Asks once.
    pub(crate) fn ask_once(
        &mut self,
        world: &mut World,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peers: &[SocketAddr],
    ) -> Answer {
        let request = self.request(world, method, attributes, peers);
        let answer = world.ask(self.from, &request).expect("an answer");
        if matches!(answer.code(), 401 | 438) {
            self.nonce = Some(answer.get::<Nonce>().nonce().to_owned());
        }
        answer
    }

    /// Asks as a client does: answers a first challenge or a stale nonce.
    pub(crate) fn ask(
        &mut self,
        world: &mut World,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peers: &[SocketAddr],
    ) -> Answer {
        let had_nonce = self.nonce.is_some();
        let answer = self.ask_once(world, method, attributes, peers);
        match answer.code() {
            401 if !had_nonce => self.ask_once(world, method, attributes, peers),
            438 => self.ask_once(world, method, attributes, peers),
            _ => answer,
        }
    }

    pub(crate) fn allocate_with(
        &mut self,
        world: &mut World,
        more: &[&dyn AttributeWrite],
    ) -> Answer {
        let transport = RequestedTransport::new(RequestedTransport::UDP);
        let attributes = [&[&transport as &dyn AttributeWrite], more].concat();
        self.ask(world, ALLOCATE, &attributes, &[])
    }

    pub(crate) fn allocate(&mut self, world: &mut World) -> Answer {
        self.allocate_with(world, &[])
    }

    pub(crate) fn allocate_v6(&mut self, world: &mut World) -> Answer {
        self.allocate_with(world, &[&RequestedAddressFamily::new(AddressFamily::IPV6)])
    }

    pub(crate) fn refresh(&mut self, world: &mut World, seconds: u32) -> Answer {
        self.ask(world, REFRESH, &[&Lifetime::new(seconds)], &[])
    }

    pub(crate) fn permit(&mut self, world: &mut World, peer: &str) -> Answer {
        self.ask(world, CREATE_PERMISSION, &[], &[addr(peer)])
    }

    pub(crate) fn bind(&mut self, world: &mut World, number: u16, peer: &str) -> Answer {
        let channel = ChannelNumber::new(number);
        self.ask(world, CHANNEL_BIND, &[&channel], &[addr(peer)])
    }

    /// A Send indication.
    pub(crate) fn send(&self, world: &mut World, peer: &str, payload: &[u8]) -> Option<Relay> {
        let kind = MessageType::from_class_method(MessageClass::Indication, SEND);
        let transaction = world.transaction();
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        let peer = XorPeerAddress::new(addr(peer), transaction);
        message.add_attribute(&peer).unwrap();
        message.add_attribute(&Data::new(payload)).unwrap();
        world.send(self.from, &message.finish())
    }

    pub(crate) fn send_channel(
        &self,
        world: &mut World,
        number: u16,
        payload: &[u8],
    ) -> Option<Relay> {
        world.send(self.from, &channel_data(number, payload))
    }
}

/// A ChannelData message as a datagram carries it.
pub(crate) fn channel_data(number: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = number.to_be_bytes().to_vec();
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// What a client sees of a relayed packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Channel(u16, Vec<u8>),
    Data(SocketAddr, Vec<u8>),
}

/// Puts a relayed packet together as the loop does and reads it as a client does.
pub(crate) fn seen(relay: Relay, datagram: &[u8]) -> (FiveTuple, Seen) {
    let Relay::ToClient {
        to,
        header,
        payload,
        padding,
    } = relay
    else {
        panic!("{relay:?} is not for a client");
    };
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&datagram[payload]);
    bytes.resize(bytes.len() + padding, 0);
    if bytes[0] >= 0x40 {
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let number = u16::from_be_bytes([bytes[0], bytes[1]]);
        return (to, Seen::Channel(number, bytes[4..4 + length].to_vec()));
    }
    let message = Message::from_bytes(&bytes).unwrap();
    assert_eq!(
        bytes.len(),
        20 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))
    );
    let peer = message.attribute::<XorPeerAddress>().unwrap();
    let data = message.attribute::<Data<'_>>().unwrap().data().to_vec();
    (to, Seen::Data(peer.addr(message.transaction_id()), data))
}

/// Where a relayed packet leaves to, with its payload.
pub(crate) fn sent(
    relay: Option<Relay>,
    datagram: &[u8],
) -> Option<(RelayId, SocketAddr, Vec<u8>)> {
    match relay? {
        Relay::ToPeer { relay, to, payload } => Some((relay, to, datagram[payload].to_vec())),
        Relay::ToClient { .. } => None,
    }
}

/// Whether the packet left for this peer.
pub(crate) fn is_sent_to(relay: &Option<Relay>, peer: &str) -> bool {
    matches!(relay, Some(Relay::ToPeer { to, .. }) if *to == addr(peer))
}
