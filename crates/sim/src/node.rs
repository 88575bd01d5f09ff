//! A pretend node: shards, the streams of their clients, the mail between them and a clock that is moved by hand.
//!
//! Performs the effects of shards as the reactor would, on nothing but memory and by one seed. Knows no protocol.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backplanes::Backplane;
use chat::Time;
use shard::{Burden, Holdings, Input, Now, Settings, Shard, ShardId};
use smallvec::SmallVec;

use crate::cluster::{Port, Start};
use crate::pipe::{Pipe, PipeId, Ready, Weather};
use crate::random::Random;
use crate::streets::{Hands, Streets, Thief};

/// The time of day when every pretend world begins.
pub const DAWN: Time = Time(1_700_000_000_000);

/// A pretend node.
pub struct Node {
    /// Which of the starts of nodes in its world it is.
    life: u32,
    shards: Vec<Place>,
    streets: Streets,
    /// What has arrived from a backplane that answers later.
    port: Option<Port>,
    /// Whether something was told by a store that answers later.
    bells: Vec<Bell>,
    now_ms: u64,
}

/// Says that something is to be collected for a shard.
pub(crate) type Bell = Arc<AtomicBool>;

/// A start of a node that stands alone, with its shards' ends of a store.
#[cfg(feature = "house")]
pub(crate) struct Hearth {
    pub(crate) life: u32,
    pub(crate) ends: Vec<stores::End>,
    pub(crate) bells: Vec<Bell>,
    pub(crate) now_ms: u64,
}

/// A shard and what stands at its door.
struct Place {
    shard: Shard,
    /// It said that it has more to send at once.
    unsent: bool,
}

impl Node {
    /// A node of so many shards; `settings` are for the first and differ for the others in what must differ.
    pub fn new(settings: &Settings, shards: u16, weather: Weather, seed: u64) -> Self {
        let end = |shard| alone(Random::of_part(seed, u64::from(shard) + 1).draw());
        let shard = |settings: Settings| {
            let end = end(settings.shard.0);
            Shard::new(settings, end)
        };
        Self::of_shards(settings, shards, (weather, seed), shard)
    }

    /// A node that keeps its rooms in a file.
    #[cfg(feature = "house")]
    pub(crate) fn in_house(
        settings: &Settings,
        shards: u16,
        weather: Weather,
        seed: u64,
        hearth: Hearth,
    ) -> Self {
        let Hearth { life, ends, bells, now_ms } = hearth;
        let mut ends = ends.into_iter();
        let shard = |settings: Settings| {
            let end = ends.next().expect("each shard has an end");
            let store = end(&settings.store);
            let backplane = alone(Random::of_part(seed, u64::from(settings.shard.0) + 1).draw());
            Shard::with_store(settings, backplane, store)
        };
        Self { life, bells, now_ms, ..Self::of_shards(settings, shards, (weather, seed), shard) }
    }

    /// A node of a cluster.
    pub(crate) fn of_cluster(start: &Start, port: &Port) -> Self {
        let Start { life, settings, shards, weather, seed, now_ms } = start;
        let shard = |settings: Settings| {
            let end = port.end(settings.shard.0);
            Shard::new(settings, end)
        };
        let node = Self::of_shards(settings, *shards, (*weather, *seed), shard);
        Self { life: *life, port: Some(port.clone()), now_ms: *now_ms, ..node }
    }

