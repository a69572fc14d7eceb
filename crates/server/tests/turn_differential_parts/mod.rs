//! The two servers, a client that writes down its answers, and what it asks.

pub(crate) mod listed;
pub(crate) mod scenarios;
pub(crate) mod servers;
pub(crate) mod session;
