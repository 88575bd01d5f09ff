//! What servers of Socket.IO tell each other through Redis, so that many are one: what the stock adapter for Redis (`@socket.io/redis-adapter`
//! 8, with `createAdapter` and with `createShardedAdapter`) publishes and expects, and the stock emitter (`@socket.io/redis-emitter` 5), which
//! speaks as the former does. There is no specification; the forms were learnt by listening.
//!
//! A [`Circle`] is the servers that share a namespace, as one of them knows it: it names the channels and writes [`Said`] and [`Answer`] for
//! them. A [`Letter`] is what came by one, and reads as a [`Message`]. Messages come in JSON or MessagePack; both are read as JSON with
//! attachments, as the packets of clients are, so an event is passed on without being made anew. Nothing here knows Redis, who the sockets
//! are, or what an event means.

mod circle;
mod letter;
mod message;
mod read;
mod write;

pub use self::circle::{Circle, Dialect, Ear};
pub use self::letter::Letter;
pub use self::message::{Answer, Broadcast, Message, Peer, Said, Selection, Wanted};
