//! A pretend cluster: the shards of its nodes, the streams of their clients, and a clock that is moved by hand. Everything arrives at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use access::Access;
use backplanes::NodeId;
use chat::{RoomId, Time};
use shard::{
    Attention, Effects, Holdings, Input, Instruction, Luggage, Mail, Now, Settings, Shard, ShardId, StreamId,
    Tally,
};
use stores::Store;

use crate::broker::{Broker, End, Slow, Thief};

/// A stream as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeId(usize);

/// What is set in every test that does not say otherwise.
pub(crate) fn settings() -> Settings {
    Settings {
        node: NodeId(0),
        shard: ShardId(0),
        shards: 1,
        names_secret: [7; 16],
        gateways: gateways::Settings {
            max_message_bytes: 300_000,
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            tokens: false,
            deflate: false,
            socketio: gateways::SocketIoSettings::default(),
        },
        rules: access::Rules::default(),
        rulings: std::sync::Arc::default(),
        interest: shard::Interest::default(),
        store: stores::Settings { messages_max: 1000, age_max_ms: 86_400_000, bytes_max: 4 << 20 },
        session_queue_bytes: 1 << 20,
        slow_rules: Vec::new(),
        limits: shard::Limits::NONE,
        rooms_per_session: 100,
        room_members_max: 1000,
        small_room_max: 64,
        rooms_max: 1000,
        presence_list_max: 200,
        presence_interval_ms: 1000,
        room_idle_ms: 60_000,
        inbox_idle_ms: 60_000,
        proxies: shard::Proxies::default(),
        pages: shard::Pages::default(),
        head_bytes_max: wire::http::MAX_HEAD_BYTES,
        handshake_timeout_ms: 10_000,
        close_timeout_ms: 5000,
        ping_interval_ms: 25_000,
        ping_timeout_ms: 20_000,
        recovery_ms: 0,
        records_max: 1000,
        tls: shard::Tls::Off,
        lingering_max: 1000,
        tunnels_max: 100,
        attention: Attention::None,
        reconnect_spread_ms: 0,
        drain_wait_ms: 0,
        drain_ms: 10_000,
        drain_sessions_per_second: 0,
    }
}

/// Nodes, numbered from 1.
pub(crate) struct Cluster {
    shards: Vec<Place>,
    streets: Streets,
    broker: Rc<RefCell<Broker>>,
    now_ms: u64,
}

struct Place {
    node: NodeId,
    id: ShardId,
    shard: Shard,
    is_alive: bool,
}

/// What lies between shards and clients.
#[derive(Default)]
struct Streets {
    pipes: Vec<Pipe>,
    inputs: VecDeque<(usize, Given)>,
}

/// What waits for a shard.
enum Given {
    Mail(Mail),
    Handed(PipeId, Luggage),
}

struct Pipe {
    /// The place of its shard.
    at: usize,
    generation: u32,
    written: Vec<u8>,
    /// So much more is taken.
    room: usize,
    is_stalled: bool,
    is_finished: bool,
    is_closed: bool,
}

struct Hands<'a> {
    at: usize,
    /// The place of the node's first shard.
    first: usize,
    streets: &'a mut Streets,
}

impl Cluster {
    /// So many nodes of so many shards each.
    pub(crate) fn new(nodes: u32, shards: u16, set: impl Fn(&mut Settings)) -> Self {
        let mut cluster = Self::of_strangers(nodes, shards, set);
        cluster.tell_alive();
        cluster
    }

    /// The same, none of which knows that there are others.
    pub(crate) fn of_strangers(nodes: u32, shards: u16, set: impl Fn(&mut Settings)) -> Self {
        Self::with_stores(nodes, shards, set, stores::in_memory)
    }

