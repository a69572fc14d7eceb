//! A client on one 5-tuple that asks and writes down what it is answered.

#![allow(dead_code)] // Each test uses a part of it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, SystemTime};

use stun_types::attribute::{ErrorCode, Nonce, Realm, Username};
use stun_types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageType, MessageWrite,
    MessageWriteExt, MessageWriteVec, Method, TransactionId,
};
use stun_types::prelude::{Attribute, AttributeWrite};
use turn::rest_password;
use turn_types::attribute::{Lifetime, XorPeerAddress};

pub(crate) const SECRET: &str = "north";
pub(crate) const REALM: &str = "heliograph";
/// How long "no answer" is waited for.
const PATIENCE: Duration = Duration::from_millis(700);

/// What carries the messages.
pub(crate) trait Wire {
    fn send(&mut self, bytes: &[u8]);
    fn receive(&mut self) -> Option<Vec<u8>>;
}

impl Wire for UdpSocket {
    fn send(&mut self, bytes: &[u8]) {
        UdpSocket::send(self, bytes).unwrap();
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 2048];
        let length = self.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }
}

/// Frames on a stream (RFC 8656 §12.5).
impl Wire for TcpStream {
    fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).unwrap();
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; 4];
        self.read_exact(&mut frame).ok()?;
        let body = usize::from(u16::from_be_bytes([frame[2], frame[3]]));
        let length = match frame[0] {
            0..=3 => 20 + body,
            _ => (4 + body).next_multiple_of(4),
        };
        frame.resize(length, 0);
        self.read_exact(&mut frame[4..]).ok()?;
        Some(frame)
    }
}

/// One 5-tuple.
pub(crate) struct Session {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) nonce: Option<String>,
    /// Step and answer, in order.
    pub(crate) answers: Vec<(&'static str, String)>,
}

impl Session {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::over(Box::new(socket))
    }

    pub(crate) fn over(wire: Box<dyn Wire>) -> Self {
        Self {
            wire,
            username: username(600),
            secret: SECRET.into(),
            nonce: None,
            answers: Vec::new(),
        }
    }

    /// Builds a request, signed once there is a nonce.
    pub(crate) fn request(
        &self,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peers: &[SocketAddr],
    ) -> Vec<u8> {
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let transaction = TransactionId::generate();
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        for attribute in attributes {
            message.add_attribute(*attribute).unwrap();
        }
        for peer in peers {
            message
                .add_attribute(&XorPeerAddress::new(*peer, transaction))
                .unwrap();
        }
        if let Some(nonce) = &self.nonce {
            message
                .add_attribute(&Username::new(&self.username).unwrap())
                .unwrap();
            message.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
            message.add_attribute(&Nonce::new(nonce).unwrap()).unwrap();
            let password = rest_password(&self.secret, &self.username);
            let credentials =
                LongTermKeyCredentials::new(self.username.clone(), password, REALM.into());
            message
                .add_message_integrity(&credentials.into(), IntegrityAlgorithm::Sha1)
                .unwrap();
        }
        message.finish()
    }

    pub(crate) fn ask(
        &mut self,
        step: &'static str,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peers: &[SocketAddr],
    ) -> Option<Vec<u8>> {
        let request = self.request(method, attributes, peers);
        self.exchange(step, &request)
    }

    /// Sends bytes, writes down and returns the answer.
    pub(crate) fn exchange(&mut self, step: &'static str, bytes: &[u8]) -> Option<Vec<u8>> {
        self.wire.send(bytes);
        self.receive(step)
    }

    /// The last answer, as written down.
    pub(crate) fn last(&self) -> &str {
        self.answers
            .last()
            .map_or("nothing asked", |(_, told)| told)
    }

    /// Takes and writes down what comes next.
    pub(crate) fn receive(&mut self, step: &'static str) -> Option<Vec<u8>> {
        let answer = self.wire.receive();
        let told = answer.as_deref().map_or("no answer".to_owned(), describe);
        self.answers.push((step, told));
        let message = Message::from_bytes(answer.as_deref()?).ok();
        if let Some(nonce) = message.and_then(|message| message.attribute::<Nonce>().ok()) {
            self.nonce = Some(nonce.nonce().to_owned());
        }
        answer
    }
}

/// A REST user name good for so many seconds.
pub(crate) fn username(seconds: i64) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    format!("{}:device", now + seconds)
}

/// Class, code, lifetime and attributes, in the order of their numbers.
fn describe(bytes: &[u8]) -> String {
    if bytes.first().is_some_and(|first| *first >= 0x40) {
        return format!("channel data of {} bytes", bytes.len());
    }
    let Ok(message) = Message::from_bytes(bytes) else {
        return format!("{} bytes that are no STUN with a cookie", bytes.len());
    };
    let mut told = format!("{:?}", message.class()).to_lowercase();
    if let Ok(error) = message.attribute::<ErrorCode>() {
        told += &format!(" {}", error.code());
    }
    if let Ok(lifetime) = message.attribute::<Lifetime>() {
        told += &format!(" lifetime={}", lifetime.seconds());
    }
    let mut names: Vec<u16> = message
        .iter_attributes()
        .map(|(_, attribute)| attribute.get_type().value())
        .collect();
    names.sort_unstable();
    for name in names {
        told += &format!(" {name:04x}");
    }
    told
}
