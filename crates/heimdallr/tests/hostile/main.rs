//! Clients that do wrong, machines that run out, plugs that are pulled: against the program as it is run.
//!
//! Every test has neighbours who chat in a room of their own and must not notice, and ends with the counts: what the server says
//! has happened, and that it keeps nothing of it.

mod bodies;
mod counts;
mod draining;
mod ending;
mod files;
mod floods;
mod frames;
mod handshakes;
mod injection;
mod leaving;
mod neighbours;
mod objects;
mod origins;
mod peer;
#[path = "../programs/mod.rs"]
mod programs;
mod readers;
mod requests;
mod scene;
mod sessions;
mod smuggling;
mod times;
mod traversal;
