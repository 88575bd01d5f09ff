//! Rooms of which the store cannot say for a while how they stood.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use chat::{Body, Lineage, Message, Position, Refusal, RoomId};
use shard::Instruction;
use stores::{Keeps, Page, Promise, Recognised, Since, Store, Told, Wish};

use crate::cluster::Cluster;
use crate::recovery::Returning;

/// A store in memory that keeps everything, and may be at a loss.
struct Doubtful {
    store: Box<dyn Store>,
    is_at_a_loss: Rc<Cell<bool>>,
    /// The rooms that it was asked for.
    asked: Rc<RefCell<Vec<RoomId>>>,
}

impl Store for Doubtful {
    fn recognise(&mut self, room: &RoomId) -> Option<Recognised> {
        self.asked.borrow_mut().push(room.clone());
        Some(if self.is_at_a_loss.get() { Err(Refusal::Unavailable) } else { Ok(None) })
    }

    fn promise(&self, _: &RoomId) -> Result<Promise, Refusal> {
        Ok(Promise::Lasting)
    }

    fn adopt(&mut self, room: &RoomId, head: Position, lineage: &Lineage, tail: &[Arc<Message>]) {
        self.store.adopt(room, head, lineage, tail);
    }

    fn append(&mut self, message: &Arc<Message>) {
        self.store.append(message);
    }

    fn keeps(&self, room: &RoomId, at: Position) -> Keeps {
        self.store.keeps(room, at)
    }

    fn since(&mut self, room: &RoomId, position: Position, wish: Wish) -> Option<Since> {
        self.store.since(room, position, wish)
    }

    fn before(&mut self, room: &RoomId, before: Option<Position>, limit: usize, wish: Wish) -> Option<Page> {
        self.store.before(room, before, limit, wish)
    }

    fn collect(&mut self, told: &mut Vec<Told>) -> bool {
        self.store.collect(told)
    }

    fn forget(&mut self, room: &RoomId) {
        self.store.forget(room);
    }

    fn size(&self) -> (usize, usize) {
        self.store.size()
    }
}

/// It is asked once a second for the room that everybody is in, as long as that is wanted; five seconds after that was so, it is not.
#[test]
fn a_room_that_was_let_go_and_is_open_again_is_not_asked_for_once_more() {
    let (is_at_a_loss, asked) = (Rc::new(Cell::new(true)), Rc::new(RefCell::new(Vec::new())));
    let mut cluster = Cluster::with_stores(
        1,
        1,
        |settings| {
            settings.recovery_ms = 120_000;
            settings.gateways.socketio.recovery = true;
        },
        |settings| {
            let (is_at_a_loss, asked) = (is_at_a_loss.clone(), asked.clone());
            Box::new(Doubtful { store: stores::in_memory(settings), is_at_a_loss, asked })
        },
    );
    let times = || asked.borrow().iter().filter(|room| room.is_everybody()).count();
    let body = Body::text("hello");
    cluster.instruct(Instruction::Post { room: RoomId::everybody(), author: None, body, tag: None });
    cluster.leap(1300);
    cluster.pass(3);
    assert_eq!(times(), 5, "it was at a loss each time");
    cluster.leap(700);
    is_at_a_loss.set(false);
    Returning::connect(&mut cluster, 1, "");
    assert_eq!(times(), 6);
    cluster.pass(3);
    assert_eq!(times(), 6);
}
