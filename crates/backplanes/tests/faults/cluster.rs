//! Nodes that attend to one room, and the ledger of what each was shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use backplanes::{
    Arrival, Ask, BACKPLANES, Backplane, Link, NodeId, Opened, Order, OutagePolicy, OutageRule, Settings,
    Wake,
};
use chat::{Body, Counts, Epoch, Here, Message, Position, RoomId, RoomName, Tag, Time, UserId};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what nobody is woken for.
const LOOK: Duration = Duration::from_millis(10);

/// What a run must hold to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rules {
    /// Everything accepted was shown to all.
    NothingIsLost,
    /// Where something was lost, that was told, and everything accepted was shown to all in the end.
    LossesAreMended,
}

pub(crate) struct Cluster {
    nodes: Vec<Node>,
    room: RoomId,
    woken: Receiver<()>,
    said: Vec<Said>,
    /// What stands at each position, whoever was shown it.
    places: HashMap<(u64, u64), String>,
}

struct Said {
    text: String,
    answer: Option<Option<Position>>,
}

struct Node {
    end: Box<dyn Backplane>,
    link: Box<dyn Link>,
    at: Option<Position>,
    shown: HashSet<String>,
    losses: usize,
    others_opened: usize,
    /// Who is in the room on the other nodes.
    elsewhere: HashMap<NodeId, u32>,
    /// How often it was told that nobody is on another node any more.
    departures: usize,
}

/// What is tried with what.
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    pub(crate) urls: Vec<String>,
    /// The room of the ledger.
    pub(crate) room: String,
    pub(crate) policy: OutagePolicy,
    pub(crate) wait_replicas: u32,
    pub(crate) prefix: String,
    /// Whom brokers over TLS are trusted by.
    pub(crate) ca: Vec<u8>,
}

impl Plan {
    /// Two nodes in the lobby.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            nodes: 2,
            urls: vec![url.to_owned()],
            room: "lobby".to_owned(),
            policy: OutagePolicy::Refuse,
            wait_replicas: 0,
            prefix: String::new(),
            ca: Vec::new(),
        }
    }
}

impl Plan {
    fn settings(&self, node: u32) -> Settings {
        Settings {
            node: NodeId(node),
            shards: 1,
            epoch_seed: u64::from(node) << 32,
            tags_per_room: 10_000,
            history_messages: 10_000,
            room_idle_ms: 60_000,
            inbox_idle_ms: 60_000,
            urls: self.urls.clone(),
            ca: self.ca.clone(),
            prefix: self.prefix.clone(),
            wait_replicas: self.wait_replicas,
            outage_rules: vec![OutageRule { rooms: "*".to_owned(), policy: self.policy }],
        }
    }
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

impl Cluster {
    pub(crate) fn new(nodes: u32, url: &str) -> Self {
        Self::of(Plan { nodes, ..Plan::new(url) })
    }

    pub(crate) fn of(plan: Plan) -> Self {
        let mut cluster = Self::start(plan);
        cluster.until(|cluster| cluster.nodes.iter().all(|node| node.link.health().fault.is_none()));
        let room = cluster.room.clone();
        for node in &mut cluster.nodes {
            node.end.ask(Ask::Attend(room.clone()), &mut Vec::new());
        }
        cluster.until(|cluster| cluster.nodes.iter().all(|node| node.at.is_some()));
        cluster
    }

    /// Why nodes do not even start.
    pub(crate) fn refusal(plan: &Plan) -> Option<String> {
        let (_, open) = BACKPLANES.iter().find(|(name, _)| *name == "redis").expect("it is in the list");
        open(&plan.settings(1), vec![Arc::new(|| {})]).err().map(|error| error.0)
    }

    /// Nodes that have not reached anything yet.
    pub(crate) fn start(plan: Plan) -> Self {
        let (wake, woken) = channel();
        let (_, open) = BACKPLANES.iter().find(|(name, _)| *name == "redis").expect("it is in the list");
        let start = |number: u32| {
            let wake = wake.clone();
            let wake: Wake = Arc::new(move || {
                let _ = wake.send(());
            });
            let mut link =
                open(&plan.settings(number), vec![wake]).unwrap_or_else(|error| panic!("{}", error.0));
            let end = link.end(0)();
            Node {
                end,
                link,
                at: None,
                shown: HashSet::new(),
                losses: 0,
                others_opened: 0,
                elsewhere: HashMap::new(),
                departures: 0,
            }
        };
        let nodes = (1..=plan.nodes).map(start).collect();
        Self { nodes, room: room(&plan.room), woken, said: Vec::new(), places: HashMap::new() }
    }

