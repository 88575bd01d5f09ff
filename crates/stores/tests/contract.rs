//! What every store promises, run over every entry of the list.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use chat::{Body, Epoch, Lineage, Message, Position, RoomId, RoomName, Time};
use stores::{Disk, Keeps, Link, Page, Promise, STORES, Settings, Since, Store, Told, Wake, Wish};

/// How long an answer may take before it is missed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A shard with its store.
struct Shard {
    store: Box<dyn Store>,
    woken: Receiver<()>,
    _link: Box<dyn Link>,
}

fn each(settings: &Settings, test: impl Fn(&mut Shard)) {
    for (name, open) in STORES {
        let (wake, woken) = channel();
        let wake: Wake = Arc::new(move || {
            let _ = wake.send(());
        });
        let disk = Disk { shards: 1, rooms: vec!["*".to_owned()], ..Disk::default() };
        let mut link = open(&disk, vec![wake]).unwrap_or_else(|error| panic!("{name}: {}", error.0));
        let store = link.end(0)(settings);
        test(&mut Shard { store, woken, _link: link });
    }
}

const WIDE: Settings = Settings { messages_max: 100, age_max_ms: 1000, bytes_max: 1 << 20 };

impl Shard {
    /// What is told next that `wanted` takes.
    fn hear<T>(&mut self, mut wanted: impl FnMut(Told) -> Option<T>) -> T {
        loop {
            let mut told = Vec::new();
            self.store.collect(&mut told);
            if let Some(found) = told.into_iter().find_map(&mut wanted) {
                return found;
            }
            self.woken.recv_timeout(PATIENCE).expect("something is told");
        }
    }

    /// Opens the room as a node that stands alone does, with nothing known of it.
    fn open(&mut self, epoch: u64) {
        let recognised = self.store.recognise(&lobby()).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Recognised { recognised, .. } => Some(recognised),
                _ => None,
            })
        });
        assert_eq!(recognised, Ok(None));
        self.store.adopt(&lobby(), at(epoch, 0), &Lineage::default(), &[]);
    }

    fn append(&mut self, epoch: u64, offsets: std::ops::RangeInclusive<u64>, time: u64) {
        offsets.for_each(|offset| self.store.append(&message(epoch, offset, time)));
    }

    fn since(&mut self, position: Position, now: u64) -> Since {
        self.store.since(&lobby(), position, wish(now)).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Since { ticket: 7, since } => Some(since),
                _ => None,
            })
        })
    }

    fn before(&mut self, before: Option<Position>, limit: usize) -> Page {
        self.store.before(&lobby(), before, limit, wish(0)).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Page { ticket: 7, page } => Some(page),
                _ => None,
            })
        })
    }

    /// Offsets after `position` at time 0, and whether they are all.
    fn offsets_since(&mut self, position: Position) -> (Vec<u64>, bool) {
        let since = self.since(position, 0);
        (offsets(&since.messages), since.complete)
    }
}

fn lobby() -> RoomId {
    RoomId::public(RoomName::new("lobby").expect("a valid name"))
}

fn at(epoch: u64, offset: u64) -> Position {
    Position { epoch: Epoch(epoch), offset }
}

fn wish(now: u64) -> Wish {
    Wish { now: Time(now), bytes_max: 1 << 20, ticket: 7 }
}

fn message(epoch: u64, offset: u64, time: u64) -> Arc<Message> {
    let (room, at, body) = (lobby(), at(epoch, offset), Body::text("0123456789"));
    Arc::new(Message { room, at, author: None, time: Time(time), tag: None, body })
}

fn offsets(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|message| message.at.offset).collect()
}

#[test]
fn everything_after_a_position_is_read_back_in_order() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        assert_eq!(shard.offsets_since(at(1, 2)), (vec![3, 4, 5], true));
        assert_eq!(shard.offsets_since(at(1, 0)), (vec![1, 2, 3, 4, 5], true));
        assert_eq!(shard.offsets_since(at(1, 5)), (vec![], true));
    });
}

#[test]
fn a_position_of_another_epoch_or_of_the_future_is_not_complete() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=2, 0);
        assert!(!shard.offsets_since(at(2, 1)).1);
        assert!(!shard.offsets_since(at(1, 3)).1);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_count() {
    each(&Settings { messages_max: 3, ..WIDE }, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        assert_eq!(shard.offsets_since(at(1, 2)), (vec![3, 4, 5], true));
        assert_eq!(shard.store.size().0, 3);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_age_even_when_all_of_it_is_old() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=2, 0);
        shard.append(1, 3..=3, 900);
        assert_eq!(offsets(&shard.since(at(1, 2), 1001).messages), [3]);
        assert!(shard.since(at(1, 3), 9999).complete, "nothing came after 3");
        assert_eq!(shard.store.size().0, 0);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_weight() {
    each(&Settings { bytes_max: 1000, ..WIDE }, |shard| {
        shard.open(1);
        shard.append(1, 1..=50, 0);
        assert!(shard.store.size().1 <= 1000 && shard.store.size().0 > 0);
    });
}

#[test]
fn pages_go_back_without_gaps_and_say_when_there_is_more() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        let newest = shard.before(None, 2);
        assert_eq!((offsets(&newest.messages), newest.more), (vec![4, 5], true));
        let older = shard.before(Some(at(1, 4)), 9);
        assert_eq!((offsets(&older.messages), older.more), (vec![1, 2, 3], false));
        assert!(shard.before(Some(at(2, 4)), 9).messages.is_empty());
    });
}

#[test]
fn another_epoch_that_continues_nothing_ends_what_was_kept_before() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        shard.store.adopt(&lobby(), at(2, 1), &Lineage::default(), &[message(2, 1, 0)]);
        assert_eq!(shard.offsets_since(at(2, 0)), (vec![1], true));
        assert_eq!(shard.store.size().0, 1);
        shard.store.forget(&lobby());
        assert_eq!(shard.store.size(), (0, 0));
    });
}

#[test]
fn what_was_promised_is_kept_and_told_to_be() {
    each(&WIDE, |shard| {
        shard.open(1);
        let promise = shard.store.promise(&lobby()).expect("nothing is wrong");
        shard.append(1, 1..=3, 0);
        if promise == Promise::Lasting {
            shard.hear(|told| match told {
                Told::Kept { room, at: kept } if room == lobby() && kept == at(1, 3) => Some(()),
                _ => None,
            });
        }
        assert_eq!(shard.store.keeps(&lobby(), at(1, 3)), Keeps::Already);
    });
}
