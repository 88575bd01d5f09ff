//! What a node that leaves still remembers of strands goes to other nodes, which are asked for it when this one is gone.
//!
//! Each record is offered to an heir and stays here until that one has said that it has it, so there is no moment at which nobody does. Who asks
//! here for what an heir has is sent on to it; what is known here to be over is forgotten there.

use backplanes::NodeId;
use hashbrown::HashMap;

use crate::deadlines::Deadlines;
use crate::errands::{Errand, Reclaim};
use crate::records::{Claim, Record};
use crate::{Now, SessionKey, Shard};

/// An heir that has not answered within so long is not the only one to be offered a record.
const ANSWER_DUE_MS: u64 = 300;
/// So often a record is offered; then it is let go.
const OFFERS_MAX: u8 = 4;
/// Records offered in a turn.
const OFFERED_PER_TURN: usize = 256;

/// What a shard of a node that leaves has handed on.
#[derive(Debug)]
pub(crate) struct Bequests {
    /// Strands whose records are to be offered.
    waiting: Vec<Claim>,
    /// To whom the others were.
    offered: HashMap<Claim, Heir>,
    /// When somebody else is offered one, and how often it was.
    due: Deadlines<(Claim, u8)>,
    /// Who has which instead of this shard.
    heirs: HashMap<Claim, Heir>,
}

/// Who has a record, or was offered it.
#[derive(Clone, Copy, Debug)]
struct Heir {
    node: NodeId,
    /// The session that the strand was cut off in.
    session: SessionKey,
}

impl Default for Bequests {
    fn default() -> Self {
        let (offered, heirs) = (HashMap::new(), HashMap::new());
        Self { waiting: Vec::new(), offered, due: Deadlines::new(ANSWER_DUE_MS), heirs }
    }
}

impl Bequests {
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.next_ms()
    }

    /// Whether more can be offered at once.
    pub(crate) fn goes_on(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.offered.is_empty()
    }

    fn heir(&self, claim: Claim) -> Option<Heir> {
        self.offered.get(&claim).or_else(|| self.heirs.get(&claim)).copied()
    }

    fn take(&mut self, claim: Claim) -> Option<Heir> {
        self.offered.remove(&claim).or_else(|| self.heirs.remove(&claim))
    }
}

impl Shard {
    /// Offers the next few of the records for which nobody is expected to come here.
    pub(crate) fn hand_on(&mut self, now: Now) {
        if !self.is_leaving() {
            return;
        }
        while let Some((claim, times)) = self.bequests.due.pop_due(now.monotonic_ms) {
            if self.bequests.offered.contains_key(&claim) {
                self.offer(claim, times, now);
            }
        }
        if self.records.len() == 0 || !self.is_to_hand_on(now) {
            return;
        }
        if self.bequests.is_done() {
            self.bequests.waiting = self.records.claims().collect();
        }
        for _ in 0..OFFERED_PER_TURN {
            let Some(claim) = self.bequests.waiting.pop() else { return };
            self.offer(claim, 0, now);
        }
    }

    /// Offers a record that was offered so often. Whoever was offered it before need not remember it.
    fn offer(&mut self, claim: Claim, times: u8, now: Now) {
        self.take_back(claim);
        let Some(record) = self.records.get(claim) else { return };
        let heir = self.heir_of(claim, times).filter(|_| times < OFFERS_MAX);
        let Some(at) = heir else { return self.records.let_go(claim) };
        let (session, record) = (record.session, Box::new(record.clone()));
        self.send_errand(Errand::Bequeath { at, from: self.settings.node, claim, record });
        self.bequests.offered.insert(claim, Heir { node: at, session });
        self.bequests.due.push(now.monotonic_ms, (claim, times + 1));
    }

    /// Who is to remember a strand that is remembered here; nobody where the node is that remembers it anyway, or no other one.
    fn heir_of(&self, claim: Claim, times: u8) -> Option<NodeId> {
        let (own, began) = (self.settings.node, claim.began.node);
        let nodes = self.homes.nodes_known();
        if began != own && nodes.contains(&began) {
            return None;
        }
        let others = nodes.iter().filter(|node| **node != own);
        let turn = (claim.began.slot as usize + usize::from(times)) % others.clone().count().max(1);
        others.copied().nth(turn)
    }

    /// A node that leaves has a strand remembered here. What is known of it here was known later. Who leaves too says nothing, so that another
    /// one is asked.
    pub(crate) fn inherit(&mut self, from: NodeId, claim: Claim, record: Record, now: Now) {
        if self.is_leaving() {
            return;
        }
        if self.records.get(claim).is_none() && self.records.moved_to(claim).is_none() {
            self.records.put(claim, record, now);
        }
        self.send_errand(Errand::Inherited { at: from, by: self.settings.node, claim });
    }

    /// An heir has a record, so it is not kept here, if it still is the one that was offered.
    pub(crate) fn inherited(&mut self, by: NodeId, claim: Claim) {
        let Some(heir) = self.bequests.offered.get(&claim).copied().filter(|heir| heir.node == by) else {
            return;
        };
        self.bequests.offered.remove(&claim);
        if self.records.let_go_of(claim, heir.session) {
            self.bequests.heirs.insert(claim, heir);
        } else {
            self.forget_at(by, claim, heir.session);
        }
    }

    /// What an heir was to remember of a strand is over, or known better: it forgets it.
    pub(crate) fn take_back(&mut self, claim: Claim) {
        if let Some(heir) = self.bequests.take(claim) {
            self.forget_at(heir.node, claim, heir.session);
        }
    }

    /// The same, if that is what the heir remembers.
    pub(crate) fn take_back_of(&mut self, claim: Claim, session: SessionKey) {
        if self.bequests.heir(claim).is_some_and(|heir| heir.session == session) {
            self.take_back(claim);
        }
    }

    /// Sends somebody who wants to go on with a strand to the heir that remembers it. Says whether there is one.
    pub(crate) fn send_on(&mut self, reclaim: Reclaim) -> bool {
        let Some(heir) = self.bequests.heirs.remove(&reclaim.claim) else { return false };
        if reclaim.claim.began.node == self.settings.node {
            self.records.note_moved(reclaim.claim, reclaim.session);
        }
        self.send_errand(Errand::Reclaim(Reclaim { at: heir.node, ..reclaim }));
        true
    }
}
