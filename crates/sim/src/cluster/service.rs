//! What stands between the shards of a node and the broker: the machine of the backplane as it is, and its connections.

use backplanes::brokered::{Input, Line, Machine, Outcome, Request, TICK_MS};
use backplanes::{NodeId, Settings};

use super::broker::{Broker, Run, name};
use super::climate::Climate;
use super::connection::{Coming, Connection};
use super::port::Port;
use crate::random::Random;

/// One start of a node, as the broker knows it.
pub(super) struct Service {
    pub(super) node: NodeId,
    /// Where it runs.
    pub(super) site: usize,
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
    pub(super) fn new(settings: &Settings, site: usize, port: Port, now_ms: u64) -> Self {
        Self {
            node: settings.node,
            site,
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

    /// Whether both lines are as they should be, and lead to this life of the broker.
    pub(super) fn is_whole(&self, run: Run, now_ms: u64) -> bool {
        let is_made = |line: &Connection| line.is_up() && line.leads_to == run;
        is_made(&self.commands) && is_made(&self.listener) && !self.is_parted(now_ms)
    }

    /// Which of its outages the machine is in, if there is no broker for it.
    pub(super) fn outage(&self) -> Option<u64> {
        (!self.is_dead && self.machine.is_outage()).then(|| self.machine.health().tally.outages)
    }

    /// What it still holds or waits for; nothing when no shard of its node attends to anything.
    pub(super) fn remains(&self) -> Vec<String> {
        if self.is_dead {
            return Vec::new();
        }
        let mut remains = self.machine.remains();
        let is_at_rest = self.commands.is_at_rest() && self.listener.is_at_rest();
        remains.extend((!is_at_rest).then(|| "something is on its way to the broker, or heard".to_owned()));
        remains.extend((!self.port.is_empty()).then(|| "something lies in the port".to_owned()));
        remains.iter().map(|one| format!("{:?}: {one}", self.node)).collect()
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

    /// The machine takes all inputs that are there, in the same order every time.
    pub(super) fn take_in_step(&mut self, at: Instant, climate: &Climate, random: &mut Random) {
        while let Some(shard) = self.port.asking().first().copied() {
            let ask = self.port.take_ask(shard).map(|ask| Input::Ask { shard: shard as u16, ask });
            ask.into_iter().for_each(|ask| self.step(ask, at, climate, random));
        }
        for line in [Line::Commands, Line::Listener] {
            while !self.is_parted(at.now_ms) && self.line(line).down_turn().is_some() {
                let coming = self.take_coming(line, at.now_ms, climate, random);
                coming.into_iter().for_each(|coming| self.step(coming, at, climate, random));
            }
        }
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

    /// Time has passed: the machine is told, and lines are made that are not there.
    pub(super) fn tick(&mut self, broker: &Broker, at: Instant, climate: &Climate, random: &mut Random) {
        if self.is_dead || self.tick_ms > at.now_ms {
            return;
        }
        self.tick_ms = at.now_ms + TICK_MS;
        self.step(Input::Tick, at, climate, random);
        if self.is_parted(at.now_ms) {
            return;
        }
        for line in [Line::Commands, Line::Listener] {
            if self.line(line).dials(at.now_ms)
                && let Some(run) = broker.find(self.site, at.now_ms, random)
            {
                self.line(line).made(run);
                self.step(Input::Up { line, run: name(run).into() }, at, climate, random);
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

    /// The node ends, and says so to the broker. What its shards asked last is not asked any more.
    pub(super) fn say_farewell(&mut self, at: Instant, climate: &Climate, random: &mut Random) {
        for shard in self.port.asking() {
            while self.port.take_ask(shard).is_some() {}
        }
        self.step(Input::Farewell, at, climate, random);
    }

    /// Whether it has said all that there is to say.
    pub(super) fn has_left(&self) -> bool {
        self.machine.has_left()
    }

    /// The node ends: what it has sent may still arrive.
    pub(super) fn die(&mut self, at: Instant, random: &mut Random) {
        self.is_dead = true;
        self.commands.cut(at.turn, random);
        self.listener.cut(at.turn, random);
    }
}
