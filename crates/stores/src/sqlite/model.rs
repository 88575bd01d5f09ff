//! A file in memory, for the simulator: what the writer and the readers do with SQLite, in Rust. The shards' ends are the real ones.
//!
//! Knows no time and no threads: whoever owns it says when some of what waits is written or read, and what becomes of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chat::{Epoch, Epochs, Lineage, Message, Position, RoomId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::end::{End, Parts};
use super::outlet;
use super::reader::{Next, Stood, go_on};
use super::schema::Run;
use super::traffic::{Adoption, Found, Outlet, Read, Report, Span, Write};
use super::vitals::Vitals;
use super::writer::report;
use crate::{Disk, Store, Wake};

/// What is on a disk.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Starts of nodes, and whether they ended well.
    runs: BTreeMap<i64, bool>,
    rooms: BTreeMap<RoomId, Row>,
    ended_lives: BTreeSet<i64>,
    /// By their lives and offsets, with what all of the life up to there weigh.
    messages: BTreeMap<(i64, u64), (u64, Arc<Message>)>,
}

#[derive(Clone, Debug)]
struct Row {
    life: i64,
    epoch: Epoch,
    head: u64,
    lineage: Lineage,
    run: i64,
}

/// A start of a node on what is on a disk.
pub struct Model {
    rows: Rows,
    run: Run,
    epochs: Option<Epochs>,
    recent_messages: usize,
    shards: Vec<Outlet>,
    writes: UnboundedSender<Write>,
    to_write: UnboundedReceiver<Write>,
    to_read: UnboundedReceiver<Read>,
    vitals: Arc<Vitals>,
    is_faulty: bool,
}

impl Rows {
    /// How a room stands, if anything of it is there.
    pub fn standing(&self, room: &RoomId) -> Option<(Position, Lineage)> {
        let row = self.rooms.get(room)?;
        let newest = self.newest(row.life).map_or(0, |(offset, _)| offset);
        Some((Position { epoch: row.epoch, offset: newest.max(row.head) }, row.lineage.clone()))
    }

    /// The message of a room at an offset.
    pub fn message(&self, room: &RoomId, offset: u64) -> Option<&Arc<Message>> {
        let row = self.rooms.get(room)?;
        self.messages.get(&(row.life, offset)).map(|(_, message)| message)
    }

    fn begin(&mut self) -> Run {
        let number = self.runs.last_key_value().map_or(0, |(run, _)| *run) + 1;
        self.runs.insert(number, false);
        let lives = self.rooms.values().map(|row| row.life).chain(self.ended_lives.iter().copied());
        Run { number, fresh_life: lives.max().unwrap_or(0) + 1 }
    }

    fn newest(&self, life: i64) -> Option<(u64, u64)> {
        let ((_, offset), (sum, _)) = self.messages.range((life, 0)..=(life, u64::MAX)).next_back()?;
        Some((*offset, *sum))
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::Adopt(adoption) => self.adopt(adoption),
            Write::Message { life, sum, message, .. } => {
                self.messages.insert((*life, message.at.offset), (*sum, message.clone()));
            }
            // Nobody here lets go of anything, or has anything told.
            Write::Trim(_) | Write::Forget(_) | Write::Tidings(_) => {}
        }
    }

    fn adopt(&mut self, adoption: &Adoption) {
        let Adoption { room, life, epoch, head, lineage, run, cut_behind, ends, .. } = adoption;
        self.ended_lives.extend(ends);
        if let Some(offset) = cut_behind {
            self.messages.retain(|(of, at), _| of != life || at <= offset);
        }
        let row = Row { life: *life, epoch: *epoch, head: *head, lineage: lineage.clone(), run: *run };
        self.rooms.insert(room.clone(), row);
    }

    fn find(&self, room: &RoomId, recent_messages: usize) -> Option<(Found, Stood)> {
        let Row { life, epoch, head, lineage, run } = self.rooms.get(room)?.clone();
        let (last, sum) = self.newest(life).unwrap_or_default();
        let head = Position { epoch, offset: head.max(last) };
        let span = (0, head.offset + 1, recent_messages, usize::MAX);
        let recent = if last == head.offset { self.read((life, epoch), span).0 } else { Vec::new() };
        let stood = Stood { run, ended_well: self.runs.get(&run) == Some(&true) };
        Some((Found { life, head, lineage, sum, recent }, stood))
    }

    /// The newest messages between two offsets, ascending, without gaps, and whether older ones are there.
    fn read(
        &self,
        (life, epoch): (i64, Epoch),
        (after, before, limit, bytes_max): (u64, u64, usize, usize),
    ) -> (Vec<Arc<Message>>, bool) {
        let (mut found, mut bytes): (Vec<Arc<Message>>, usize) = (Vec::new(), 0);
        for (_, (_, kept)) in self.messages.range((life, after + 1)..(life, before.max(after + 1))).rev() {
            bytes += kept.weight();
            let follows = found.last().is_none_or(|next| next.at.offset == kept.at.offset + 1);
            if !follows || found.len() == limit || bytes > bytes_max {
                found.reverse();
                return (found, true);
            }
            let at = Position { epoch, ..kept.at };
            found.push(Arc::new(Message { at, ..Message::clone(kept) }));
        }
        found.reverse();
        (found, false)
    }
}

