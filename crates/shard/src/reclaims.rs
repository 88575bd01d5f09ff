//! Who remembers a strand, and how it comes from there to the session that wants to go on with it.
//!
//! The shard where it began is asked. Where that is on a node which is gone, or does not answer at once, everybody is: the node on which the strand
//! was last remembers it too. Who has nothing to say says so, and when everybody has, or time is up, the session begins anew.
//!
//! A session may end before it is answered. What it had asked for comes all the same, and is remembered then: until it does, whoever asks for it
//! next waits, and a node that leaves does too.

use backplanes::NodeId;
use hashbrown::HashMap;

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
    /// By sessions that have ended since.
    abandoned: HashMap<(SessionKey, Claim), Abandoned>,
    /// Until when those may be answered.
    abandoned_due: Deadlines<(SessionKey, Claim)>,
}

/// What a session had asked for when it ended.
#[derive(Debug)]
struct Abandoned {
    /// How many have not answered.
    asked: usize,
    /// Who has asked for it since.
    next: Vec<Reclaim>,
}

impl Default for Reclaims {
    fn default() -> Self {
        Self {
            asked: Deadlines::new(ASK_AROUND_MS),
            due: Deadlines::new(ANSWER_DUE_MS),
            abandoned: HashMap::new(),
            abandoned_due: Deadlines::new(ANSWER_DUE_MS),
        }
    }
}

impl Reclaims {
    pub(crate) fn next_ms(&self) -> Option<u64> {
        [&self.asked, &self.due, &self.abandoned_due].into_iter().filter_map(Deadlines::next_ms).min()
    }

    /// Whether something may come for a session that has ended.
    pub(crate) fn has_abandoned(&self) -> bool {
        !self.abandoned.is_empty()
    }

    /// A session has ended that had asked so many for a strand and was not answered.
    pub(crate) fn abandon(&mut self, session: SessionKey, claim: Claim, asked: usize, now: Now) {
        if asked > 0 {
            self.abandoned.insert((session, claim), Abandoned { asked, next: Vec::new() });
            self.abandoned_due.push(now.monotonic_ms, (session, claim));
        }
    }

    /// Whoever asks for what that session had asked for waits until it comes, if it may.
    fn wait_behind(&mut self, session: SessionKey, reclaim: Reclaim) -> bool {
        let abandoned = self.abandoned.get_mut(&(session, reclaim.claim));
        let is_awaited = abandoned.is_some();
        abandoned.into_iter().for_each(|abandoned| abandoned.next.push(reclaim));
        is_awaited
    }

    /// One more has answered a session that has ended. Gives back who waited, once that was what they waited for, or nothing more comes.
    fn answered(&mut self, session: SessionKey, claim: Claim, is_found: bool) -> Vec<Reclaim> {
        let Some(abandoned) = self.abandoned.get_mut(&(session, claim)) else { return Vec::new() };
        abandoned.asked = abandoned.asked.saturating_sub(1);
        if abandoned.asked > 0 && !is_found {
            return Vec::new();
        }
        self.give_up(session, claim)
    }

    fn give_up(&mut self, session: SessionKey, claim: Claim) -> Vec<Reclaim> {
        let next = self.abandoned.remove(&(session, claim)).map(|abandoned| abandoned.next);
        if self.abandoned.is_empty() {
            self.abandoned = HashMap::new();
        }
        next.unwrap_or_default()
    }
}

impl Shard {
    /// Asks for a strand that a session wants to go on with.
    pub(crate) fn ask_for(&mut self, place: Place, claim: Claim, now: Now) {
        let (session, node) = (self.sessions.key(place), claim.began.node);
        self.reclaims.due.push(now.monotonic_ms, (session, claim));
        if !self.homes.may_reach(node) || self.tunnels.peers.is_quiet(node, now.monotonic_ms) {
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
        while let Some((session, claim)) = self.reclaims.abandoned_due.pop_due(now.monotonic_ms) {
            self.answer_next(session, claim, Reclaims::give_up);
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
                self.take_back(claim);
                self.records.put(claim, *record, now);
            }
            Errand::Stays { claim, session, .. } => {
                self.take_back(claim);
                self.records.note_stay(claim, session);
            }
            Errand::Forget { claim, session, .. } => {
                self.take_back_of(claim, session);
                self.records.forget(claim, session);
            }
            Errand::Reclaim(reclaim) => self.reclaim(reclaim),
            Errand::GiveUp { session, reclaim } => self.give_up(session, reclaim, now),
            Errand::Reclaimed { to, claim, record } => self.reclaimed(to, claim, record, now),
            Errand::Bequeath { from, claim, record, .. } => self.inherit(from, claim, *record, now),
            Errand::Inherited { by, claim, .. } => self.inherited(by, claim),
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

    pub(crate) fn forget_at(&mut self, at: NodeId, claim: Claim, session: SessionKey) {
        self.send_errand(Errand::Forget { at, claim, session });
    }

    /// A session wants to go on with a strand. Where it still goes on, unnoticed that its client is gone, it ends first.
    fn reclaim(&mut self, reclaim: Reclaim) {
        let Reclaim { claim, session, is_ended, .. } = reclaim;
        let record = self.records.take(claim);
        if record.is_none() && self.send_on(reclaim) {
            return;
        }
        self.take_back(claim);
        let has_begun_here = claim.began.node == self.settings.node;
        if record.is_none() && !is_ended {
            let began = has_begun_here.then_some(claim.began);
            let goes_on_in = self.records.moved_to(claim).or(began).filter(|former| *former != session);
            if let Some(session) = goes_on_in.filter(|former| self.homes.may_reach(former.node)) {
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
    /// answer, also what that session had asked for and did not have yet.
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
        if !self.reclaims.wait_behind(former, reclaim) {
            self.send_errand(Errand::Reclaim(reclaim));
        }
    }

    /// Somebody has said what is remembered of a strand.
    fn reclaimed(&mut self, to: SessionKey, claim: Claim, record: Option<Box<Record>>, now: Now) {
        let Some(place) = self.sessions.find(to) else {
            return self.reclaimed_too_late(to, claim, record);
        };
        // It may have been told that it begins anew.
        let Some(resuming) = self.resuming(place, claim) else { return };
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
        match record.journal.positions(seen) {
            Some(positions) if self.may_enter(place, record.user.as_ref(), &positions) => {
                self.enter_again(place, claim, *record, positions, now);
            }
            _ => self.begin_anew(place, claim, now),
        }
    }

    /// The session that asked is gone. What it asked for is as if it had been cut off there.
    fn reclaimed_too_late(&mut self, to: SessionKey, claim: Claim, record: Option<Box<Record>>) {
        let is_found = record.is_some();
        if let Some(record) = record {
            self.send_record(claim, Record { session: to, ..*record });
        }
        self.answer_next(to, claim, |reclaims, to, claim| reclaims.answered(to, claim, is_found));
    }

    /// Those who have waited for what a session had asked for are answered now.
    fn answer_next(
        &mut self,
        session: SessionKey,
        claim: Claim,
        end: impl FnOnce(&mut Reclaims, SessionKey, Claim) -> Vec<Reclaim>,
    ) {
        for reclaim in end(&mut self.reclaims, session, claim) {
            self.send_errand(Errand::Reclaim(reclaim));
        }
    }
}
