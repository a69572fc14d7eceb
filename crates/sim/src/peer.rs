//! A device that follows the protocol: offers, yields or insists, reconnects.
//!
//! Perfect negotiation as in the W3C's WebRTC 1.0 §10.7, on session names in place of SDP. The
//! impolite side offers whenever it learns that the other is there.

use std::collections::VecDeque;

use protocol::id::{DeviceId, PairId};
use serde_json::{Value, json};
use signalling::SocketId;

/// One end of a pair.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub device: DeviceId,
    /// The other one's.
    pub other: DeviceId,
    /// Their pair.
    pub pair: PairId,
    /// Its socket, from the moment it is opened until its end is noticed.
    pub(crate) socket: Option<SocketId>,
    /// The other side's errors that it was told.
    pub(crate) errors: Vec<String>,
    texts: VecDeque<String>,
    is_ready: bool,
    is_polite: bool,
    offered: Option<String>,
    agreed: Option<String>,
    offers_so_far: u64,
}

impl Peer {
    /// A device without a socket.
    pub fn new(device: DeviceId, other: DeviceId, pair: PairId) -> Self {
        Self {
            device,
            other,
            pair,
            socket: None,
            errors: Vec::new(),
            texts: VecDeque::new(),
            is_ready: false,
            is_polite: false,
            offered: None,
            agreed: None,
            offers_so_far: 0,
        }
    }

    /// The session that both sides hold to, once no offer is open.
    pub fn agreed(&self) -> Option<&str> {
        self.agreed
            .as_deref()
            .filter(|_| self.is_ready && self.offered.is_none())
    }

    /// Whether its socket is ready.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// What it wants to say.
    pub(crate) fn poll_text(&mut self) -> Option<String> {
        self.texts.pop_front()
    }

    /// It has a fresh socket.
    pub(crate) fn handle_open(&mut self, socket: SocketId) {
        self.socket = Some(socket);
        self.is_ready = false;
    }

    /// Its socket is gone. The link, were there one, would go on.
    pub(crate) fn handle_closed(&mut self) {
        self.socket = None;
        self.is_ready = false;
        self.texts.clear();
    }

    /// The application wants another session.
    pub(crate) fn renegotiate(&mut self) {
        if self.is_ready && self.offered.is_none() {
            self.offer();
        }
    }

    /// Says something that is meant for another pair.
    pub(crate) fn stray(&mut self, pair: &PairId) {
        if self.is_ready {
            let stray = json!({"t": "offer", "pairId": pair.as_str(), "sdp": "stray"});
            self.texts.push_back(stray.to_string());
        }
    }

    /// The hub said something.
    pub(crate) fn handle_text(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("the hub says json");
        match message["t"].as_str() {
            Some("ready") => {
                self.is_ready = true;
                self.is_polite = message["polite"] == true;
                self.greet(&message["peer"]);
            }
            Some("peer") => self.greet(&message),
            Some("offer") => self.handle_offer(&message),
            Some("answer") => self.handle_answer(&message),
            Some("error") => self
                .errors
                .extend(message["code"].as_str().map(str::to_owned)),
            _ => {}
        }
    }

    fn greet(&mut self, presence: &Value) {
        if presence["online"] == true && !self.is_polite {
            self.offer();
        }
    }

    fn offer(&mut self) {
        self.offers_so_far += 1;
        let session = format!("{}/{}", self.device, self.offers_so_far);
        self.say("offer", &session);
        self.offered = Some(session);
    }

    fn handle_offer(&mut self, message: &Value) {
        self.check_origin(message);
        if self.offered.is_some() && !self.is_polite {
            return;
        }
        let session = message["sdp"]
            .as_str()
            .expect("an offer has an sdp")
            .to_owned();
        self.say("answer", &session);
        self.offered = None;
        self.agreed = Some(session);
    }

    fn handle_answer(&mut self, message: &Value) {
        self.check_origin(message);
        if message["sdp"].as_str() == self.offered.as_deref() {
            self.agreed = self.offered.take();
        }
    }

    /// Nothing may ever come from anybody but the other device of this pair.
    fn check_origin(&self, message: &Value) {
        assert_eq!(
            message["from"],
            self.other.as_str(),
            "{} heard {message}",
            self.device
        );
        assert_eq!(
            message["pairId"],
            self.pair.as_str(),
            "{} heard {message}",
            self.device
        );
    }

    fn say(&mut self, kind: &str, session: &str) {
        let message = json!({"t": kind, "pairId": self.pair.as_str(), "sdp": session});
        self.texts.push_back(message.to_string());
    }
}
