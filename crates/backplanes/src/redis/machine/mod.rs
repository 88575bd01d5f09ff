//! What a node makes of a broker, as a pure machine: asks of its shards and replies of the broker in, requests and arrivals out.
//!
//! Knows no sockets, no clock and no Redis. One machine for each broker of a node; a room is one broker's.

#[cfg(test)]
mod chaos;
#[cfg(test)]
mod endings;
mod entry;
#[cfg(test)]
mod leftovers;
mod local;
#[cfg(test)]
mod losses;
mod nodes;
#[cfg(test)]
mod parts;
mod posts;
mod remains;
mod requests;
mod rooms;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::collections::{BTreeSet, VecDeque};

use chat::{ByRoom, Epochs, RoomId};

use self::local::OUTAGE_MS;
use self::nodes::Nodes;
use self::posts::Posts;
use self::requests::{Awaited, Wire};
use self::rooms::Room;
use super::broker::{Channel, Heard, Line, Reply, Request, is_one_life};
use crate::{Arrival, Ask, Health, NodeId, OutageRule, Settings, Tally};

/// How often a machine is told that time passes, in milliseconds.
pub const TICK_MS: u64 = 100;

/// What a machine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A shard asks for something.
    Ask {
        /// The shard.
        shard: u16,
        /// What for.
        ask: Ask,
    },
    /// A line is there. Nothing is listened to on a new listener.
    Up {
        /// Which.
        line: Line,
        /// Which life of the broker it leads to: changes when the broker restarts, or another one takes its place.
        run: Box<str>,
    },
    /// A line is gone: none of the requests made on it is answered any more.
    Cut(Line),
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something was published.
    Heard {
        /// Where.
        channel: Channel,
        /// What.
        what: Heard,
    },
    /// These channels are not listened to any more, and what was published there may have been missed. The listener goes on for all others.
    Unheard(Vec<Channel>),
    /// A part of the broker has begun another life, which may lack the end of what was accepted there; the lines go on.
    Succeeded {
        /// For how long that part had been gone.
        gone_ms: u64,
    },
    /// Time has passed. Told at least every [`TICK_MS`].
    Tick,
    /// The node ends, and has said so to its shards: nothing is asked any more.
    Farewell,
}

/// What a machine wants done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the broker is asked, in order, each with the number its answer will carry.
    pub requests: Vec<(u64, Request)>,
    /// What arrives at which shard.
    pub arrivals: Vec<(u16, Arrival)>,
}

/// What a node makes of a broker.
#[derive(Debug)]
pub struct Machine {
    node: NodeId,
    shards: u16,
    wait_replicas: u32,
    tags_per_room: usize,
    rules: Vec<OutageRule>,
    now_ms: u64,
    epochs: Epochs,
    commands: Wire,
    listener: Wire,
    next_request: u64,
    rooms: ByRoom<Room>,
    /// Channels that could not be listened to.
    unheard: Vec<Channel>,
    /// Rooms that could not be served, and may have to be shut.
    unserved: Vec<RoomId>,
    /// Rooms that are heard and wait for their turn.
    to_attend: VecDeque<RoomId>,
    /// How many attends the broker has not answered.
    attending: usize,
    /// Rooms to look at again, and when.
    doubts: VecDeque<(u64, RoomId)>,
    /// Rooms forsaken that the broker could not be told of.
    leaving: BTreeSet<RoomId>,
    posts: Posts,
    nodes: Nodes,
    /// There has been no broker for a while.
    is_outage: bool,
    tally: Tally,
}

impl Machine {
    /// A machine that has no broker yet.
    pub fn new(settings: &Settings, now_ms: u64) -> Self {
        Self {
            node: settings.node,
            shards: settings.shards.max(1),
            wait_replicas: settings.wait_replicas,
            tags_per_room: settings.tags_per_room,
            rules: settings.outage_rules.clone(),
            now_ms,
            epochs: Epochs::new(settings.epoch_seed),
            commands: Wire::new(now_ms),
            listener: Wire::new(now_ms),
            next_request: 1,
            rooms: ByRoom::default(),
            unheard: Vec::new(),
            unserved: Vec::new(),
            to_attend: VecDeque::new(),
            attending: 0,
            doubts: VecDeque::new(),
            leaving: BTreeSet::new(),
            posts: Posts::default(),
            nodes: Nodes::default(),
            is_outage: false,
            tally: Tally::default(),
        }
    }

    /// Takes an input in; what comes of it is appended to `out`.
    pub fn step(&mut self, input: Input, now_ms: u64, out: &mut Outcome) {
        self.now_ms = now_ms;
        match input {
            Input::Ask { shard, ask } => self.ask(shard, ask, out),
            Input::Up { line, run } => self.up(line, run, out),
            Input::Cut(line) => self.cut(line),
            Input::Reply { id, reply } => self.reply(id, reply, out),
            Input::Heard { channel, what } => self.heard(&channel, what, out),
            Input::Unheard(channels) => self.not_heard(channels),
            Input::Succeeded { gone_ms } => self.put_back(now_ms.saturating_sub(gone_ms), out),
            Input::Tick => self.tick(out),
            Input::Farewell => self.take_leave(out),
        }
    }

