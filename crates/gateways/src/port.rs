//! The port for client protocols: what a shard asks of a gateway and of the protocol machine of one session.
//!
//! Everything here is pure: bytes in, commands out; events in, bytes out. `Gateway` and `Protocol` are not `Send`: they live
//! and die on their shard, and may share codec state between them through `Rc`.

use core::net::IpAddr;

use chat::{Answers, Command, Content, Event, Farewell, Position, Refusal, RoomId};
use wire::http::Head;

use crate::{SessionName, Settings};

/// How a gateway is opened: the same for every folder of this crate.
pub type Open = fn(&Settings) -> Box<dyn Gateway>;

/// A wire format of one gateway. Sessions of equal form are sent the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The gateway's index in [`crate::GATEWAYS`].
    pub gateway: u8,
    /// Which of the gateway's formats; the gateway alone knows what it means.
    pub variant: Variant,
    /// Whether users are named who come and go, and not only counted.
    pub names_users: bool,
}

/// A request that arrived on a stream of no session.
pub struct Call<'a, 'h> {
    /// Its head.
    pub head: &'a Head<'h>,
    /// Where its client is, as far as proxies tell that are trusted.
    pub address: IpAddr,
    /// Whether it has come under TLS, here or to a proxy that is trusted.
    pub is_secure: bool,
    /// How the session is called that it may open.
    pub name: &'a dyn Fn() -> SessionName,
}

/// Opens sessions of one client protocol.
pub trait Gateway {
    /// Looks at a request. Writes the answer's first bytes and first commands to `out`.
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission;

    /// Answers a request that was to be attached to a session which is not there, or not any more.
    fn refuse(&mut self, head: &Head<'_>, out: &mut Outbox) {
        let _ = (head, out);
        unreachable!("a gateway that attaches streams answers for sessions that are gone");
    }

    /// The node goes away, though it works as ever for a while: whoever asks whether it is well is told.
    fn retire(&mut self) {}

    /// Appends the event in one of this gateway's formats, once for all sessions of that form; appends nothing when the
    /// form does not tell of such events. What it appends is one frame: a session is sent all of it or nothing.
    fn encode(&mut self, variant: Variant, event: &Event, out: &mut Vec<u8>);

    /// A session that goes on where another node has packed it ([`Protocol::pack`]); `None`: it cannot here.
    fn unpack(&mut self, packed: &[u8]) -> Option<Box<dyn Protocol>> {
        let _ = packed;
        None
    }

    /// Hands the application an event that a server beside this node has for it. `None`: nobody answers.
    fn serve(&mut self, namespace: &str, event: &str, content: &Content) -> Option<String> {
        let _ = (namespace, event, content);
        None
    }
}

/// What becomes of a request.
pub enum Admission {
    /// It is for another gateway.
    NotMine,
    /// It opens a session, and its stream is the main one.
    Open(Box<dyn Protocol>),
    /// It is for a session that is there already. Nothing was written.
    Attach(SessionName),
    /// It was answered; `out.then` says what becomes of the stream.
    Answered,
}

/// The pure machine of one session. An idle one owns no buffer.
pub trait Protocol {
    /// Takes bytes from the front of `input` and says how many. What it leaves comes again in front of the next bytes, so it leaves
    /// only what it cannot judge yet, and that is bounded. May be called with bytes that it has seen before.
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation>;

    /// Tells this session alone. May ask for more, now that it is told.
    fn deliver(&mut self, event: &Event, out: &mut Outbox);

    /// The format in which the session takes what is told to a room; `None` while it takes nothing.
    fn form(&self) -> Option<Variant>;

    /// Whether an answer is still to come that needs nothing more from the client, so that it may have closed its half.
    fn owes_answer(&self) -> bool {
        false
    }

    /// Writes a sign of life. Says whether the client must answer it, so that its silence is death.
    fn ping(&mut self, out: &mut Outbox) -> bool;

    /// Whether the client says by itself, at least once in a ping interval, that it is there, so that its silence for so long and the time
    /// to answer is death.
    fn beats(&self) -> bool {
        false
    }

    /// Whether whatever the client says is said to it as well, so that both have heard of the other.
    fn echoes(&self) -> bool {
        false
    }

    /// The time has come that was asked for with `out.wakes`.
    fn wake(&mut self, what_for: u32, out: &mut Outbox) {
        let _ = (what_for, out);
    }

    /// The session is over, whatever ended it, and still in its rooms: what it asks of chat is done. What it writes is sent to nobody.
    fn end(&mut self, out: &mut Outbox) {
        let _ = out;
    }

    /// Writes the protocol's close form and sets `out.then`.
    fn part(&mut self, farewell: Farewell, out: &mut Outbox);

    /// What the session is called in public in a namespace that it is in, in protocols that know of namespaces.
    fn alias(&self, namespace: &str) -> Option<String> {
        let _ = namespace;
        None
    }

    /// Makes the session leave a namespace. It stays away.
    fn dismiss(&mut self, namespace: &str, out: &mut Outbox) {
        let _ = (namespace, out);
    }

    /// Which of the session's strands a room is part of, in protocols that have several or say that one begins.
    fn strand_of(&self, room: &RoomId) -> Strand {
        let _ = room;
        0
    }

