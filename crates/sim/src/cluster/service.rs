//! What stands between the shards of a node and the broker: the machine of the backplane as it is, and its connections.

use backplanes::brokered::{Input, Line, Machine, Outcome, Request, TICK_MS};
use backplanes::{NodeId, Settings};

use super::climate::Climate;
use super::connection::{Coming, Connection};
use super::port::Port;
use crate::random::Random;

/// One start of a node, as the broker knows it.
pub(super) struct Service {
    pub(super) node: NodeId,
    machine: Machine,
    port: Port,
    commands: Connection,
    listener: Connection,
    tick_ms: u64,
    /// Until then nothing passes between it and the broker.
    parted_until_ms: u64,
    /// It has ended.
    is_dead: bool,
    /// What the machine did that it may not do.
    pub(super) faults: Vec<String>,
}

/// The moment in which something happens.
#[derive(Clone, Copy)]
pub(super) struct Instant {
    pub(super) turn: u64,
    pub(super) now_ms: u64,
}

impl Service {
    pub(super) fn new(settings: &Settings, port: Port, now_ms: u64) -> Self {
        Self {
            node: settings.node,
            machine: Machine::new(settings, now_ms),
            port,
            commands: Connection::new(now_ms),
            listener: Connection::new(now_ms),
            tick_ms: now_ms,
            parted_until_ms: 0,
            is_dead: false,
            faults: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, line: Line) -> &mut Connection {
        match line {
            Line::Commands => &mut self.commands,
            Line::Listener => &mut self.listener,
        }
    }

    pub(super) fn part(&mut self, until_ms: u64) {
        self.parted_until_ms = until_ms;
    }

    pub(super) fn is_parted(&self, now_ms: u64) -> bool {
        now_ms < self.parted_until_ms
    }

    /// Whether both lines are as they should be.
    pub(super) fn is_whole(&self, now_ms: u64) -> bool {
        self.commands.is_up() && self.listener.is_up() && !self.is_parted(now_ms)
    }

    /// When a request of a line reaches the broker.
    pub(super) fn up_turn(&self, line: Line, now_ms: u64) -> Option<u64> {
        let connection = if line == Line::Commands { &self.commands } else { &self.listener };
        connection.up_turn().filter(|_| !self.is_parted(now_ms))
    }

    /// When the machine has something to do.
    pub(super) fn next_turn(&self, now_ms: u64) -> Option<u64> {
        if self.is_dead {
            return None;
        }
        let asks = (!self.port.asking().is_empty()).then_some(0);
        let comings = [self.commands.down_turn(), self.listener.down_turn()].into_iter().flatten();
        asks.into_iter().chain(comings.filter(|_| !self.is_parted(now_ms))).min()
    }

    /// The machine takes one of the inputs that are there.
    pub(super) fn take_input(&mut self, at: Instant, climate: &Climate, random: &mut Random) {
        let asking = self.port.asking();
        let due = |connection: &Connection| connection.down_turn().is_some_and(|turn| turn <= at.turn);
        let lines = [Line::Commands, Line::Listener].into_iter().filter(|line| {
            !self.is_parted(at.now_ms)
                && due(if *line == Line::Commands { &self.commands } else { &self.listener })
        });
        let lines: Vec<Line> = lines.collect();
        if asking.is_empty() && lines.is_empty() {
            return;
        }
        let chosen = random.below(asking.len() + lines.len());
        let input = match asking.get(chosen) {
            Some(shard) => self.port.take_ask(*shard).map(|ask| Input::Ask { shard: *shard as u16, ask }),
            None => self.take_coming(lines[chosen - asking.len()], at.now_ms, climate, random),
        };
        input.into_iter().for_each(|input| self.step(input, at, climate, random));
    }

    fn take_coming(
        &mut self,
        line: Line,
        now_ms: u64,
        climate: &Climate,
        random: &mut Random,
    ) -> Option<Input> {
        Some(match self.line(line).take_coming()? {
            Coming::Reply { id, reply } => Input::Reply { id, reply },
            Coming::Heard { channel, what } => Input::Heard { channel, what },
            Coming::Cut => {
                let dial_ms = now_ms + random.below(climate.dial_ms as usize + 1) as u64;
                self.line(line).note_cut(dial_ms);
                Input::Cut(line)
            }
        })
    }

    pub(super) fn tick_ms(&self) -> Option<u64> {
        (!self.is_dead).then_some(self.tick_ms)
    }

    /// Time has passed: the machine is told, and lines are made that are not there. `run` is the broker's, if it is there.
    pub(super) fn tick(&mut self, run: Option<&str>, at: Instant, climate: &Climate, random: &mut Random) {
        if self.is_dead || self.tick_ms > at.now_ms {
            return;
        }
        self.tick_ms = at.now_ms + TICK_MS;
        self.step(Input::Tick, at, climate, random);
        let Some(run) = run.filter(|_| !self.is_parted(at.now_ms)) else { return };
        for line in [Line::Commands, Line::Listener] {
            if self.line(line).dials(at.now_ms) {
                self.line(line).made();
                self.step(Input::Up { line, run: run.into() }, at, climate, random);
            }
        }
    }

    fn step(&mut self, input: Input, at: Instant, climate: &Climate, random: &mut Random) {
        let mut out = Outcome::default();
        self.machine.step(input, at.now_ms, &mut out);
        for (shard, arrival) in out.arrivals {
            self.port.arrive(shard.into(), arrival);
        }
        for (id, request) in out.requests {
            if let Request::Redial(line) = request {
                self.line(line).let_go(at.turn, random);
                continue;
            }
            let turn = at.turn + climate.delay(random);
            let line = request.line();
            if !self.line(line).ask(turn, id, request) {
                self.faults.push(format!("node {:?} asks on {line:?}, which is down", self.node));
            }
        }
    }

    /// The node ends: what it has sent may still arrive.
    pub(super) fn die(&mut self, at: Instant, random: &mut Random) {
        self.is_dead = true;
        self.commands.cut(at.turn, random);
        self.listener.cut(at.turn, random);
    }
}
