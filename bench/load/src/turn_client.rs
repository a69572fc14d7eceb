//! A TURN client with one allocation and one channel (RFC 8656), as far as a load needs it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stun_types::attribute::{AttributeWrite, ErrorCode, MessageIntegrity, Nonce, Realm, Username};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageType,
    MessageWrite, MessageWriteExt, MessageWriteVec, Method, ShortTermCredentials, TransactionId,
};
use turn_types::attribute::{ChannelNumber, RequestedTransport, XorPeerAddress};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, REFRESH};

/// The first channel number (RFC 8656 §12).
const CHANNEL: u16 = 0x4000;
/// How long an answer may take before the request is sent again, and how often it is.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
const ATTEMPTS: usize = 10;
/// Why no attribute is refused by the writer.
const FRESH: &str = "each attribute is added once and is short";

/// REST credentials.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where the server listens.
    pub server: SocketAddr,
    /// The realm it asks for.
    pub realm: String,
    /// `<expiry>:<id>`.
    pub username: String,
    /// `base64(HMAC-SHA1(secret, username))`.
    pub password: String,
}

impl Account {
    /// Signs the user name with the secret.
    pub fn new(server: SocketAddr, realm: String, username: String, secret: &str) -> Self {
        let key = ShortTermCredentials::new(secret.to_owned()).make_key();
        let mac = MessageIntegrity::compute(&[username.as_bytes()], &key);
        let password = STANDARD.encode(mac.expect("HMAC takes a key of any length"));
        Self {
            server,
            realm,
            username,
            password,
        }
    }

    fn sign(&self, message: &mut MessageWriteVec, nonce: &str) {
        let name = Username::new(&self.username).expect(FRESH);
        let realm = Realm::new(&self.realm).expect(FRESH);
        let nonce = Nonce::new(nonce).expect(FRESH);
        let attributes: [&dyn AttributeWrite; 3] = [&name, &realm, &nonce];
        for attribute in attributes {
            message.add_attribute(attribute).expect(FRESH);
        }
        let (name, realm) = (self.username.clone(), self.realm.clone());
        let key = LongTermKeyCredentials::new(name, self.password.clone(), realm).into();
        message
            .add_message_integrity(&key, IntegrityAlgorithm::Sha1)
            .expect(FRESH);
    }
}

/// A client whose channel leads to the peer.
#[derive(Debug)]
pub struct TurnClient {
    socket: UdpSocket,
    account: Account,
    nonce: Option<String>,
    transactions: u128,
}

impl TurnClient {
    /// Allocates a relay and binds the channel to `peer`.
    pub fn open(account: &Account, peer: SocketAddr) -> io::Result<Self> {
        let mut client = Self::connect(account)?;
        let transport = RequestedTransport::new(RequestedTransport::UDP);
        client.ask(ALLOCATE, &[&transport], None)?;
        client.ask(CHANNEL_BIND, &[&ChannelNumber::new(CHANNEL)], Some(peer))?;
        Ok(client)
    }

    fn connect(account: &Account) -> io::Result<Self> {
        let socket = UdpSocket::bind((account.server.ip(), 0))?;
        socket.connect(account.server)?;
        socket.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self {
            // Distinct among the clients of one run.
            transactions: u128::from(socket.local_addr()?.port()) << 64,
            socket,
            account: account.clone(),
            nonce: None,
        })
    }

    /// Ends the allocation.
    pub fn close(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        self.ask(REFRESH, &[&turn_types::attribute::Lifetime::new(0)], None)
    }

    /// The socket, for ChannelData.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// A ChannelData message with this many bytes, the first eight of which are `mark`.
    pub fn channel_data(mark: u64, bytes: u16) -> Vec<u8> {
        let mut frame = CHANNEL.to_be_bytes().to_vec();
        frame.extend(bytes.to_be_bytes());
        frame.extend(mark.to_be_bytes());
        frame.resize(4 + usize::from(bytes), 0x5a);
        frame
    }

    /// The mark of a ChannelData message, `None` for anything else.
    pub fn mark(message: &[u8]) -> Option<u64> {
        let (header, rest) = message.split_at_checked(4)?;
        if header[..2] != CHANNEL.to_be_bytes() {
            return None;
        }
        Some(u64::from_be_bytes(*rest.first_chunk()?))
    }

    /// Asks, and once more with the nonce of the answer (RFC 8489 §9.2.5).
    fn ask(
        &mut self,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peer: Option<SocketAddr>,
    ) -> io::Result<()> {
        for _ in 0..3 {
            let request = self.request(method, attributes, peer);
            let answer = self.exchange(&request)?;
            let answer = Message::from_bytes(&answer).map_err(io::Error::other)?;
            if answer.class() == MessageClass::Success {
                return Ok(());
            }
            let code = answer.attribute::<ErrorCode>().map_err(io::Error::other)?;
            if !matches!(code.code(), 401 | 438) {
                return Err(io::Error::other(format!("{method} is refused: {code}")));
            }
            let nonce = answer.attribute::<Nonce>().map_err(io::Error::other)?;
            self.nonce = Some(nonce.nonce().to_owned());
        }
        Err(io::Error::other("the credentials are refused"))
    }

    fn request(
        &mut self,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        peer: Option<SocketAddr>,
    ) -> Vec<u8> {
        self.transactions += 1;
        let transaction = TransactionId::from(self.transactions);
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        for attribute in attributes {
            message.add_attribute(*attribute).expect(FRESH);
        }
        if let Some(peer) = peer {
            let peer = XorPeerAddress::new(peer, transaction);
            message.add_attribute(&peer).expect(FRESH);
        }
        if let Some(nonce) = &self.nonce {
            self.account.sign(&mut message, nonce);
        }
        message.finish()
    }

    /// Sends until an answer to this request comes.
    fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 2048];
        for _ in 0..ATTEMPTS {
            self.socket.send(request)?;
            while let Ok(length) = self.socket.recv(&mut buffer) {
                // The transaction id (RFC 8489 §5).
                if buffer[..length].get(8..20) == request.get(8..20) {
                    return Ok(buffer[..length].to_vec());
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "no answer"))
    }
}

/// A request that nobody signed and its answer, in bytes on the wire above UDP.
pub fn reply_sizes(account: &Account) -> io::Result<[(&'static str, usize, usize); 2]> {
    let mut client = TurnClient::connect(account)?;
    let transport = RequestedTransport::new(RequestedTransport::UDP);
    let binding = client.request(BINDING, &[], None);
    let allocate = client.request(ALLOCATE, &[&transport], None);
    let (bound, refused) = (client.exchange(&binding)?, client.exchange(&allocate)?);
    Ok([
        ("binding", binding.len(), bound.len()),
        ("allocate", allocate.len(), refused.len()),
    ])
}
