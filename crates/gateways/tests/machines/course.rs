//! The course of a session: all that it makes of bytes, fed as a shard feeds them, in pieces.

use std::collections::BTreeMap;

use chat::{Command, Refusal};
use gateways::{Aside, Lane, MAIN, Outbox, Protocol, Then, Violation};

/// The most that any protocol may leave of its input: requests sent ahead of a post's answer.
pub(crate) const TAIL_BYTES_MAX: usize = 96 * 1024;

/// What a session made of what came in on one of its streams.
#[derive(Debug, PartialEq)]
pub(crate) struct Course {
    /// What it wrote there.
    pub(crate) bytes: Vec<u8>,
    /// What it wrote to its other streams.
    pub(crate) aside: BTreeMap<Lane, (Vec<u8>, Then)>,
    /// What it asked for.
    pub(crate) commands: Vec<Command>,
    /// What it refused by itself.
    pub(crate) refusals: Vec<Refusal>,
    /// How it came out.
    pub(crate) end: End,
}

/// How a session came out.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// It waits, and has left so many bytes to be judged.
    Open { left: usize },
    /// It, or the stream, is over, and it has left so many bytes. Where the stream is closed nobody asks for them.
    Over { then: Then, is_over: bool, left: usize },
    /// Its client has broken the protocol.
    Broken(Violation),
}

impl Course {
    /// Feeds a session piece by piece; what it leaves of one comes again in front of the next, and is never more than `tail_max` bytes.
    pub(crate) fn run<'a>(
        session: &mut dyn Protocol,
        lane: Lane,
        pieces: impl IntoIterator<Item = &'a [u8]>,
        tail_max: usize,
    ) -> Self {
        let mut stream = Stream { session, lane, out: Outbox::default(), aside: BTreeMap::new() };
        let (mut tail, mut broken) = (Vec::new(), None);
        for piece in pieces {
            tail.extend_from_slice(piece);
            if broken.is_none() && stream.goes_on() {
                broken = stream.take(&mut tail).err();
                let waits = broken.is_none() && stream.goes_on();
                assert!(!waits || tail.len() <= tail_max, "{} bytes are left", tail.len());
            }
        }
        let is_open = stream.goes_on();
        let Stream { out, aside, .. } = stream;
        let end = match broken {
            Some(violation) => End::Broken(violation),
            None if is_open => End::Open { left: tail.len() },
            None => {
                let left = if out.then == Then::Close { 0 } else { tail.len() };
                End::Over { then: out.then, is_over: out.is_over, left }
            }
        };
        Self { bytes: out.bytes, aside, commands: out.commands, refusals: out.refusals, end }
    }
}

/// One stream of a session.
struct Stream<'a> {
    session: &'a mut dyn Protocol,
    lane: Lane,
    out: Outbox,
    aside: BTreeMap<Lane, (Vec<u8>, Then)>,
}

impl Stream<'_> {
    fn goes_on(&self) -> bool {
        self.out.then == Then::Stay && !self.out.is_over
    }

    /// Lets the session take as long as it takes anything.
    fn take(&mut self, tail: &mut Vec<u8>) -> Result<(), Violation> {
        while !tail.is_empty() && self.goes_on() {
            let taken = self.receive(tail)?;
            assert!(taken <= tail.len(), "it takes no more than there is");
            tail.drain(..taken);
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    fn receive(&mut self, input: &mut [u8]) -> Result<usize, Violation> {
        let out = &mut self.out;
        let received = match self.session.spread() {
            Some(spread) if self.lane != MAIN => spread.receive(self.lane, input, out),
            _ => self.session.receive(input, out),
        };
        for Aside { lane, bytes, then } in out.aside.drain(..) {
            let (said, last) = self.aside.entry(lane).or_default();
            said.extend_from_slice(&bytes);
            *last = then;
        }
        if let Some(lane) = out.lead.take() {
            assert_eq!(lane, self.lane, "only who speaks takes the lead");
            self.lane = MAIN;
        }
        received
    }
}
