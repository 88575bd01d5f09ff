//! Where nodes run: how they start, take their leave and end, and what befalls them and what lies between them.

use backplanes::NodeId;
use shard::Settings;

use super::port::Port;
use super::service::{Instant, Service};
use super::{Cluster, Fault, LINES, Memory};
use crate::node::Node;
use crate::pipe::Weather;
use crate::random::Random;
use crate::surroundings::Surroundings;

/// What is at a site.
#[derive(Clone, Copy)]
pub(super) enum Site {
    /// A life.
    Runs(usize),
    /// One that takes its leave, and ends when nobody is left or time is up.
    Leaves { life: usize, until_ms: u64, back_ms: u64 },
    /// One that has, and says farewell to the broker.
    Goes { life: usize, until_ms: u64, back_ms: u64 },
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

impl Site {
    pub(super) fn life(self) -> Option<usize> {
        match self {
            Self::Runs(life) | Self::Leaves { life, .. } => Some(life),
            Self::Goes { .. } | Self::Empty(_) => None,
        }
    }
}

/// A farewell takes no longer.
const FAREWELL_MS: u64 = 3000;

impl Cluster {
    /// The lives that have not ended.
    pub(super) fn living(&self) -> impl Iterator<Item = usize> + use<> {
        let living: Vec<usize> = self.sites.iter().filter_map(|site| site.life()).collect();
        living.into_iter()
    }

    /// The node and the shard that are found at a place: where none takes anybody in, at the next site.
    pub(super) fn find_door(&self, place: usize, lives: &[Node]) -> Option<(usize, usize)> {
        let shards = self.shards as usize;
        let sites = (0..self.sites.len()).map(|further| (place / shards + further) % self.sites.len());
        let mut lives = sites.filter_map(|site| self.life_at(site)).map(|life| (life, &lives[life]));
        lives.find_map(|(life, node)| {
            let mut doors = (0..shards).map(|further| (place + further) % shards);
            doors.find(|shard| node.takes_streams(*shard)).map(|shard| (life, shard))
        })
    }

    /// When a node or what is beside it wants to be woken next, or another node starts.
    pub(super) fn next_due_ms(&self, lives: &[Node]) -> Option<u64> {
        let of_site = |site: &Site| match site {
            Site::Runs(life) | Site::Leaves { life, .. } => {
                lives[*life].next_wake_ms().into_iter().chain(self.services[*life].tick_ms()).min()
            }
            Site::Goes { life, .. } => self.services[*life].tick_ms(),
            Site::Empty(until_ms) => Some(*until_ms),
        };
        self.sites.iter().filter_map(of_site).min()
    }

    /// Time has passed: nodes start, do what is due, and end.
    pub(super) fn go_on(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        let at = self.at(now_ms);
        for site in 0..self.sites.len() {
            match self.sites[site] {
                Site::Empty(until_ms) if until_ms <= now_ms => self.start(site, lives, now_ms),
                Site::Empty(_) => {}
                Site::Runs(life) => lives[life].wake(now_ms),
                Site::Leaves { life, until_ms, back_ms } => {
                    lives[life].wake(now_ms);
                    if until_ms <= now_ms || lives[life].is_drained() {
                        self.go(site, life, back_ms, lives, at);
                    }
                }
                Site::Goes { life, until_ms, back_ms } => {
                    if until_ms <= now_ms || self.services[life].has_left() {
                        self.services[life].die(at, &mut self.random);
                        self.sites[site] = Site::Empty(now_ms + back_ms);
                    }
                }
            }
        }
        self.demote(at);
        for service in &mut self.services {
            service.tick(&self.broker, at, &self.layout.climate, &mut self.random);
        }
    }

    fn start(&mut self, site: usize, lives: &mut Vec<Node>, now_ms: u64) {
        let life = lives.len();
        let mut seeds = Random::of_part(self.seed, 1 + life as u64);
        let port = Port::new(self.shards);
        let node = NodeId(1 + life as u32);
        let settings = self.layout.backplane(&self.settings, self.shards, node, seeds.draw());
        let start = Start {
            life: life as u32,
            settings: &Settings { node, ..self.settings.clone() },
            shards: self.shards,
            weather: self.weather,
            seed: seeds.draw(),
            now_ms,
        };
        lives.push(Node::of_cluster(&start, &port));
        self.services.push(Service::new(&settings, site, port, now_ms));
        self.sites[site] = Site::Runs(life);
    }

