//! The port for backplanes: what a node asks of the world beyond it, and what arrives from there.
//!
//! A node opens one [`Link`], and each of its shards holds a [`Backplane`] of it, its own end. Some backplanes answer at once, some when the
//! broker has answered; homes do not know which.

use std::sync::Arc;

use bytes::Bytes;
use chat::{
    Author, Bidding, Body, Content, Here, Lineage, Message, Position, Refusal, Reply, RoomId, SignalName,
    Tag, Time, UserId,
};

/// One start of a node. Never used again by another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// What a backplane may know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// This start of this node.
    pub node: NodeId,
    /// How many shards the node has.
    pub shards: u16,
    /// Differs for every start of a node, and cannot be guessed: epochs are made from it.
    pub epoch_seed: u64,
    /// How many tags of posts a room remembers, so that a retry is not a second message.
    pub tags_per_room: usize,
    /// How many messages of a room are kept for nodes that come to it, or have missed some.
    pub history_messages: usize,
    /// A public room nobody attends to, anywhere, is forgotten after so many milliseconds.
    pub room_idle_ms: u64,
    /// The inbox of a user who is connected nowhere is forgotten after so many milliseconds.
    pub inbox_idle_ms: u64,
    /// Where the brokers are, in the form their backplane reads.
    pub urls: Vec<String>,
    /// Certificates, in PEM, of the authorities that brokers spoken to over TLS are trusted by; empty: those that the system trusts.
    pub ca: Vec<u8>,
    /// How everything begins that is kept in a broker.
    pub prefix: String,
    /// A message is accepted once so many replicas have it too.
    pub wait_replicas: u32,
    /// What happens in a room while no broker can be reached: the first rule that fits, else [`OutagePolicy::Refuse`].
    pub outage_rules: Vec<OutageRule>,
}

/// What happens in a room while no broker can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutagePolicy {
    /// Posts are refused ([`Refusal::Unavailable`]).
    #[default]
    Refuse,
    /// Members on the same node go on among themselves, in an epoch of their own.
    Local,
}

/// Which rooms a policy holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageRule {
    /// A room name, or the beginning of one followed by `*`.
    pub rooms: String,
    /// The policy.
    pub policy: OutagePolicy,
}

/// How a backplane is opened for a node: the same for every folder of this crate. Each of `wakes` wakes the shard of its place: something has
/// arrived for it.
pub type Open = fn(&Settings, Vec<Wake>) -> Result<Box<dyn Link>, OpenError>;

/// Wakes a shard.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Makes a shard's end where the shard will live.
pub type End = Box<dyn FnOnce() -> Box<dyn Backplane> + Send>;

/// Why a backplane could not be opened, for a person: which key, its value, and what was expected.
#[derive(Debug)]
pub struct OpenError(pub String);

/// A node's link to its backplane. Letting it fall ends it.
pub trait Link: Send {
    /// The end of a shard. Asked for once a shard.
    fn end(&mut self, shard: u16) -> End;

    /// How it is.
    fn health(&self) -> Health;
}

/// How it is with a node's backplane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it does not carry what it should, for a person; `None`: it does.
    pub fault: Option<String>,
    /// Nodes that are alive, this one included.
    pub nodes: u32,
    /// The others of them, in order.
    pub others: Vec<NodeId>,
    /// What has happened since the start.
    pub tally: Tally,
}

/// What has happened between a node and its brokers, in numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that were posted.
    pub posts: u64,
    /// Posts asked for again, because the answer was cut off.
    pub retries: u64,
    /// Posts refused because no answer came in time.
    pub given_up: u64,
    /// Times that messages missed were shown in their place.
    pub gaps_refilled: u64,
    /// Times that messages were missed which the broker does not have any more.
    pub gaps_lost: u64,
    /// Messages published that had been shown already.
    pub duplicates: u64,
    /// Connections to the brokers that were made.
    pub connects: u64,
    /// Times that there was no broker for so long that nobody was kept waiting for it.
    pub outages: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.posts += other.posts;
        self.retries += other.retries;
        self.given_up += other.given_up;
        self.gaps_refilled += other.gaps_refilled;
        self.gaps_lost += other.gaps_lost;
        self.duplicates += other.duplicates;
        self.connects += other.connects;
        self.outages += other.outages;
    }
}

/// A shard's end of what puts the messages of a room into one order, and carries what nodes tell each other.
///
/// Contract: an order arrives as [`Arrival::Ordered`], [`Arrival::Placed`] or [`Arrival::Failed`], once. Of a room that is attended to, every
/// message arrives, in ascending offsets without gaps but for those that an [`Arrival::Opened`] jumps over. An offset once given in an epoch is
/// never given again. An order with a tag that the room remembers of the same author is placed where the first one stands, and never becomes a
/// second message. Authors without a name are the same only when they say the same.
pub trait Backplane {
    /// Takes an ask in. What comes of it at once is appended to `arrivals`, the rest is collected later. One that finds no room is answered
    /// (an order: [`Refusal::Overloaded`]) or, when it asks for no answer, let fall; attending and forsaking never are.
    fn ask(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>);

