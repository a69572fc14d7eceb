//! HTTP, WebSocket, UDP and TCP loops around the pure cores.
