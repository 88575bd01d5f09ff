//! Several nodes with the real machine of the backplane in front of one broker in memory, and what befalls them.
//!
//! A *site* is where a node runs; every *life* at it is one start of a node, with an id of its own.

mod broker;
mod climate;
mod connection;
mod fault;
mod layout;
mod port;
mod service;
mod sites;

use backplanes::NodeId;
use backplanes::brokered::{Channel, Heard, Line, Reply, Request};
use chat::{Lineage, Position, RoomId};
use shard::Settings;

use self::broker::{Broker, Run};
use self::connection::Coming;
use self::service::{Instant, Service};
use self::sites::Site;
use crate::node::Node;
use crate::pipe::Weather;
use crate::random::Random;
use crate::surroundings::Surroundings;

pub use climate::Climate;
pub use fault::{Fault, Memory};
pub use layout::{Layout, Perils};
pub(crate) use port::Port;
pub(crate) use sites::Start;

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
    /// Lives that have ended, and nobody was told.
    ended: Vec<usize>,
    random: Random,
    seed: u64,
    turn: u64,
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

const LINES: [Line; 2] = [Line::Commands, Line::Listener];

impl Cluster {
    /// A cluster that has not been started.
    pub fn new(layout: Layout, settings: &Settings, shards: u16, weather: Weather, seed: u64) -> Self {
        let of_broker = layout.backplane(settings, shards, NodeId(0), 0);
        Self {
            sites: vec![Site::Empty(0); layout.sites],
            broker: Broker::new(of_broker),
            layout,
            shards,
            settings: settings.clone(),
            weather,
            services: Vec::new(),
            ended: Vec::new(),
            random: Random::of_part(seed, 0),
            seed,
            turn: 0,
        }
    }

    fn at(&self, now_ms: u64) -> Instant {
        Instant { turn: self.turn, now_ms }
    }

    /// Who has something to do, and in which turn.
    fn tasks(&self, lives: &[Node], now_ms: u64) -> Vec<(u64, Task)> {
        let mut tasks = Vec::new();
        let busy = self.living().filter(|life| lives[*life].is_busy());
        tasks.extend(busy.map(|life| (0, Task::Shards(life))));
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
        let (node, run) = (service.node, service.line(line).leads_to);
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
                let (reply, published) =
                    self.broker.carry_out(run, node, request, at.now_ms, &mut self.random);
                published.into_iter().for_each(|(channel, what)| self.publish(run, channel, what, at.turn));
                reply
            }
        };
        if let (Some(id), Some(reply)) = (id, reply) {
            self.services[life].line(line).say(turn, Coming::Reply { id, reply });
        }
    }

    fn publish(&mut self, run: Run, channel: Channel, what: Heard, turn: u64) {
        for service in &mut self.services {
            let listener = service.line(Line::Listener);
            if listener.leads_to != run || !listener.hears.contains(&channel) {
                continue;
            }
            let turn = turn + self.layout.climate.delay(&mut self.random);
            let times = 1 + usize::from(self.random.chance(self.layout.climate.echoes));
            for _ in 0..times {
                listener.say(turn, Coming::Heard { channel: channel.clone(), what: what.clone() });
            }
        }
    }
}

impl Surroundings for Cluster {
    fn places(&self, _lives: &[Node]) -> usize {
        self.sites.len() * self.shards as usize
    }

    fn sites(&self) -> usize {
        self.sites.len()
    }

    fn life_at(&self, site: usize) -> Option<usize> {
        self.sites[site].life()
    }

    fn find(&self, place: usize, lives: &[Node]) -> Option<(usize, usize)> {
        self.find_door(place, lives)
    }

    fn reseed(&mut self, seed: u64, lives: &mut [Node]) {
        self.random = Random::new(seed);
        for node in lives {
            node.reseed(self.random.draw());
        }
    }

    fn turn(&mut self, lives: &mut [Node], now_ms: u64) -> bool {
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

    fn settle_in_step(&mut self, lives: &mut [Node], now_ms: u64) {
        while !self.tasks(lives, now_ms).is_empty() {
            self.turn += 1;
            let at = self.at(now_ms);
            self.living().for_each(|life| lives[life].settle_in_step());
            for life in 0..self.services.len() {
                self.services[life].take_in_step(at, &self.layout.climate, &mut self.random);
            }
            for (life, line) in (0..self.services.len()).flat_map(|life| LINES.map(|line| (life, line))) {
                while self.services[life].up_turn(line, now_ms).is_some() {
                    self.carry_out(life, line, at);
                }
            }
        }
    }

    fn next_wake_ms(&self, lives: &[Node]) -> Option<u64> {
        self.next_due_ms(lives)
    }

    fn wake(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        self.go_on(lives, now_ms);
    }

    fn befall(&mut self, fault: Fault, lives: &mut Vec<Node>, now_ms: u64) {
        self.suffer(fault, lives, now_ms);
    }

    fn take_ended(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.ended)
    }

    fn is_whole(&self, now_ms: u64) -> bool {
        let run = self.broker.run();
        let is_whole =
            |site: &Site| matches!(site, Site::Runs(life) if self.services[*life].is_whole(run, now_ms));
        self.broker.is_whole(now_ms) && self.sites.iter().all(is_whole)
    }

    fn outage(&self, life: usize) -> Option<u64> {
        self.services[life].outage()
    }

    fn standing(&self, room: &RoomId) -> Option<(Position, Lineage)> {
        self.broker.model().standing(room)
    }

    fn remains(&self, now_ms: u64) -> Vec<String> {
        let of_services = self.living().flat_map(|life| self.services[life].remains());
        let nodes: Vec<NodeId> = self.living().map(|life| self.services[life].node).collect();
        of_services.chain(self.broker.model().remains(&nodes, now_ms)).collect()
    }

    fn take_faults(&mut self) -> Vec<String> {
        self.services.iter_mut().flat_map(|service| std::mem::take(&mut service.faults)).collect()
    }
}
