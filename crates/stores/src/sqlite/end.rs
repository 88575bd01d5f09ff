//! A shard's end of the file: the newest messages of its rooms are at hand here, everything else is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use chat::{Happening, Lineage, Message, Position, Refusal, RoomId, UserId};
use hashbrown::{HashMap, HashSet};
use slab::Slab;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::pages::{Reading, What};
use super::place::Place;
use super::traffic::{Adoption, Found, Read, Report, Span, Write};
use super::vitals::Vitals;
use crate::tails::Tails;
use crate::{Disk, Keeps, Known, LeftBehind, Page, Promise, Recognised, Settings, Since, Store, Told, Wish};

/// Messages of a node that wait to be kept; whoever posts while there are as many is refused.
const WAITING_MAX: usize = 1 << 16;
/// What they weigh at most.
const WAITING_BYTES_MAX: usize = 128 << 20;
/// Pieces of history that a shard has asked for.
const READINGS_MAX: usize = 1024;
/// Reports that are looked at in a turn.
const REPORTS_AT_ONCE: usize = 256;

/// What an end is made of where its shard will live.
pub(super) struct Parts {
    pub(super) shard: u16,
    pub(super) disk: Disk,
    /// The run that rooms are opened in.
    pub(super) run: i64,
    pub(super) fresh_life: i64,
    pub(super) writes: UnboundedSender<Write>,
    pub(super) reads: UnboundedSender<Read>,
    pub(super) reports: UnboundedReceiver<Report>,
    pub(super) vitals: Arc<Vitals>,
    /// Who was here when the process ended before.
    pub(super) behind: Arc<[LeftBehind]>,
}

/// A shard's end.
pub(super) struct End {
    pub(super) parts: Parts,
    pub(super) tails: Tails,
    /// Rooms that are kept and open, or about to be.
    pub(super) rooms: HashMap<RoomId, Place>,
    /// Rooms of which it was asked how they stood.
    asked: HashSet<RoomId>,
    pub(super) readings: Slab<Reading>,
    /// What the messages weigh that were given to the writer, in order.
    waiting: VecDeque<usize>,
    waiting_bytes: usize,
    /// Nothing can be written for now.
    is_faulty: bool,
    /// So much is not told beyond the node, because there was no room for it.
    pub(super) untold: u64,
}

impl End {
    pub(super) fn new(parts: Parts, settings: &Settings) -> Self {
        Self {
            parts,
            tails: Tails::new(settings),
            rooms: HashMap::new(),
            asked: HashSet::new(),
            readings: Slab::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            is_faulty: false,
            untold: 0,
        }
    }

    fn is_lasting(&self, room: &RoomId) -> bool {
        let covers = |rule: &String| match rule.strip_suffix('*') {
            Some(beginning) => room.name().starts_with(beginning),
            None => room.name() == rule,
        };
        !room.is_public() || self.parts.disk.rooms.iter().any(covers)
    }

    /// How many times as much waits as may.
    pub(super) fn is_full(&self, times: usize) -> bool {
        let shards = usize::from(self.parts.disk.shards.max(1));
        self.waiting.len() >= times * WAITING_MAX / shards
            || self.waiting_bytes >= times * WAITING_BYTES_MAX / shards
    }

    /// Each shard has lives of its own.
    fn fresh_life(&mut self) -> i64 {
        let life = self.parts.fresh_life;
        self.parts.fresh_life += i64::from(self.parts.disk.shards.max(1));
        life
    }

    pub(super) fn write(&self, write: Write) {
        // The writer ends after the shards.
        let _ = self.parts.writes.send(write);
    }

    /// Has it written down how a room stands.
    fn write_down(&self, room: &RoomId, place: &Place, adopted: Adopted<'_>) {
        let Some(head) = place.head else { return };
        let Adopted { lineage, from, cut_behind, ends } = adopted;
        self.write(Write::Adopt(Box::new(Adoption {
            room: room.clone(),
            life: place.life,
            epoch: head.epoch,
            head: from,
            lineage: lineage.clone(),
            // Where others put messages in order they may show some that are not here.
            run: if self.parts.disk.is_alone { self.parts.run } else { 0 },
            cut_behind,
            ends,
            then: None,
        })));
    }

    /// Gives a message to the writer, or leaves it out where there is no room for it.
    fn give(&mut self, message: &Arc<Message>) {
        let is_full = self.is_full(2);
        let Some(place) = self.rooms.get_mut(&message.room) else { return };
        place.head = Some(message.at);
        if is_full {
            self.parts.vitals.left_out(1);
            return place.leave_out(message.at.offset);
        }
        let weight = message.weight();
        place.sum += weight as u64;
        let (life, sum) = (place.life, place.sum);
        let (shard, message) = (self.parts.shard, message.clone());
        let is_announced = self.announces_what_it_keeps() && message.room.is_public();
        self.write_weighing(weight, Write::Message { shard, life, sum, message, is_announced });
    }

