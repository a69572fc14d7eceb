//! The two servers, what they are asked, and where they differ.

pub(crate) mod listed;
pub(crate) mod scenarios;
pub(crate) mod servers;
