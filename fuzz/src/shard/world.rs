//! The world of one script, and what must be true in it after every step.

use shard::{Burden, Holdings};
use sim::scenario::{Deed, Failure, Play, Terms};

use super::neighbour::Neighbour;
use super::script::Step;
use super::stranger::Stranger;
use crate::words::Told;

/// As many strangers as there may be.
const STRANGERS_MAX: usize = 12;
/// An answer that is not bounded by a queue, because it is made at once: files of the page, refusals of all that one read brought.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What members are told in one turn, before anybody can have been found slow.
const TURN_BYTES_MAX: usize = 256 * 1024;
/// Every byte of a message may be escaped.
const ESCAPE_BYTES_MAX: usize = 6;
/// Where chance begins.
const SEED: u64 = 1;
/// Numbers of deeds, by which chance goes, are so far apart.
const CHANCES: u64 = 256;

pub(crate) struct World<'a> {
    terms: &'a Terms,
    play: Play<'a>,
    strangers: Vec<Stranger>,
    neighbour: Neighbour,
    told: Told,
    /// The node goes away, and everybody is to be told by then: at a pace, so hardly at once.
    drained_by_ms: Option<u64>,
    /// How many there were.
    deeds: u64,
}

impl<'a> World<'a> {
    pub(crate) fn new(terms: &'a Terms, secret: &str) -> Self {
        let mut play = Play::new(terms, SEED);
        let neighbour = Neighbour::connect(secret, &mut play.stage.node);
        let mut world = Self {
            terms,
            play,
            strangers: Vec::new(),
            neighbour,
            told: Told::nothing(),
            drained_by_ms: None,
            deeds: 0,
        };
        world.gather();
        world
    }

    /// Everybody who means well comes; who can be in many rooms is in two.
    fn gather(&mut self) {
        let shards = usize::from(self.terms.shards);
        for who in 0..self.terms.cast.len() {
            self.act(0, &Deed::Connect { who, shard: who % shards });
            self.act(0, &Deed::Join { who, room: 0 });
            self.act(0, &Deed::Join { who, room: 1 });
        }
        self.rest();
    }

    pub(crate) fn perform(&mut self, step: &Step) {
        match step {
            Step::Deed { chance, deed } => self.act(*chance, deed),
            Step::Dial { shard, opening } => {
                if self.strangers.len() < STRANGERS_MAX {
                    let stranger = Stranger::dial(*shard, *opening, self.terms, &mut self.play.stage.node);
                    self.strangers.push(stranger);
                }
            }
            Step::Send { who, bytes } => {
                self.with(*who, |stranger, told, node| stranger.send(bytes, told, node))
            }
            Step::Say { who, text } => self.with(*who, |stranger, told, node| stranger.say(text, told, node)),
            Step::Stall { who } => self.with(*who, |stranger, _, _| stranger.is_stalled = true),
            Step::ReadOn { who } => self.with(*who, |stranger, _, _| stranger.is_stalled = false),
            Step::HangUp { who } => self.with(*who, |stranger, _, node| node.hang_up(stranger.pipe)),
            Step::Cut { who } => self.with(*who, |stranger, _, node| node.cut(stranger.pipe)),
        }
        self.read();
        self.judge();
    }

    /// Everybody leaves, and nothing of them may be left.
    pub(crate) fn end(mut self) {
        self.rest();
        self.neighbour.leave(&mut self.play.stage.node);
        self.play.stage.intruders.extend(self.strangers.iter().map(|stranger| stranger.pipe));
        self.play.end(self.deeds as usize).unwrap_or_else(|failure| complain(&failure));
    }

    fn with(&mut self, who: usize, act: impl FnOnce(&mut Stranger, &Told, &mut sim::World)) {
        let count = self.strangers.len().max(1);
        if let Some(stranger) = self.strangers.get_mut(who % count) {
            act(stranger, &self.told, &mut self.play.stage.node);
        }
    }

    fn act(&mut self, chance: u8, deed: &Deed) {
        match deed {
            // Whoever answers must have the time to.
            Deed::Wait { .. } | Deed::Leap { .. } | Deed::Settle => self.rest(),
            Deed::Drain if self.drained_by_ms.is_none() => {
                let settings = &self.terms.settings;
                self.drained_by_ms = Some(self.now_ms() + settings.drain_wait_ms + settings.drain_ms);
            }
            _ => {}
        }
        self.deeds += 1;
        self.play.perform(self.deeds * CHANCES + u64::from(chance), deed);
    }

    /// The neighbour speaks, and everything is done until it has been heard.
    fn rest(&mut self) {
        let is_drained = self.drained_by_ms.is_some_and(|by_ms| by_ms <= self.now_ms());
        let node = &mut self.play.stage.node;
        for _ in 0..2 {
            self.neighbour.speak(node);
            node.settle();
            while self.neighbour.listen(self.drained_by_ms.is_some(), node) {
                node.settle();
            }
        }
        self.neighbour.check(is_drained);
    }

    fn now_ms(&self) -> u64 {
        self.play.stage.node.now().monotonic_ms
    }

    fn read(&mut self) {
        let node = &mut self.play.stage.node;
        self.neighbour.listen(self.drained_by_ms.is_some(), node);
        for stranger in &self.strangers {
            stranger.read(self.terms.read_bytes, &mut self.told, node);
        }
    }

    fn judge(&mut self) {
        self.play.judge(self.deeds as usize).unwrap_or_else(|failure| complain(&failure));
        for (holdings, burden) in self.play.stage.node.audit() {
            self.judge_bounds(&holdings, &burden);
        }
    }

    /// What is bounded by the settings is.
    fn judge_bounds(&self, holdings: &Holdings, burden: &Burden) {
        let settings = &self.terms.settings;
        let queue = settings.session_queue_bytes * ESCAPE_BYTES_MAX;
        assert!(holdings.history_messages <= holdings.rooms * settings.store.messages_max, "{holdings:?}");
        assert!(holdings.history_bytes <= holdings.rooms * settings.store.bytes_max, "{holdings:?}");
        assert!(burden.stream_bytes <= queue + ANSWER_BYTES_MAX, "{burden:?}");
        assert!(burden.log_bytes <= queue + TURN_BYTES_MAX, "{burden:?}");
    }
}

fn complain<T>(failure: &Failure) -> T {
    panic!("after deed {}: {}", failure.after, failure.complaints.join("\n"))
}
