//! Stores: what keeps the history of rooms. One folder each, and the list of them.
//!
//! To add one: add a folder whose module has `open` ([`Open`]), and its name below. Stores do not know sessions, gateways, backplanes or each
//! other.

mod outward;
mod port;
mod tails;

pub use outward::{LeftBehind, Letter, Outbox, OutboxSize, Outward, ReadWaiting, Scribe, Waiting};
pub use port::{
    Disk, End, Health, Keeps, Known, Link, Open, OpenError, Page, Promise, Recognised, Retention, Settings,
    Since, Store, Tally, Told, Wake, Wish,
};

macro_rules! stores {
    ($($(#[$when:meta])? $folder:ident),* $(,)?) => {
        $($(#[$when])? mod $folder;)*
        /// Every store by name.
        pub const STORES: &[(&str, Open)] = &[$($(#[$when])? (stringify!($folder), self::$folder::open)),*];
    };
}

stores![
    memory,
    #[cfg(feature = "sqlite")]
    sqlite
];

#[cfg(feature = "sqlite")]
pub use self::sqlite::{backup, restore};

/// The store with a file, without the file: for the simulator, which is one.
#[cfg(feature = "sqlite")]
pub mod filed {
    pub use super::sqlite::{Model, Rows};
}

/// A shard's store that keeps nothing when the process stops.
pub fn in_memory(settings: &Settings) -> Box<dyn Store> {
    memory::end(settings)
}
