//! Following rooms: listened to first, then attended, so that nothing falls between; shown in the order of offsets, whatever order it comes in.
//!
//! What is published while a room is not followed is not kept, but for the time of an attend that may have missed it: the log has it.

use bytes::Bytes;
use chat::{Epoch, Here, Lineage, Position, Refusal, RoomId};

use super::entry::{read_entry, read_mark, read_signal};
use super::local::{Local, OUTAGE_MS};
use super::nodes::SPARED_MS;
use super::requests::Awaited;
use super::{Machine, Outcome};
use crate::redis::broker::{Attend, Attended, Channel, Entry, Request};
use crate::{Arrival, NodeId, Opened};

/// A listener is asked for so many channels at once.
const CHANNELS_AT_ONCE: usize = 512;
/// So many rooms are attended to at once; the others wait.
const ATTENDING_MAX: usize = 2_048;
/// So many publications of a room wait for what stands before them.
const AHEAD_MAX: usize = 1_024;
/// So many rooms that could not be forsaken are forsaken again at once.
const LEAVES_AT_ONCE: usize = 1_024;

/// A room that one of the node's shards attends to.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) shard: u16,
    /// When the shard asked for it.
    since_ms: u64,
    stage: Stage,
    /// The newest message the shard was shown; `None`: it has not been told yet how the room stands.
    pub(super) shown: Option<Position>,
    pub(super) lineage: Lineage,
    /// Who is here, as the shard said last.
    here: Option<Here>,
    /// The others may not know who is here although the broker does.
    is_here_due: bool,
    /// The other nodes where somebody is, as far as the shard was told.
    elsewhere: Vec<NodeId>,
    ahead: Ahead,
    /// What is said among ourselves while there is no broker.
    pub(super) local: Option<Box<Local>>,
    /// The shard was told that the room cannot be attended to for now.
    pub(super) is_shut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is heard of it.
    Deaf,
    /// The listener was asked for it, by the request of that number.
    Listening(u64),
    /// It is heard, and waits for its turn to be attended to.
    Heard,
    /// The broker was asked how it stands, by the request of that number.
    Attending(u64),
    /// Every message has been shown up to the newest one shown.
    Following,
}

/// What was published while the broker was asked how the room stands: some before it answered, and some after.
#[derive(Debug, Default)]
struct Ahead {
    entries: Vec<(Position, Bytes)>,
    /// There were more.
    missed: bool,
    here: Vec<(NodeId, Option<Here>)>,
}

impl Room {
    fn new(shard: u16, since_ms: u64) -> Self {
        Self {
            shard,
            since_ms,
            stage: Stage::Deaf,
            shown: None,
            lineage: Lineage::default(),
            here: None,
            is_here_due: false,
            elsewhere: Vec::new(),
            ahead: Ahead::default(),
            local: None,
            is_shut: false,
        }
    }

    /// The newest message known from the broker.
    pub(super) fn known(&self) -> Option<Position> {
        self.local.as_ref().map_or(self.shown, |local| local.before())
    }

    /// Whether the log goes on right after the newest message shown.
    fn is_continued_by(&self, head: Position, log: &[Entry]) -> bool {
        let Some(shown) = self.shown.filter(|shown| shown.epoch == head.epoch && self.local.is_none()) else {
            return false;
        };
        let mut next = shown.offset;
        let mut follows = |entry: &Entry| {
            next += 1;
            entry.offset == next
        };
        log.iter().all(&mut follows) && next == head.offset
    }
}

impl Machine {
    pub(super) fn attend(&mut self, shard: u16, id: RoomId, out: &mut Outcome) {
        self.leaving.remove(&id);
        if let Some(room) = self.rooms.get_mut(&id) {
            // Asked again: the shard wants to be told everything once more.
            room.shard = shard;
            room.since_ms = self.now_ms;
            room.is_shut = false;
            if room.local.is_none() {
                room.shown = None;
            }
            self.attend_again(&id, out);
            return if self.is_outage {
                self.shut_or_open(&id, out)
            };
        }
        let now_ms = self.now_ms;
        self.rooms.get_or_insert_with(&id, || Room::new(shard, now_ms));
        if self.listener.is_up() {
            self.listen(vec![id.clone()], out);
        }
        if self.is_outage {
            self.shut_or_open(&id, out);
        }
    }

