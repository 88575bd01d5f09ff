//! Several nodes with the real machine of the backplane in front of one broker in memory, and what befalls them.
//!
//! A *site* is where a node runs; every *life* at it is one start of a node, with an id of its own.

mod broker;
mod climate;
mod connection;
mod fault;
mod port;
mod service;

use backplanes::brokered::{Line, Reply, Request};
use backplanes::{NodeId, OutageRule};
use shard::Settings;

use self::broker::Broker;
use self::connection::Coming;
use self::service::{Instant, Service};
use crate::node::Node;
use crate::pipe::Weather;
use crate::random::Random;

pub use climate::Climate;
pub use fault::{Fault, Memory};
pub(crate) use port::Port;

/// How a cluster is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// How many nodes there are.
    pub sites: usize,
    /// How it is between nodes and broker.
    pub climate: Climate,
    /// How many messages of a room the broker keeps.
    pub history_messages: usize,
    /// How many tags of posts a room remembers.
    pub tags_per_room: usize,
    /// What happens in rooms while there is no broker.
    pub outage_rules: Vec<OutageRule>,
    /// What may befall it, of a thousand deeds so many.
    pub perils: Perils,
}

/// How often, of a thousand deeds, something befalls a cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perils {
    /// A line between a node and the broker breaks, or carries nothing any more, or nothing passes there for a while.
    pub lines: u32,
    /// The broker restarts, or fails over.
    pub brokers: u32,
    /// A node is killed.
    pub nodes: u32,
}

/// The nodes of a world, but for their shards, and what lies between them.
pub struct Cluster {
    layout: Layout,
    /// How many shards each node has, how they are configured, and how bytes travel between them and clients.
    shards: u16,
    settings: Settings,
    weather: Weather,
    /// What is at each site.
    sites: Vec<Site>,
    /// Of every life.
    services: Vec<Service>,
    broker: Broker,
    random: Random,
    seed: u64,
    turn: u64,
}

/// What is at a site.
#[derive(Clone, Copy)]
enum Site {
    Runs(usize),
    /// Until when nothing is there.
    Empty(u64),
}

/// How a node of a cluster starts.
pub(crate) struct Start<'a> {
    pub(crate) life: u32,
    pub(crate) settings: &'a Settings,
    pub(crate) shards: u16,
    pub(crate) weather: Weather,
    pub(crate) seed: u64,
    pub(crate) now_ms: u64,
}

/// Who has something to do.
#[derive(Clone, Copy)]
enum Task {
    /// The shards of a node.
    Shards(usize),
    /// What stands between them and the broker.
    Service(usize),
    /// The broker, for a node.
    Broker(usize, Line),
}

/// The time when a cluster begins.
const NEW_MS: u64 = 1000;

const LINES: [Line; 2] = [Line::Commands, Line::Listener];

impl Cluster {
    /// A cluster that has not been started.
    pub fn new(layout: Layout, settings: &Settings, shards: u16, weather: Weather, seed: u64) -> Self {
        let of_broker = backplane_settings(&layout, settings, shards, NodeId(0), 0);
        Self {
            sites: vec![Site::Empty(0); layout.sites],
            broker: Broker::new(of_broker),
            layout,
            shards,
            settings: settings.clone(),
            weather,
            services: Vec::new(),
            random: Random::of_part(seed, 0),
            seed,
            turn: 0,
        }
    }

    /// All nodes start. Says when.
    pub(crate) fn begin(&mut self, lives: &mut Vec<Node>) -> u64 {
        self.wake(lives, NEW_MS);
        NEW_MS
    }

    pub(crate) fn reseed(&mut self, seed: u64, lives: &mut [Node]) {
        self.random = Random::new(seed);
        for node in lives {
            node.reseed(self.random.draw());
        }
    }

    pub(crate) fn sites(&self) -> usize {
        self.sites.len()
    }

    pub(crate) fn places(&self) -> usize {
        self.sites.len() * self.shards as usize
    }

    pub(crate) fn life_at(&self, site: usize) -> Option<usize> {
        match self.sites[site] {
            Site::Runs(life) => Some(life),
            Site::Empty(_) => None,
        }
    }

