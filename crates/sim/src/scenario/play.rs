//! A scenario is played: deeds are done on a stage, and at the end everybody goes home.

use bytes::Bytes;
use chat::{Body, Command, Payload, PayloadKind, SignalName, Text, UserId};

use super::deed::{BodyKind, Deed};
use super::intruder;
use super::plan::Numbered;
use super::terms::Terms;
use crate::actor::Actor;
use crate::cluster::Fault;
use crate::ledger::{Mark, Trouble};
use crate::random::Random;
use crate::stage::Stage;

/// What a scenario came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages that were accepted.
    pub messages: usize,
    /// Sessions that went on where another one broke.
    pub recoveries: usize,
}

/// What went wrong, and when.
#[derive(Clone, Debug)]
pub struct Failure {
    /// After which of the deeds; after all of them when there is no such deed.
    pub after: usize,
    /// What cannot be right.
    pub complaints: Vec<String>,
}

/// A stage with the terms of what is played on it.
pub struct Play<'a> {
    terms: &'a Terms,
    seed: u64,
    /// Where it is played.
    pub stage: Stage,
    is_draining: bool,
}

/// Longer than it takes nodes to find out what is no more, and to find back to each other.
const MENDED_MS: u64 = 20_000;
/// Longer than anything takes in a cluster that nothing stands between.
const REST_MS: u64 = 300;
/// Longer than it takes a node to ask its disk once more how a room stood.
const ASKED_AGAIN_MS: u64 = 1100;
/// More messages than any deed posts.
const MARKS_PER_DEED: u64 = 1000;

impl<'a> Play<'a> {
    /// A stage on which nothing has happened.
    pub fn new(terms: &'a Terms, seed: u64) -> Self {
        let stage = Stage {
            node: terms.world(seed),
            actors: terms.actors(),
            ledger: terms.ledger(),
            intruders: Vec::new(),
            random: Random::new(seed),
            piece_bytes: terms.read_bytes,
        };
        Self { terms, seed, stage, is_draining: false }
    }

    /// Plays a plan to its end.
    pub fn run(mut self, plan: &[Numbered]) -> Result<Outcome, Failure> {
        for (index, (number, deed)) in plan.iter().enumerate() {
            self.perform(*number, deed);
            self.judge(index)?;
        }
        self.end(plan.len())
    }

    /// Everybody reads what there is and goes home, and nothing may remain.
    pub fn end(mut self, after: usize) -> Result<Outcome, Failure> {
        self.reseed(u64::from(u32::MAX));
        self.gather();
        self.judge(after)?;
        self.go_home();
        self.judge(after)?;
        let ledger = &self.stage.ledger;
        Ok(Outcome { messages: ledger.messages(), recoveries: ledger.recoveries() })
    }

    /// What cannot be right, if anything, after so many deeds.
    pub fn judge(&mut self, after: usize) -> Result<(), Failure> {
        self.stage.node.audit().for_each(drop);
        let mut complaints = self.stage.node.take_faults();
        complaints.extend(self.stage.ledger.take_complaints());
        if complaints.is_empty() { Ok(()) } else { Err(Failure { after, complaints }) }
    }

    /// From here on chance does not hang on what happened before.
    fn reseed(&mut self, part: u64) {
        self.stage.random = Random::of_part(self.seed, part);
        self.stage.node.reseed(self.stage.random.draw());
    }