    pub(super) fn forsake(&mut self, id: RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.remove(&id) else { return };
        if room.stage != Stage::Deaf {
            self.request(Request::Unlisten(vec![Channel::Room(id.clone())]), None, out);
        }
        if self.commands.is_up() {
            self.leave(id, self.node, out);
        } else {
            self.leaving.insert(id);
        }
    }

    pub(super) fn leave(&mut self, room: RoomId, node: NodeId, out: &mut Outcome) {
        let awaited = Awaited::Forsake(room.clone(), node);
        self.request(Request::Forsake { room, node }, Some(awaited), out);
    }

    /// Notes who is here. A room that is still to be attended to takes it along.
    pub(super) fn note_here(&mut self, id: RoomId, here: Here, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.here = Some(here.clone());
        room.is_here_due |= room.stage == Stage::Following;
        if self.commands.is_up() && matches!(room.stage, Stage::Attending(_) | Stage::Following) {
            room.is_here_due = false;
            self.request(Request::Here { room: id.clone(), here }, Some(Awaited::Here(id)), out);
        }
    }

    /// Listens to every room: none is heard on a new listener.
    pub(super) fn listen_to_all(&mut self, out: &mut Outcome) {
        let rooms = self.rooms_in_order();
        rooms.chunks(CHANNELS_AT_ONCE).for_each(|some| self.listen(some.to_vec(), out));
    }

    fn listen(&mut self, rooms: Vec<RoomId>, out: &mut Outcome) {
        let id = self.next_request;
        for room in &rooms {
            if let Some(room) = self.rooms.get_mut(room) {
                room.stage = Stage::Listening(id);
            }
        }
        let channels: Vec<_> = rooms.into_iter().map(Channel::Room).collect();
        self.request(Request::Listen(channels.clone()), Some(Awaited::Listen(channels)), out);
    }

    pub(super) fn listened(&mut self, id: u64, channels: Vec<Channel>, out: &mut Outcome) {
        for channel in channels {
            let Channel::Room(name) = channel else {
                if !self.unheard.contains(&channel) {
                    self.nodes.listening_ms = Some(self.now_ms);
                }
                continue;
            };
            let room = self.rooms.get_mut(&name).filter(|room| room.stage == Stage::Listening(id));
            if let Some(room) = room {
                room.stage = Stage::Heard;
                self.to_attend.push_back(name);
            }
        }
        self.attend_more(out);
    }

