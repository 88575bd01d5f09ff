//! Shards of several nodes, joined by a backplane in memory: sessions are reached from every node, and recovered on any.

mod applications;
mod broker;
mod client;
mod cluster;
mod devices;
mod epochs;
mod leaving;
mod recovery;
mod revoked;
mod travels;
mod tunnels;
mod unknown;