    /// Nor does any know that; each shard has a store of its own.
    pub(crate) fn with_stores(
        nodes: u32,
        shards: u16,
        set: impl Fn(&mut Settings),
        store: impl Fn(&stores::Settings) -> Box<dyn Store>,
    ) -> Self {
        let broker = Rc::new(RefCell::new(Broker::default()));
        let mut places = Vec::new();
        for (node, id) in (1..=nodes).flat_map(|node| (0..shards).map(move |shard| (NodeId(node), shard))) {
            let mut settings = Settings { node, shard: ShardId(id), shards, ..settings() };
            set(&mut settings);
            let end = End { at: (node, id), broker: broker.clone() };
            let store = store(&settings.store);
            let shard = Shard::with_store(settings, Box::new(end), store);
            places.push(Place { node, id: ShardId(id), shard, is_alive: true });
        }
        Self { shards: places, streets: Streets::default(), broker, now_ms: 1000 }
    }

    /// The same with somebody at every shard who decides who clients are.
    pub(crate) fn judged_by(mut self, access: impl Fn() -> Box<dyn Access>) -> Self {
        let judged = |place: Place| Place { shard: place.shard.judged_by(access()), ..place };
        self.shards = self.shards.into_iter().map(judged).collect();
        self
    }

    /// Nodes learn which of them are alive.
    pub(crate) fn tell_alive(&mut self) {
        let shards = self.shards.iter().map(|place| place.id.0 + 1).max().unwrap_or(0);
        let mut alive: Vec<NodeId> =
            self.shards.iter().filter(|place| place.is_alive).map(|place| place.node).collect();
        alive.dedup();
        self.broker.borrow_mut().tell_alive(&alive, shards);
        self.settle();
    }

    /// Sends somebody after what nodes send each other.
    pub(crate) fn let_in(&mut self, thief: Thief) {
        self.broker.borrow_mut().thief = Some(thief);
    }

    /// What one node sends another from here on is under way for long.
    pub(crate) fn slow_down(&mut self, from: u32, to: u32) {
        let slow = Slow { from: NodeId(from), to: NodeId(to), under_way: Vec::new() };
        self.broker.borrow_mut().slow = Some(slow);
    }

    /// It arrives.
    pub(crate) fn let_arrive(&mut self) {
        self.broker.borrow_mut().let_arrive();
        self.settle();
    }

    /// A node that has drained ends, and all others know.
    pub(crate) fn end(&mut self, node: u32) {
        assert!(self.is_drained(node), "it may end");
        self.kill(node);
        self.tell_alive();
    }

    /// Those who ask for a room wait from here on.
    pub(crate) fn hold_up(&mut self, room: &'static str) {
        self.broker.borrow_mut().late = Some((room, Vec::new()));
    }

    /// They do not wait any more.
    pub(crate) fn let_go_on(&mut self) {
        self.broker.borrow_mut().open_late();
        self.settle();
    }

    /// Every room goes on in another epoch, with so many of its messages.
    pub(crate) fn fail_over(&mut self, kept: usize) {
        self.broker.borrow_mut().fail_over(kept);
        self.settle();
    }

    /// Whoever decides about clients has something to say to every shard.
    pub(crate) fn tell_verdicts(&mut self) {
        (0..self.shards.len()).for_each(|at| self.step(at, Input::Arrivals));
        self.settle();
    }

    /// A client comes to the last shard of a node.
    pub(crate) fn connect(&mut self, node: u32) -> PipeId {
        let at =
            self.shards.iter().rposition(|place| place.node == NodeId(node)).expect("there is such a node");
        let pipe = PipeId(self.streets.pipes.len());
        self.streets.pipes.push(Pipe {
            at,
            generation: 1,
            written: Vec::new(),
            room: usize::MAX,
            is_stalled: false,
            is_finished: false,
            is_closed: false,
        });
        self.step(at, Input::Knock(self.streets.id(pipe), [192, 0, 2, 1].into()));
        pipe
    }

    /// A client says something, and everything comes of it.
    pub(crate) fn say(&mut self, pipe: PipeId, bytes: impl AsRef<[u8]>) {
        if !self.streets.pipes[pipe.0].is_closed {
            let (at, id) = (self.streets.pipes[pipe.0].at, self.streets.id(pipe));
            self.step(at, Input::Bytes(id, &mut bytes.as_ref().to_vec()));
        }
        self.settle();
    }

