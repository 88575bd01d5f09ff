//! Transcripts: conversations in text files, replayed byte for byte. `transcripts/README.md` says how they are written.
//!
//! A replay goes in step: after each thing that is said everybody comes to rest, so that what is heard does not hang on how many shards there
//! are or in which pieces bytes arrive.

mod member;
mod notation;
mod pattern;
mod replay;
pub mod said;
mod script;

pub use notation::{Piece, PieceKind};
pub use replay::{Manner, Mismatch, replay};
pub use script::{Line, Role, Script, ScriptFault};
