//! Accounts, devices, pairs, keys: everything durable.
