//! Messages of the pairing rendezvous.
