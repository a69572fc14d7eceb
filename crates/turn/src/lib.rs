//! A STUN and TURN server core. Pure.
