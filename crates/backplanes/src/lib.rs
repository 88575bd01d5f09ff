//! Backplanes: what puts the messages of a room into one order. One folder each, and the list of them.
//!
//! To add one: add a folder whose module has `open` ([`Open`]), and its name below. Backplanes do not know
//! sessions, gateways, stores or each other.

mod port;

pub use port::{
    Arrival, Ask, Backplane, End, Health, Link, NodeId, Open, OpenError, Opened, Order, OutagePolicy,
    OutageRule, Settings, Signal, Tally, Wake,
};

macro_rules! backplanes {
    ($($folder:ident),* $(,)?) => {
        $(mod $folder;)*
        /// Every backplane by name.
        pub const BACKPLANES: &[(&str, Open)] = &[$((stringify!($folder), self::$folder::open)),*];
    };
}

backplanes![loopback, redis];

/// What a node makes of a broker, without the broker: for the simulator, which is one.
pub mod brokered {
    pub use super::broker::{
        Attend, Attended, Channel, Entry, Heard, Line, Model, Post, Publication, Reply, Request, Tried,
    };
    pub use super::machine::{Input, Machine, Outcome, TICK_MS};
}

pub use self::redis::{Condition, Inspection, check, inspect, shared_secret};
use self::redis::{broker, machine};