    /// Does one deed, and some of the work that it makes. Deeds have numbers of their own.
    pub fn perform(&mut self, number: u64, deed: &Deed) {
        self.reseed(number);
        if matches!(deed, Deed::Connect { .. } | Deed::Intrude { .. }) && !self.stage.node.is_anywhere() {
            return;
        }
        let Stage { node, actors, ledger, random, intruders, .. } = &mut self.stage;
        match *deed {
            Deed::Connect { who, shard } => actors[who].connect(shard, node, ledger, random.draw()),
            Deed::Cut { who } => actors[who].cut(node, ledger),
            Deed::Vanish { who } => intruders.extend(actors[who].vanish(ledger)),
            Deed::Close { who } => actors[who].close(node, ledger),
            Deed::Join { who, room } => actors[who].join(&self.terms.rooms[room], node, ledger),
            Deed::Leave { who, room } => actors[who].leave(&self.terms.rooms[room], node, ledger),
            Deed::Post { who, room, count, bytes, kind } => self.post(number, who, room, count, bytes, kind),
            Deed::Direct { who, to, bytes } => self.direct(number, who, to, bytes),
            Deed::Recall { who, room, limit } => {
                let tag = actors[who].tag();
                let room = self.terms.rooms[room].clone();
                let before = actors[who].place(&room).filter(|_| random.chance(500));
                actors[who].recall(Command::Recall { room, before, limit, tag }, node, ledger);
            }
            Deed::Signal { who, room } => {
                let room = self.terms.rooms[room].clone();
                let signal = SignalName::new("typing").expect("six letters are short enough");
                if actors[who].rooms().contains(&room) {
                    let tag = actors[who].tag();
                    actors[who].ask(Command::Signal { room, signal, content: None, tag }, node, ledger);
                }
            }
            Deed::AskTime { who } => {
                let tag = actors[who].tag();
                actors[who].ask(Command::AskTime { tag }, node, ledger);
            }
            Deed::Pause { who } => actors[who].set_reading(false, ledger),
            Deed::Resume { who } => actors[who].set_reading(true, ledger),
            Deed::Intrude { shard, manner } => {
                let room = random.pick(&self.terms.rooms).name().to_owned();
                let bytes = intruder::draw_bytes(manner, &room, random);
                self.intrude(shard, &bytes);
            }
            Deed::Work { turns } => self.stage.work(turns),
            Deed::Wait { ms } => self.stage.wait(ms),
            Deed::Leap { ms } => {
                self.stage.settle();
                // Lines between nodes and their broker are let go that have been silent for so long, and rooms forgotten of nodes taken for dead.
                let idle_ms = self.terms.settings.room_idle_ms.min(self.terms.settings.inbox_idle_ms);
                let is_forgotten = self.terms.cluster.is_some() && ms >= idle_ms;
                self.stage.ledger.note_trouble(if is_forgotten { Trouble::Oblivion } else { Trouble::Cut });
                self.stage.leap(ms);
                self.stage.settle();
            }
            Deed::Settle => self.settle(),
            Deed::Repeat { who } => actors[who].repeat(node, ledger),
            Deed::Befall(fault) => self.stage.befall(fault),
            Deed::Return { shard } => self.come_back(shard),
            Deed::Drain => {
                self.is_draining = true;
                ledger.note_drain(0);
                node.drain(0);
            }
        }
        let turns = self.stage.random.below(12);
        self.stage.work(turns);
    }

    /// All comes to rest. In a cluster that something stands between, each node does by itself.
    fn settle(&mut self) {
        self.stage.settle();
        self.stage.ledger.check_nodes();
        if self.terms.has_trouble() && self.stage.node.is_whole() {
            self.stage.wait(if self.terms.hazards.is_some() { ASKED_AGAIN_MS } else { REST_MS });
        }
        if self.stage.node.is_whole() {
            let Stage { node, ledger, .. } = &mut self.stage;
            if self.terms.cluster.is_some() {
                ledger.check_standing(|room| node.standing(room), node.now().wall);
            }
            if self.terms.hazards.is_some() {
                ledger.check_kept(|room| node.standing(room), |room, offset| node.kept_at(room, offset));
            }
            ledger.settle();
        }
    }

    /// Whoever was sent away, or lost its node, connects again.
    fn come_back(&mut self, shard: usize) {
        let Stage { node, actors, ledger, random, .. } = &mut self.stage;
        let places = self.terms.places();
        let away = actors.iter_mut().filter(|actor| actor.was_let_go);
        for (actor, place) in away.zip((shard..).map(|place| place % places)) {
            if node.is_anywhere() {
                actor.connect(place, node, ledger, random.draw());
            }
        }
    }

    fn post(&mut self, number: u64, who: usize, room: usize, count: usize, bytes: usize, kind: BodyKind) {
        let Stage { node, actors, ledger, random, .. } = &mut self.stage;
        let actor = &mut actors[who];
        let wanted = &self.terms.rooms[room];
        let rooms = actor.rooms();
        let Some(room) = rooms.iter().find(|room| *room == wanted).or(rooms.first()) else { return };
        for index in 0..count as u64 {
            let mark = Mark((number * MARKS_PER_DEED + index) as u32);
            let author = author_of(actor, kind);
            let body = draw_body(mark, bytes, kind, random);
            let tag = actor.tag();
            actor.post(Command::Post { room: room.clone(), author, body, tag, reply: true }, node, ledger);
        }
    }

