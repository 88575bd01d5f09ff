//! Gateways: one folder per client protocol, and the list of them.
//!
//! To add one: add a folder whose module has `pub fn open(&Settings) -> Box<dyn Gateway>`, and its name below. Gateways do not know each
//! other, shards, stores, backplanes or clocks.

mod port;
mod websocket;

pub use port::{Admission, Form, Gateway, Open, Outbox, Protocol, Settings, Then, Variant, Violation};

macro_rules! gateways {
    ($($folder:ident),* $(,)?) => {
        $(mod $folder;)*
        /// Every gateway by name, in the order in which they are asked.
        pub const GATEWAYS: &[(&str, Open)] = &[$((stringify!($folder), $folder::open)),*];
    };
}

gateways![raw];
