//! What was accepted is there again: after a kill in the middle of talk, after a full disk, out of a backup.

mod client;
mod copies;
mod faults;
mod history;
mod kills;
mod nodes;
mod readonly;
mod server;