    fn direct(&mut self, number: u64, who: usize, to: usize, bytes: usize) {
        let Stage { node, actors, ledger, random, .. } = &mut self.stage;
        let Some(to) = actors[to].user.clone() else { return };
        if actors[who].user.is_none() {
            return;
        }
        let mark = Mark((number * MARKS_PER_DEED) as u32);
        let body = draw_body(mark, bytes, BodyKind::Text, random);
        let tag = actors[who].tag();
        actors[who].post(Command::Direct { to, body, tag }, node, ledger);
    }

    fn intrude(&mut self, shard: usize, bytes: &[u8]) {
        let Stage { node, intruders, random, .. } = &mut self.stage;
        let pipe = node.connect(shard);
        node.send(pipe, bytes);
        match random.below(3) {
            0 => node.hang_up(pipe),
            1 => node.cut(pipe),
            _ => intruders.push(pipe),
        }
    }

    /// Everybody reads again, who vanished is found out, and all is told: the ledger must find that it is true.
    fn gather(&mut self) {
        for pipe in self.stage.intruders.drain(..) {
            self.stage.node.cut(pipe);
        }
        for actor in &mut self.stage.actors {
            actor.set_reading(true, &mut self.stage.ledger);
        }
        if self.terms.has_trouble() {
            self.mend();
        }
        let settings = &self.terms.settings;
        self.stage.wait(3 * settings.ping_interval_ms + settings.close_timeout_ms);
        self.stage.wait(2 * settings.presence_interval_ms);
        self.settle();
        if !self.is_draining {
            self.stage.ledger.check_presence();
        }
    }

    /// Nothing befalls the cluster any more, and what could not be done before is asked for again.
    fn mend(&mut self) {
        self.stage.befall(Fault::Heal);
        self.stage.wait(MENDED_MS);
        if !self.stage.node.is_whole() {
            self.stage.node.note_fault("not all is well although nothing befalls it".into());
        }
        let Stage { node, actors, ledger, .. } = &mut self.stage;
        actors.iter_mut().for_each(|actor| actor.repeat(node, ledger));
    }

    /// Everybody leaves, and the node must forget them.
    fn go_home(&mut self) {
        let Stage { node, actors, ledger, random, .. } = &mut self.stage;
        for actor in actors {
            if random.chance(500) { actor.close(node, ledger) } else { actor.cut(node, ledger) }
        }
        let settings = &self.terms.settings;
        let idle_ms = settings.room_idle_ms.max(settings.inbox_idle_ms).max(settings.recovery_ms);
        self.stage.wait(settings.handshake_timeout_ms + settings.close_timeout_ms);
        self.stage.wait(2 * idle_ms + settings.handshake_timeout_ms);
        let remains = self.stage.node.remains();
        remains.into_iter().for_each(|one| self.stage.node.note_fault(one));
    }
}

/// Whom a message names by itself.
fn author_of(actor: &Actor, kind: BodyKind) -> Option<UserId> {
    match actor.gateway {
        "raw" => UserId::new(&actor.name).ok().filter(|_| kind == BodyKind::Demo),
        "post" => actor.user.clone(),
        // Who goes by no name may claim one.
        "socketio" if actor.user.is_none() => UserId::new(&actor.name).ok(),
        _ => None,
    }
}

/// A message with a mark, as long as it is told to be, with whatever is hard to carry in it.
fn draw_body(mark: Mark, bytes: usize, kind: BodyKind, random: &mut Random) -> Body {
    const HARD: &[&str] = &["a", " ", "\"", "\\", "\n", "é", "🌍", "\u{1}", "</", "\u{2028}"];
    let mut words = mark.words();
    let end = words.len() + bytes;
    while words.len() < end {
        words.push_str(random.pick::<&str>(HARD));
    }
    let json = || format!("{{\"said\":\"{}\",\"n\":[1,2.5,null]}}", mark.words());
    let payload = |kind, bytes: Vec<u8>| Payload { kind, bytes: Bytes::from(bytes) };
    match kind {
        BodyKind::Text | BodyKind::Demo => Body::text(&words),
        BodyKind::Json => Body { payload: payload(PayloadKind::Json, json().into_bytes()), text: Text::None },
        BodyKind::Both => {
            let text = Text::Own(words.into());
            Body { payload: payload(PayloadKind::Json, json().into_bytes()), text }
        }
        BodyKind::Binary => {
            let mut bytes = words.into_bytes();
            bytes.push(0xFF);
            Body { payload: payload(PayloadKind::Binary, bytes), text: Text::None }
        }
    }
}