impl Model {
    /// A node starts on what is there. Each of `wakes` wakes a shard, which gets an end.
    pub fn start(mut rows: Rows, disk: &Disk, wakes: Vec<Wake>) -> (Self, Vec<crate::End>) {
        let run = rows.begin();
        let (writes, to_write) = unbounded_channel();
        let (reads, to_read) = unbounded_channel();
        let (shards, reports): (Vec<_>, Vec<_>) = wakes.into_iter().map(outlet).unzip();
        let vitals = Arc::<Vitals>::default();
        let parts = (0..).zip(reports).map(|(shard, reports)| Parts {
            shard,
            disk: disk.clone(),
            run: run.number,
            fresh_life: run.fresh_life + i64::from(shard),
            writes: writes.clone(),
            reads: reads.clone(),
            reports,
            vitals: vitals.clone(),
            behind: Arc::default(),
        });
        let end = |parts| {
            Box::new(move |settings: &crate::Settings| Box::new(End::new(parts, settings)) as Box<dyn Store>)
                as crate::End
        };
        let ends = parts.map(end).collect();
        let epochs = disk.is_alone.then(|| Epochs::new(disk.epoch_seed));
        let recent_messages = if disk.is_alone { disk.recent_messages } else { 0 };
        let is_faulty = false;
        (
            Self { rows, run, epochs, recent_messages, shards, writes, to_write, to_read, vitals, is_faulty },
            ends,
        )
    }

    /// What is on the disk.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// How much waits to be written.
    pub fn to_write(&self) -> usize {
        self.to_write.len()
    }

    /// How much waits to be read.
    pub fn to_read(&self) -> usize {
        self.to_read.len()
    }

    /// Whether it was told that nothing can be written.
    pub fn is_faulty(&self) -> bool {
        self.is_faulty
    }

    /// Writes so much of what waits, in one transaction.
    pub fn write(&mut self, most: usize) {
        let group: Vec<Write> = std::iter::from_fn(|| self.to_write.try_recv().ok()).take(most).collect();
        group.iter().for_each(|write| self.rows.write(write));
        if std::mem::take(&mut self.is_faulty) {
            self.shards.iter().for_each(|shard| shard.report(Report::Well));
        }
        let messages = group.iter().filter(|write| matches!(write, Write::Message { .. })).count();
        self.vitals.committed(messages, Duration::ZERO);
        report(&self.shards, &self.vitals, group.into_iter());
    }

    /// What waits cannot be written.
    pub fn fail(&mut self) {
        self.vitals.failed("the disk is full".to_owned());
        if !std::mem::replace(&mut self.is_faulty, true) {
            self.shards.iter().for_each(|shard| shard.report(Report::Faulty));
        }
    }

    /// Reads the next of what is asked for.
    pub fn read(&mut self) {
        match self.to_read.try_recv() {
            Ok(Read::Room { shard, room }) => self.find(shard, room),
            Ok(Read::Span(span)) => self.turn_to(&span),
            Ok(Read::Outbox { then, .. }) => then(Ok(Vec::new())),
            Err(_) => {}
        }
    }

    fn find(&mut self, shard: u16, room: RoomId) {
        let Some((found, stood)) = self.rows.find(&room, self.recent_messages) else {
            return self.shards[usize::from(shard)].report(Report::Room { room, found: Ok(None) });
        };
        let epochs = self.epochs.as_mut();
        match go_on((shard, room), found, &stood, (self.run, epochs), self.vitals.is_faulty()) {
            Next::Tell(report) => self.shards[usize::from(shard)].report(report),
            // Whoever writes is here.
            Next::Write(adoption) => drop(self.writes.send(Write::Adopt(adoption))),
        }
    }

    fn turn_to(&self, span: &Span) {
        let Span { shard, key, life, epoch, after, before, limit, bytes_max, .. } = *span;
        let found = Some(self.rows.read((life, epoch), (after, before, limit, bytes_max)));
        self.shards[usize::from(shard)].report(Report::Span { key, found });
    }

    /// The node has ended without a word: what is left is what is on the disk.
    pub fn killed(self) -> Rows {
        self.rows
    }

    /// The node has ended: what still waits is written.
    pub fn ended(mut self) -> Rows {
        self.write(usize::MAX);
        self.rows.runs.insert(self.run.number, true);
        self.rows
    }
}
