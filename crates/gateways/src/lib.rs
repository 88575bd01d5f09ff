//! Gateways: one folder per client protocol, and the list of them.
//!
//! To add one: add a folder whose module has `open` (an [`Open`]) and `client` (a [`Dial`]), and its name below. Gateways
//! do not know each other, shards, stores, backplanes or clocks.

mod answer;
mod bearer;
mod client;
mod client_answer;
mod client_socket;
mod hearing;
mod json;
mod keys;
mod members;
mod name;
mod object;
mod port;
mod settings;
mod websocket;

pub use client::{Client, Dial, Heard, Keepsake, Login, Said, ServerFault};
pub use json::write_message;
pub use name::{NotAName, SessionName};
pub use port::{
    Admission, Aside, Call, Form, Gateway, LANES, Lane, MAIN, Open, Outbox, Protocol, Recovery, Spread,
    Strand, Then, Variant, Violation, Wake,
};
pub use settings::{EventNames, Settings, SocketIoSettings};

macro_rules! gateways {
    ($($folder:ident),* $(,)?) => {
        $(mod $folder;)*
        /// Every gateway by name, in the order in which they are asked.
        pub const GATEWAYS: &[(&str, Open)] = &[$((stringify!($folder), $folder::open)),*];
        /// The other side of every gateway, by the same names.
        pub const CLIENTS: &[(&str, Dial)] = &[$((stringify!($folder), $folder::client)),*];
    };
}

pub use post::Posting;
pub use socketio::{Namespace, Namespaces, beside, handlers};

gateways![v1, sse, post, status, socketio, raw, page];