    /// The node and the shard that are found at a place: where there is none, at the next site.
    pub(crate) fn find(&self, place: usize) -> Option<(usize, usize)> {
        let shards = self.shards as usize;
        let sites = (0..self.sites.len()).map(|further| (place / shards + further) % self.sites.len());
        let life = sites.into_iter().find_map(|site| self.life_at(site))?;
        Some((life, place % shards))
    }

    fn at(&self, now_ms: u64) -> Instant {
        Instant { turn: self.turn, now_ms }
    }

    /// Whom chance chooses of those who have something to do does some of it. Says whether there was anybody.
    pub(crate) fn turn(&mut self, lives: &mut [Node], now_ms: u64) -> bool {
        let Some(first) = self.tasks(lives, now_ms).iter().map(|(turn, _)| *turn).min() else { return false };
        self.turn = self.turn.max(first);
        let due = self.tasks(lives, now_ms);
        let due: Vec<Task> =
            due.into_iter().filter(|(turn, _)| *turn <= self.turn).map(|(_, task)| task).collect();
        let task = *self.random.pick(&due);
        self.turn += 1;
        let at = self.at(now_ms);
        match task {
            Task::Shards(life) => drop(lives[life].turn()),
            Task::Service(life) => self.services[life].take_input(at, &self.layout.climate, &mut self.random),
            Task::Broker(life, line) => self.carry_out(life, line, at),
        }
        true
    }

    /// Who has something to do, and in which turn.
    fn tasks(&self, lives: &[Node], now_ms: u64) -> Vec<(u64, Task)> {
        let mut tasks = Vec::new();
        for life in
            self.sites.iter().filter_map(|site| if let Site::Runs(life) = site { Some(*life) } else { None })
        {
            if lives[life].is_busy() {
                tasks.push((0, Task::Shards(life)));
            }
        }
        for (life, service) in self.services.iter().enumerate() {
            tasks.extend(service.next_turn(now_ms).map(|turn| (turn, Task::Service(life))));
            for line in LINES {
                tasks.extend(service.up_turn(line, now_ms).map(|turn| (turn, Task::Broker(life, line))));
            }
        }
        tasks
    }

    /// The broker carries out the next request of a node's line.
    fn carry_out(&mut self, life: usize, line: Line, at: Instant) {
        let service = &mut self.services[life];
        let node = service.node;
        let Some((id, request)) = service.line(line).take_request() else { return };
        let turn = at.turn + self.layout.climate.delay(&mut self.random);
        let is_mine = id.is_some();
        let reply = match request {
            Request::Listen(channels) => {
                if is_mine {
                    service.line(line).hears.extend(channels);
                }
                Some(Reply::Done)
            }
            Request::Unlisten(channels) => {
                channels.iter().filter(|_| is_mine).for_each(|channel| {
                    service.line(line).hears.remove(channel);
                });
                None
            }
            request => {
                let (reply, published) = self.broker.carry_out(node, request, at.now_ms, &mut self.random);
                published.into_iter().for_each(|(channel, what)| self.publish(channel, what, at.turn));
                reply
            }
        };
        if let (Some(id), Some(reply)) = (id, reply) {
            self.services[life].line(line).say(turn, Coming::Reply { id, reply });
        }
    }

    fn publish(
        &mut self,
        channel: backplanes::brokered::Channel,
        what: backplanes::brokered::Heard,
        turn: u64,
    ) {
        for service in &mut self.services {
            let listener = service.line(Line::Listener);
            if !listener.hears.contains(&channel) {
                continue;
            }
            let turn = turn + self.layout.climate.delay(&mut self.random);
            let times = 1 + usize::from(self.random.chance(self.layout.climate.echoes));
            for _ in 0..times {
                listener.say(turn, Coming::Heard { channel: channel.clone(), what: what.clone() });
            }
        }
    }

    pub(crate) fn next_wake_ms(&self, lives: &[Node]) -> Option<u64> {
        let of_site = |site: &Site| match site {
            Site::Runs(life) => {
                lives[*life].next_wake_ms().into_iter().chain(self.services[*life].tick_ms()).min()
            }
            Site::Empty(until_ms) => Some(*until_ms),
        };
        self.sites.iter().filter_map(of_site).min()
    }

