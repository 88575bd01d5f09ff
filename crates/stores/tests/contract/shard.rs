//! A shard with a store of its own, and what the tests say to it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use chat::{Body, Epoch, Lineage, Message, Position, RoomId, RoomName, Tag, Time};
use stores::{
    Disk, Health, Keeps, Known, Link, Outbox, Page, STORES, Settings, Since, Store, Told, Wake, Wish,
};

/// How long an answer may take before it is missed.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any test says.
pub(crate) const WIDE: Settings = Settings { messages_max: 100, age_max_ms: 1000, bytes_max: 1 << 20 };

/// A folder of one test.
pub(crate) struct Folder(PathBuf);

/// A shard with its store.
pub(crate) struct Shard {
    pub(crate) store: Box<dyn Store>,
    woken: Receiver<()>,
    link: Box<dyn Link>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("heimdallr-stores-{}-{number}", std::process::id()));
        Self(path)
    }

    /// What a kill at this moment leaves: the files as they are.
    pub(crate) fn copy_as_after_a_kill(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(&copy.0).expect("it can be made");
        for entry in fs::read_dir(&self.0).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("a file has a name");
            fs::copy(&path, copy.0.join(name)).expect("it can be copied");
        }
        copy
    }

    /// For a node that stands alone and keeps everything here.
    pub(crate) fn disk(&self) -> Disk {
        Disk {
            folder: self.0.clone(),
            shards: 1,
            epoch_seed: 7,
            is_alone: true,
            rooms: vec!["*".to_owned()],
            recent_messages: 100,
            ..Disk::default()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Not every store has made it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Shard {
    pub(crate) fn of_store(name: &str, disk: &Disk, settings: &Settings) -> Self {
        let (_, open) = STORES.iter().find(|(known, _)| *known == name).expect("it is in the list");
        let (wake, woken) = channel();
        let wake: Wake = Arc::new(move || {
            let _ = wake.send(());
        });
        let mut link = open(disk, vec![wake]).unwrap_or_else(|error| panic!("{name}: {}", error.0));
        let store = link.end(0)(settings);
        Self { store, woken, link }
    }

    /// What waits to be told beyond the node.
    pub(crate) fn outbox(&self) -> Arc<dyn Outbox> {
        self.link.outbox().expect("it has one")
    }

    /// What is told next that `wanted` takes.
    pub(crate) fn hear<T>(&mut self, mut wanted: impl FnMut(Told) -> Option<T>) -> T {
        loop {
            let mut told = Vec::new();
            self.store.collect(&mut told);
            if let Some(found) = told.into_iter().find_map(&mut wanted) {
                return found;
            }
            self.woken.recv_timeout(PATIENCE).expect("something is told");
        }
    }

    /// What is known of the room.
    pub(crate) fn recognise(&mut self) -> Option<Known> {
        let recognised = self.store.recognise(&lobby()).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Recognised { recognised, .. } => Some(recognised),
                _ => None,
            })
        });
        recognised.expect("it can be said").map(|known| *known)
    }

    /// Opens the room as a node that stands alone does, with nothing known of it.
    pub(crate) fn open(&mut self, epoch: u64) {
        assert_eq!(self.recognise(), None);
        self.store.adopt(&lobby(), at(epoch, 0), &Lineage::default(), &[]);
    }

    pub(crate) fn append(&mut self, epoch: u64, offsets: std::ops::RangeInclusive<u64>, time: u64) {
        offsets.for_each(|offset| self.store.append(&message(epoch, offset, time)));
    }

    /// Waits until the room is kept up to there.
    pub(crate) fn await_kept(&mut self, up_to: Position) {
        while self.store.keeps(&lobby(), up_to) == Keeps::Later {
            self.hear(|told| matches!(told, Told::Kept { .. }).then_some(()));
        }
        assert_eq!(self.store.keeps(&lobby(), up_to), Keeps::Already);
    }

    pub(crate) fn since(&mut self, position: Position, now: u64) -> Since {
        self.store.since(&lobby(), position, wish(now)).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Since { ticket: 7, since } => Some(since),
                _ => None,
            })
        })
    }

    pub(crate) fn before(&mut self, before: Option<Position>, limit: usize) -> Page {
        self.store.before(&lobby(), before, limit, wish(0)).unwrap_or_else(|| {
            self.hear(|told| match told {
                Told::Page { ticket: 7, page } => Some(page),
                _ => None,
            })
        })
    }

    /// Offsets after `position` at time 0, and whether they are all.
    pub(crate) fn offsets_since(&mut self, position: Position) -> (Vec<u64>, bool) {
        let since = self.since(position, 0);
        (offsets(&since.messages), since.complete)
    }

    /// Offsets before `before`, and whether there are older ones.
    pub(crate) fn offsets_before(&mut self, before: Option<Position>, limit: usize) -> (Vec<u64>, bool) {
        let page = self.before(before, limit);
        (offsets(&page.messages), page.more)
    }

    pub(crate) fn health(&self) -> Health {
        self.link.health()
    }
}

pub(crate) fn lobby() -> RoomId {
    RoomId::public(RoomName::new("lobby").expect("a valid name"))
}

pub(crate) fn at(epoch: u64, offset: u64) -> Position {
    Position { epoch: Epoch(epoch), offset }
}

fn wish(now: u64) -> Wish {
    Wish { now: Time(now), bytes_max: 1 << 20, ticket: 7 }
}

pub(crate) fn message(epoch: u64, offset: u64, time: u64) -> Arc<Message> {
    let (room, at, body) = (lobby(), at(epoch, offset), Body::text("0123456789"));
    Arc::new(Message { room, at, author: None, time: Time(time), tag: Tag::new(&offset.to_string()), body })
}

pub(crate) fn offsets(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|message| message.at.offset).collect()
}
