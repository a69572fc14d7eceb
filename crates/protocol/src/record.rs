//! Device records and pair statements, and the bytes that are signed.