    /// The answer to [`Recovery::Resume`]. When the strand goes on, what the client has missed follows, and the session is in all the
    /// rooms that it was in, under the name that it had.
    fn recovered(&mut self, strand: Strand, goes_on: bool, out: &mut Outbox) {
        let _ = (strand, goes_on, out);
        unreachable!("a protocol that wants to go on is told whether it does");
    }

    /// All nodes have answered what was asked of them under this number.
    fn answered(&mut self, number: u32, answers: &Answers, out: &mut Outbox) {
        let _ = (number, answers, out);
        unreachable!("a protocol that asks is answered");
    }

    /// What another node has to know so that the session can go on there, on its main stream, at a moment in which nothing is on its way in either
    /// direction. `None`: it cannot, or not now.
    fn pack(&self) -> Option<Vec<u8>> {
        None
    }

    /// The part of the machine that knows of further streams, in protocols that have such.
    fn spread(&mut self) -> Option<&mut dyn Spread> {
        None
    }
}

/// What a protocol does whose session spreads over several streams: requests that come and go, and a main stream from the beginning, later
/// or never. Without a main stream, what is written for it is kept by the caller, in the session's form, until [`Spread::relay`].
pub trait Spread {
    /// A further stream asks to be part of the session. Says as what; `None`: the request was answered instead.
    fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane>;

    /// As [`Protocol::receive`], on a further stream: `out.bytes` and `out.then` are about this one.
    fn receive(&mut self, lane: Lane, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation>;

    /// A stream is gone. `out.bytes` is for the main one.
    fn detach(&mut self, lane: Lane, out: &mut Outbox);

    /// Whether the session goes on while it has no main stream.
    fn lingers(&self) -> bool;

    /// Whether a stream waits to carry what is kept.
    fn awaits(&self) -> bool;

    /// Takes what was kept and what rooms have told since, in the session's form, and writes it to the stream that waits or to the new main
    /// one. Called when [`Spread::awaits`], and once after `out.lead`.
    fn relay(&mut self, told: &[u8], out: &mut Outbox);
}

/// Which of its session's streams a stream is. The protocol gives them out, each to one stream at a time.
pub type Lane = u8;

/// The lane of the main stream.
pub const MAIN: Lane = 0;

/// There are so many lanes.
pub const LANES: usize = 4;

/// One of a gateway's formats; with the gateway's index it is a [`Form`].
pub type Variant = u16;

/// One of the strands that a session carries, each with rooms of its own.
pub type Strand = u8;

/// What a protocol says about a strand, so that it can go on where it was cut off.
#[derive(Clone, Copy, Debug)]
pub enum Recovery {
    /// It begins: what it is sent from here on is remembered.
    Begin(Strand),
    /// It is to go on where it was cut off. [`Protocol::recovered`] says whether it does, perhaps later; until then it is not told anything.
    Resume {
        /// Which.
        strand: Strand,
        /// The session in which it began.
        of: SessionName,
        /// The last message that the client has seen in it; `None`: it has seen none.
        seen: Option<Position>,
    },
    /// It is over, and nothing is remembered.
    End(Strand),
}

/// What a protocol machine gives back: bytes for its client, commands for chat, and what becomes of the stream. The caller owns it and
/// uses it again.
#[derive(Default)]
pub struct Outbox {
    /// To be sent to the client, before anything told to its rooms.
    pub bytes: Vec<u8>,
    /// To be sent behind `bytes` to the main stream, or with what is kept to a stream that waits, if that takes more now. Otherwise dropped.
    pub passing: Vec<u8>,
    /// To be done, in order.
    pub commands: Vec<Command>,
    /// What the protocol refused by itself, and told its client; to be counted.
    pub refusals: Vec<Refusal>,
    /// What becomes of the stream.
    pub then: Then,
    /// For other streams of the session than the one that the call was about.
    pub aside: Vec<Aside>,
    /// The stream in this lane is the main one from here on; there was none.
    pub lead: Option<Lane>,
    /// The session takes what is told to rooms in another form from here on. Not needed beside `lead`.
    pub reforms: bool,
    /// What is to be remembered of the session's strands, and which are to go on.
    pub recovery: Vec<Recovery>,
    /// The session is over, whatever streams it has.
    pub is_over: bool,
    /// When [`Protocol::wake`] is to be called.
    pub wakes: Vec<Wake>,
}

/// The wish to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// After so many milliseconds.
    pub after_ms: u32,
    /// What the protocol is then reminded of.
    pub what_for: u32,
}

/// What a further stream is sent, and what becomes of it.
pub struct Aside {
    /// Which one.
    pub lane: Lane,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What becomes of it.
    pub then: Then,
}

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    #[default]
    Stay,
    /// The stream leaves the session and takes the next request (HTTP keep-alive, RFC 9112 §9.3). A session that does not linger is over.
    NextRequest,
    /// All bytes are sent, then the stream is closed. A session that does not linger is over.
    Close,
}

/// The client broke its protocol: it is parted with and nobody else is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What the client is told.
    pub farewell: Farewell,
    /// What exactly was wrong; a fixed text, for counting and logging.
    pub detail: &'static str,
}