    /// The node at a site has taken its leave, and the broker is told.
    fn go(&mut self, site: usize, life: usize, back_ms: u64, lives: &mut [Node], at: Instant) {
        lives[life].perish();
        self.ended.push(life);
        self.services[life].say_farewell(at, &self.layout.climate, &mut self.random);
        self.sites[site] = Site::Goes { life, until_ms: at.now_ms + FAREWELL_MS, back_ms };
    }

    /// The node at a site is no more; what it has sent may still arrive.
    fn end(&mut self, site: usize, lives: &mut [Node], back_ms: u64, at: Instant) {
        let Some(life) = self.life_at(site) else { return };
        self.services[life].die(at, &mut self.random);
        lives[life].perish();
        self.sites[site] = Site::Empty(back_ms);
        self.ended.push(life);
    }

    /// Something befalls it.
    pub(super) fn suffer(&mut self, fault: Fault, lives: &mut Vec<Node>, now_ms: u64) {
        let at = self.at(now_ms);
        match fault {
            Fault::Cut { site, line } => {
                let Some(life) = self.life_at(site) else { return };
                self.services[life].line(line).cut(at.turn, &mut self.random);
            }
            Fault::Deaden { site, line } => {
                let Some(life) = self.life_at(site) else { return };
                self.services[life].line(line).deaden();
            }
            Fault::Part { site, ms } => {
                let Some(life) = self.life_at(site) else { return };
                self.services[life].part(now_ms + ms);
            }
            Fault::Restart { memory, ms } => self.restart(memory, now_ms + ms, at),
            Fault::Split { site, ms } => self.split(site, now_ms + ms, at),
            Fault::Lag { ms } => self.broker.lag(now_ms + ms),
            Fault::Drain { site, ms } => self.drain(site, ms, lives, now_ms),
            Fault::Kill { site, ms } => self.end(site, lives, now_ms + ms, at),
            Fault::Heal => self.heal(lives, at),
            // These are of disks.
            Fault::Crash { .. } | Fault::Stall { .. } | Fault::Fill { .. } => {}
        }
    }

    /// A node takes its leave, unless it does already.
    fn drain(&mut self, site: usize, back_ms: u64, lives: &mut [Node], now_ms: u64) {
        let Site::Runs(life) = self.sites[site] else { return };
        let until_ms = now_ms + self.settings.drain_wait_ms + self.settings.drain_ms;
        self.sites[site] = Site::Leaves { life, until_ms, back_ms };
        lives[life].drain();
    }

    /// The broker ends: some of what was on its way there is still carried out before.
    fn restart(&mut self, memory: Memory, back_ms: u64, at: Instant) {
        for (life, line) in (0..self.services.len()).flat_map(|life| LINES.map(|line| (life, line))) {
            let sent = self.services[life].line(line).sent();
            (0..self.random.below(sent + 1)).for_each(|_| self.carry_out(life, line, at));
        }
        self.end_former(at);
        self.broker.restart(memory, back_ms);
        for service in &mut self.services {
            LINES.into_iter().for_each(|line| service.line(line).lose(at.turn, &mut self.random));
        }
    }

    /// All but the nodes at a site lose a broker that goes on.
    fn split(&mut self, site: usize, until_ms: u64, at: Instant) {
        self.end_former(at);
        self.broker.split(site, until_ms);
        for service in self.services.iter_mut().filter(|service| service.site != site) {
            LINES.into_iter().for_each(|line| service.line(line).cut(at.turn, &mut self.random));
        }
    }

    fn end_former(&mut self, at: Instant) {
        self.demote(Instant { now_ms: u64::MAX, ..at });
    }

    /// A broker that has been replaced for long enough finds out, and lets go of whoever is with it.
    fn demote(&mut self, at: Instant) {
        let Some(run) = self.broker.demote(at.now_ms) else { return };
        for service in &mut self.services {
            for line in
                LINES.into_iter().filter(|line| service.line(*line).leads_to == run).collect::<Vec<_>>()
            {
                service.line(line).lose(at.turn, &mut self.random);
            }
        }
    }

    /// Who takes leave still does, and is followed at once.
    fn heal(&mut self, lives: &mut Vec<Node>, at: Instant) {
        self.services.iter_mut().for_each(|service| service.part(at.now_ms));
        self.end_former(at);
        self.broker.be_back(at.now_ms);
        for site in 0..self.sites.len() {
            match self.sites[site] {
                Site::Empty(_) => self.start(site, lives, at.now_ms),
                Site::Leaves { life, until_ms, .. } => {
                    self.sites[site] = Site::Leaves { life, until_ms, back_ms: 0 };
                }
                Site::Goes { life, until_ms, .. } => {
                    self.sites[site] = Site::Goes { life, until_ms, back_ms: 0 };
                }
                Site::Runs(_) => {}
            }
        }
    }
}
