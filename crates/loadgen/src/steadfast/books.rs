//! What a stay writes down: the ledger, latencies, silences, and how often what was refused or cut. Knows no sockets.

use std::collections::BTreeMap;

use super::account::Account;
use super::ledger::{Findings, Ledger};
use super::position::Position;
use super::silence::{Era, Of, Silences};
use super::speech::Told;
use crate::latency::Latencies;
use crate::protocols::Fault;
use crate::stamp::Stamp;

/// Reasons that are told apart; further ones count together.
const REASONS_MAX: usize = 20;

pub(super) struct Books {
    ledger: Ledger,
    rooms: usize,
    /// By room and number of the post: when it was meant to be made.
    meant_ns: Vec<Vec<u64>>,
    acceptance: Latencies,
    showing: Latencies,
    /// Only while posts are made.
    silences: Option<Silences>,
    eras: Vec<Era>,
    refusals: BTreeMap<String, u64>,
    barred: BTreeMap<String, u64>,
    cuts: BTreeMap<String, u64>,
    resumed: u64,
    partly_resumed: u64,
}

impl Books {
    pub(super) fn new(rooms: u32, members: u32) -> Self {
        Self {
            ledger: Ledger::new(rooms, members),
            rooms: rooms as usize,
            meant_ns: vec![Vec::new(); rooms as usize],
            acceptance: Latencies::default(),
            showing: Latencies::default(),
            silences: None,
            eras: Vec::new(),
            refusals: BTreeMap::new(),
            barred: BTreeMap::new(),
            cuts: BTreeMap::new(),
            resumed: 0,
            partly_resumed: 0,
        }
    }

    /// Posts are made from now on.
    pub(super) fn begin(&mut self, members: usize, now_ns: u64) {
        self.silences = Some(Silences::new(self.rooms, members, now_ns));
    }

    /// Nothing more is posted.
    pub(super) fn end(&mut self, now_ns: u64) {
        self.eras = self.silences.take().map(|silences| silences.finish(now_ns)).unwrap_or_default();
    }

    /// Something befalls the server.
    pub(super) fn note_fault(&mut self, name: &str, now_ns: u64) {
        if let Some(silences) = &mut self.silences {
            silences.begin(name, now_ns);
        }
    }

    /// A member makes a post.
    pub(super) fn note_post(&mut self, author: u32, intended_ns: u64) -> Stamp {
        let sequence = self.ledger.post(author);
        self.meant_ns[author as usize % self.rooms].push(intended_ns);
        Stamp { publisher: author, sequence, intended_ns }
    }

    /// A connection has ended.
    pub(super) fn note_cut(&mut self, fault: &Fault) {
        count(&mut self.cuts, &fault.to_string());
        if let Some(silences) = &mut self.silences {
            silences.cut();
        }
    }

    /// Where a member stands.
    pub(super) fn place(&self, member: u32) -> Option<Position> {
        self.ledger.place(member)
    }

    /// A member is told something.
    pub(super) fn note(&mut self, member: u32, told: Told, now_ns: u64) {
        let room = member as usize % self.rooms;
        match told {
            Told::Joined { at, is_resumed } => {
                self.resumed += u64::from(is_resumed == Some(true));
                self.partly_resumed += u64::from(is_resumed == Some(false));
                self.ledger.joined(member, at, is_resumed);
            }
            Told::Posted { at, stamp } => {
                self.showing.record_ns(now_ns.saturating_sub(stamp.intended_ns));
                self.ledger.shown(member, at, stamp.publisher, stamp.sequence);
                self.hear([(Of::Room, room), (Of::Member, member as usize)], now_ns);
            }
            Told::Accepted { number, at } => {
                let meant_ns = self.meant_ns[room].get((number as usize).wrapping_sub(1)).copied();
                self.acceptance.record_ns(now_ns.saturating_sub(meant_ns.unwrap_or(now_ns)));
                self.ledger.accepted(member, number, at);
                self.hear([(Of::Acceptance, room)], now_ns);
            }
            Told::Refused { number, code, is_final } => {
                count(&mut self.refusals, &code);
                if is_final {
                    self.ledger.refused(member, number, &code);
                }
            }
            Told::Barred { code } => count(&mut self.barred, &code),
            Told::Lost { since, at } => self.ledger.lost(member, since, at),
            Told::Closing { .. } => {}
        }
    }

    fn hear<const N: usize>(&mut self, heard: [(Of, usize); N], now_ns: u64) {
        if let Some(silences) = &mut self.silences {
            heard.into_iter().for_each(|(of, index)| silences.end(of, index, now_ns));
        }
    }

    /// What the ledger says if nothing more comes.
    pub(super) fn settle(&self) -> Findings {
        self.ledger.settle()
    }

    /// Everything that was written down.
    pub(super) fn close(self) -> Account {
        Account {
            findings: self.ledger.settle(),
            acceptance: self.acceptance.percentiles(),
            showing: self.showing.percentiles(),
            refusals: self.refusals,
            barred: self.barred,
            cuts: self.cuts,
            resumed: self.resumed,
            partly_resumed: self.partly_resumed,
            eras: self.eras,
            ..Account::default()
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, reason: &str) {
    let is_known = counts.contains_key(reason) || counts.len() < REASONS_MAX;
    *counts.entry(if is_known { reason.to_owned() } else { "other".to_owned() }).or_default() += 1;
}
