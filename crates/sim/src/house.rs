//! A node that stands alone and keeps its rooms in a file: how the disk does, and what becomes of both when the node ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use backplanes::NodeId;
use chat::{Lineage, Message, Position, RoomId};
use shard::Settings;
use stores::filed::{Model, Rows};
use stores::{Disk, Wake};

use crate::cluster::Fault;
use crate::node::{Bell, Hearth, Node};
use crate::pipe::Weather;
use crate::random::Random;
use crate::surroundings::Surroundings;

/// A node that keeps its rooms in a file, and the disk.
pub(crate) struct House {
    settings: Settings,
    shards: u16,
    weather: Weather,
    seed: u64,
    random: Random,
    state: State,
    /// The disk does nothing until then.
    stalled_until_ms: u64,
    /// It takes nothing more until then.
    full_until_ms: u64,
    now_ms: u64,
    /// Starts there have been.
    lives: usize,
    /// Those that have ended, and nobody was told.
    ended: Vec<usize>,
}

enum State {
    /// Nobody is there until then.
    Empty { rows: Rows, until_ms: u64 },
    /// A node is there.
    Runs(Model),
    /// The node takes its leave, and ends when nobody is left or time is up.
    Leaves { model: Model, until_ms: u64, back_ms: u64 },
}

/// Public rooms that are kept.
const KEPT: &str = "*";
/// So many messages of a room are known when it goes on.
const RECENT_MESSAGES: usize = 4096;
/// So much is written at once at most.
const GROUP_MAX: usize = 8;

impl House {
    pub(crate) fn new(settings: &Settings, shards: u16, weather: Weather, seed: u64) -> Self {
        Self {
            settings: settings.clone(),
            shards,
            weather,
            seed,
            random: Random::of_part(seed, 0),
            state: State::Empty { rows: Rows::default(), until_ms: 0 },
            stalled_until_ms: 0,
            full_until_ms: 0,
            now_ms: 0,
            lives: 0,
            ended: Vec::new(),
        }
    }

    fn start(&mut self, lives: &mut Vec<Node>) {
        let life = lives.len();
        self.lives = life + 1;
        let mut seeds = Random::of_part(self.seed, 1 + life as u64);
        let State::Empty { rows, .. } = &mut self.state else { return };
        let disk = Disk {
            shards: self.shards,
            epoch_seed: seeds.draw(),
            is_alone: true,
            rooms: vec![KEPT.to_owned()],
            recent_messages: RECENT_MESSAGES,
            ..Disk::default()
        };
        let bells: Vec<Bell> = (0..self.shards).map(|_| Bell::default()).collect();
        let wake = |bell: &Bell| {
            let bell = bell.clone();
            Arc::new(move || bell.store(true, Ordering::Relaxed)) as Wake
        };
        let (model, ends) = Model::start(std::mem::take(rows), &disk, bells.iter().map(wake).collect());
        let hearth = Hearth { life: life as u32, ends, bells, now_ms: self.now_ms };
        // No start of a node is called as another: its sessions, and what is posted by them, are told apart by that.
        let settings = Settings { node: NodeId(1 + life as u32), ..self.settings.clone() };
        lives.push(Node::in_house(&settings, self.shards, self.weather, seeds.draw(), hearth));
        self.state = State::Runs(model);
    }

    /// The node has taken its leave; what it has shown is on the disk, if the disk takes it.
    fn end_well(&mut self, lives: &mut [Node]) {
        let is_written = self.now_ms >= self.full_until_ms.max(self.stalled_until_ms);
        let emptied = State::Empty { rows: Rows::default(), until_ms: 0 };
        let State::Leaves { model, back_ms, .. } = std::mem::replace(&mut self.state, emptied) else {
            return;
        };
        self.perish(lives);
        let rows = if is_written { model.ended() } else { model.killed() };
        self.state = State::Empty { rows, until_ms: self.now_ms + back_ms };
    }

    fn perish(&mut self, lives: &mut [Node]) {
        if let Some(node) = lives.last_mut() {
            node.perish();
            self.ended.push(lives.len() - 1);
        }
    }

    fn crash(&mut self, until_ms: u64, lives: &mut [Node]) {
        let emptied = State::Empty { rows: Rows::default(), until_ms };
        let rows = match std::mem::replace(&mut self.state, emptied) {
            State::Empty { rows, .. } => rows,
            State::Runs(model) | State::Leaves { model, .. } => {
                self.perish(lives);
                model.killed()
            }
        };
        self.state = State::Empty { rows, until_ms };
    }

