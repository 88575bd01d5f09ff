//! One message followed on its way through the node, when an operator wants that: when it was read, understood, put in order, accepted, told to the
//! shards that have members of its room, and sent to them. While nobody wants that, a post is one branch dearer. Other nodes are not asked.

use chat::{Position, RoomId, UserId};

use crate::SessionKey;

/// Whose next message is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// What is said in a room.
    Room(RoomId),
    /// What a user says.
    User(UserId),
    /// What is said in a session.
    Session(SessionKey),
}

/// Microseconds that all shards of the node count alike.
pub type Clock = fn() -> u64;

/// Where a message that is followed has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// The shard on which it was said: with two that were said at once, it tells them apart.
    pub trace: u16,
    /// When.
    pub us: u64,
    /// Where.
    pub stage: TraceStage,
}

/// A stage of a message's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceStage {
    /// The turn began in which its bytes were read.
    Read,
    /// It was understood, and its author may say it in this room.
    Decoded(RoomId),
    /// It has its position.
    Ordered(Position),
    /// Its author was told so.
    Accepted,
    /// It was encoded for so many members here.
    Told(usize),
    /// It was sent to so many of them: the last step of a shard goes on until all were.
    Sent(u64),
}

/// What is followed on a shard.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    wanted: Option<Box<Followed>>,
    clock: Option<Clock>,
    /// Who waits to hear what became of it, and of which.
    asker: Option<(SessionKey, u16)>,
    steps: Vec<TraceStep>,
}

/// A step for each form of a room on a shard, and a few more: what comes then is not noted.
const STEPS_MAX: usize = 64;

impl Traces {
    /// The next message of this is followed.
    pub(crate) fn begin(&mut self, followed: Followed, clock: Clock) {
        *self = Self { wanted: Some(Box::new(followed)), clock: Some(clock), ..Self::default() };
    }

    /// Nothing is followed any more.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_wanting(&self) -> bool {
        self.wanted.is_some()
    }

    /// A message that may be the one: follows it if it is.
    pub(crate) fn catch(
        &mut self,
        session: SessionKey,
        user: Option<&UserId>,
        room: &RoomId,
        read_us: u64,
    ) -> Option<u16> {
        let is_wanted = match self.wanted.as_deref()? {
            Followed::Room(wanted) => wanted == room,
            Followed::User(wanted) => Some(wanted) == user,
            Followed::Session(wanted) => *wanted == session,
        };
        if !is_wanted {
            return None;
        }
        let trace = session.shard.0;
        (self.wanted, self.asker) = (None, Some((session, trace)));
        self.steps.push(TraceStep { trace, us: read_us, stage: TraceStage::Read });
        self.note(trace, TraceStage::Decoded(room.clone()));
        Some(trace)
    }

    pub(crate) fn note(&mut self, trace: u16, stage: TraceStage) {
        let Some(clock) = self.clock.filter(|_| self.steps.len() < STEPS_MAX) else { return };
        self.steps.push(TraceStep { trace, us: clock(), stage });
    }

    /// It was sent to so many more.
    pub(crate) fn note_sent(&mut self, trace: u16, members: u64) {
        let Some(clock) = self.clock else { return };
        for step in self.steps.iter_mut().filter(|step| step.trace == trace) {
            if let TraceStage::Sent(sent) = &mut step.stage {
                (*sent, step.us) = (*sent + members, clock());
                return;
            }
        }
        self.note(trace, TraceStage::Sent(members));
    }

    /// A session hears that something of its was accepted.
    pub(crate) fn note_accepted(&mut self, by: SessionKey) {
        if let Some((_, trace)) = self.asker.take_if(|(asker, _)| *asker == by) {
            self.note(trace, TraceStage::Accepted);
        }
    }

    pub(crate) fn steps(&self) -> &[TraceStep] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use backplanes::NodeId;
    use chat::RoomName;

    use super::*;
    use crate::ShardId;

    fn room(name: &str) -> RoomId {
        RoomId::public(RoomName::new(name).expect("a name"))
    }

    fn session(slot: u32) -> SessionKey {
        SessionKey { node: NodeId(1), shard: ShardId(3), slot, generation: 1 }
    }

    #[test]
    fn the_first_message_that_fits_is_followed_to_its_last_member_and_no_other() {
        let mut traces = Traces::default();
        assert!(!traces.is_wanting() && traces.catch(session(1), None, &room("a"), 5).is_none());
        traces.begin(Followed::Room(room("a")), || 7);
        assert_eq!(traces.catch(session(1), None, &room("b"), 5), None);
        assert_eq!(traces.catch(session(1), None, &room("a"), 5), Some(3));
        assert_eq!(traces.catch(session(1), None, &room("a"), 6), None);
        traces.note(3, TraceStage::Told(3));
        traces.note_accepted(session(2));
        traces.note_sent(3, 1);
        traces.note_accepted(session(1));
        traces.note_sent(3, 2);
        let stages: Vec<TraceStage> = traces.steps().iter().map(|step| step.stage.clone()).collect();
        use TraceStage::{Accepted, Decoded, Read, Sent, Told};
        assert_eq!(stages, [Read, Decoded(room("a")), Told(3), Sent(3), Accepted]);
        assert_eq!(traces.steps()[0].us, 5);
        traces.end();
        assert!(traces.steps().is_empty() && !traces.is_wanting());
    }

    #[test]
    fn a_user_and_a_session_can_be_followed_too() {
        let mut traces = Traces::default();
        let ann = UserId::new("ann").expect("a name");
        traces.begin(Followed::User(ann.clone()), || 7);
        assert_eq!(traces.catch(session(1), None, &room("a"), 5), None);
        assert_eq!(traces.catch(session(1), Some(&ann), &room("a"), 5), Some(3));
        traces.begin(Followed::Session(session(9)), || 7);
        assert_eq!(traces.catch(session(1), Some(&ann), &room("a"), 5), None);
        assert_eq!(traces.catch(session(9), None, &room("a"), 5), Some(3));
    }
}