    /// Gives the writer something that weighs so much while it waits.
    pub(super) fn write_weighing(&mut self, weight: usize, write: Write) {
        self.waiting.push_back(weight);
        self.waiting_bytes += weight;
        self.write(write);
    }

    fn take(&mut self, report: Report, told: &mut Vec<Told>) {
        match report {
            Report::Room { room, found } => self.recognised(room, found, told),
            Report::Written { things, newest, announced } => {
                self.waiting_bytes -= self.waiting.drain(..things).sum::<usize>();
                for (room, at) in newest {
                    let at = self.kept(&room, at);
                    told.push(Told::Kept { room, at });
                }
                for (room, offset) in announced {
                    let at = self.announced(&room, offset);
                    told.extend(at.map(|at| Told::Kept { room, at }));
                }
            }
            Report::Span { key, found } => self.turned_to(key, found, told),
            Report::Faulty => {
                self.is_faulty = true;
                told.push(Told::Faulty);
                let asked = std::mem::take(&mut self.asked);
                let unknown = |room| Told::Recognised { room, recognised: Err(Refusal::Unavailable) };
                told.extend(asked.into_iter().map(unknown));
            }
            Report::Well => self.is_faulty = false,
        }
    }

    /// A room is written up to there. Says how far that is all that is waited for.
    fn kept(&mut self, room: &RoomId, at: Position) -> Position {
        let place = self.rooms.get_mut(room);
        // What was written of an epoch that has ended says nothing of this one.
        let Some(place) = place.filter(|place| place.head.is_some_and(|head| head.epoch == at.epoch)) else {
            return at;
        };
        place.kept = place.kept.max(at.offset);
        self.tails.note_kept(room, place.settled());
        Position { offset: place.done().min(at.offset), ..at }
    }

    fn recognised(&mut self, room: RoomId, found: Result<Option<Box<Found>>, ()>, told: &mut Vec<Told>) {
        // It was said before that this cannot be known for now.
        if !self.asked.remove(&room) {
            return;
        }
        let recognised = match found {
            Err(()) => Err(Refusal::Unavailable),
            Ok(None) => {
                let place = Place::fresh(self.fresh_life());
                self.rooms.insert(room.clone(), place);
                Ok(None)
            }
            Ok(Some(found)) => {
                let Found { life, head, lineage, sum, recent } = *found;
                self.rooms.insert(room.clone(), Place::known(life, head, sum));
                self.tails.seed(&room, head, &recent, head.offset);
                Ok(Some(Box::new(Known { head, lineage, recent })))
            }
        };
        told.push(Told::Recognised { room, recognised });
    }

    /// Asks for a piece of history; `false`: too much is asked for already.
    pub(super) fn ask(&mut self, reading: Reading) -> bool {
        let Some(place) = self.rooms.get(&reading.room) else { return false };
        let Some(head) = place.head else { return false };
        if self.readings.len() >= READINGS_MAX || !place.is_written {
            return false;
        }
        let (after, before, limit) = reading.span;
        let span = Span {
            shard: self.parts.shard,
            key: self.readings.vacant_key(),
            room: reading.room.clone(),
            life: place.life,
            epoch: head.epoch,
            after,
            before,
            limit,
            bytes_max: reading.wish.bytes_max,
        };
        self.readings.insert(reading);
        // The reader ends after the shards.
        self.parts.reads.send(Read::Span(span)).is_ok()
    }
}

/// How what is kept of a room goes on.
struct Adopted<'a> {
    lineage: &'a Lineage,
    /// So far it is there.
    from: u64,
    cut_behind: Option<u64>,
    ends: Option<i64>,
}

impl Store for End {
    fn recognise(&mut self, room: &RoomId) -> Option<Recognised> {
        if !self.is_lasting(room) {
            return Some(Ok(None));
        }
        self.asked.insert(room.clone());
        let read = Read::Room { shard: self.parts.shard, room: room.clone() };
        // The reader ends after the shards.
        let _ = self.parts.reads.send(read);
        None
    }