    /// The broker may not know who is here: it is told when the room is attended to once more.
    pub(super) fn not_told(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Following) {
            room.stage = Stage::Heard;
            self.to_attend.push_back(id);
        }
    }

    /// These channels are not heard, or not any more.
    pub(super) fn not_heard(&mut self, channels: Vec<Channel>) {
        for channel in &channels {
            match channel {
                Channel::Room(id) => {
                    if let Some(room) = self.rooms.get_mut(id) {
                        room.stage = Stage::Deaf;
                        room.ahead = Ahead::default();
                    }
                }
                Channel::Node(_) => self.nodes.listening_ms = None,
            }
        }
        self.unheard.extend(channels);
    }

    /// Listens to what could not be listened to.
    pub(super) fn listen_again(&mut self, out: &mut Outcome) {
        let mut rooms = Vec::new();
        for channel in std::mem::take(&mut self.unheard) {
            match channel {
                Channel::Room(id) => {
                    if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Deaf) {
                        // One that is named twice is asked for once.
                        room.stage = Stage::Listening(0);
                        rooms.push(id);
                    }
                }
                Channel::Node(_) => {
                    let own = vec![channel];
                    self.request(Request::Listen(own.clone()), Some(Awaited::Listen(own)), out);
                }
            }
        }
        self.unserved.extend(rooms.iter().cloned());
        rooms.chunks(CHANNELS_AT_ONCE).for_each(|some| self.listen(some.to_vec(), out));
    }

    /// Tells the shards of rooms that nobody could say anything about for a while.
    pub(super) fn shut_unserved(&mut self, out: &mut Outcome) {
        for id in std::mem::take(&mut self.unserved) {
            let has_waited = |room: &Room| self.now_ms >= room.since_ms + OUTAGE_MS && room.stage != Stage::Following;
            if self.rooms.get(&id).is_some_and(has_waited) {
                self.shut(&id, out);
            }
        }
    }

    /// Forsakes rooms that could not be forsaken.
    pub(super) fn leave_again(&mut self, out: &mut Outcome) {
        for _ in 0..LEAVES_AT_ONCE {
            let Some(room) = self.leaving.pop_first() else { return };
            self.leave(room, self.node, out);
        }
    }

    /// Nothing is heard any more.
    pub(super) fn deafen(&mut self) {
        self.nodes.listening_ms = None;
        self.unheard.clear();
        for room in self.rooms.values_mut() {
            room.stage = Stage::Deaf;
            room.ahead = Ahead::default();
        }
        self.to_attend.clear();
    }

    /// Asks the broker how a room stands, unless it is about to.
    pub(super) fn attend_again(&mut self, id: &RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        if matches!(room.stage, Stage::Following | Stage::Attending(_)) {
            room.stage = Stage::Heard;
            room.ahead = Ahead::default();
            self.to_attend.push_back(id.clone());
            self.attend_more(out);
        }
    }

    /// The broker took this node for dead, and so did all others: who is here is said again, and how the rooms stand is asked again.
    pub(super) fn rise(&mut self, out: &mut Outcome) {
        for id in self.rooms_in_order() {
            if let Some(room) = self.rooms.get_mut(&id) {
                room.is_here_due = true;
            }
            self.say_here(&id, out);
            self.attend_again(&id, out);
        }
    }

    /// Says who is here in the rooms where that has changed while the broker could not be told.
    pub(super) fn say_all_due(&mut self, out: &mut Outcome) {
        let is_due = |room: &Room| room.is_here_due && room.stage == Stage::Following;
        let rooms = self.rooms.rooms().filter(|id| self.rooms.get(id).is_some_and(is_due));
        let mut rooms: Vec<_> = rooms.cloned().collect();
        rooms.sort_unstable();
        rooms.iter().for_each(|id| self.say_here(id, out));
    }

    /// Says once more who is here, where that is known.
    fn say_here(&mut self, id: &RoomId, out: &mut Outcome) {
        if let Some(here) = self.rooms.get(id).and_then(|room| room.here.clone()) {
            self.note_here(id.clone(), here, out);
        }
    }

    pub(super) fn attend_more(&mut self, out: &mut Outcome) {
        while self.commands.is_up() && self.attending < ATTENDING_MAX {
            let Some(id) = self.to_attend.pop_front() else { return };
            let number = self.next_request;
            let fresh = self.epochs.fresh();
            let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Heard) else {
                continue;
            };
            room.stage = Stage::Attending(number);
            // Who was shown something else meanwhile is told anew how the room stands, with all that is kept.
            let since = room.shown.filter(|_| room.local.is_none());
            let attend = Attend { room: id.clone(), since, here: room.here.clone(), fresh };
            self.attending += 1;
            self.request(Request::Attend(attend), Some(Awaited::Attend(id)), out);
        }
    }

    /// The broker did not say how a room stands; it is asked again when the next tick comes.
    pub(super) fn not_attended(&mut self, number: u64, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Attending(number)) {
            room.stage = Stage::Heard;
            room.ahead = Ahead::default();
            self.unserved.push(id.clone());
            self.to_attend.push_back(id);
        }
    }

    pub(super) fn attended(&mut self, number: u64, id: RoomId, attended: Attended, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Attending(number)) else {
            return;
        };
        room.stage = Stage::Following;
        let ahead = std::mem::take(&mut room.ahead);
        let Attended { head, lineage, log, here } = attended;
        self.place_own(head.epoch, &log, out);
        self.meet(&id, head.epoch, here, out);
        self.catch_up(&id, head, lineage, log, out);
        for (node, here) in ahead.here {
            self.met(&id, node, here, out);
        }
        for (at, entry) in ahead.entries {
            self.posted(&id, at, entry, out);
        }
        if self.rooms.get(&id).is_some_and(|room| room.is_here_due) {
            self.say_here(&id, out);
        }
        if ahead.missed {
            self.attend_again(&id, out);
        }
    }

    /// Shows what was missed: one by one where it goes on right after what was shown, else by saying how the room stands.
    fn catch_up(
        &mut self,
        id: &RoomId,
        head: Position,
        lineage: Lineage,
        log: Vec<Entry>,
        out: &mut Outcome,
    ) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let is_continued = room.is_continued_by(head, &log);
        let local = room.local.take();
        room.lineage = local.map_or(lineage.clone(), |local| local.continued_by(head, &lineage));
        room.is_shut = false;
        if is_continued {
            self.tally.gaps_refilled += u64::from(!log.is_empty());
            return log.into_iter().for_each(|Entry { offset, entry }| {
                self.show(id, Position { offset, ..head }, &entry, out);
            });
        }
        if let Some(shown) = room.shown {
            let at = room.lineage.translate(shown, head);
            let first = log.first().map_or(head.offset + 1, |entry| entry.offset);
            self.tally.gaps_lost += u64::from(at.is_none_or(|at| first > at.offset + 1));
        }
        room.shown = Some(head);
        let read = |entry: &Entry| {
            read_entry(id, Position { offset: entry.offset, ..head }, &entry.entry)
                .map(|(_, message)| message)
        };
        let mut tail: Vec<_> = log.iter().rev().map_while(read).collect();
        tail.reverse();
        let opened = Opened { room: id.clone(), head, lineage: room.lineage.clone(), tail };
        out.arrivals.push((room.shard, Arrival::Opened(opened)));
    }

    /// A message was published.
    pub(super) fn posted(&mut self, id: &RoomId, at: Position, entry: Bytes, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        match (room.stage, room.shown) {
            (Stage::Attending(_), _) if room.ahead.entries.len() < AHEAD_MAX => {
                room.ahead.entries.push((at, entry))
            }
            (Stage::Attending(_), _) => room.ahead.missed = true,
            (Stage::Following, Some(shown)) if shown.epoch == at.epoch && at.offset <= shown.offset => {
                self.tally.duplicates += 1;
            }
            (Stage::Following, Some(shown)) if shown.epoch == at.epoch && at.offset == shown.offset + 1 => {
                self.place_own(at.epoch, &[Entry { offset: at.offset, entry: entry.clone() }], out);
                self.show(id, at, &entry, out);
            }
            (Stage::Following, _) => self.attend_again(id, out),
            (Stage::Deaf | Stage::Listening(_) | Stage::Heard, _) => {}
        }
    }

    /// Shows the next message. One that cannot be read is jumped over, and that is told.
    fn show(&mut self, id: &RoomId, at: Position, entry: &Bytes, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.shown = Some(at);
        let arrival = match read_entry(id, at, entry) {
            Some((_, message)) => Arrival::Posted(message),
            None => {
                self.tally.gaps_lost += 1;
                let (lineage, tail) = (room.lineage.clone(), Vec::new());
                Arrival::Opened(Opened { room: id.clone(), head: at, lineage, tail })
            }
        };
        out.arrivals.push((room.shard, arrival));
    }

    /// Posts of our own that stand in the log are placed, whether or not the broker's answer has come, and comes at all.
    fn place_own(&mut self, epoch: Epoch, log: &[Entry], out: &mut Outcome) {
        if self.wait_replicas > 0 || self.posts.is_empty() {
            return;
        }
        for Entry { offset, entry } in log {
            if let Some(mark) = read_mark(entry).filter(|mark| mark.node == self.node) {
                self.found(mark.number, Position { epoch, offset: *offset }, out);
            }
        }
    }

    /// Who is there on the other nodes, says the broker. One that has lost its memory does not know yet of nodes that are alive.
    fn meet(&mut self, id: &RoomId, epoch: Epoch, here: Vec<(NodeId, Here)>, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let has_forgotten = room.known().is_some_and(|known| known.epoch != epoch);
        let absent =
            room.elsewhere.iter().copied().filter(|node| here.iter().all(|(other, _)| other != node));
        let (doubtful, gone): (Vec<_>, Vec<_>) =
            absent.partition(|node| has_forgotten && self.nodes.is_alive(*node));
        if !doubtful.is_empty() {
            self.doubts.push_back((self.now_ms + SPARED_MS, id.clone()));
        }
        let gone = gone.into_iter().map(|node| (node, None));
        let changes = gone.chain(here.into_iter().map(|(node, here)| (node, Some(here))));
        for (node, here) in changes.collect::<Vec<_>>() {
            self.met(id, node, here, out);
        }
    }

    /// Looks again at the rooms where nodes were not known of.
    pub(super) fn settle_doubts(&mut self, out: &mut Outcome) {
        while let Some((_, id)) = self.doubts.pop_front_if(|(due_ms, _)| *due_ms <= self.now_ms) {
            self.attend_again(&id, out);
        }
    }

    /// Who is in a room on another node was published.
    pub(super) fn told_here(&mut self, id: &RoomId, node: NodeId, here: Option<Here>, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        match room.stage {
            // Somebody cleans up after this node, which has been taken for dead and is not. Who does goes on until nothing of it is left.
            _ if node == self.node && here.is_none() => {
                self.doubts.push_back((self.now_ms + SPARED_MS, id.clone()));
            }
            _ if node == self.node => {}
            Stage::Attending(_) => {
                room.ahead.here.retain(|(other, _)| *other != node);
                room.ahead.here.push((node, here));
            }
            Stage::Following => self.met(id, node, here, out),
            Stage::Deaf | Stage::Listening(_) | Stage::Heard => {}
        }
    }

    fn met(&mut self, id: &RoomId, node: NodeId, here: Option<Here>, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let here = here.filter(|here| here.sessions > 0);
        let was_there = room.elsewhere.contains(&node);
        room.elsewhere.retain(|other| *other != node);
        if here.is_some() {
            room.elsewhere.push(node);
        }
        if here.is_some() || was_there {
            out.arrivals.push((room.shard, Arrival::Elsewhere { room: id.clone(), node, here }));
        }
    }

    /// A node has died: nobody is there any more.
    pub(super) fn mourn(&mut self, node: NodeId, out: &mut Outcome) {
        for id in self.rooms_in_order() {
            if self.rooms.get(&id).is_some_and(|room| room.elsewhere.contains(&node)) {
                self.met(&id, node, None, out);
            }
        }
    }

    pub(super) fn told_sign(&mut self, id: &RoomId, bytes: &Bytes, out: &mut Outcome) {
        let Some(room) = self.rooms.get(id) else { return };
        if let Some(signal) = read_signal(bytes) {
            out.arrivals.push((room.shard, Arrival::Told { room: id.clone(), signal }));
        }
    }

    /// Tells the shard, once, that there is no broker to say how the room stands.
    pub(super) fn shut(&mut self, id: &RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id).filter(|room| room.shown.is_none() && !room.is_shut) else {
            return;
        };
        room.is_shut = true;
        out.arrivals.push((room.shard, Arrival::Shut { room: id.clone(), refusal: Refusal::Unavailable }));
    }

    /// The same order in every run.
    pub(super) fn rooms_in_order(&self) -> Vec<RoomId> {
        let mut rooms: Vec<_> = self.rooms.rooms().cloned().collect();
        rooms.sort_unstable();
        rooms
    }
}
