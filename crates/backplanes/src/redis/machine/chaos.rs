//! Machines in every weather, from a seed: lines are cut, publications come twice or not at all, nodes die, brokers fail over. A ledger
//! checks that nobody was shown anything twice, out of order or with a gap that was not told.

use std::collections::{BTreeMap, HashMap, HashSet};

use chat::{Position, RoomId};

use super::Input;
use super::world::{World, order, room};
use crate::redis::broker::{Line, Model};
use crate::redis::chance::Chance;
use crate::{Arrival, Ask};

const NODES: usize = 3;
const ROOMS: [&str; 2] = ["red", "blue"];

/// What may happen besides cuts.
#[derive(Clone, Copy, PartialEq)]
enum Weather {
    /// The broker keeps all it has accepted.
    Cuts,
    /// It may go on from an older state, or from none.
    Losses,
}

/// What has been said, shown and told.
#[derive(Default)]
struct Ledger {
    /// What stands at each position, whoever was shown it.
    said: HashMap<(RoomId, u64, u64), String>,
    views: BTreeMap<(usize, &'static str), View>,
    asked: Vec<(RoomId, String)>,
    /// Answers by ticket.
    answers: HashMap<u64, Option<Position>>,
}

/// A room as the members on a node have seen it since they came.
#[derive(Default)]
struct View {
    at: Option<Position>,
    shown: HashSet<String>,
    /// Texts that were there before they came, or that they were told were lost.
    has_lost: bool,
    since: u64,
}

impl Ledger {
    fn note(&mut self, node: usize, arrival: Arrival) {
        match arrival {
            Arrival::Posted(message) => {
                let view = self.views.get_mut(&(node, name(&message.room))).expect("it is attended to");
                let at = view.at.expect("it has been opened");
                assert_eq!(
                    (message.at.epoch, message.at.offset),
                    (at.epoch, at.offset + 1),
                    "in order, no gap"
                );
                self.show(node, &message);
            }
            Arrival::Opened(opened) => {
                let key = (node, name(&opened.room));
                let Some(view) = self.views.get_mut(&key) else { return };
                let first = opened.head.offset + 1 - opened.tail.len() as u64;
                for (offset, message) in (first..).zip(&opened.tail) {
                    assert_eq!(message.at, Position { offset, ..opened.head });
                }
                let stood = view.at.map(|at| opened.lineage.translate(at, opened.head));
                let from = match stood {
                    None => {
                        view.since = opened.head.offset;
                        opened.head.offset
                    }
                    Some(Some(at)) if at.offset + 1 >= first => at.offset,
                    Some(_) => {
                        view.has_lost = true;
                        view.shown.clear();
                        opened.head.offset
                    }
                };
                view.at = Some(opened.head);
                for message in opened.tail.iter().filter(|message| message.at.offset > from) {
                    self.show(node, message);
                }
                if let Some(view) = self.views.get_mut(&key) {
                    view.at = Some(opened.head);
                }
            }
            Arrival::Placed { at, ticket } => {
                assert!(self.answers.insert(ticket, Some(at)).is_none(), "answered once");
            }
            Arrival::Failed { ticket, .. } => {
                assert!(self.answers.insert(ticket, None).is_none(), "answered once");
            }
            _ => {}
        }
    }

    fn show(&mut self, node: usize, message: &chat::Message) {
        let text = message.body.as_text().expect("a text").to_owned();
        let place = (message.room.clone(), message.at.epoch.0, message.at.offset);
        let before = self.said.insert(place, text.clone());
        assert!(
            before.as_ref().is_none_or(|before| *before == text),
            "a position is given once: {before:?} {text}"
        );
        let view = self.views.get_mut(&(node, name(&message.room))).expect("it is attended to");
        view.at = Some(message.at);
        assert!(view.shown.insert(text.clone()), "{text} is shown once");
    }
}

fn name(id: &RoomId) -> &'static str {
    ROOMS.into_iter().find(|known| *known == id.name()).expect("one of the rooms")
}

struct Run {
    world: World,
    ledger: Ledger,
    chance: Chance,
    weather: Weather,
    replica: Model,
    lives: u32,
}

impl Run {
    fn new(seed: u64, weather: Weather) -> Self {
        let world = World::new(NODES as u32);
        let replica = world.model.clone();
        Self { world, ledger: Ledger::default(), chance: Chance(seed), weather, replica, lives: 1 }
    }

    fn act(&mut self) {
        let node = self.chance.below(NODES as u64) as usize;
        match self.chance.below(400) {
            0..=99 => drop(self.world.carry_out(node)),
            100..=199 => drop(self.world.answer(node)),
            200..=299 => drop(self.world.hear(node)),
            300..=349 => self.say(node),
            350..=351 => self.come_or_go(node),
            352..=379 => self.tick(),
            380..=383 => self.cut(node),
            384..=390 => self.mend(node),
            391..=392 => self.world.leave_unanswered(node, self.chance.below(2) == 0),
            393..=394 => self.world.unhear(node, room(ROOMS[self.chance.below(2) as usize])),
            395 => self.repeat(node),
            396 => drop(self.world.nodes[node].publications.pop_front()),
            397 => self.replica = self.world.model.clone(),
            398 if self.weather == Weather::Losses => self.fail_over(),
            _ => {}
        }
        self.collect();
    }

