//! Engine.IO, revisions 4 and 3: packets, as one message of a WebSocket each or several in the body of a poll.
//!
//! The specifications are `docs/engine.io-protocol/v4-current.md` and `v3.md` of socketio/socket.io; where the text of the
//! third is at odds with its own parser and test suite (engine.io-parser 2.x), the parser counts. [`Packet`] is one packet,
//! [`Packets`] reads the bodies of polls and [`PayloadWriter`] writes them, [`Open`] is what a session begins with, and
//! [`jsonp`] wraps polls for pages that cannot do better.
//!
//! Both sides of a connection are here. Nothing knows which of them it serves, who is connected, or when a ping is due.

mod base64;
mod fault;
pub mod jsonp;
mod open;
mod packet;
mod packets;
mod payload;

pub use self::fault::Fault;
pub use self::open::Open;
pub use self::packet::{Packet, PacketType, Revision};
pub use self::packets::Packets;
pub use self::payload::{PayloadForm, PayloadWriter};
