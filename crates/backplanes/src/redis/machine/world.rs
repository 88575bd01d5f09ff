//! Machines and a broker in memory for tests: nothing happens but what the test lets happen.

use std::collections::{HashSet, VecDeque};

use chat::{Body, RoomId, RoomName, Tag, Time, UserId};

use super::{Input, Machine, Outcome, TICK_MS};
use crate::redis::broker::{Channel, Line, Model, Publication, Reply, Request};
use crate::{Arrival, Ask, NodeId, Order, OutagePolicy, OutageRule, Settings};

pub(super) struct World {
    pub(super) model: Model,
    pub(super) nodes: Vec<Node>,
    pub(super) now_ms: u64,
}

/// A node, and what is on its way between it and the broker.
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) machine: Machine,
    pub(super) requests: VecDeque<(u64, Request)>,
    pub(super) replies: VecDeque<(Line, u64, Reply)>,
    pub(super) publications: VecDeque<Publication>,
    listens_to: HashSet<Channel>,
    pub(super) arrivals: Vec<Arrival>,
    /// The nodes that it was told are alive.
    pub(super) told_alive: Vec<u32>,
    pub(super) is_dead: bool,
}

pub(super) fn settings(node: u32) -> Settings {
    Settings {
        node: NodeId(node),
        shards: 1,
        epoch_seed: u64::from(node) * 1_000,
        tags_per_room: 20,
        history_messages: 50,
        room_idle_ms: 60_000,
        inbox_idle_ms: 60_000,
        urls: Vec::new(),
        ca: Vec::new(),
        prefix: String::new(),
        wait_replicas: 0,
        outage_rules: vec![OutageRule { rooms: "local*".to_owned(), policy: OutagePolicy::Local }],
    }
}

pub(super) fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

pub(super) fn order(room: &RoomId, text: &str, tag: Option<&str>, ticket: u64) -> Order {
    let author = UserId::new("alice").ok();
    Order {
        room: room.clone(),
        author,
        body: Body::text(text),
        tag: tag.and_then(Tag::new),
        time: Time(1),
        ticket,
    }
}

impl World {
    /// Nodes 1, 2 and so on, all connected.
    pub(super) fn new(nodes: u32) -> Self {
        let nodes = (1..=nodes).map(Node::new).collect();
        let mut world = Self { model: Model::new("run1", &settings(0)), nodes, now_ms: 1_000 };
        for node in 0..world.nodes.len() {
            world.connect(node);
        }
        world.settle();
        world
    }

    pub(super) fn connect(&mut self, node: usize) {
        self.up(node, Line::Commands);
        self.up(node, Line::Listener);
    }

    pub(super) fn up(&mut self, node: usize, line: Line) {
        let run = self.model.run.clone().into();
        self.step(node, Input::Up { line, run });
    }

    /// Lets a line go, and with it all that is on its way there.
    pub(super) fn cut(&mut self, node: usize, line: Line) {
        let of = &mut self.nodes[node];
        of.requests.retain(|(_, request)| request.line() != line);
        of.replies.retain(|(of, ..)| *of != line);
        if line == Line::Listener {
            of.publications.clear();
            of.listens_to.clear();
        }
        self.step(node, Input::Cut(line));
    }

    pub(super) fn step(&mut self, node: usize, input: Input) {
        let mut out = Outcome::default();
        let of = &mut self.nodes[node];
        of.machine.step(input, self.now_ms, &mut out);
        of.requests.extend(out.requests);
        for (_, arrival) in out.arrivals {
            match arrival {
                Arrival::Nodes(nodes) => of.told_alive = nodes.iter().map(|node| node.0).collect(),
                arrival => of.arrivals.push(arrival),
            }
        }
    }

    pub(super) fn ask(&mut self, node: usize, ask: Ask) {
        self.step(node, Input::Ask { shard: 0, ask });
    }

    /// The broker carries out a node's next request. Says whether there was one.
    pub(super) fn carry_out(&mut self, node: usize) -> bool {
        let now_ms = self.now_ms;
        let of = &mut self.nodes[node];
        let Some((id, request)) = of.requests.pop_front() else { return false };
        let mut published = Vec::new();
        match request {
            Request::Listen(channels) => {
                of.listens_to.extend(channels);
                of.replies.push_back((Line::Listener, id, Reply::Done));
            }
            Request::Unlisten(channels) => channels.iter().for_each(|channel| {
                of.listens_to.remove(channel);
            }),
            Request::Redial(line) => {
                self.cut(node, line);
                self.up(node, line);
            }
            request => {
                let reply = self.model.carry_out(of.id, request, now_ms, &mut published);
                of.replies.extend(reply.map(|reply| (Line::Commands, id, reply)));
            }
        }
        for (channel, heard) in published {
            for node in self.nodes.iter_mut().filter(|node| node.listens_to.contains(&channel)) {
                node.publications.push_back((channel.clone(), heard.clone()));
            }
        }
        true
    }

