//! A virtual clock and lossy links that join the pure cores.
//!
//! A [`World`] holds one hub, peers that negotiate and reconnect, and the WebSocket between each
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
mod peer;
mod random;
mod schedule;
mod world;

pub use leg::Weather;
pub use peer::Peer;
pub use random::Random;
pub use schedule::Schedule;
pub use world::World;
