//! A virtual clock and lossy links that join the pure cores.
//!
//! A [`LinkWorld`] holds two native peers, the hub, the relay, and the networks between them. A
//! [`World`] holds one hub, peers that negotiate and reconnect, and the WebSocket between each
//! of them, whose bytes come late and which may be cut at any time. A seed decides everything;
//! the same seed gives the same history.
//!
//! ```
//! use std::time::Duration;
//! use sim::{Weather, World};
//!
//! let mut world = World::new(7, Weather::default(), 1);
//! world.run(Duration::from_secs(10));
//! assert!(world.is_converged());
//! ```

mod leg;
mod line;
mod links;
mod nat;
mod peer;
mod random;
mod schedule;
mod world;

pub use leg::Weather;
pub use line::Line;
pub use links::{Device, Home, LinkWorld, Scenario, Trouble};
pub use nat::{Dependence, NatKind};
pub use peer::Peer;
pub use random::Random;
pub use schedule::Schedule;
pub use world::World;
