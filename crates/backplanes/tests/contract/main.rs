//! What every backplane promises, run over every entry of the list.

mod masters;
mod server;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use backplanes::{Arrival, Ask, BACKPLANES, Backplane, Link, NodeId, Open, Opened, Order, Settings, Wake};
use chat::{Body, Epoch, Lineage, Message, Position, RoomId, RoomName, Tag, Time, UserId};
use masters::Masters;
use server::Server;

/// How long an answer may take before it is missed.
const PATIENCE: Duration = Duration::from_secs(10);
const TAGS_PER_ROOM: usize = 2;

/// A node of one shard.
struct Node {
    end: Box<dyn Backplane>,
    arrivals: VecDeque<Arrival>,
    woken: Receiver<()>,
    _link: Box<dyn Link>,
}

fn each(test: impl Fn(&mut Node)) {
    each_keeping(60_000, test);
}

/// Runs a test over every backplane; rooms nobody attends to are forgotten after so many milliseconds.
fn each_keeping(room_idle_ms: u64, test: impl Fn(&mut Node)) {
    for (name, open, broker) in every() {
        let (wake, woken) = channel();
        let wake: Wake = Arc::new(move || {
            let _ = wake.send(());
        });
        let settings = Settings {
            node: NodeId(1),
            shards: 1,
            epoch_seed: 7,
            tags_per_room: TAGS_PER_ROOM,
            history_messages: 100,
            room_idle_ms,
            urls: broker.urls(),
            ..Settings::default()
        };
        let mut link = open(&settings, vec![wake]).unwrap_or_else(|error| panic!("{name}: {}", error.0));
        let end = link.end(0)();
        test(&mut Node { end, arrivals: VecDeque::new(), woken, _link: link });
    }
}

/// What a backplane needs to be there.
enum Broker {
    None,
    One(Server),
    Cluster(Masters),
}

impl Broker {
    fn urls(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(server) => vec![server.url()],
            Self::Cluster(masters) => vec![masters.url()],
        }
    }
}

/// Every backplane, with each kind of broker that it can have.
fn every() -> Vec<(&'static str, Open, Broker)> {
    let mut every = Vec::new();
    for (name, open) in BACKPLANES {
        if *name == "redis" {
            every.push((*name, *open, Broker::One(Server::start())));
            every.push((*name, *open, Broker::Cluster(Masters::start())));
        } else {
            every.push((*name, *open, Broker::None));
        }
    }
    every
}

impl Node {
    fn ask(&mut self, ask: Ask) {
        let mut arrivals = Vec::new();
        self.end.ask(ask, &mut arrivals);
        self.arrivals.extend(arrivals);
    }

    /// The next arrival.
    fn next(&mut self) -> Arrival {
        loop {
            if let Some(arrival) = self.arrivals.pop_front() {
                return arrival;
            }
            let mut arrivals = Vec::new();
            self.end.collect(&mut arrivals);
            if arrivals.is_empty() {
                self.woken.recv_timeout(PATIENCE).expect("something arrives");
            }
            self.arrivals.extend(arrivals);
        }
    }

    fn attend(&mut self, room: &RoomId) -> Opened {
        self.ask(Ask::Attend(room.clone()));
        loop {
            match self.next() {
                Arrival::Opened(opened) => return opened,
                Arrival::Posted(_) | Arrival::Nodes(_) => {}
                other => panic!("the room is opened, not {other:?}"),
            }
        }
    }

    /// Where the order comes to stand.
    fn place(&mut self, order: Order) -> Position {
        self.ask(Ask::Order(order));
        loop {
            match self.next() {
                Arrival::Ordered { message, ticket: 9 } => return message.at,
                Arrival::Placed { at, ticket: 9 } => return at,
                Arrival::Posted(_) | Arrival::Nodes(_) => {}
                other => panic!("one arrival with the order's ticket, not {other:?}"),
            }
        }
    }
}

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

fn order(room: &RoomId, author: &str, tag: Option<&str>) -> Order {
    Order {
        room: room.clone(),
        author: UserId::new(author).ok(),
        body: Body::text("hi"),
        tag: tag.and_then(Tag::new),
        time: Time(1),
        ticket: 9,
    }
}

#[test]
fn offsets_of_a_room_grow_by_one_from_one() {
    each(|node| {
        let lobby = room("lobby");
        let epoch = node.attend(&lobby).head.epoch;
        for offset in 1..=5 {
            assert_eq!(node.place(order(&lobby, "a", None)), Position { epoch, offset });
        }
        assert_eq!(node.attend(&room("other")).head.offset, 0);
    });
}

#[test]
fn a_retry_of_the_same_author_is_not_a_second_message() {
    each(|node| {
        let lobby = room("lobby");
        let first = node.place(order(&lobby, "a", Some("t")));
        assert_eq!(node.place(order(&lobby, "a", Some("t"))), first);
        assert_eq!(
            node.place(order(&lobby, "b", Some("t"))).offset,
            2,
            "another author's tag is another post"
        );
        assert_eq!(node.place(order(&room("other"), "a", Some("t"))).offset, 1, "another room's too");
    });
}

#[test]
fn two_guests_who_number_their_posts_alike_are_two() {
    each(|node| {
        let lobby = room("lobby");
        let guest =
            |text: &str| Order { author: None, body: Body::text(text), ..order(&lobby, "a", Some("1")) };
        let first = node.place(guest("hi"));
        assert_eq!(node.place(guest("hello")).offset, 2, "another guest's");
        assert_eq!(node.place(guest("hi")), first, "the first guest's once more");
        assert_eq!(node.place(order(&lobby, "a", Some("1"))).offset, 3, "somebody with a name is no guest");
    });
}

#[test]
fn a_room_remembers_as_many_tags_as_it_is_told() {
    each(|node| {
        let lobby = room("lobby");
        for (tag, offset) in [("1", 1), ("2", 2), ("3", 3)] {
            assert_eq!(node.place(order(&lobby, "a", Some(tag))).offset, offset);
        }
        assert_eq!(node.place(order(&lobby, "a", Some("2"))).offset, 2);
    });
}

#[test]
fn a_room_that_all_have_forsaken_starts_another_epoch() {
    each_keeping(0, |node| {
        let lobby = room("lobby");
        node.attend(&lobby);
        let before = node.place(order(&lobby, "a", None));
        node.ask(Ask::Forsake(lobby.clone()));
        let after = node.attend(&lobby).head;
        assert_ne!(before.epoch, after.epoch);
        assert_eq!(after.offset, 0);
    });
}

#[test]
fn a_room_goes_on_where_it_is_remembered_to_stand_unless_it_lives_elsewhere() {
    each(|node| {
        let lobby = room("lobby");
        let head = Position { epoch: Epoch(3), offset: 7 };
        let Order { author, body, tag, time, .. } = order(&lobby, "a", Some("t"));
        let message = Arc::new(Message { room: lobby.clone(), at: head, author, time, tag, body });
        let lineage = Lineage { former: [(Epoch(2), 5)].into() };
        let remembered = Opened { room: lobby.clone(), head, lineage: lineage.clone(), tail: vec![message] };
        node.ask(Ask::Remember(remembered));
        let opened = node.attend(&lobby);
        if node.end.outlives_homes() {
            return assert_eq!(opened.head.offset, 0);
        }
        assert_eq!((opened.head, opened.lineage), (head, lineage));
        assert_eq!(node.place(order(&lobby, "a", Some("t"))), head, "the retry of a remembered post");
        assert_eq!(node.place(order(&lobby, "a", None)), Position { offset: 8, ..head });
    });
}
