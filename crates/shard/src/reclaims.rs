//! Who remembers a strand, and how it comes from there to the session that wants to go on with it.
//!
//! The shard where it began is asked. Where that is on a node which is gone, or does not answer at once, everybody is: the node on which the strand
//! was last remembers it too. Who has nothing to say says so, and when everybody has, or time is up, the session begins anew.

use backplanes::NodeId;

use crate::deadlines::Deadlines;
use crate::errands::{Errand, Reclaim};
use crate::records::{Claim, Record};
use crate::streams::Place;
use crate::tunnels::ANSWER_DUE_MS;
use crate::{Now, SessionKey, Shard};

/// A node that has not answered within so long is not the only one to be asked any more.
const ASK_AROUND_MS: u64 = 300;

/// Strands that were asked for.
#[derive(Debug)]
pub(crate) struct Reclaims {
    /// Of one node alone.
    asked: Deadlines<(SessionKey, Claim)>,
    /// Of anybody.
    due: Deadlines<(SessionKey, Claim)>,
}

impl Default for Reclaims {
    fn default() -> Self {
        Self { asked: Deadlines::new(ASK_AROUND_MS), due: Deadlines::new(ANSWER_DUE_MS) }
    }
}

impl Reclaims {
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.asked.next_ms().into_iter().chain(self.due.next_ms()).min()
    }
}

impl Shard {
    /// Asks for a strand that a session wants to go on with.
    pub(crate) fn ask_for(&mut self, place: Place, claim: Claim, now: Now) {
        let (session, node) = (self.sessions.key(place), claim.began.node);
        self.reclaims.due.push(now.monotonic_ms, (session, claim));
        if !self.is_alive(node) || self.tunnels.peers.is_quiet(node, now.monotonic_ms) {
            return self.ask_around(place, claim, now);
        }
        if node != self.settings.node {
            self.reclaims.asked.push(now.monotonic_ms, (session, claim));
        }
        self.ask_at(place, claim, &[node]);
    }

    /// Asks all others: the node where the strand began was asked, or is not worth asking.
    fn ask_around(&mut self, place: Place, claim: Claim, now: Now) {
        let Some(resuming) = self.resuming(place, claim).filter(|resuming| !resuming.is_asked_around) else {
            return;
        };
        resuming.is_asked_around = true;
        let (nodes, peers) = (self.homes.nodes(), &self.tunnels.peers);
        let is_other = |node: &NodeId| *node != claim.began.node && !peers.is_quiet(*node, now.monotonic_ms);
        let others: Vec<NodeId> = nodes.iter().copied().filter(is_other).collect();
        self.ask_at(place, claim, &others);
    }

    fn ask_at(&mut self, place: Place, claim: Claim, nodes: &[NodeId]) {
        let session = self.sessions.key(place);
        let Some(resuming) = self.resuming(place, claim) else { return };
        resuming.asked += nodes.len();
        for at in nodes {
            self.send_errand(Errand::Reclaim(Reclaim { at: *at, claim, session, is_ended: false }));
        }
    }

    /// Asks around where a node does not answer, and begins anew where nobody says that a strand is remembered.
    pub(crate) fn give_reclaims_up(&mut self, now: Now) {
        while let Some((session, claim)) = self.reclaims.asked.pop_due(now.monotonic_ms) {
            if let Some(place) = self.awaits(session, claim) {
                self.ask_around(place, claim, now);
            }
        }
        while let Some((session, claim)) = self.reclaims.due.pop_due(now.monotonic_ms) {
            if let Some(place) = self.awaits(session, claim) {
                self.tunnels.peers.note_quiet(claim.began.node, now.monotonic_ms);
                self.begin_anew(place, claim, now);
            }
        }
    }

    /// The place of a session that does not know yet what is remembered of a strand.
    fn awaits(&mut self, session: SessionKey, claim: Claim) -> Option<Place> {
        let place = self.sessions.find(session)?;
        self.resuming(place, claim)?.record.is_none().then_some(place)
    }

    /// Does an errand that was sent here.
    pub(crate) fn run_errand(&mut self, errand: Errand, now: Now) {
        match errand {
            Errand::Remember { claim, record, .. } => {
                self.records.put(claim, *record, now);
                self.note_remembered(now);
            }
            Errand::Stays { claim, session, .. } => self.records.note_stay(claim, session),
            Errand::Forget { claim, session, .. } => self.records.forget(claim, session),
            Errand::Reclaim(reclaim) => self.reclaim(reclaim),
            Errand::GiveUp { session, reclaim } => self.give_up(session, reclaim, now),
            Errand::Reclaimed { to, claim, record } => self.reclaimed(to, claim, record, now),
        }
    }