    /// A client hangs up.
    pub(crate) fn hang_up(&mut self, pipe: PipeId) {
        if !self.streets.pipes[pipe.0].is_closed {
            let (at, id) = (self.streets.pipes[pipe.0].at, self.streets.id(pipe));
            self.step(at, Input::HungUp(id));
        }
        self.settle();
    }

    /// What has come for a client since it looked last.
    pub(crate) fn hear(&mut self, pipe: PipeId) -> Vec<u8> {
        std::mem::take(&mut self.streets.pipes[pipe.0].written)
    }

    /// A client reads so much more, and no more than that.
    pub(crate) fn make_room(&mut self, pipe: PipeId, room: usize) {
        let end = &mut self.streets.pipes[pipe.0];
        end.room = room;
        if std::mem::take(&mut end.is_stalled) && !end.is_closed {
            let (at, id) = (end.at, self.streets.id(pipe));
            self.step(at, Input::Writable(id));
        }
        self.settle();
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self, pipe: PipeId) -> bool {
        let end = &self.streets.pipes[pipe.0];
        end.is_finished || end.is_closed
    }

    /// A node is gone from one moment to the next, and no other one knows yet.
    pub(crate) fn kill(&mut self, node: u32) {
        self.shards
            .iter_mut()
            .filter(|place| place.node == NodeId(node))
            .for_each(|place| place.is_alive = false);
    }

    /// A node is told to go away.
    pub(crate) fn drain(&mut self, node: u32) {
        for at in 0..self.shards.len() {
            if self.shards[at].node == NodeId(node) {
                self.step(at, Input::Drain);
            }
        }
        self.settle();
    }

    /// Whether a node that was told to go away may end.
    pub(crate) fn is_drained(&self, node: u32) -> bool {
        self.shards.iter().filter(|place| place.node == NodeId(node)).all(|place| place.shard.is_drained())
    }

    /// Time passes, a second after the other.
    pub(crate) fn pass(&mut self, seconds: u64) {
        (0..seconds).for_each(|_| self.leap(1000));
    }

    /// Time passes at once.
    pub(crate) fn leap(&mut self, ms: u64) {
        self.now_ms += ms;
        for at in 0..self.shards.len() {
            if self.shards[at].shard.next_wake_ms().is_some_and(|due_ms| due_ms <= self.now_ms) {
                self.step(at, Input::Tick);
            }
        }
        self.settle();
    }

    /// An operator wants something of the first shard.
    pub(crate) fn instruct(&mut self, instruction: Instruction) {
        self.step(0, Input::Instruction(1, instruction));
        self.settle();
    }

    /// What the shards of a node hold.
    pub(crate) fn holdings(&self, node: u32) -> Holdings {
        let of_node = self.shards.iter().filter(|place| place.node == NodeId(node));
        of_node.map(|place| place.shard.holdings()).fold(Holdings::default(), |sum, one| Holdings {
            streams: sum.streams + one.streams,
            tunnels: sum.tunnels + one.tunnels,
            sessions: sum.sessions + one.sessions,
            records: sum.records + one.records,
            ..sum
        })
    }

    /// How many sessions a node has told the others of in a room.
    pub(crate) fn told_sessions(&self, room: &RoomId, node: u32) -> Option<u32> {
        self.broker.borrow().sessions(room, NodeId(node))
    }

    /// Bytes that a node keeps for clients that lag.
    pub(crate) fn queued_bytes(&self, node: u32) -> usize {
        let of_node = self.shards.iter().filter(|place| place.node == NodeId(node));
        of_node.map(|place| place.shard.holdings().queued_bytes).sum()
    }

    /// What the shards of a node have counted.
    pub(crate) fn count(&self, node: u32, of: impl Fn(&Tally) -> u64) -> u64 {
        let of_node = self.shards.iter().filter(|place| place.node == NodeId(node));
        of_node.map(|place| of(place.shard.tally())).sum()
    }

