//! Backplanes: what puts the messages of a room into one order. One folder each, and the list of them.
//!
//! To add one: add a folder whose module has `open` ([`Open`]), and its name below. Backplanes do not know
//! sessions, gateways, stores or each other.

mod port;

pub use port::{
    Arrival, Ask, Backplane, End, Health, Lineage, Link, NodeId, Open, OpenError, Opened, Order,
    OutagePolicy, OutageRule, Settings, Signal, Wake,
};

macro_rules! backplanes {
    ($($folder:ident),* $(,)?) => {
        $(mod $folder;)*
        /// Every backplane by name.
        pub const BACKPLANES: &[(&str, Open)] = &[$((stringify!($folder), $folder::open)),*];
    };
}

backplanes![loopback];
