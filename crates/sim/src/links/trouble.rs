//! What goes wrong in a world: sockets are cut, NATs forget, devices go elsewhere.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use protocol::signal::{Bye, Relayed, ServerMessage};
use signalling::SocketId;

use super::scenario::{Home, Trouble};
use super::{Event, LinkWorld, network};

/// How long until an end notices that its socket was cut.
const NOTICE: Range<Duration> = Duration::ZERO..Duration::from_secs(5);
/// How often the hub is not told at all, and must find out by its pings.
const HALF_OPEN_PERCENT: u64 = 40;
/// How long a device waits before it opens another socket.
const BACKOFF: Range<Duration> = Duration::from_millis(100)..Duration::from_secs(3);

impl LinkWorld {
    /// Plans trouble for a device.
    ///
    /// # Panics
    /// It would move a device into a network that is shared, or out of its own while that is.
    pub fn trouble_after(&mut self, after: Duration, device: usize, trouble: Trouble) {
        if let Trouble::Move(home) = trouble {
            let is_shared = device == 0 && self.homes[1] == Home::Shared;
            assert!(
                home != Home::Shared && !is_shared,
                "networks are not shared on the move"
            );
        }
        self.schedule
            .after(after, Event::Trouble { device, trouble });
    }

    pub(super) fn befall(&mut self, device: usize, trouble: Trouble) {
        match trouble {
            Trouble::Cut => self.cut(device, true),
            Trouble::Forget => {
                let network = self.network_of(device);
                if let Some(nat) = &mut self.nats[network] {
                    nat.forget();
                }
            }
            Trouble::Bye => self.leave(device),
            Trouble::Move(home) => self.relocate(device, home),
        }
    }

    /// What is under way is lost, and both ends notice later or never; a device that knows better
    /// does so at once.
    fn cut(&mut self, device: usize, is_silent: bool) {
        let Some(socket) = self.devices[device].socket else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&socket).filter(|leg| !leg.is_cut) else {
            return;
        };
        leg.is_cut = true;
        let mut notice = || self.random.span(&NOTICE);
        let (own, hubs) = (notice(), notice());
        let own = if is_silent { own } else { Duration::ZERO };
        self.schedule.after(own, Event::DeviceNotices { socket });
        if !self.random.chance(HALF_OPEN_PERCENT) {
            self.schedule.after(hubs, Event::HubNotices { socket });
        }
    }

    /// The device knows that its socket is gone.
    pub(super) fn lose_socket(&mut self, socket: SocketId) {
        let now = self.schedule.now();
        let Some(leg) = self.legs.remove(&socket) else {
            return;
        };
        let device = leg.peer;
        if self.devices[device].socket == Some(socket) {
            self.devices[device].socket = None;
            self.devices[device].core.handle_signalling_lost(now);
            let backoff = self.random.span(&BACKOFF);
            self.schedule.after(backoff, Event::Connect { device });
        }
    }

    fn leave(&mut self, device: usize) {
        let now = self.schedule.now();
        let bye = Relayed {
            from: self.devices[1 - device].id.clone(),
            message: Bye {
                pair_id: self.devices[device].pair.as_str().to_owned(),
                reason: None,
            },
        };
        let core = &mut self.devices[device].core;
        core.handle_signal(ServerMessage::Bye(bye), now);
    }

    fn relocate(&mut self, device: usize, home: Home) {
        let now = self.schedule.now();
        self.moves[device] += 1;
        self.homes[device] = home;
        self.nats[device] = network::nat_of(home, device, self.moves[device]);
        self.relaying.cut_streams(device);
        self.cut(device, false);
        let sockets = BTreeSet::from([network::inside(home, device, self.moves[device])]);
        self.devices[device].sockets.clone_from(&sockets);
        self.devices[device].core.handle_sockets(sockets, now);
    }
}