    fn say(&mut self, node: usize) {
        let id = room(ROOMS[self.chance.below(2) as usize]);
        let ticket = self.ledger.asked.len() as u64;
        let text = format!("m{ticket}");
        let tag = (self.chance.below(2) == 0).then(|| format!("t{ticket}"));
        self.ledger.asked.push((id.clone(), text.clone()));
        self.world.ask(node, Ask::Order(order(&id, &text, tag.as_deref(), ticket)));
    }

    fn come_or_go(&mut self, node: usize) {
        let name = ROOMS[self.chance.below(2) as usize];
        if self.ledger.views.remove(&(node, name)).is_some() {
            self.world.ask(node, Ask::Forsake(room(name)));
        } else {
            self.ledger.views.insert((node, name), View::default());
            self.world.ask(node, Ask::Attend(room(name)));
        }
    }

    fn tick(&mut self) {
        self.world.now_ms += 100;
        (0..NODES).for_each(|node| self.world.step(node, Input::Tick));
    }

    fn cut(&mut self, node: usize) {
        let line = if self.chance.below(2) == 0 { Line::Commands } else { Line::Listener };
        self.world.cut(node, line);
    }

    fn mend(&mut self, node: usize) {
        for line in [Line::Commands, Line::Listener] {
            if !self.world.nodes[node].machine.is_up(line) {
                self.world.up(node, line);
            }
        }
    }

    fn repeat(&mut self, node: usize) {
        let publications = &mut self.world.nodes[node].publications;
        if let Some(first) = publications.front().cloned() {
            publications.push_back(first);
        }
    }

    /// A replica is promoted, or a broker restarts with nothing.
    fn fail_over(&mut self) {
        self.lives += 1;
        let run = format!("run{}", self.lives);
        self.world.model = if self.chance.below(4) == 0 {
            Model::new(&run, &super::world::settings(0))
        } else {
            self.replica.clone()
        };
        self.world.model.run = run;
        self.replica = self.world.model.clone();
        for node in 0..NODES {
            self.world.cut(node, Line::Commands);
            self.world.cut(node, Line::Listener);
        }
    }

    fn collect(&mut self) {
        for node in 0..NODES {
            for arrival in std::mem::take(&mut self.world.nodes[node].arrivals) {
                // What was on its way when the room was forsaken.
                let room = match &arrival {
                    Arrival::Posted(message) => Some(message.room.clone()),
                    Arrival::Opened(opened) => Some(opened.room.clone()),
                    _ => None,
                };
                if room.is_none_or(|room| self.ledger.views.contains_key(&(node, name(&room)))) {
                    self.ledger.note(node, arrival);
                }
            }
        }
    }

    /// The weather clears up: everything that can arrive does.
    fn clear_up(&mut self) {
        for _ in 0..80 {
            (0..NODES).for_each(|node| self.mend(node));
            self.world.pass(100);
            self.collect();
        }
    }

    fn check(&self) {
        for ticket in 0..self.ledger.asked.len() as u64 {
            assert!(self.ledger.answers.contains_key(&ticket), "ticket {ticket} is answered");
        }
        for ((node, name), view) in &self.ledger.views {
            let at = view.at.unwrap_or_else(|| panic!("{name} is open on {node}"));
            let others = self.ledger.views.iter().filter(|((_, other), _)| other == name);
            assert!(
                others.into_iter().all(|(_, other)| other.at == Some(at)),
                "all stand where the room stands"
            );
        }
        if self.weather == Weather::Cuts {
            self.check_accepted();
        }
    }

    /// Every message accepted was shown on every node that was there, or comes from before.
    fn check_accepted(&self) {
        for ((id, text), ticket) in self.ledger.asked.iter().zip(0..) {
            let Some(Some(at)) = self.ledger.answers.get(&ticket) else { continue };
            for ((node, name), view) in &self.ledger.views {
                let is_due = *name == id.name() && at.offset > view.since && !view.has_lost;
                assert!(!is_due || view.shown.contains(text), "{text} at {at} reaches {node}");
            }
        }
    }
}

fn runs(weather: Weather) {
    for seed in 0..300 {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed, weather);
            (0..2_000).for_each(|_| run.act());
            run.clear_up();
            run.check();
        });
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

#[test]
fn nothing_is_lost_doubled_or_disordered_by_cuts() {
    runs(Weather::Cuts);
}

#[test]
fn what_a_broker_loses_is_told_and_no_position_is_given_twice() {
    runs(Weather::Losses);
}
