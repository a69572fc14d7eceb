//! The hub and the sockets of the devices to it.

use std::time::Duration;

use peer::link::EndedBy;
use protocol::close::CloseCode;
use protocol::http::IceServer;
use protocol::id::AccountId;
use protocol::signal::{ClientMessage, ServerMessage};
use signalling::{Admission, LinkGrant, Output, SocketId};

use super::{Event, LinkWorld};
use crate::leg::Leg;

/// Tokens here outlive every run; their expiry is the hub's own tests'.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

impl LinkWorld {
    /// The device asks for its socket, over the connection that its token came on.
    pub(super) fn connect(&mut self, device: usize) {
        // One backoff is enough, whatever it began for.
        if self.devices[device].socket.is_some() {
            return;
        }
        let now = self.schedule.now();
        self.sockets_so_far += 1;
        let socket = SocketId(self.sockets_so_far);
        self.devices[device].socket = Some(socket);
        let mut leg = Leg::new(device, now);
        let at = leg.up(now, &self.lines[device], &mut self.random);
        self.legs.insert(socket, leg);
        self.schedule.at(at, Event::Arrive { device, socket });
    }

    pub(super) fn open_socket(&mut self, device: usize, socket: SocketId) {
        if !self.is_whole(socket) {
            return;
        }
        let now = self.schedule.now();
        let device = &self.devices[device];
        let grant = LinkGrant {
            device: device.id.clone(),
            pair: device.pair.clone(),
            account: AccountId::from_bytes(&[0; 16]),
            kid: "kid".to_owned(),
            expires: now + TOKEN_LIFE,
        };
        self.hub.handle_link_opened(socket, grant, now);
    }

    pub(super) fn send_to_hub(&mut self, device: usize, message: &ClientMessage) {
        let now = self.schedule.now();
        let leg = self.devices[device].socket;
        let Some((socket, leg)) = leg.and_then(|at| self.legs.get_mut(&at).map(|leg| (at, leg)))
        else {
            return;
        };
        if leg.is_cut {
            return;
        }
        let text = serde_json::to_string(message).expect("a message has string keys only");
        let at = leg.up(now, &self.lines[device], &mut self.random);
        self.schedule.at(at, Event::ToHub { socket, text });
    }

    pub(super) fn hear_device(&mut self, socket: SocketId, text: &str) {
        let now = self.schedule.now();
        if self.is_whole(socket) {
            self.hub.handle_text(socket, text, now);
        }
    }

    pub(super) fn hear_hub(&mut self, socket: SocketId, text: &str) {
        let now = self.schedule.now();
        let Some(leg) = self.legs.get(&socket).filter(|leg| !leg.is_cut) else {
            return;
        };
        let unix_ms = u64::try_from(self.unix_time().as_millis()).expect("below 2^64");
        let message: ServerMessage = serde_json::from_str(text).expect("the hub says json");
        let core = &mut self.devices[leg.peer].core;
        core.handle_clock(unix_ms, now);
        core.handle_signal(message, now);
    }

    pub(super) fn obey_hub(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { socket, text } => {
                    let to_device = |socket| Event::ToDevice { socket, text };
                    self.send_down(socket, to_device);
                }
                Output::Ping { socket } => {
                    // There and back again, in one draw each.
                    self.send_down(socket, |socket| Event::Pong { socket });
                }
                Output::Close { socket, code, .. } => self.close_socket(socket, code),
                Output::Lookup { socket, device, .. } => {
                    let ice_servers = self.ice_servers(device.as_str());
                    let peer = self.devices.iter().find(|each| each.id != device);
                    let admission = peer.map(|peer| Admission {
                        peer: peer.id.clone(),
                        ice_servers,
                        ice_servers_exp: 0,
                    });
                    self.hub.handle_lookup(socket, Ok(admission));
                }
                Output::Verify { .. } | Output::Answered { .. } => {}
            }
        }
    }

    fn send_down(&mut self, socket: SocketId, event: impl FnOnce(SocketId) -> Event) {
        let now = self.schedule.now();
        if let Some(leg) = self.legs.get_mut(&socket).filter(|leg| !leg.is_cut) {
            let line = &self.lines[leg.peer];
            let at = leg.down(now, line, &mut self.random);
            self.schedule.at(at, event(socket));
        }
    }

    fn is_whole(&self, socket: SocketId) -> bool {
        self.legs.get(&socket).is_some_and(|leg| !leg.is_cut)
    }

    fn close_socket(&mut self, socket: SocketId, code: CloseCode) {
        let now = self.schedule.now();
        // Of a socket that is cut, the device hears nothing.
        let Some(leg) = self.legs.get(&socket).filter(|leg| !leg.is_cut) else {
            return;
        };
        let by = match code {
            CloseCode::Replaced => EndedBy::Replaced,
            CloseCode::Revoked => EndedBy::Revoked,
            _ => return self.lose_socket(socket),
        };
        self.devices[leg.peer].core.handle_ended(by, now);
        self.legs.remove(&socket);
    }

    /// As the server lists them for a device.
    fn ice_servers(&self, device: &str) -> Vec<IceServer> {
        let stun = IceServer {
            urls: vec![self.relaying.url("stun", "udp")],
            username: None,
            credential: None,
        };
        let (username, credential) = self.relaying.credentials(device, self.unix_time());
        let turn = IceServer {
            urls: vec![
                self.relaying.url("turn", "udp"),
                self.relaying.url("turn", "tcp"),
            ],
            username: Some(username),
            credential: Some(credential),
        };
        vec![stun, turn]
    }
}