    fn of_shards(
        settings: &Settings,
        shards: u16,
        (weather, seed): (Weather, u64),
        mut make: impl FnMut(Settings) -> Shard,
    ) -> Self {
        let place = |shard| {
            let mut settings = settings.clone();
            settings.shard = ShardId(shard);
            settings.shards = shards;
            Place { shard: make(settings), unsent: false }
        };
        let streets = Streets::new(shards as usize, weather, Random::of_part(seed, 0));
        let shards = (0..shards).map(place).collect();
        Self { life: 0, shards, streets, port: None, bells: Vec::new(), now_ms: NEW_MS }
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Lets chance go on from another seed, so that what happens next does not hang on what happened before.
    pub fn reseed(&mut self, seed: u64) {
        self.streets.random = Random::new(seed);
    }

    /// Sends somebody after the mail.
    pub fn let_in(&mut self, thief: Thief) {
        self.streets.thief = Some(thief);
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        moment(self.now_ms)
    }

    /// A client connects to a shard.
    pub fn connect(&mut self, shard: usize) -> PipeId {
        let pipe = PipeId::new(self.life, self.streets.pipes.len() as u32);
        let stream = self.streets.free_slot(shard, pipe);
        self.streets.pipes.push((shard, Pipe::new(stream)));
        self.streets.queue(pipe);
        pipe
    }

    /// A client sends bytes.
    pub fn send(&mut self, pipe: PipeId, bytes: &[u8]) {
        self.streets.touch(pipe, |end| end.send(bytes));
    }

    /// A client reads what has come for it.
    pub fn read(&mut self, pipe: PipeId, bytes_max: usize) -> Vec<u8> {
        self.streets.touch(pipe, |end| end.read(bytes_max))
    }

    /// A client says no more; what it said still arrives.
    pub fn hang_up(&mut self, pipe: PipeId) {
        self.streets.touch(pipe, Pipe::hang_up);
    }

    /// A connection breaks; chance says how much of what was sent still arrives.
    pub fn cut(&mut self, pipe: PipeId) {
        let sent = self.streets.pipe(pipe).upstream_bytes();
        let arriving = self.streets.random.below(sent + 1);
        self.streets.touch(pipe, |end| end.cut(arriving));
    }

    /// Whether the shard has said all it will say on a stream.
    pub fn is_over(&self, pipe: PipeId) -> bool {
        self.streets.pipes[pipe.index()].1.is_over()
    }

    /// Whether the shard has let go of a stream.
    pub fn is_closed(&self, pipe: PipeId) -> bool {
        self.streets.pipes[pipe.index()].1.is_closed()
    }

    /// Whether a client has something to read.
    pub fn has_unread(&self, pipe: PipeId) -> bool {
        self.streets.pipes[pipe.index()].1.has_unread()
    }

    /// One shard takes a turn: some of the inputs that are there, in an order that chance chooses, then what it has to send. Says
    /// whether there was anything to do.
    pub fn turn(&mut self) -> bool {
        let mut busy: Vec<usize> = (0..self.shards.len()).filter(|shard| self.has_work(*shard)).collect();
        if busy.is_empty() {
            let Some(turn) = self.streets.mail.next_turn() else { return false };
            self.streets.turn = turn;
            busy = (0..self.shards.len()).filter(|shard| self.has_work(*shard)).collect();
        }
        let shard = *self.streets.random.pick(&busy);
        self.streets.turn += 1;
        self.take_inputs(shard);
        self.flush(shard);
        true
    }

    /// All shards take turns until nothing is left to do. Says whether it came to that.
    pub fn settle(&mut self) -> bool {
        for _ in 0..TURNS_MAX {
            if !self.turn() {
                return true;
            }
        }
        self.streets.faults.push("the shards find no rest".into());
        false
    }

    /// All shards take everything that is there and only then send, until nothing is left to do: in step, as if they were one.
    pub fn settle_in_step(&mut self) {
        loop {
            let mut rest = true;
            while let Some(shard) = (0..self.shards.len()).find(|shard| self.has_inputs(*shard)) {
                rest = false;
                self.take_inputs(shard);
                self.shards[shard].unsent = true;
            }
            for shard in 0..self.shards.len() {
                while self.shards[shard].unsent {
                    rest = false;
                    self.flush(shard);
                }
            }
            if rest {
                return;
            }
        }
    }

    /// When a shard wants to be woken next.
    pub fn next_wake_ms(&self) -> Option<u64> {
        self.shards.iter().filter_map(|place| place.shard.next_wake_ms()).min()
    }

    /// Moves the clock and wakes the shards that want to be.
    pub fn wake(&mut self, now_ms: u64) {
        assert!(now_ms >= self.now_ms, "time does not go back");
        self.now_ms = now_ms;
        for shard in 0..self.shards.len() {
            if self.shards[shard].shard.next_wake_ms().is_some_and(|due_ms| due_ms <= now_ms) {
                self.step(shard, Input::Tick);
                self.shards[shard].unsent = true;
            }
        }
    }

    /// The node is told to go away.
    pub fn drain(&mut self) {
        for shard in 0..self.shards.len() {
            self.step(shard, Input::Drain);
            self.shards[shard].unsent = true;
        }
    }

    /// Whether everybody has been told that the node goes away, and is gone.
    pub(crate) fn is_drained(&self) -> bool {
        !self.is_busy() && self.shards.iter().all(|place| place.shard.is_drained())
    }

    /// Whether a shard takes connections.
    pub(crate) fn takes_streams(&self, shard: usize) -> bool {
        self.shards[shard].shard.takes_streams()
    }

    /// Bytes that all shards keep for clients that read too slowly.
    pub fn queued_bytes(&self) -> usize {
        self.shards.iter().map(|place| place.shard.holdings().queued_bytes).sum()
    }

    /// Asserts that what each shard keeps agrees with itself. Says what each holds, and the most it keeps for any one.
    pub fn audit(&self) -> impl Iterator<Item = (Holdings, Burden)> {
        self.shards.iter().map(|place| (place.shard.holdings(), place.shard.audit()))
    }

    /// What the shards still hold or wait for; nothing when nobody was ever here.
    pub fn remains(&self) -> Vec<String> {
        let mut remains = Vec::new();
        for (index, place) in self.shards.iter().enumerate() {
            let holdings = place.shard.holdings();
            if holdings != Holdings::default() || !place.shard.is_empty() {
                remains.push(format!("shard {index} of life {} still holds {holdings:?}", self.life));
            }
            if let Some(due_ms) = place.shard.next_wake_ms() {
                let now_ms = self.now_ms;
                remains.push(format!(
                    "shard {index} of life {} waits for {due_ms} ms, at {now_ms} ms",
                    self.life
                ));
            }
        }
        remains
    }

    /// What shards did that no shard may do, since the last call.
    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.streets.faults)
    }

    /// Somebody else has seen a shard do what no shard may do.
    pub fn note_fault(&mut self, fault: String) {
        self.streets.faults.push(fault);
    }

    fn has_work(&self, shard: usize) -> bool {
        self.shards[shard].unsent || self.has_inputs(shard)
    }

    fn has_inputs(&self, shard: usize) -> bool {
        !self.streets.waiting[shard].is_empty()
            || self.streets.mail.arrived(shard, self.streets.turn).next().is_some()
            || self.has_arrivals(shard)
    }

    fn has_arrivals(&self, shard: usize) -> bool {
        let is_told = self.bells.get(shard).is_some_and(|bell| bell.load(Ordering::Relaxed));
        is_told || self.port.as_ref().is_some_and(|port| port.has_arrivals(shard))
    }

    /// Whether a turn would do anything.
    pub(crate) fn is_busy(&self) -> bool {
        (0..self.shards.len()).any(|shard| self.has_work(shard)) || self.streets.mail.next_turn().is_some()
    }

    /// The node ends without a word: what clients were sent, they may still read.
    pub(crate) fn perish(&mut self) {
        self.shards.clear();
        for (_, pipe) in &mut self.streets.pipes {
            pipe.perish();
        }
    }

    fn take_inputs(&mut self, shard: usize) {
        let most = self.streets.weather.inputs_per_turn;
        let inputs = if most == usize::MAX { most } else { self.streets.random.between(1, most) };
        for _ in 0..inputs {
            if !self.take_input(shard) {
                return;
            }
        }
    }

    /// Gives a shard one of the inputs that are there.
    fn take_input(&mut self, shard: usize) -> bool {
        let streets = &mut self.streets;
        let senders: SmallVec<[usize; 4]> = streets.mail.arrived(shard, streets.turn).collect();
        let told = senders.len() + streets.waiting[shard].len();
        let arrivals = usize::from(self.has_arrivals(shard));
        if told + arrivals == 0 {
            return false;
        }
        let chosen = self.streets.random.below(told + arrivals);
        match senders.get(chosen) {
            Some(from) => self.take_mail(*from, shard),
            None if chosen == told => {
                self.bells.get(shard).into_iter().for_each(|bell| bell.store(false, Ordering::Relaxed));
                self.step(shard, Input::Arrivals);
            }
            None => self.tell(shard, self.streets.waiting[shard][chosen - senders.len()]),
        }
        true
    }

    fn take_mail(&mut self, from: usize, shard: usize) {
        let Some(mail) = self.streets.mail.take(from, shard) else { return };
        if self.streets.thief.as_mut().is_some_and(|thief| thief(&mail)) {
            return;
        }
        self.step(shard, Input::Mail(mail));
    }

    /// Tells a shard what a stream has for it.
    fn tell(&mut self, shard: usize, pipe: PipeId) {
        let weather = self.streets.weather;
        let bytes_max = match weather.piece_bytes {
            usize::MAX => READ_BYTES,
            most => self.streets.random.between(1, most),
        };
        let stream = self.streets.pipe(pipe).id;
        let Some(ready) = self.streets.pipe(pipe).ready(&weather) else { return };
        let (mut piece, luggage) = self.streets.touch(pipe, |end| {
            end.told(ready);
            match ready {
                Ready::Bytes => (end.take_piece(bytes_max), None),
                Ready::Handed => (Vec::new(), end.take_luggage()),
                _ => (Vec::new(), None),
            }
        });
        match ready {
            Ready::Knock => self.step(shard, Input::Knock(stream, Ipv4Addr::LOCALHOST.into())),
            Ready::Handed => {
                let luggage = luggage.expect("it is what made the stream ready");
                self.step(shard, Input::Handed(stream, luggage));
            }
            Ready::Bytes => self.step(shard, Input::Bytes(stream, &mut piece)),
            Ready::Writable => self.step(shard, Input::Writable(stream)),
            Ready::HungUp => self.step(shard, Input::HungUp(stream)),
        }
    }

    fn step(&mut self, shard: usize, input: Input<'_>) {
        let now = self.now();
        let mut hands = Hands { of: ShardId(shard as u16), streets: &mut self.streets };
        self.shards[shard].shard.step(input, now, &mut hands);
    }

    fn flush(&mut self, shard: usize) {
        let now = self.now();
        let mut hands = Hands { of: ShardId(shard as u16), streets: &mut self.streets };
        self.shards[shard].unsent = self.shards[shard].shard.flush(now, &mut hands);
    }
}

/// A shard's end of the backplane of a node that stands alone.
pub fn alone(epoch_seed: u64) -> Box<dyn Backplane> {
    let (_, open) = backplanes::BACKPLANES[0];
    let settings = backplanes::Settings { epoch_seed, tags_per_room: TAGS_PER_ROOM, ..Default::default() };
    let end = open(&settings, Vec::new()).map(|mut link| link.end(0));
    end.expect("a node that stands alone needs nothing for it")()
}

/// The time of a new world.
pub(crate) const NEW_MS: u64 = 1000;

/// Both clocks at a moment.
pub(crate) fn moment(now_ms: u64) -> Now {
    Now { monotonic_ms: now_ms, wall: Time(DAWN.0 + now_ms) }
}

/// What a shard is given at once at most.
const READ_BYTES: usize = 64 * 1024;

/// Posts whose ids a room remembers.
const TAGS_PER_ROOM: usize = 4096;

/// More turns than any amount of work here takes.
const TURNS_MAX: u32 = 10_000_000;