    /// A node asks for something that is not noted in the ledger.
    pub(crate) fn ask(&mut self, node: usize, ask: Ask) {
        self.nodes[node].end.ask(ask, &mut Vec::new());
    }

    /// Which life the room is in, as the first node knows it.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.nodes[0].at.map(|at| at.epoch)
    }

    /// How many connections each node has made.
    pub(crate) fn connects(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.link.health().tally.connects).collect()
    }

    /// How many others there are in the room, as a node was told.
    pub(crate) fn elsewhere(&self, node: usize) -> u32 {
        self.nodes[node].elsewhere.values().sum()
    }

    /// How often a node was told that nobody is on another any more.
    pub(crate) fn departures(&self, node: usize) -> usize {
        self.nodes[node].departures
    }

    /// What is wrong with a node's backplane, as it says.
    pub(crate) fn fault(&self, node: usize) -> String {
        self.nodes[node].link.health().fault.unwrap_or_default()
    }

    /// A node says how many are in the room there.
    pub(crate) fn here(&mut self, node: usize, sessions: u32) {
        let counts = Counts { members: sessions, guests: 0 };
        let room = self.room.clone();
        self.ask(node, Ask::Here { room, here: Here { sessions, counts, users: None } });
    }

    /// The last node ends. Returns how long that took.
    pub(crate) fn end_last(&mut self) -> Duration {
        let began = Instant::now();
        drop(self.nodes.pop());
        began.elapsed()
    }

    /// How often a node was told how rooms stand that are not the ledger's.
    pub(crate) fn others_opened(&self, node: usize) -> usize {
        self.nodes[node].others_opened
    }

    /// The nodes say something by turns.
    pub(crate) fn say(&mut self, messages: usize) {
        for _ in 0..messages {
            let text = format!("m{}", self.said.len());
            self.say_so(&text, None);
        }
        self.collect();
    }

    /// The nodes say something by turns, each time after having looked whether anything was answered.
    pub(crate) fn say_slowly(&mut self, messages: usize) {
        for _ in 0..messages {
            self.say(1);
            let _ = self.woken.recv_timeout(LOOK);
        }
    }

    /// A node says something that it, or another, may say again.
    pub(crate) fn say_as(&mut self, text: &str, tag: &str) {
        self.say_so(text, Tag::new(tag));
        self.collect();
    }

    fn say_so(&mut self, text: &str, tag: Option<Tag>) {
        let ticket = self.said.len();
        let order = Order {
            room: self.room.clone(),
            author: UserId::new("alice").ok(),
            body: Body::text(text),
            tag,
            time: Time(1),
            ticket: ticket as u64,
        };
        self.said.push(Said { text: text.to_owned(), answer: None });
        let node = ticket % self.nodes.len();
        let mut arrivals = Vec::new();
        self.nodes[node].end.ask(Ask::Order(order), &mut arrivals);
        arrivals.into_iter().for_each(|arrival| self.note(node, arrival));
    }

    /// Waits until all is answered, and all nodes stand at the same place.
    pub(crate) fn settle(&mut self) {
        self.until(|cluster| {
            cluster.said.iter().all(|said| said.answer.is_some()) && cluster.stands_together()
        });
    }

    /// Waits until all is answered.
    pub(crate) fn settle_answers(&mut self) {
        self.until(|cluster| cluster.said.iter().all(|said| said.answer.is_some()));
    }

    /// Whether all stand behind everything that was accepted, the last in the epoch they stand in.
    fn stands_together(&self) -> bool {
        let Some(at) = self.nodes[0].at else { return false };
        let mut accepted = self.said.iter().rev().filter_map(|said| said.answer.flatten());
        let has_last = accepted.clone().next().is_none_or(|last| last.epoch == at.epoch);
        let has_all = accepted.all(|place| place.epoch != at.epoch || place.offset <= at.offset);
        let is_well = |node: &Node| node.at == Some(at) && node.link.health().fault.is_none();
        has_last && has_all && self.nodes.iter().all(is_well)
    }

    pub(crate) fn until(&mut self, mut is_so: impl FnMut(&Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            self.collect();
            if is_so(self) {
                return;
            }
            assert!(Instant::now() < give_up, "it does not come about: {}", self.account());
            let _ = self.woken.recv_timeout(LOOK);
        }
    }

    fn account(&self) -> String {
        let unanswered = self.said.iter().filter(|said| said.answer.is_none()).count();
        let nodes: Vec<_> = self.nodes.iter().map(|node| (node.at, node.link.health())).collect();
        format!("{unanswered} of {} unanswered, nodes {nodes:?}", self.said.len())
    }

    fn collect(&mut self) {
        for node in 0..self.nodes.len() {
            let mut arrivals = Vec::new();
            while self.nodes[node].end.collect(&mut arrivals) {}
            arrivals.into_iter().for_each(|arrival| self.note(node, arrival));
        }
    }

    fn note(&mut self, node: usize, arrival: Arrival) {
        match arrival {
            Arrival::Posted(message) => self.follow(node, &message),
            Arrival::Ordered { message, ticket } => {
                self.follow(node, &message);
                self.answer(ticket, Some(message.at));
            }
            Arrival::Opened(opened) if opened.room != self.room => self.nodes[node].others_opened += 1,
            Arrival::Opened(opened) => self.open(node, &opened),
            Arrival::Placed { at, ticket } => self.answer(ticket, Some(at)),
            Arrival::Failed { ticket, .. } => self.answer(ticket, None),
            Arrival::Elsewhere { room, node: other, here } if room == self.room => {
                self.nodes[node].departures += usize::from(here.is_none());
                self.nodes[node].elsewhere.insert(other, here.map_or(0, |here| here.sessions));
            }
            Arrival::Shut { .. }
            | Arrival::Told { .. }
            | Arrival::Elsewhere { .. }
            | Arrival::Sent { .. }
            | Arrival::Bidden(_)
            | Arrival::Nodes(_) => {}
        }
    }

    fn answer(&mut self, ticket: u64, answer: Option<Position>) {
        let said = &mut self.said[ticket as usize];
        assert!(said.answer.is_none(), "{} is answered once", said.text);
        said.answer = Some(answer);
    }

    fn follow(&mut self, node: usize, message: &Message) {
        let at = self.nodes[node].at.expect("the room is open");
        assert_eq!(message.at, Position { offset: at.offset + 1, ..at }, "in order, without a gap");
        self.show(node, message);
        self.nodes[node].at = Some(message.at);
    }

    fn open(&mut self, node: usize, opened: &Opened) {
        let of = &mut self.nodes[node];
        let first = opened.head.offset + 1 - opened.tail.len() as u64;
        let stood = match of.at.replace(opened.head) {
            None => return,
            Some(at) => opened.lineage.translate(at, opened.head).filter(|at| at.offset + 1 >= first),
        };
        if stood.is_none() {
            of.losses += 1;
            of.shown.clear();
        }
        let known = stood.map_or(0, |at| at.offset);
        for message in opened.tail.iter().filter(|message| message.at.offset > known) {
            self.show(node, message);
        }
    }

    fn show(&mut self, node: usize, message: &Message) {
        let text = message.body.as_text().expect("a text").to_owned();
        let place = (message.at.epoch.0, message.at.offset);
        let before = self.places.insert(place, text.clone());
        assert!(before.as_ref().is_none_or(|before| *before == text), "a position is given once");
        assert!(self.nodes[node].shown.insert(text.clone()), "{text} is shown once");
    }

    /// How many messages that were accepted a node was not shown.
    fn missed(&self, node: &Node) -> usize {
        let is_missed =
            |said: &&Said| matches!(said.answer, Some(Some(_))) && !node.shown.contains(&said.text);
        self.said.iter().filter(is_missed).count()
    }

    /// Waits until what was lost has been put back.
    pub(crate) fn mend(&mut self) {
        self.until(|cluster| cluster.nodes.iter().all(|node| cluster.missed(node) == 0));
    }

    pub(crate) fn check(&self, rules: Rules) {
        for node in &self.nodes {
            assert_eq!(self.missed(node), 0, "they were not shown");
        }
        let losses = self.told_of_losses();
        assert!(
            rules == Rules::LossesAreMended || losses == 0,
            "{losses} losses were told, and there were none"
        );
    }

    pub(crate) fn told_of_losses(&self) -> usize {
        self.nodes.iter().map(|node| node.losses).sum()
    }

    pub(crate) fn refused(&self) -> usize {
        self.said.iter().filter(|said| said.answer == Some(None)).count()
    }

    pub(crate) fn is_faulty(&self, node: usize) -> bool {
        self.nodes[node].link.health().fault.is_some()
    }
}
