//! Members who stay whatever happens: they come back after every cut, go on from where they stood, and ask for their posts until these are
//! accepted. What was accepted must then have been shown to every one of them, or they must have been told.
//!
//! One process and one thread. What befalls the server is told on the standard input, a line each, so that silences can be told apart; the
//! end of that input ends the stay.

mod account;
mod books;
mod ledger;
mod lives;
mod member;
mod position;
mod silence;
mod speech;
mod stay;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

pub use account::Account;
pub use ledger::Findings;
pub use silence::Era;
pub use stay::stay;

use crate::stamp::STAMP_BYTES;

/// Who stays, and how much they say.
#[derive(Clone, Debug, Args)]
pub struct Wish {
    /// Where members come to: a balancer, or a node.
    #[arg(long, value_name = "ADDR:PORT")]
    pub target: SocketAddr,
    /// Where members go when they come back; without, where they came to.
    #[arg(long, value_name = "ADDR:PORT")]
    pub elsewhere: Option<SocketAddr>,
    /// How many rooms there are.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub rooms: u32,
    /// How many members each room has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub room_size: u32,
    /// Members who post, evenly spread over the rooms.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub publishers: u32,
    /// Posts a second of all together.
    #[arg(long, default_value_t = 2000.0)]
    pub rate: f64,
    /// Bytes of each payload.
    #[arg(long, default_value_t = 100)]
    pub payload: usize,
    /// Seconds to wait at the end for what is missing.
    #[arg(long, default_value_t = 30.0)]
    pub drain: f64,
    /// Where to write the account as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Wish {
    /// How many members that is.
    pub fn members(&self) -> u32 {
        self.rooms.saturating_mul(self.room_size)
    }

    /// Whether it can be.
    pub fn check(&self) -> Result<(), String> {
        if self.publishers > self.members() {
            return Err(format!("--publishers must be at most the number of members, {}", self.members()));
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err("--rate must be above zero".to_owned());
        }
        if self.payload < STAMP_BYTES {
            return Err(format!("--payload must be at least {STAMP_BYTES}, the length of a stamp"));
        }
        if !(self.drain.is_finite() && self.drain >= 0.0) {
            return Err("--drain must be zero or above".to_owned());
        }
        Ok(())
    }
}
