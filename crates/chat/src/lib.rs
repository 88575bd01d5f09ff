//! What chat means: the words every client protocol is translated into, and the rules that hold for all of them.
//!
//! Knows nothing of bytes on a wire, JSON, the time of day, randomness, sessions or shards: times and seeds arrive as
//! arguments, and whoever calls owns the state.

mod attendance;
mod bidding;
mod by_room;
mod command;
mod credentials;
mod epochs;
mod event;
mod farewell;
mod happening;
mod lineage;
mod message;
mod name;
mod position;
mod refusal;
mod room_names;
mod roster;
mod signal;

pub use bidding::{Answers, Bidding, Group, Peer, Reply, Whom, Wish};
pub use by_room::ByRoom;
pub use command::{Command, Tag};
pub use credentials::{Credentials, SECRET_BYTES_MAX, Secret};
pub use epochs::{Epochs, mix};
pub use event::{Event, Presence, Resumption};
pub use farewell::Farewell;
pub use happening::{Happening, Occasion};
pub use lineage::Lineage;
pub use message::{Author, Body, Message, Payload, PayloadKind, Text};
pub use name::{NAME_BYTES_MAX, NameError, RoomId, RoomKind, RoomName, UserId};
pub use position::{Epoch, Position, PositionError};
pub use refusal::Refusal;
pub use room_names::RoomNames;
pub use roster::{Counts, Here, Roster, RosterChange};
pub use signal::{Content, SignalName};

/// A moment in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);
