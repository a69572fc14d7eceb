//! Messages of `/api/signal`.
