//! Stores: what keeps the history of rooms. One folder each, and the list of them.
//!
//! To add one: add a folder whose module has `pub fn open(&Settings) -> Box<dyn Store>`, and its name below. Stores do not know sessions,
//! gateways, backplanes or each other.

mod port;

pub use port::{Open, Page, Settings, Since, Store};

macro_rules! stores {
    ($($folder:ident),* $(,)?) => {
        $(mod $folder;)*
        /// Every store by name.
        pub const STORES: &[(&str, Open)] = &[$((stringify!($folder), $folder::open)),*];
    };
}

stores![memory];
