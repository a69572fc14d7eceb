//! Control and file frames against the vectors that the TypeScript SDK is checked with, the
//! corpora of their fuzz targets, and what anybody could make of them.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod control;
mod corpus;
mod file;
mod vectors;
