//! The store of a node that keeps nothing when it stops.

use std::sync::Arc;

use chat::{Lineage, Message, Position, Refusal, RoomId};

use crate::tails::Tails;
use crate::{
    Disk, End, Health, Keeps, Link, OpenError, Page, Promise, Recognised, Settings, Since, Store, Told, Wake,
    Wish,
};

/// Opens the store.
pub(crate) fn open(_: &Disk, _: Vec<Wake>) -> Result<Box<dyn Link>, OpenError> {
    Ok(Box::new(Ends))
}

/// A shard's end of it.
pub(crate) fn end(settings: &Settings) -> Box<dyn Store> {
    Box::new(Memory { tails: Tails::new(settings) })
}

/// Makes the shards' ends, which have nothing in common.
struct Ends;

struct Memory {
    tails: Tails,
}

impl Link for Ends {
    fn end(&mut self, _: u16) -> End {
        Box::new(end)
    }

    fn health(&self) -> Health {
        Health::default()
    }
}

impl Store for Memory {
    fn recognise(&mut self, _: &RoomId) -> Option<Recognised> {
        Some(Ok(None))
    }

    fn adopt(&mut self, room: &RoomId, _: Position, _: &Lineage, tail: &[Arc<Message>]) {
        self.tails.forget(room);
        tail.iter().for_each(|message| self.tails.append(message, u64::MAX));
    }

    fn promise(&self, _: &RoomId) -> Result<Promise, Refusal> {
        Ok(Promise::Passing)
    }

    fn append(&mut self, message: &Arc<Message>) {
        self.tails.append(message, u64::MAX);
    }

    fn keeps(&self, _: &RoomId, _: Position) -> Keeps {
        Keeps::Already
    }

    fn since(&mut self, room: &RoomId, position: Position, wish: Wish) -> Option<Since> {
        Some(self.tails.since(room, position, wish.now))
    }

    fn before(&mut self, room: &RoomId, before: Option<Position>, limit: usize, wish: Wish) -> Option<Page> {
        Some(self.tails.before(room, before, limit, wish.now))
    }

    fn collect(&mut self, _: &mut Vec<Told>) -> bool {
        false
    }

    fn forget(&mut self, room: &RoomId) {
        self.tails.forget(room);
    }

    fn size(&self) -> (usize, usize) {
        self.tails.size()
    }
}