    /// Everything that is under way arrives, and what shards keep agrees with itself.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            while let Some((at, given)) = self.streets.inputs.pop_front() {
                is_quiet = false;
                match given {
                    Given::Mail(mail) => self.step(at, Input::Mail(mail)),
                    Given::Handed(pipe, luggage) => {
                        self.step(at, Input::Handed(self.streets.id(pipe), luggage))
                    }
                }
            }
            for at in 0..self.shards.len() {
                let place = &self.shards[at];
                if place.is_alive && self.broker.borrow().has_arrivals((place.node, place.id.0)) {
                    is_quiet = false;
                    self.step(at, Input::Arrivals);
                }
                is_quiet &= !self.flush(at);
            }
            if is_quiet && self.streets.inputs.is_empty() && !self.has_arrivals() {
                return self.audit();
            }
        }
    }

    fn has_arrivals(&self) -> bool {
        let broker = self.broker.borrow();
        self.shards.iter().any(|place| place.is_alive && broker.has_arrivals((place.node, place.id.0)))
    }

    fn audit(&self) {
        for place in self.shards.iter().filter(|place| place.is_alive) {
            place.shard.audit();
        }
    }

    fn step(&mut self, at: usize, input: Input<'_>) {
        let (now, first) = (self.now(), self.first(at));
        let place = &mut self.shards[at];
        if place.is_alive {
            place.shard.step(input, now, &mut Hands { at, first, streets: &mut self.streets });
        }
    }

    fn flush(&mut self, at: usize) -> bool {
        let (now, first) = (self.now(), self.first(at));
        let place = &mut self.shards[at];
        place.is_alive && place.shard.flush(now, &mut Hands { at, first, streets: &mut self.streets })
    }

    /// The place of the first shard of the same node.
    fn first(&self, at: usize) -> usize {
        at - usize::from(self.shards[at].id.0)
    }

    fn now(&self) -> Now {
        Now { monotonic_ms: self.now_ms, wall: Time(1_700_000_000_000 + self.now_ms) }
    }
}

impl Streets {
    fn id(&self, pipe: PipeId) -> StreamId {
        StreamId { slot: pipe.0 as u32, generation: self.pipes[pipe.0].generation }
    }

    /// The pipe of a stream that a shard may still touch.
    fn pipe(&mut self, at: usize, stream: StreamId) -> &mut Pipe {
        let pipe = self.pipes.get_mut(stream.slot as usize).expect("a shard touches streams that are there");
        assert!(
            pipe.at == at && pipe.generation == stream.generation && !pipe.is_closed,
            "a shard touches its own streams"
        );
        pipe
    }
}

impl Effects for Hands<'_> {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize {
        let pipe = self.streets.pipe(self.at, stream);
        assert!(!pipe.is_finished && !pipe.is_stalled, "it takes no more");
        let taken = bytes.len().min(pipe.room);
        pipe.written.extend_from_slice(&bytes[..taken]);
        pipe.room -= taken;
        pipe.is_stalled = taken < bytes.len();
        taken
    }

    fn finish(&mut self, stream: StreamId) {
        self.streets.pipe(self.at, stream).is_finished = true;
    }

    fn close(&mut self, stream: StreamId) {
        self.streets.pipe(self.at, stream).is_closed = true;
    }

    fn mail(&mut self, to: ShardId, mail: Mail) {
        self.streets.inputs.push_back((self.first + usize::from(to.0), Given::Mail(mail)));
    }

    fn hand_over(&mut self, stream: StreamId, to: ShardId, luggage: Luggage) {
        let at = self.first + usize::from(to.0);
        let pipe = self.streets.pipe(self.at, stream);
        (pipe.at, pipe.generation) = (at, pipe.generation + 1);
        self.streets.inputs.push_back((at, Given::Handed(PipeId(stream.slot as usize), luggage)));
    }
}