    fn adopt(&mut self, room: &RoomId, head: Position, lineage: &Lineage, tail: &[Arc<Message>]) {
        let fresh_life = self.parts.fresh_life;
        let Some(place) = self.rooms.get_mut(room) else {
            self.tails.forget(room);
            return tail.iter().for_each(|message| self.tails.append(message, u64::MAX));
        };
        if place.head == Some(head) && tail.is_empty() {
            return;
        }
        let stood = place.head.replace(head);
        let lives_on = stood.map_or(Some(0), |stood| lineage.shared(stood, head));
        let mut adopted = Adopted { lineage, from: lives_on.unwrap_or(0), cut_behind: None, ends: None };
        match lives_on {
            Some(offset) => adopted.cut_behind = stood.filter(|stood| stood.offset > offset).map(|_| offset),
            None => {
                adopted.ends = Some(std::mem::replace(place, Place::fresh(fresh_life)).life);
                place.head = Some(head);
            }
        }
        let first = tail.first().map_or(head.offset + 1, |first| first.at.offset);
        place.kept = place.kept.min(adopted.from);
        if first > adopted.from + 1 {
            place.leave_out(first - 1);
        }
        let kept = place.settled();
        // What is kept of an empty room is that it is there, and nobody asks for that.
        if adopted.from > 0 || !tail.is_empty() {
            place.is_written = true;
            let place = place.clone();
            self.write_down(room, &place, adopted);
        }
        if lives_on.is_none() {
            self.fresh_life();
        }
        let from = lives_on.unwrap_or(0);
        self.tails.seed(room, head, tail, kept);
        tail.iter().filter(|message| message.at.offset > from).for_each(|message| self.give(message));
    }

    fn promise(&self, room: &RoomId) -> Result<Promise, Refusal> {
        if !self.is_lasting(room) {
            Ok(Promise::Passing)
        } else if self.is_faulty {
            Err(Refusal::Unavailable)
        } else if self.is_full(1) {
            Err(Refusal::Overloaded)
        } else {
            Ok(Promise::Lasting)
        }
    }

    fn append(&mut self, message: &Arc<Message>) {
        let place = self.rooms.get_mut(&message.room);
        self.tails.append(message, place.as_deref().map_or(u64::MAX, Place::settled));
        let Some(place) = place else { return };
        if !place.is_written {
            place.is_written = true;
            let place = place.clone();
            let lineage = &Lineage::default();
            let from = message.at.offset - 1;
            self.write_down(&message.room, &place, Adopted { lineage, from, cut_behind: None, ends: None });
        }
        self.give(message);
    }

    fn keeps(&self, room: &RoomId, at: Position) -> Keeps {
        match self.rooms.get(room) {
            Some(place) => place.keeps(at),
            None if self.asked.contains(room) => Keeps::Later,
            None if self.is_lasting(room) => Keeps::Never,
            None => Keeps::Already,
        }
    }

    fn since(&mut self, room: &RoomId, position: Position, wish: Wish) -> Option<Since> {
        let at_hand = self.tails.since(room, position, wish.now);
        let head = self.rooms.get(room).and_then(|place| place.head);
        let is_older = head.is_some_and(|head| head.epoch == position.epoch && position.offset < head.offset);
        if at_hand.complete || !is_older || self.tails.weight(room) >= wish.bytes_max {
            return Some(at_hand);
        }
        let what = What::Since(position);
        if self.read_on(room, what, wish, 0) { None } else { Some(at_hand) }
    }

    fn before(&mut self, room: &RoomId, before: Option<Position>, limit: usize, wish: Wish) -> Option<Page> {
        let at_hand = self.tails.before(room, before, limit, wish.now);
        let Some(head) = self.rooms.get(room).and_then(|place| place.head) else { return Some(at_hand) };
        let is_foreign = before.is_some_and(|before| before.epoch != head.epoch);
        let is_all = at_hand.more || at_hand.messages.first().is_some_and(|first| first.at.offset == 1);
        if is_foreign || limit == 0 || is_all {
            return Some(at_hand);
        }
        let what = What::Before(before, limit);
        if self.read_on(room, what, wish, 0) { None } else { Some(at_hand) }
    }

    fn collect(&mut self, told: &mut Vec<Told>) -> bool {
        for _ in 0..REPORTS_AT_ONCE {
            let Ok(report) = self.parts.reports.try_recv() else { return false };
            self.take(report, told);
        }
        true
    }

    fn forget(&mut self, room: &RoomId) {
        self.tails.forget(room);
        self.asked.remove(room);
        if self.rooms.remove(room).is_some() && self.rooms.len() * 4 < self.rooms.capacity() {
            self.rooms.shrink_to(self.rooms.len() * 2);
        }
    }

    fn size(&self) -> (usize, usize) {
        self.tails.size()
    }

    fn announces(&self) -> bool {
        self.parts.disk.outward.is_some()
    }

    fn announce(&mut self, happening: Happening) {
        self.have_told(happening);
    }

    fn count_here(&mut self, room: RoomId, user: Option<UserId>, change: i64) {
        self.have_counted(room, user, change);
    }

    fn left_behind(&self) -> Arc<[LeftBehind]> {
        self.parts.behind.clone()
    }
}