    pub(crate) fn wake(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        for site in 0..self.sites.len() {
            match self.sites[site] {
                Site::Empty(until_ms) if until_ms <= now_ms => self.start(site, lives, now_ms),
                Site::Empty(_) => {}
                Site::Runs(life) => lives[life].wake(now_ms),
            }
        }
        let (run, at) = (self.broker.run(now_ms), self.at(now_ms));
        for service in &mut self.services {
            service.tick(run.as_deref(), at, &self.layout.climate, &mut self.random);
        }
    }

    fn start(&mut self, site: usize, lives: &mut Vec<Node>, now_ms: u64) {
        let life = lives.len();
        let mut seeds = Random::of_part(self.seed, 1 + life as u64);
        let port = Port::new(self.shards);
        let node = NodeId(1 + life as u32);
        let settings = backplane_settings(&self.layout, &self.settings, self.shards, node, seeds.draw());
        let start = Start {
            life: life as u32,
            settings: &Settings { node, ..self.settings.clone() },
            shards: self.shards,
            weather: self.weather,
            seed: seeds.draw(),
            now_ms,
        };
        lives.push(Node::of_cluster(&start, &port));
        self.services.push(Service::new(&settings, port, now_ms));
        self.sites[site] = Site::Runs(life);
    }

    /// Something befalls it. Says which life ended of it.
    pub(crate) fn befall(&mut self, fault: Fault, lives: &mut Vec<Node>, now_ms: u64) -> Option<usize> {
        let at = self.at(now_ms);
        match fault {
            Fault::Cut { site, line } => {
                let life = self.life_at(site)?;
                self.services[life].line(line).cut(at.turn, &mut self.random);
            }
            Fault::Deaden { site, line } => {
                let life = self.life_at(site)?;
                self.services[life].line(line).deaden();
            }
            Fault::Part { site, ms } => {
                let life = self.life_at(site)?;
                self.services[life].part(now_ms + ms);
            }
            Fault::Restart { memory, ms } => self.restart(memory, now_ms + ms, at),
            Fault::Kill { site, ms } => {
                let life = self.life_at(site)?;
                self.services[life].die(at, &mut self.random);
                lives[life].perish();
                self.sites[site] = Site::Empty(now_ms + ms);
                return Some(life);
            }
            Fault::Heal => self.heal(lives, now_ms),
        }
        None
    }

    /// The broker ends: some of what was on its way there is still carried out before.
    fn restart(&mut self, memory: Memory, back_ms: u64, at: Instant) {
        for (life, line) in (0..self.services.len()).flat_map(|life| LINES.map(|line| (life, line))) {
            let sent = self.services[life].line(line).sent();
            (0..self.random.below(sent + 1)).for_each(|_| self.carry_out(life, line, at));
        }
        self.broker.restart(memory, back_ms);
        for service in &mut self.services {
            LINES.into_iter().for_each(|line| service.line(line).lose(at.turn, &mut self.random));
        }
    }

    fn heal(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        self.services.iter_mut().for_each(|service| service.part(now_ms));
        self.broker.be_back(now_ms);
        for site in 0..self.sites.len() {
            if let Site::Empty(_) = self.sites[site] {
                self.start(site, lives, now_ms);
            }
        }
    }

    pub(crate) fn is_whole(&self, now_ms: u64) -> bool {
        let is_whole =
            |site: &Site| matches!(site, Site::Runs(life) if self.services[*life].is_whole(now_ms));
        self.sites.iter().all(is_whole)
    }

    pub(crate) fn remains(&self) -> Vec<String> {
        Vec::new()
    }

    /// What machines did that they may not do, since the last call.
    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        self.services.iter_mut().flat_map(|service| std::mem::take(&mut service.faults)).collect()
    }
}

/// What a node's backplane may know of the configuration.
fn backplane_settings(
    layout: &Layout,
    settings: &Settings,
    shards: u16,
    node: NodeId,
    epoch_seed: u64,
) -> backplanes::Settings {
    backplanes::Settings {
        node,
        shards,
        epoch_seed,
        tags_per_room: layout.tags_per_room,
        history_messages: layout.history_messages,
        room_idle_ms: settings.room_idle_ms,
        inbox_idle_ms: settings.inbox_idle_ms,
        outage_rules: layout.outage_rules.clone(),
        ..backplanes::Settings::default()
    }
}
