//! What lies between the shards of a node and its clients: streams, and mail on its way. Hands of shards reach no further.

use shard::{Effects, Luggage, Mail, ShardId, StreamId};

use crate::mailroom::Mailroom;
use crate::pipe::{Pipe, PipeId, Weather};
use crate::random::Random;

/// Takes mail out of the world before it arrives, to see whether anybody misses it.
pub type Thief = Box<dyn FnMut(&Mail) -> bool>;

/// What lies between shards and clients.
pub(crate) struct Streets {
    /// With the shard of each.
    pub(crate) pipes: Vec<(usize, Pipe)>,
    /// By shard, the streams that have something for it.
    pub(crate) waiting: Vec<Vec<PipeId>>,
    pub(crate) mail: Mailroom,
    pub(crate) weather: Weather,
    pub(crate) random: Random,
    pub(crate) turn: u64,
    /// By shard and slot, the stream there, and the slot's generation.
    pub(crate) slots: Vec<Vec<(Option<PipeId>, u32)>>,
    /// What shards did that no shard may do.
    pub(crate) faults: Vec<String>,
    pub(crate) thief: Option<Thief>,
}

/// One shard's hands on the world.
pub(crate) struct Hands<'a> {
    pub(crate) of: ShardId,
    pub(crate) streets: &'a mut Streets,
}

impl Streets {
    pub(crate) fn new(shards: usize, weather: Weather, random: Random) -> Self {
        Self {
            pipes: Vec::new(),
            waiting: vec![Vec::new(); shards],
            mail: Mailroom::new(shards),
            weather,
            random,
            turn: 0,
            slots: vec![Vec::new(); shards],
            faults: Vec::new(),
            thief: None,
        }
    }

    pub(crate) fn pipe(&mut self, pipe: PipeId) -> &mut Pipe {
        &mut self.pipes[pipe.index()].1
    }

    /// Does something to a stream, and notes whether it has something for its shard now.
    pub(crate) fn touch<T>(&mut self, pipe: PipeId, act: impl FnOnce(&mut Pipe) -> T) -> T {
        let done = act(self.pipe(pipe));
        self.queue(pipe);
        done
    }

    pub(crate) fn queue(&mut self, pipe: PipeId) {
        let (shard, end) = &mut self.pipes[pipe.index()];
        let waiting = &mut self.waiting[*shard];
        match (end.ready(&self.weather).is_some(), end.turn) {
            (true, None) => {
                end.turn = Some(waiting.len());
                waiting.push(pipe);
            }
            (false, Some(turn)) => {
                end.turn = None;
                waiting.swap_remove(turn);
                if let Some(moved) = waiting.get(turn).copied() {
                    self.pipe(moved).turn = Some(turn);
                }
            }
            _ => {}
        }
    }

    /// A stream stands at another shard's door from here on.
    fn move_to(&mut self, pipe: PipeId, shard: usize) {
        let (stands, end) = &mut self.pipes[pipe.index()];
        let former = std::mem::replace(stands, shard);
        if let Some(turn) = end.turn.take() {
            let waiting = &mut self.waiting[former];
            waiting.swap_remove(turn);
            if let Some(moved) = waiting.get(turn).copied() {
                self.pipe(moved).turn = Some(turn);
            }
        }
    }

    /// A stream id for a new stream: of the free slots the lowest, so that slots are used again soon.
    pub(crate) fn free_slot(&mut self, shard: usize, pipe: PipeId) -> StreamId {
        let slots = &mut self.slots[shard];
        let slot = slots.iter().position(|(taken, _)| taken.is_none()).unwrap_or(slots.len());
        if slot == slots.len() {
            slots.push((None, 0));
        }
        let (taken, generation) = &mut slots[slot];
        *taken = Some(pipe);
        *generation += 1;
        StreamId { slot: slot as u32, generation: *generation }
    }

    fn find(&mut self, shard: ShardId, stream: StreamId) -> Option<PipeId> {
        let (pipe, generation) = *self.slots[shard.0 as usize].get(stream.slot as usize)?;
        pipe.filter(|_| generation == stream.generation)
    }
}

impl Hands<'_> {
    /// The pipe of a stream that the shard may still touch.
    fn pipe(&mut self, stream: StreamId) -> Option<PipeId> {
        let found = self.streets.find(self.of, stream);
        if found.is_none() {
            self.streets.faults.push(format!("shard {} touches a stream that is not there", self.of.0));
        }
        found
    }

    fn note(&mut self, done: Result<(), &'static str>) {
        if let Err(fault) = done {
            self.streets.faults.push(format!("shard {} {fault}", self.of.0));
        }
    }
}

impl Effects for Hands<'_> {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize {
        let Some(pipe) = self.pipe(stream) else { return bytes.len() };
        let Streets { pipes, weather, random, .. } = &mut *self.streets;
        let written = pipes[pipe.index()].1.write(bytes, weather, random);
        self.streets.queue(pipe);
        match written {
            Ok(taken) => taken,
            Err(fault) => {
                self.note(Err(fault));
                bytes.len()
            }
        }
    }

    fn finish(&mut self, stream: StreamId) {
        if let Some(pipe) = self.pipe(stream) {
            let done = self.streets.touch(pipe, Pipe::finish);
            self.note(done);
        }
    }

    fn close(&mut self, stream: StreamId) {
        if let Some(pipe) = self.pipe(stream) {
            let done = self.streets.touch(pipe, Pipe::close);
            self.note(done);
            self.streets.slots[self.of.0 as usize][stream.slot as usize].0 = None;
        }
    }

    fn hold(&mut self, stream: StreamId, holds: bool) {
        if let Some(pipe) = self.pipe(stream) {
            self.streets.touch(pipe, |end| end.hold(holds));
        }
    }

    fn hand_over(&mut self, stream: StreamId, to: ShardId, luggage: Luggage) {
        let Some(pipe) = self.pipe(stream) else { return };
        if to == self.of || to.0 as usize >= self.streets.slots.len() {
            let fault = format!("shard {} hands a stream over to shard {}", self.of.0, to.0);
            return self.streets.faults.push(fault);
        }
        self.streets.slots[self.of.0 as usize][stream.slot as usize].0 = None;
        self.streets.move_to(pipe, to.0 as usize);
        let id = self.streets.free_slot(to.0 as usize, pipe);
        let done = self.streets.touch(pipe, |end| end.hand_over(id, luggage));
        self.note(done);
    }

    fn mail(&mut self, to: ShardId, mail: Mail) {
        if to == self.of || to.0 as usize >= self.streets.slots.len() {
            let fault = format!("shard {} sends mail to shard {}", self.of.0, to.0);
            self.streets.faults.push(fault);
            return;
        }
        let Streets { mail: mailroom, turn, weather, random, .. } = &mut *self.streets;
        mailroom.send(self.of, to, mail, *turn, weather.mail_turns, random);
    }
}
