//! What the conductor and its workers say to each other: one JSON object a line, over the worker's standard input
//! and output. Times are on the monotonic clock, which the processes of a machine share.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::latency::Pairs;
use crate::layout::Layout;
use crate::ledger::{Findings, RoomOrder};
use crate::protocols::Seat;
use crate::schedule::Timetable;
use crate::token;

/// What a worker is to do; the first line it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The nodes of the server.
    pub targets: Vec<SocketAddr>,
    /// The protocol's name.
    pub protocol: String,
    /// Whether it is spoken under TLS.
    #[serde(default)]
    pub tls: bool,
    /// Who is who, over all processes.
    pub layout: Layout,
    /// Which of the processes this is.
    pub process: u32,
    /// How many processes there are.
    pub processes: u32,
    /// A room's name is this and its number.
    pub room_prefix: String,
    /// Further rooms that everybody in a room joins as well.
    pub side_rooms: u32,
    /// What every member's token is signed with, where members have some.
    pub jwt_secret: Option<String>,
    /// The length of a payload.
    pub payload_bytes: usize,
    /// Member `m` comes from `127.0.0.(1 + m % sources)`; with one source the kernel chooses.
    pub sources: u32,
    /// Connections a second that this process opens; 0: as fast as the server takes them.
    pub ramp_per_second: f64,
    /// Connections that this process may have half open.
    pub opening_at_once: u32,
}

/// What the conductor tells a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Post by the timetable; what was meant to be sent from `measure_from_ns` on counts in the latencies.
    Publish {
        /// The timetable of all processes.
        timetable: Timetable,
        /// The end of the warm-up.
        measure_from_ns: u64,
    },
    /// This is what every publisher has posted: wait until it is here, for so long at most, then settle.
    Settle {
        /// By publisher.
        posted: Vec<u32>,
        /// How long to wait for what is missing.
        drain_ns: u64,
    },
    /// Close every connection and stop.
    Leave,
}

/// What a worker tells the conductor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Account {
    /// Every member of this process is in its room.
    Opened {
        /// When the first connection was begun.
        first_ns: u64,
        /// When the last member was in.
        last_ns: u64,
        /// Own processor time until then.
        cpu_ns: u64,
    },
    /// Where it stands, several times a second.
    Progress(Progress),
    /// All posts are sent: this process's publishers and how many each has posted.
    Posted(Vec<(u32, u32)>),
    /// The end of a run with posts.
    Settled(Box<Settlement>),
    /// The run cannot go on.
    Failed(String),
}

/// Where a worker stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Members in their rooms.
    pub open: u32,
    /// Posts sent so far.
    pub posts: u64,
    /// Messages received so far.
    pub deliveries: u64,
    /// How often members were told that messages are lost.
    pub gaps: u64,
    /// Connections that ended before they should.
    pub broken: u32,
    /// Why the first of them did.
    pub first_break: Option<String>,
    /// The worker's own processor time so far.
    pub cpu_ns: u64,
    /// Measured latencies since the last account.
    pub latencies: Pairs,
}

/// How a worker's part of a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// The ledger's findings.
    pub findings: Findings,
    /// What the readers of each room saw.
    pub orders: Vec<RoomOrder>,
    /// Measured latencies since the last account of progress.
    pub latencies: Pairs,
    /// Messages received in the measured time.
    pub measured_deliveries: u64,
    /// Posts sent in the measured time.
    pub measured_posts: u64,
    /// Own processor time in the measured time.
    pub measured_cpu_ns: u64,
    /// How late posts were sent, by our own fault.
    pub slips: Pairs,
    /// Connections that ended before they should, and why the first one did.
    pub broken: u32,
    /// Why the first of them ended.
    pub first_break: Option<String>,
    /// How often members were told that messages are lost.
    pub gaps: u64,
}

impl Plan {
    /// What a member's client needs to know.
    pub fn seat(&self, member: u32) -> Seat {
        Seat {
            host: self.target(member).to_string(),
            room: format!("{}{}", self.room_prefix, self.layout.room_of(member)),
            member,
            side_rooms: self.side_rooms,
            token: self
                .jwt_secret
                .as_deref()
                .map(|secret| token::signed(secret, &format!("member-{member}"))),
            publishes: self.layout.publishes(member),
            payload_bytes: self.payload_bytes,
        }
    }

    /// The node that a member connects to.
    pub fn target(&self, member: u32) -> SocketAddr {
        self.targets[self.layout.node_of(member) as usize]
    }

    /// The address a member comes from, where it matters.
    pub fn source(&self, member: u32) -> Option<Ipv4Addr> {
        (self.sources > 1).then(|| Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + member % self.sources))
    }
}
