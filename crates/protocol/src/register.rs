//! The simple sender and receiver dialect of `/ws`.
