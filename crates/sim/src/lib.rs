//! A virtual clock and lossy links that join the pure cores.
