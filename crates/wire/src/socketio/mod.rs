//! Socket.IO, revisions 5 and 4: what the messages of Engine.IO say.
//!
//! The specifications are `docs/socket.io-protocol/v5-current.md` and `v4.md` of socketio/socket.io; what its parser checks
//! beyond them (reserved names, shapes of payloads) is checked too. Revision 5 goes over revision 4 of
//! [`engineio`](crate::engineio), revision 4 over its revision 3.
//!
//! [`Packet`] is one packet, read from text and written as text with its arguments as they stand, never as a tree.
//! [`Decoder`] puts binary attachments to their packet. [`msgpack`] is the other parser that applications may choose.
//! [`adapter`] is what servers tell each other behind the back of their clients.
//! Nothing knows which side it serves, who is connected, or what an event means.

pub mod adapter;
mod arguments;
mod assembly;
mod connection;
mod fault;
pub mod msgpack;
mod packet;
mod placeholder;
mod read;
mod tokens;
mod write;

pub use self::arguments::{MAX_ARGUMENTS, MAX_DEPTH};
pub use self::assembly::{Assembled, Decoder, Limits, Received};
pub use self::connection::{Connected, Rejection, split_query};
pub use self::fault::Fault;
pub use self::packet::{Ack, Body, Event, MAX_ACK_ID, Packet, is_reserved};
pub use self::placeholder::write_filled;
pub use self::write::ArgumentsWriter;