    /// How it is.
    pub fn health(&self) -> Health {
        let heard = self.nodes.is_heard(self.now_ms);
        let fault = match (self.commands.is_up(), self.listener.is_up(), heard) {
            (false, _, _) if self.now_ms >= self.commands.since_ms + OUTAGE_MS || !heard => {
                "the broker cannot be reached"
            }
            (_, false, false) => "the broker cannot be listened to",
            (_, true, false) => "what is said to the broker is not heard from it",
            _ => "",
        };
        let fault = (!fault.is_empty()).then(|| fault.to_owned());
        let others = self.nodes.others(self.node);
        Health { fault, nodes: self.nodes.count() as u32, others, tally: self.tally }
    }

    /// Whether a line is there.
    pub fn is_up(&self, line: Line) -> bool {
        match line {
            Line::Listener => self.listener.is_up(),
            Line::Commands => self.commands.is_up(),
        }
    }

    /// Whether there is nothing more to do for a node that ends: nothing is left of it, or the broker cannot be told.
    pub fn has_left(&self) -> bool {
        self.nodes.has_left() || !self.commands.is_up()
    }

    /// Whether there has been no broker for so long that nobody is kept waiting for it.
    pub fn is_outage(&self) -> bool {
        self.is_outage
    }

    fn ask(&mut self, shard: u16, ask: Ask, out: &mut Outcome) {
        match ask {
            Ask::Attend(room) => self.attend(shard, room, out),
            Ask::Forsake(room) => self.forsake(room, out),
            Ask::Order(order) => self.order(shard, order, out),
            Ask::Tell { room, signal } => {
                let (channel, bytes) = (Channel::Room(room), entry::write_signal(&signal));
                self.request(Request::Publish { channel, bytes }, None, out);
            }
            Ask::Here { room, here } => self.note_here(room, here, out),
            Ask::Send { to, bytes } => {
                self.request(Request::Publish { channel: Channel::Node(to), bytes }, None, out);
            }
            Ask::SendAll { bytes } => {
                for to in self.nodes.others(self.node) {
                    let channel = Channel::Node(to);
                    self.request(Request::Publish { channel, bytes: bytes.clone() }, None, out);
                }
            }
            // The broker knows better how rooms stand. Nodes bid nothing, and are no servers of another make.
            Ask::Remember(_) | Ask::Proclaim { .. } | Ask::Reply { .. } => {}
        }
    }

    fn up(&mut self, line: Line, run: Box<str>, out: &mut Outcome) {
        self.cut(line);
        self.tally.connects += 1;
        let (now_ms, cut_ms) = (self.now_ms, self.wire(line).since_ms);
        self.wire(line).up(run, now_ms);
        self.nodes.restart(self.commands.run.as_deref(), now_ms);
        match line {
            Line::Listener => {
                let own = vec![Channel::Node(self.node)];
                self.request(Request::Listen(own.clone()), Some(Awaited::Listen(own)), out);
                self.listen_to_all(out);
            }
            Line::Commands => {
                self.is_outage = false;
                self.posts.note_run(self.commands.run.as_deref(), cut_ms);
                self.renew_and_probe(out);
                self.ask_for_own(out);
                let leaving = std::mem::take(&mut self.leaving);
                leaving.into_iter().for_each(|room| self.leave(room, self.node, out));
                self.post_again(out);
                self.end_local(out);
                self.attend_more(out);
                self.say_all_due(out);
            }
        }
        let older = match line {
            Line::Commands => Line::Listener,
            Line::Listener => Line::Commands,
        };
        if self.leads_elsewhere(older, line) {
            self.redial(older, out);
        }
    }

    /// Whether a line leads to another life of the broker than the newer one.
    fn leads_elsewhere(&mut self, older: Line, newer: Line) -> bool {
        let [older, newer] = [older, newer].map(|line| self.wire(line).run.clone());
        older.zip(newer).is_some_and(|(older, newer)| !is_one_life(&older, &newer))
    }

    fn cut(&mut self, line: Line) {
        let now_ms = self.now_ms;
        let unanswered = self.wire(line).cut(now_ms);
        match line {
            Line::Listener => self.deafen(),
            Line::Commands => {
                self.attending = 0;
                unanswered.into_iter().for_each(|(id, awaited)| self.unanswered(id, awaited));
            }
        }
    }

    /// The broker may have done it or not.
    fn unanswered(&mut self, id: u64, awaited: Awaited) {
        match awaited {
            Awaited::Attend(room) => self.not_attended(id, room),
            Awaited::Here(room) => self.not_told(room),
            Awaited::Forsake(room, node) if node == self.node && !self.rooms.contains(&room) => {
                self.leaving.insert(room);
            }
            Awaited::Forsake(_, node) => self.not_buried(node),
            // Posts are asked for again when there is a line again, leases are renewed, and dead nodes are found once more.
            _ => {}
        }
    }

