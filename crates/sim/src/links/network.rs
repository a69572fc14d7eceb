//! Where the datagrams of the devices go: into the own network, to the server, through NATs.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use peer::link::Output;

use super::relaying::SERVER_IP;
use super::{Event, Home, LinkWorld};
use crate::nat::{Nat, NatKind};

/// Between two devices of one network.
const LAN_DELAY: Duration = Duration::from_millis(1);
/// A disk takes this long to read or write.
const DISK_DELAY: Duration = Duration::from_millis(1);
const DEVICE_PORT: u16 = 5000;

/// The address of a device's socket, after so many moves.
pub(super) fn inside(home: Home, device: usize, moves: u8) -> SocketAddr {
    let number = u8::try_from(device).expect("one of two");
    let ip = match home {
        Home::Public => Ipv4Addr::new(192, 0, 2, 1 + number + 2 * moves),
        Home::Behind(_) | Home::TcpOnly => Ipv4Addr::new(10, number, moves, 2),
        Home::Shared => Ipv4Addr::new(10, 0, 0, 3),
    };
    (ip, DEVICE_PORT).into()
}

/// The NAT that stands before a device's own network, after so many moves.
pub(super) fn nat_of(home: Home, device: usize, moves: u8) -> Option<Nat> {
    let number = u8::try_from(device).expect("one of two");
    let outside = Ipv4Addr::new(198, 51, 100, 1 + number + 2 * moves).into();
    match home {
        Home::Public | Home::Shared => None,
        Home::Behind(kind) => Some(Nat::new(outside, kind)),
        Home::TcpOnly => Some(Nat::new(outside, NatKind::PORT_RESTRICTED)),
    }
}

impl LinkWorld {
    pub(super) fn obey(&mut self, device: usize, output: Output) {
        match output {
            Output::Signal(message) => self.send_to_hub(device, &message),
            Output::Datagram { from, to, bytes } => self.send_datagram(device, from, to, bytes),
            Output::OpenStream { stream, to, .. } => self.dial(device, stream, to),
            Output::StreamData { stream, bytes } => self.send_on_stream(device, stream, bytes),
            Output::CloseStream { stream } => self.hang_up(device, stream),
            Output::Event(event) => {
                let (elapsed, now) = (self.elapsed(), self.schedule.now());
                self.devices[device].note(event, elapsed, now);
            }
            Output::Disk(order) => {
                if let Some(report) = self.devices[device].disk.execute(order) {
                    let report = Event::Disk { device, report };
                    self.schedule.after(DISK_DELAY, report);
                }
            }
            // The server is named by its address, and nobody hides behind a name here.
            Output::Lookup { .. } => {}
            // These devices never begin anew.
            Output::RememberOwnTime(_) | Output::RememberPeerTime(_) => {}
        }
    }

    /// Whose NAT a device is behind.
    pub(super) fn network_of(&self, device: usize) -> usize {
        if self.homes[device] == Home::Shared {
            0
        } else {
            device
        }
    }

    fn send_datagram(&mut self, device: usize, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        // It was ordered before the device went elsewhere.
        if !self.devices[device].sockets.contains(&from) {
            return;
        }
        let other = 1 - device;
        let is_neighbour = self.network_of(device) == self.network_of(other);
        if is_neighbour && self.devices[other].sockets.contains(&to) {
            let arrival = Event::Datagram {
                device: other,
                from,
                to,
                bytes,
            };
            return self.schedule.after(LAN_DELAY, arrival);
        }
        let network = self.network_of(device);
        if self.homes[network] == Home::TcpOnly || is_private(to) {
            return;
        }
        let from = match &mut self.nats[network] {
            Some(nat) => nat.outbound(from, to),
            None => from,
        };
        let Some(delay) = self.lines[device].datagram(&mut self.random) else {
            return;
        };
        if to.ip() == SERVER_IP {
            self.schedule
                .after(delay, Event::Request { from, to, bytes });
        } else {
            self.send_to_home(delay, from, to, bytes);
        }
    }

    /// Sends a datagram towards whoever has that public address.
    pub(super) fn send_to_home(
        &mut self,
        so_far: Duration,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    ) {
        let has_it = |at: &usize| match &self.nats[*at] {
            Some(nat) => nat.outside == to.ip(),
            None => self.devices[*at].sockets.contains(&to),
        };
        let Some(device) = [0, 1].into_iter().find(has_it) else {
            return;
        };
        if let Some(delay) = self.lines[device].datagram(&mut self.random) {
            let arrival = Event::Datagram {
                device,
                from,
                to,
                bytes,
            };
            self.schedule.after(so_far + delay, arrival);
        }
    }

    /// A datagram is at the door of a network, or inside.
    pub(super) fn let_in(
        &mut self,
        network: usize,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        let local = match &self.nats[network] {
            Some(nat) if nat.outside == to.ip() => nat.inbound(to.port(), from),
            _ => Some(to),
        };
        let Some(local) = local else { return };
        let now = self.schedule.now();
        let mut devices = self.devices.iter_mut();
        if let Some(device) = devices.find(|device| device.sockets.contains(&local)) {
            device.core.handle_datagram(local, from, bytes, now);
        }
    }
}

fn is_private(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V4(addr) if addr.ip().is_private())
}
