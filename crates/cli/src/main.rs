//! `helio`: the composition root.
fn main() {}
