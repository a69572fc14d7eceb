//! Names of devices, pairs and accounts.