    /// Appends what has arrived since. Says whether there is more than it took.
    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool;

    /// Whether rooms live on in it when this node forsakes them: then posts need no home here, and a home nobody listens at is soon let go.
    fn outlives_homes(&self) -> bool;
}

/// What a shard asks of the backplane.
#[derive(Clone, Debug)]
pub enum Ask {
    /// How a room stood that is about to be attended to, as far as this node has kept it for itself. Where rooms live only as long as their
    /// homes, it goes on from there; elsewhere it is known better.
    Remember(Opened),
    /// There is an audience for a room here now: answered by [`Arrival::Opened`] or [`Arrival::Shut`], and followed by all that is said there.
    Attend(RoomId),
    /// There is none any more.
    Forsake(RoomId),
    /// A message wants its place. Not only in rooms that are attended to.
    Order(Order),
    /// A passing sign, for the audiences of a room on all other nodes.
    Tell {
        /// The room.
        room: RoomId,
        /// The sign.
        signal: Signal,
    },
    /// Who is in a room on this node, of those attended to.
    Here {
        /// The room.
        room: RoomId,
        /// Who.
        here: Here,
    },
    /// Something for another node. It may be lost, but what one shard sends to another comes in the order in which it was sent.
    Send {
        /// The other node.
        to: NodeId,
        /// What. Its first byte is nobody's business here; the next two are the number of the shard that it is for, the higher byte first. It
        /// may be given to any shard of the node, which passes it on, best to that one.
        bytes: Bytes,
    },
    /// Something for all other nodes that are known to be alive, as with [`Ask::Send`].
    SendAll {
        /// What.
        bytes: Bytes,
    },
    /// An event of the application's for the servers of another make that stand beside this node.
    Proclaim {
        /// In which namespace, by its name.
        namespace: Box<str>,
        /// The name of the event.
        event: Box<str>,
        /// What it carries.
        content: Arc<Content>,
    },
    /// The answer to an [`Arrival::Bidden`] with a ticket, from each shard that it has arrived at.
    Reply {
        /// The bidding's ticket.
        ticket: u64,
        /// What is answered.
        reply: Reply,
    },
}

/// A message that wants its place.
#[derive(Clone, Debug)]
pub struct Order {
    /// The room.
    pub room: RoomId,
    /// Who says it.
    pub author: Author,
    /// What is said.
    pub body: Body,
    /// The message's id.
    pub tag: Option<Tag>,
    /// When it was taken in.
    pub time: Time,
    /// Whatever the asker wants to recognise the arrival by.
    pub ticket: u64,
}

/// A passing sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Whose; `None`: a guest's.
    pub user: Option<UserId>,
    /// The sign.
    pub signal: SignalName,
    /// What it carries.
    pub content: Option<Arc<Content>>,
}

/// What arrives from the backplane.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// How a room stands: the answer to [`Ask::Attend`], and again whenever messages could not be followed one by one.
    Opened(Opened),
    /// A room cannot be attended to for now.
    Shut {
        /// The room.
        room: RoomId,
        /// Why.
        refusal: Refusal,
    },
    /// An order is a message now, and the room's next.
    Ordered {
        /// The message.
        message: Arc<Message>,
        /// The order's ticket.
        ticket: u64,
    },
    /// The next message of a room that is attended to.
    Posted(Arc<Message>),
    /// An order is a message, or had been one before. If its room is attended to, it arrives there as everybody's do.
    Placed {
        /// Where it stands.
        at: Position,
        /// The order's ticket.
        ticket: u64,
    },
    /// An order did not become a message.
    Failed {
        /// Why.
        refusal: Refusal,
        /// The order's ticket.
        ticket: u64,
    },
    /// A passing sign from another node.
    Told {
        /// The room.
        room: RoomId,
        /// The sign.
        signal: Signal,
    },
    /// Who is in a room on another node. Told before [`Arrival::Opened`] of all that are known.
    Elsewhere {
        /// The room.
        room: RoomId,
        /// The other node.
        node: NodeId,
        /// Who; `None`: nobody any more.
        here: Option<Here>,
    },
    /// Something from another node.
    Sent {
        /// The other node.
        from: NodeId,
        /// What.
        bytes: Bytes,
    },
    /// A server of another make, beside this node, wants something done.
    Bidden(Arc<Bidding>),
    /// Which nodes are alive, this one included, as far as is known; told to every shard when it has changed.
    Nodes(Arc<[NodeId]>),
}

/// How a room stands.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The room.
    pub room: RoomId,
    /// Its newest message.
    pub head: Position,
    /// Which positions of former epochs mean the same in this one.
    pub lineage: Lineage,
    /// The newest messages up to the head, as many as are kept, ascending and without gaps.
    pub tail: Vec<Arc<Message>>,
}
