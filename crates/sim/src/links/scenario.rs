//! What a world of two devices is made of.

use std::time::Duration;

use peer::link::IcePolicy;

use crate::line::Line;
use crate::nat::NatKind;

/// Where a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// It has a public address.
    Public,
    /// It is behind a NAT of its own.
    Behind(NatKind),
    /// Only TCP passes.
    TcpOnly,
    /// It is in the other device's network.
    Shared,
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides what is lost and how late it is.
    pub seed: u64,
    /// Where the devices are; the second may share the first's.
    pub homes: [Home; 2],
    /// How they reach the world.
    pub lines: [Line; 2],
    /// Which paths they may use.
    pub policy: IcePolicy,
    /// When each holds its token, over a connection to the server that is open (the one that the
    /// token came on).
    pub token_after: [Duration; 2],
}

impl Scenario {
    /// Two devices that hold their tokens at once, on steady lines with so much time for a round
    /// trip between them.
    pub fn steady(seed: u64, homes: [Home; 2], round_trip: Duration) -> Self {
        let line = Line::steady(round_trip / 4);
        Self {
            seed,
            homes,
            lines: [line.clone(), line],
            policy: IcePolicy::All,
            token_after: [Duration::ZERO; 2],
        }
    }
}

/// Something that happens to a device while its link is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its socket to the hub is cut; both ends notice later, the hub perhaps by its pings alone.
    Cut,
    /// Its NAT forgets every mapping.
    Forget,
    /// It takes the peer to have left, and its connection to be over: another one is made.
    Bye,
    /// It goes to another network, and takes nothing with it: sockets and streams of the old one
    /// are dead. Never one that is shared, and never a device whose network is.
    Move(Home),
}
