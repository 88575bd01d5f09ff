//! Who clients are and what they may do, over every protocol, against the program as it is run.

mod accounts;
mod api;
mod backend;
mod cluster;
mod hooks;
mod moderation;
#[path = "../programs/mod.rs"]
mod programs;
mod rules;
mod scene;
mod tokens;
