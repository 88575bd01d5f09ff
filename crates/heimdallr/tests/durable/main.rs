//! What was accepted is there again: after a kill in the middle of talk, after a full disk, out of a backup.

mod announced;
mod client;
mod copies;
mod faults;
mod history;
mod kills;
mod nodes;
#[path = "../programs/mod.rs"]
mod programs;
mod readonly;
mod server;
