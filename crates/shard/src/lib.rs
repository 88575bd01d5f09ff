//! One core's share of the node, as a pure machine: [`Input`]s go in, [`Effects`] come out, and nothing else is touched.
//!
//! A shard owns its streams and sessions, the audiences of the rooms they are in, and it is the *home* of those rooms whose names fall
//! to it: there messages get their order. It knows no sockets, threads or locks, and not which gateways exist.

mod alarms;
mod answers;
mod audience;
mod audit;
mod bequests;
mod biddings;
mod bids;
mod bucket;
mod callers;
mod clock;
mod commands;
mod deadlines;
mod drain;
mod envelopes;
mod errands;
mod extras;
mod fanout;
mod far_ends;
mod fields;
mod flood;
mod frames;
mod headcount;
mod home;
mod ids;
mod journal;
mod lanes;
mod latency;
mod limits;
mod mail;
mod memberships;
mod memory;
mod moderation;
mod moves;
mod names;
mod near_ends;
mod news;
mod notices;
mod office;
mod origins;
mod pace;
mod pages;
mod partings;
mod peers;
mod posting;
mod reclaims;
mod records;
mod recovery;
mod requests;
mod sessions;
mod settings;
mod shard;
mod standing;
mod streams;
mod tally;
mod tempo;
mod traces;
mod travels;
mod tunnels;
mod waiting;
mod wishes;

use core::net::IpAddr;

pub use audit::Burden;
pub use bucket::Rate;
pub use ids::{Now, SessionKey, ShardId, StreamId};
pub use latency::{Heard, LATENCY_BOUNDS_US, Latencies};
pub use limits::{Limit, Limits};
pub use mail::Mail;
pub use news::{Interest, News};
pub use notices::{Attention, Deed, NotAKey, Notice};
pub use office::{
    Decree, Instruction, MembersReport, Report, RoomLine, RoomMark, RoomOrder, RoomReport, RoomsSought,
    SessionLine, SessionsSought, Ticket, Whose,
};
pub use origins::{Origin, Preface, Proxies};
pub use pages::Pages;
pub use settings::{Settings, SlowPolicy, SlowRule, Tls, home_of};
pub use shard::Shard;
pub use tally::{Holdings, Tally};
pub use traces::{Clock, Followed, TraceStage, TraceStep};

/// What the world tells a shard.
#[derive(Debug)]
pub enum Input<'a> {
    /// A stream was opened, by somebody at this address.
    Knock(StreamId, IpAddr),
    /// A stream could not be let in: there is no room for another one.
    TurnedAway,
    /// Bytes came in. They may be changed in place (unmasking).
    Bytes(StreamId, &'a mut [u8]),
    /// A stream that took less than it was given takes more again.
    Writable(StreamId),
    /// Another shard has handed a stream over.
    Handed(StreamId, Luggage),
    /// The other side of a stream is gone, or has closed its half: nothing more will come.
    HungUp(StreamId),
    /// Another shard, or this one, has something to say.
    Mail(Mail),
    /// The backplane, the store, or who decides about clients may have something for the shard.
    Arrivals,
    /// An operator wants something, which is reported on under the ticket ([`Effects::report`]).
    Instruction(Ticket, Instruction),
    /// Time has passed.
    Tick,
    /// The node is going away.
    Drain,
    /// The node goes by other settings from now on, as far as it can while it works.
    Settings(Box<Settings>),
}

/// What a shard asks of the world. The answers to `write` are the only things it learns from it.
pub trait Effects {
    /// Sends bytes. Says how many were taken; when not all, the rest is not kept, and [`Input::Writable`] follows once more fit.
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize;

    /// Nothing more will be written; what was written is still to be sent.
    fn finish(&mut self, stream: StreamId);

    /// What comes in on this stream from here on is TLS, and so is what has come, `bytes`. [`Input::Bytes`] are what was encrypted, and what is
    /// written is encrypted before it is sent. Asked for only where [`Settings::tls`] says that the world can.
    fn secure(&mut self, stream: StreamId, bytes: &[u8]) {
        let _ = (stream, bytes);
        unreachable!("a world that offers TLS secures streams");
    }

    /// Whether a stream is held: nothing more is read from it until it is not. What was read may still come.
    fn hold(&mut self, stream: StreamId, holds: bool) {
        let _ = (stream, holds);
    }

    /// Lets go of a stream at once. Its id is not used for another one.
    fn close(&mut self, stream: StreamId);

    /// Carries mail to another shard, after all mail before it.
    fn mail(&mut self, to: ShardId, mail: Mail);

    /// Something worth a line in a log has happened.
    fn note(&mut self, notice: &Notice) {
        let _ = notice;
    }

    /// Something has happened that is to be known beyond the node, or when it starts again.
    fn tell(&mut self, news: News) {
        let _ = news;
    }

    /// What became of an instruction.
    fn report(&mut self, ticket: Ticket, report: Report) {
        let _ = (ticket, report);
    }

    /// Hands a stream over to another shard, where it has another id ([`Input::Handed`]).
    fn hand_over(&mut self, stream: StreamId, to: ShardId, luggage: Luggage);
}

/// What goes along with a stream that is handed over.
#[derive(Debug)]
pub struct Luggage {
    /// Where it comes from.
    pub origin: Origin,
    /// Bytes that came in and were not judged.
    pub received: Vec<u8>,
    /// Bytes still to be sent.
    pub unsent: Vec<u8>,
    /// Nothing more will come in: the shard it comes from was told so.
    pub ended: bool,
}