    fn reply(&mut self, id: u64, reply: Reply, out: &mut Outcome) {
        let now_ms = self.now_ms;
        let of_commands = self.commands.answered(id, now_ms);
        let Some(awaited) = of_commands.or_else(|| self.listener.answered(id, now_ms)) else { return };
        if matches!(awaited, Awaited::Attend(_)) {
            self.attending -= 1;
        }
        match (awaited, reply) {
            (Awaited::Post(number), Reply::Unanswered) => self.post_later(number),
            (Awaited::Post(number), reply) => self.answer(number, reply, out),
            (Awaited::Attend(room), Reply::Attended(attended)) => self.attended(id, room, attended, out),
            (Awaited::Listen(channels), Reply::Done) => self.listened(id, channels, out),
            (Awaited::Listen(channels), Reply::Unheard(unheard)) => {
                self.not_heard(unheard);
                self.listened(id, channels, out);
            }
            (Awaited::Forsake(room, node), reply) if node == self.node && self.nodes.is_ending() => {
                self.left(room, reply == Reply::Done, out);
            }
            (Awaited::Bury(node), Reply::Failed | Reply::Unanswered) if node == self.node => {
                self.not_ended(&Awaited::Bury(node));
            }
            (Awaited::Resign, Reply::Failed | Reply::Unanswered) => self.not_ended(&Awaited::Resign),
            (Awaited::Renew(asked_ms), Reply::Alive { nodes, dead, lapsed }) => {
                let lapsed = self.nodes.note_renewed(asked_ms, now_ms) || lapsed;
                self.alive(nodes, dead, lapsed, out);
            }
            (Awaited::Rooms(node), Reply::Rooms(rooms)) => self.clean_rooms(node, rooms, out),
            (Awaited::Own, Reply::Rooms(rooms)) => self.compare_own(rooms, out),
            (Awaited::Bury(node), Reply::Done) => self.buried(node),
            (Awaited::Rooms(node) | Awaited::Bury(node), _) => self.not_buried(node),
            (Awaited::Listen(_), _) => self.redial(Line::Listener, out),
            (awaited, Reply::Failed | Reply::Unanswered) => return self.unanswered(id, awaited),
            _ => {}
        }
        self.attend_more(out);
    }

    fn heard(&mut self, channel: &Channel, what: Heard, out: &mut Outcome) {
        match (channel, what) {
            (Channel::Room(room), Heard::Posted { at, entry }) => self.posted(room, at, entry, out),
            (Channel::Room(room), Heard::Here { node, here }) => self.told_here(room, node, here, out),
            (Channel::Room(room), Heard::Said { from, bytes }) if from != self.node => {
                self.told_sign(room, &bytes, out);
            }
            (Channel::Node(node), Heard::Said { from, bytes }) if *node == self.node => {
                self.said(from, bytes, out)
            }
            _ => {}
        }
    }

    fn tick(&mut self, out: &mut Outcome) {
        for line in [Line::Commands, Line::Listener] {
            let now_ms = self.now_ms;
            if self.wire(line).is_silent(now_ms) {
                self.redial(line, out);
            }
        }
        if !self.commands.is_up() && !self.is_outage && self.now_ms >= self.commands.since_ms + OUTAGE_MS {
            self.begin_outage(out);
        }
        self.give_up_posts(out);
        self.post_owed_again(out);
        self.try_again(out);
        self.settle_doubts(out);
        self.attend_more(out);
        self.check_hearing(out);
        self.renew_and_probe(out);
    }

    /// Asks once more for what could not be done when it was asked for, and shuts rooms that have waited too long.
    fn try_again(&mut self, out: &mut Outcome) {
        self.shut_unserved(out);
        if self.listener.is_up() {
            self.listen_again(out);
        }
        if self.commands.is_up() {
            self.post_unanswered(out);
            self.leave_again(out);
            self.end(out);
        }
    }

    /// Lets a line go that is of no use. What was asked on it is not answered any more.
    fn redial(&mut self, line: Line, out: &mut Outcome) {
        out.requests.push((self.next_request, Request::Redial(line)));
        self.next_request += 1;
        self.cut(line);
    }

    /// Asks for something on its line. On one that is cut nothing is asked.
    fn request(&mut self, request: Request, awaited: Option<Awaited>, out: &mut Outcome) {
        let now_ms = self.now_ms;
        let id = self.next_request;
        let line = request.line();
        let wire = self.wire(line);
        if !wire.is_up() {
            return;
        }
        if let Some(awaited) = awaited {
            wire.expect(id, awaited, now_ms);
        }
        self.next_request += 1;
        out.requests.push((id, request));
    }

    fn wire(&mut self, line: Line) -> &mut Wire {
        match line {
            Line::Listener => &mut self.listener,
            Line::Commands => &mut self.commands,
        }
    }
}