    fn drain(&mut self, back_ms: u64, lives: &mut [Node]) {
        let emptied = State::Empty { rows: Rows::default(), until_ms: 0 };
        self.state = match std::mem::replace(&mut self.state, emptied) {
            State::Runs(model) => {
                if let Some(node) = lives.last_mut() {
                    node.drain();
                }
                let until_ms = self.now_ms + self.settings.drain_wait_ms + self.settings.drain_ms;
                State::Leaves { model, until_ms, back_ms }
            }
            state => state,
        };
    }

    fn heal(&mut self, lives: &mut Vec<Node>) {
        (self.stalled_until_ms, self.full_until_ms) = (0, 0);
        match &mut self.state {
            State::Empty { .. } => self.start(lives),
            State::Leaves { back_ms, .. } => *back_ms = 0,
            State::Runs(_) => {}
        }
    }

    fn rows(&self) -> &Rows {
        match &self.state {
            State::Empty { rows, .. } => rows,
            State::Runs(model) | State::Leaves { model, .. } => model.rows(),
        }
    }
}

impl Surroundings for House {
    fn places(&self, _lives: &[Node]) -> usize {
        self.shards.into()
    }

    fn life_at(&self, site: usize) -> Option<usize> {
        let is_there = site == 0 && !matches!(self.state, State::Empty { .. });
        is_there.then(|| self.lives - 1)
    }

    fn find(&self, place: usize, _lives: &[Node]) -> Option<(usize, usize)> {
        self.life_at(0).map(|life| (life, place))
    }

    fn reseed(&mut self, seed: u64, lives: &mut [Node]) {
        self.random = Random::new(seed);
        for node in lives {
            node.reseed(self.random.draw());
        }
    }

    fn turn(&mut self, lives: &mut [Node], now_ms: u64) -> bool {
        let is_busy = lives.last().is_some_and(Node::is_busy);
        let (State::Runs(model) | State::Leaves { model, .. }) = &mut self.state else { return false };
        let answers = now_ms >= self.stalled_until_ms;
        // One that is full tells it once.
        let takes = now_ms >= self.full_until_ms;
        let writes = answers && model.to_write() > 0 && (takes || !model.is_faulty());
        let reads = answers && model.to_read() > 0;
        let tasks = usize::from(is_busy) + usize::from(writes) + usize::from(reads);
        if tasks == 0 {
            return false;
        }
        let chosen = self.random.below(tasks);
        match (chosen < usize::from(is_busy), chosen < usize::from(is_busy) + usize::from(writes)) {
            (true, _) => return lives.last_mut().is_some_and(Node::turn),
            (false, true) if takes => model.write(self.random.between(1, GROUP_MAX)),
            (false, true) => model.fail(),
            (false, false) => model.read(),
        }
        true
    }

    fn settle_in_step(&mut self, lives: &mut [Node], now_ms: u64) {
        while self.turn(lives, now_ms) {}
    }

    fn next_wake_ms(&self, lives: &[Node]) -> Option<u64> {
        let of_node = lives.last().and_then(Node::next_wake_ms);
        let of_state = match &self.state {
            State::Empty { until_ms, .. } => return Some(*until_ms),
            State::Leaves { until_ms, .. } => Some(*until_ms),
            State::Runs(_) => None,
        };
        let of_disk = [self.stalled_until_ms, self.full_until_ms];
        let of_disk = of_disk.into_iter().filter(|due_ms| *due_ms > self.now_ms);
        of_node.into_iter().chain(of_state).chain(of_disk).min()
    }

    fn wake(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        self.now_ms = now_ms;
        if let State::Empty { until_ms, .. } = self.state {
            if until_ms <= now_ms {
                self.start(lives);
            }
            return;
        }
        let Some(node) = lives.last_mut() else { return };
        node.wake(now_ms);
        if let State::Leaves { until_ms, .. } = self.state
            && (until_ms <= now_ms || node.is_drained())
        {
            self.end_well(lives);
        }
    }

    fn befall(&mut self, fault: Fault, lives: &mut Vec<Node>, now_ms: u64) {
        match fault {
            Fault::Crash { ms } => self.crash(now_ms + ms, lives),
            Fault::Drain { ms, .. } => self.drain(ms, lives),
            Fault::Stall { ms } => self.stalled_until_ms = now_ms + ms,
            Fault::Fill { ms } => self.full_until_ms = now_ms + ms,
            Fault::Heal => self.heal(lives),
            _ => {}
        }
    }

    fn take_ended(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.ended)
    }

    fn is_whole(&self, now_ms: u64) -> bool {
        matches!(self.state, State::Runs(_)) && now_ms >= self.stalled_until_ms.max(self.full_until_ms)
    }

    fn standing(&self, room: &RoomId) -> Option<(Position, Lineage)> {
        self.rows().standing(room)
    }

    fn kept_at(&self, room: &RoomId, offset: u64) -> Option<Arc<Message>> {
        self.rows().message(room, offset).cloned()
    }
}
