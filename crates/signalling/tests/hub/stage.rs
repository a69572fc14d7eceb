//! A hub on a virtual clock, and what its sockets heard.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use protocol::close::CloseCode;
use protocol::id::{AccountId, DeviceId, PairId};
use serde_json::{Value, json};
use signalling::{
    Admission, Denial, Hub, InviteGrant, Limits, LinkGrant, Output, RegisterGrant, Renewal,
    SocketId,
};

pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(300);

pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) now: Instant,
    heard: BTreeMap<SocketId, Vec<Value>>,
    closes: BTreeMap<SocketId, CloseCode>,
    gone: BTreeSet<SocketId>,
    pub(crate) pings: Vec<SocketId>,
    pub(crate) lookups: Vec<SocketId>,
    pub(crate) tokens: Vec<(SocketId, String)>,
    pub(crate) answered: Vec<Duration>,
}

pub(crate) fn device(name: &str) -> DeviceId {
    format!("{name:A<43}").parse().expect("43 letters")
}

pub(crate) fn pair(name: &str) -> PairId {
    format!("{name:A<43}").parse().expect("43 letters")
}

pub(crate) fn account(name: &str) -> AccountId {
    format!("{name:A<22}").parse().expect("22 letters")
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    pub(crate) fn with(limits: Limits) -> Self {
        Self {
            hub: Hub::new(limits),
            now: Instant::now(),
            heard: BTreeMap::new(),
            closes: BTreeMap::new(),
            gone: BTreeSet::new(),
            pings: Vec::new(),
            lookups: Vec::new(),
            tokens: Vec::new(),
            answered: Vec::new(),
        }
    }

    pub(crate) fn grant(&self, name: &str) -> LinkGrant {
        LinkGrant {
            device: device(name),
            pair: pair("pair"),
            account: account("account"),
            kid: "kid-1".into(),
            expires: self.now + TOKEN_LIFE,
        }
    }

    /// Opens a link socket that waits for the registry.
    pub(crate) fn open(&mut self, socket: u64, name: &str) -> SocketId {
        let grant = self.grant(name);
        self.open_with(socket, grant)
    }

    pub(crate) fn open_with(&mut self, socket: u64, grant: LinkGrant) -> SocketId {
        self.hub
            .handle_link_opened(SocketId(socket), grant, self.now);
        self.drain();
        SocketId(socket)
    }

    pub(crate) fn admit(&mut self, socket: SocketId, peer: &str) {
        let admission = Admission {
            peer: device(peer),
            ice_servers: Vec::new(),
            ice_servers_exp: 7,
        };
        self.hub.handle_lookup(socket, Ok(Some(admission)));
        self.drain();
    }

    pub(crate) fn deny(&mut self, socket: SocketId, denial: Denial) {
        self.hub.handle_lookup(socket, Err(denial));
        self.drain();
    }

    /// Opens and admits `name`, whose peer is `peer`.
    pub(crate) fn link(&mut self, socket: u64, name: &str, peer: &str) -> SocketId {
        let socket = self.open(socket, name);
        self.admit(socket, peer);
        socket
    }

    /// Ada on socket 1 and Bob on socket 2, ready, nothing unread.
    pub(crate) fn couple(&mut self) -> (SocketId, SocketId) {
        let couple = (self.link(1, "ada", "bob"), self.link(2, "bob", "ada"));
        self.heard.clear();
        couple
    }

    pub(crate) fn enter(&mut self, socket: u64, room: &str) -> SocketId {
        let grant = RegisterGrant {
            room: room.into(),
            may_send: true,
            may_receive: true,
            ice_servers: Vec::new(),
        };
        self.hub
            .handle_register_opened(SocketId(socket), grant, self.now);
        self.drain();
        SocketId(socket)
    }

    pub(crate) fn register(&mut self, socket: u64, room: &str, role: &str) -> SocketId {
        let socket = self.enter(socket, room);
        self.say(socket, json!({"type": "register", "role": role}));
        socket
    }

    pub(crate) fn invite(&mut self, socket: u64, id: &str, name: &str) -> SocketId {
        let grant = InviteGrant {
            device: device(name),
            account: account(name),
            kid: "kid-1".into(),
        };
        self.hub
            .handle_invite_opened(SocketId(socket), id.into(), grant, self.now);
        self.drain();
        SocketId(socket)
    }

    pub(crate) fn join(&mut self, socket: u64, id: &str) -> SocketId {
        self.hub
            .handle_joiner_opened(SocketId(socket), id, self.now);
        self.drain();
        SocketId(socket)
    }

    pub(crate) fn say(&mut self, socket: SocketId, message: Value) {
        self.say_text(socket, &message.to_string());
    }

    pub(crate) fn say_text(&mut self, socket: SocketId, text: &str) {
        self.hub.handle_text(socket, text, self.now);
        self.drain();
    }

    pub(crate) fn verified(&mut self, socket: SocketId, grant: Option<LinkGrant>) {
        let renewal = grant.map(|grant| Renewal {
            grant,
            exp: 99,
            ice_servers: Vec::new(),
        });
        self.hub.handle_verified(socket, renewal);
        self.drain();
    }

    /// The socket's other end vanished.
    pub(crate) fn vanish(&mut self, socket: SocketId) {
        self.gone.insert(socket);
        self.hub.handle_closed(socket);
        self.drain();
    }

    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Hub)) {
        act(&mut self.hub);
        self.drain();
    }

    /// Lets time pass, stopping at each deadline. `alive` answer their pings.
    pub(crate) fn pass(&mut self, time: Duration, alive: &[SocketId]) {
        let end = self.now + time;
        while let Some(at) = self.hub.poll_timeout().filter(|at| *at <= end) {
            assert!(
                at >= self.now || self.closes.is_empty(),
                "a deadline is in the past"
            );
            self.now = self.now.max(at);
            self.hub.handle_timeout(self.now);
            let pinged = self.pings.len();
            self.drain();
            for socket in &self.pings[pinged..] {
                if alive.contains(socket) {
                    self.hub.handle_pong(*socket);
                }
            }
        }
        self.now = end;
    }

    /// What the socket heard since it was last asked.
    pub(crate) fn heard(&mut self, socket: SocketId) -> Vec<Value> {
        self.heard.remove(&socket).unwrap_or_default()
    }

    /// The only thing that the socket heard.
    pub(crate) fn only(&mut self, socket: SocketId) -> Value {
        let mut heard = self.heard(socket);
        assert_eq!(heard.len(), 1, "{socket:?} heard {heard:?}");
        heard.remove(0)
    }

    /// The code of the only error that the socket heard.
    pub(crate) fn code(&mut self, socket: SocketId) -> String {
        let error = self.only(socket);
        assert_eq!(error["t"], "error", "{error}");
        error["code"].as_str().expect("a code").to_owned()
    }

    pub(crate) fn close_code(&self, socket: SocketId) -> Option<u16> {
        self.closes.get(&socket).map(|code| code.number())
    }

    fn drain(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            if let Output::Send { socket, .. }
            | Output::Ping { socket }
            | Output::Close { socket, .. } = &output
            {
                let is_over = self.closes.contains_key(socket) || self.gone.contains(socket);
                assert!(!is_over, "{output:?} after the end");
            }
            match output {
                Output::Send { socket, text } => {
                    let value = serde_json::from_str(&text).expect("the hub sends json");
                    self.heard.entry(socket).or_default().push(value);
                }
                Output::Ping { socket } => self.pings.push(socket),
                Output::Close { socket, code, .. } => {
                    self.closes.insert(socket, code);
                }
                Output::Lookup { socket, .. } => self.lookups.push(socket),
                Output::Verify { socket, token } => self.tokens.push((socket, token)),
                Output::Answered { elapsed, .. } => self.answered.push(elapsed),
            }
        }
    }
}