    /// A part of the broker is away: a node's next request is not answered, whether it is carried out or not.
    pub(super) fn leave_unanswered(&mut self, node: usize, is_done: bool) {
        let of = &mut self.nodes[node];
        let Some((id, request)) = of.requests.front().cloned() else { return };
        match request {
            Request::Listen(channels) => {
                of.requests.pop_front();
                of.replies.push_back((Line::Listener, id, Reply::Unheard(channels)));
            }
            Request::Unlisten(_) | Request::Redial(_) | Request::Publish { .. } => {}
            _ if is_done => {
                self.carry_out(node);
                self.nodes[node].replies.back_mut().expect("it is answered").2 = Reply::Unanswered;
            }
            _ => {
                of.requests.pop_front();
                of.replies.push_back((Line::Commands, id, Reply::Unanswered));
            }
        }
    }

    /// A part of the broker is away: what is published in a room there is not heard any more.
    pub(super) fn unhear(&mut self, node: usize, room: RoomId) {
        let channel = Channel::Room(room);
        let of = &mut self.nodes[node];
        if of.listens_to.remove(&channel) {
            of.publications.retain(|(where_to, _)| *where_to != channel);
            self.step(node, Input::Unheard(vec![channel]));
        }
    }

    pub(super) fn answer(&mut self, node: usize) -> bool {
        let Some((_, id, reply)) = self.nodes[node].replies.pop_front() else { return false };
        self.step(node, Input::Reply { id, reply });
        true
    }

    pub(super) fn hear(&mut self, node: usize) -> bool {
        let Some((channel, what)) = self.nodes[node].publications.pop_front() else { return false };
        self.step(node, Input::Heard { channel, what });
        true
    }

    /// Lets everything happen that is on its way.
    pub(super) fn settle(&mut self) {
        let alive = |world: &Self| {
            (0..world.nodes.len()).filter(|node| !world.nodes[*node].is_dead).collect::<Vec<_>>()
        };
        while alive(self).into_iter().any(|node| self.carry_out(node) || self.answer(node) || self.hear(node))
        {
        }
    }

    /// Lets time pass, and everything happen meanwhile.
    pub(super) fn pass(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(TICK_MS) {
            self.now_ms += TICK_MS;
            for node in 0..self.nodes.len() {
                if !self.nodes[node].is_dead {
                    self.step(node, Input::Tick);
                }
            }
            self.settle();
        }
    }

    /// What has arrived at a node since it was asked last, a line each.
    pub(super) fn arrived(&mut self, node: usize) -> Vec<String> {
        self.nodes[node].arrivals.drain(..).map(|arrival| line(&arrival)).collect()
    }
}

impl Node {
    fn new(id: u32) -> Self {
        Self {
            id: NodeId(id),
            machine: Machine::new(&settings(id), 1_000),
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            publications: VecDeque::new(),
            listens_to: HashSet::new(),
            arrivals: Vec::new(),
            told_alive: Vec::new(),
            is_dead: false,
        }
    }
}

/// An arrival for people, without the epochs, which are different numbers for each room.
fn line(arrival: &Arrival) -> String {
    match arrival {
        Arrival::Opened(opened) => {
            let tail: Vec<_> =
                opened.tail.iter().map(|message| message.body.as_text().unwrap_or("?")).collect();
            let former: Vec<_> = opened.lineage.former.iter().map(|(_, last)| last.to_string()).collect();
            format!(
                "opened {} at {} former [{}] tail [{}]",
                opened.room.name(),
                opened.head.offset,
                former.join(" "),
                tail.join(" ")
            )
        }
        Arrival::Shut { room, refusal } => format!("shut {} {}", room.name(), refusal.code()),
        Arrival::Ordered { message, ticket } => {
            format!("ordered {} {} ticket {ticket}", message.at.offset, text(message))
        }
        Arrival::Posted(message) => format!("posted {} {}", message.at.offset, text(message)),
        Arrival::Placed { at, ticket } => format!("placed {} ticket {ticket}", at.offset),
        Arrival::Failed { refusal, ticket } => format!("failed {} ticket {ticket}", refusal.code()),
        Arrival::Told { signal, .. } => format!("told {}", signal.signal.as_str()),
        Arrival::Elsewhere { node, here, .. } => {
            format!("elsewhere {} {}", node.0, here.as_ref().map_or(-1, |here| i64::from(here.sessions)))
        }
        Arrival::Sent { from, bytes } => format!("sent by {} {}", from.0, String::from_utf8_lossy(bytes)),
        Arrival::Bidden(bidding) => format!("bidden in {}", bidding.namespace),
        Arrival::Nodes(nodes) => format!("{} nodes", nodes.len()),
    }
}

fn text(message: &chat::Message) -> &str {
    message.body.as_text().unwrap_or("?")
}