    /// What a strand that was cut off can go on with is remembered where it began, and here.
    pub(crate) fn send_record(&mut self, claim: Claim, record: Record) {
        if claim.began.node != self.settings.node {
            let copy = Record { user: record.user.clone(), journal: record.journal.clone(), ..record };
            self.send_errand(Errand::Remember { at: self.settings.node, claim, record: Box::new(copy) });
        }
        self.send_errand(Errand::Remember { at: claim.began.node, claim, record: Box::new(record) });
    }

    /// A strand of another node goes on in a session here: that must be known here when the other node is gone.
    pub(crate) fn note_stay(&mut self, place: Place, claim: Claim) {
        if claim.began.node != self.settings.node {
            let session = self.sessions.key(place);
            self.send_errand(Errand::Stays { at: self.settings.node, claim, session });
        }
    }

    /// A strand has come over from another node, where it was in that session, and goes on here.
    pub(crate) fn note_arrival(&mut self, place: Place, claim: Claim, left: SessionKey) {
        let (session, here, began) = (self.sessions.key(place), self.settings.node, claim.began.node);
        self.send_errand(Errand::Stays { at: began, claim, session });
        if began != here {
            self.send_errand(Errand::Stays { at: here, claim, session });
        }
        if left.node != began && left.node != here {
            self.forget_at(left.node, claim, left);
        }
    }

    /// A strand is over in a session.
    pub(crate) fn forget(&mut self, claim: Claim, place: Place) {
        let session = self.sessions.key(place);
        if claim.began != session {
            self.forget_at(claim.began.node, claim, session);
        }
        if claim.began.node != self.settings.node {
            self.forget_at(self.settings.node, claim, session);
        }
    }

    fn forget_at(&mut self, at: NodeId, claim: Claim, session: SessionKey) {
        self.send_errand(Errand::Forget { at, claim, session });
    }

    /// A session wants to go on with a strand. Where it still goes on, unnoticed that its client is gone, it ends first.
    fn reclaim(&mut self, reclaim: Reclaim) {
        let Reclaim { claim, session, is_ended, .. } = reclaim;
        let record = self.records.take(claim);
        let has_begun_here = claim.began.node == self.settings.node;
        if record.is_none() && !is_ended {
            let began = has_begun_here.then_some(claim.began);
            let goes_on_in = self.records.moved_to(claim).or(began).filter(|former| *former != session);
            if let Some(session) = goes_on_in.filter(|former| self.is_alive(former.node)) {
                let reclaim = Reclaim { is_ended: true, ..reclaim };
                return self.send_errand(Errand::GiveUp { session, reclaim });
            }
        }
        if record.is_some() && has_begun_here && session != claim.began {
            self.records.note_moved(claim, session);
        }
        self.send_errand(Errand::Reclaimed { to: session, claim, record: record.map(Box::new) });
    }

    /// A client has come back before it was noticed that it was gone: its former session ends. What is remembered of it goes ahead of the
    /// answer.
    fn give_up(&mut self, former: SessionKey, reclaim: Reclaim, now: Now) {
        let strands = self.sessions.find(former).and_then(|place| {
            let session = self.sessions.get(place)?;
            session.strands.as_ref().map(|strands| (place, strands))
        });
        if let Some((place, strands)) = strands
            && strands.has(reclaim.claim)
        {
            self.end_session(place, "came_back", now);
        }
        self.send_errand(Errand::Reclaim(reclaim));
    }

    /// Somebody has said what is remembered of a strand.
    fn reclaimed(&mut self, to: SessionKey, claim: Claim, record: Option<Box<Record>>, now: Now) {
        let place = self.sessions.find(to);
        let resuming = place.and_then(|place| self.resuming(place, claim));
        let (Some(place), Some(resuming)) = (place, resuming) else {
            // It is gone, or has been told that it begins anew.
            if let Some(record) = record.filter(|_| place.is_none()) {
                self.send_errand(Errand::Remember { at: claim.began.node, claim, record });
            }
            return;
        };
        resuming.asked = resuming.asked.saturating_sub(1);
        if resuming.record.is_some() {
            return;
        }
        let (seen, is_last) = (resuming.seen, resuming.asked == 0);
        let Some(record) = record else {
            if is_last {
                self.begin_anew(place, claim, now);
            }
            return;
        };
        if record.session.node != claim.began.node {
            self.forget_at(record.session.node, claim, record.session);
        }
        match record.journal.standing(seen) {
            Some(standing) if self.may_enter(place, record.user.as_ref(), &standing) => {
                self.enter_again(place, claim, *record, standing, now);
            }
            _ => self.begin_anew(place, claim, now),
        }
    }

    fn is_alive(&self, node: NodeId) -> bool {
        self.homes.nodes().contains(&node)
    }
}
