//! What passes the bridge on its way between a shard and the backplane.

use std::cell::RefCell;
use std::rc::Rc;

use backplanes::{Arrival, Ask, BACKPLANES, Backplane, Order};
use chat::{Body, Epoch, Position, Refusal, RoomId, RoomName, Tag, Time, UserId};
use slab::Slab;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{Passing, Told};
use crate::between::{Down, Outgoing, Up};

/// A backplane that answers when it is told to.
#[derive(Clone, Default)]
struct Later(Rc<RefCell<Vec<Arrival>>>, Rc<RefCell<Vec<u64>>>);

impl Backplane for Later {
    fn ask(&mut self, ask: Ask, _: &mut Vec<Arrival>) {
        if let Ask::Order(order) = ask {
            self.1.borrow_mut().push(order.ticket);
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        arrivals.append(&mut self.0.borrow_mut());
        false
    }

    fn outlives_homes(&self) -> bool {
        true
    }
}

struct World {
    passing: Passing,
    to_shard: Sender<Down>,
    from_shard: Receiver<Up>,
}

impl World {
    fn around(inner: Box<dyn Backplane>) -> Self {
        let (up, from_shard) = mpsc::channel(100);
        let (to_shard, from_bridge) = mpsc::channel(100);
        let (to_bridge, tells) = (Outgoing::new(up), (true, true));
        let (asked, told) = (Slab::new(), Told::default());
        Self {
            passing: Passing { inner, shard: 3, to_bridge, from_bridge, tells, asked, told },
            to_shard,
            from_shard,
        }
    }

    fn alone() -> Self {
        let settings = backplanes::Settings { tags_per_room: 10, shards: 1, ..Default::default() };
        let (_, open) = BACKPLANES[0];
        let mut link = open(&settings, Vec::new()).expect("it needs nothing");
        Self::around(link.end(0)())
    }

    fn ask(&mut self, ask: Ask) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        self.passing.ask(ask, &mut arrivals);
        arrivals
    }

    fn collect(&mut self) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        assert!(!self.passing.collect(&mut arrivals));
        arrivals
    }

    fn told(&mut self) -> Vec<RoomId> {
        let mut told = Vec::new();
        while let Ok(up) = self.from_shard.try_recv() {
            if let Up::Posted(room, ..) = up {
                told.push(room);
            }
        }
        told
    }
}

fn room() -> RoomId {
    RoomId::public(RoomName::new("lobby").expect("a valid name"))
}

fn order(room: RoomId, tag: &str, ticket: u64) -> Order {
    Order { room, author: None, body: Body::text("hi"), tag: Tag::new(tag), time: Time(0), ticket }
}

fn at(offset: u64) -> Position {
    Position { epoch: Epoch(1), offset }
}

#[test]
fn what_gets_its_place_at_once_is_told_once() {
    let mut world = World::alone();
    let [Arrival::Ordered { ticket: u64::MAX, .. }] = world.ask(Ask::Order(order(room(), "a", u64::MAX)))[..]
    else {
        panic!("it is ordered")
    };
    assert_eq!(world.told(), [room()]);
    let [Arrival::Placed { ticket: 5, .. }] = world.ask(Ask::Order(order(room(), "a", 5)))[..] else {
        panic!("it is a repeat")
    };
    assert_eq!(world.told(), []);
    let inbox = RoomId::inbox(UserId::new("ann").expect("a valid name"));
    world.ask(Ask::Order(order(inbox, "a", 6)));
    assert_eq!(world.told(), []);
}

#[test]
fn what_gets_its_place_later_is_told_then_and_once() {
    let later = Later::default();
    let mut world = World::around(Box::new(later.clone()));
    for tag in ["a", "a", "b"] {
        assert!(world.ask(Ask::Order(order(room(), tag, 9))).is_empty());
    }
    assert_eq!(world.told(), []);
    let tickets = later.1.borrow().clone();
    for (ticket, offset) in tickets.iter().zip([1, 1]) {
        later.0.borrow_mut().push(Arrival::Placed { at: at(offset), ticket: *ticket });
    }
    later.0.borrow_mut().push(Arrival::Failed { refusal: Refusal::Overloaded, ticket: tickets[2] });
    let arrivals = world.collect();
    let [
        Arrival::Placed { ticket: 9, .. },
        Arrival::Placed { ticket: 9, .. },
        Arrival::Failed { ticket: 9, .. },
    ] = arrivals[..]
    else {
        panic!("{arrivals:?}")
    };
    assert_eq!(world.told(), [room()]);
}

#[test]
fn a_message_from_beside_is_shown_and_not_told_back() {
    let mut world = World::alone();
    for _ in 0..2 {
        world.to_shard.try_send(Down::Order(order(room(), "mark-1", 0))).expect("there is room");
    }
    let arrivals = world.collect();
    let [Arrival::Posted(message)] = &arrivals[..] else { panic!("{arrivals:?}") };
    assert_eq!((&message.room, message.body.as_text()), (&room(), Some("hi")));
    assert_eq!(world.told(), []);
}

#[test]
fn the_bridge_knows_which_rooms_have_homes_here() {
    let mut world = World::alone();
    world.ask(Ask::Attend(room()));
    world.ask(Ask::Forsake(room()));
    let said: Vec<Up> = std::iter::from_fn(|| world.from_shard.try_recv().ok()).collect();
    let [Up::Attended(attended, 3), Up::Forsaken(forsaken)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((attended, forsaken), (&room(), &room()));
}
