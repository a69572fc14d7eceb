//! The hub, from outside: given these facts, these orders.

mod limits;
mod link;
mod register;
mod rendezvous;
mod revocation;
mod stage;
mod timing;
