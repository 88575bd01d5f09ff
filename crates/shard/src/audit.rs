//! What holds between any two calls, whatever came in before. A node in service does not look; the simulator and the fuzzers do after
//! every step.

use crate::audience::{Audience, Member};
use crate::frames::FrameLog;
use crate::requests::TAIL_BYTES_MAX;
use crate::sessions::{PENDING, Session};
use crate::streams::{NOBODY, NOWHERE, Phase, Place, Stream};
use crate::waiting::Waiting;
use crate::{Shard, StreamId};

/// The most that is kept for any one of those whom a shard serves, in bytes. How much that may be hangs on how much came in at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burden {
    /// Waits for one stream alone.
    pub stream_bytes: usize,
    /// Is kept of one room in one form.
    pub log_bytes: usize,
}

impl Shard {
    /// Asserts that what the shard keeps agrees with itself and stays within its settings, and that at rest nothing waits that could be sent.
    pub fn audit(&self) -> Burden {
        assert!(self.departures.is_empty(), "who goes to another shard goes at once");
        assert!(self.mail.is_empty() && self.answered.is_empty(), "a call ends when its mail is read");
        assert!(
            self.homes.len() <= self.settings.rooms_max + 1,
            "a shard is home to so many rooms, and to everybody"
        );
        self.audit_ring();
        let waiting: usize = self.streams.iter().map(Stream::waiting_bytes).sum();
        assert_eq!(self.streams.waiting_bytes(), waiting, "what waits on streams is counted");
        let put_off = self.sessions.iter().filter_map(|(_, session)| session.extras.waiting());
        let put_off: usize = put_off.map(Waiting::bytes).sum();
        assert_eq!(self.sessions.put_off_bytes, put_off, "what was put off is counted");
        let streams = self.streams.iter().map(|stream| self.audit_stream(stream)).max();
        self.sessions.iter().for_each(|(place, session)| self.audit_session(place, session));
        self.audit_lingering();
        self.audit_tunnels();
        let kept: usize =
            self.audiences.iter().flat_map(|(_, audience)| &audience.logs).map(FrameLog::kept_bytes).sum();
        assert_eq!(self.audiences.kept_bytes(), kept, "what logs keep is counted");
        let logs = self.audiences.iter().map(|(place, audience)| self.audit_audience(place, audience)).max();
        Burden { stream_bytes: streams.unwrap_or(0), log_bytes: logs.unwrap_or(0) }
    }

    fn is_at_rest(&self) -> bool {
        self.audiences.ring.is_empty()
            && self.touched.is_empty()
            && self.kept.is_empty()
            && !self.is_draining_sessions()
    }

    fn audit_ring(&self) {
        let ringed = self.audiences.iter().filter(|(_, audience)| audience.ringed).count();
        assert_eq!(self.audiences.ring.len(), ringed, "an audience stands in the ring once");
        for place in &self.audiences.ring {
            assert!(self.audiences.contains(*place) && self.audiences.get(*place).ringed);
        }
    }

    /// Says how many bytes wait for the stream.
    fn audit_stream(&self, stream: &Stream) -> usize {
        let Stream { id, session, lane, phase, stalled, touched, .. } = stream;
        let (own, tail) = (stream.own(), stream.tail());
        assert_eq!(*phase == Phase::Open, *session != NOBODY, "an open stream has a session, and no other");
        if let Some(session) = self.sessions.get(*session) {
            assert_eq!(session.lane(*lane), *id, "a session is on its own streams");
        }
        assert!(
            *phase != Phase::Asking || self.streams.origins.get(*id).is_some(),
            "a stream that asks comes from somewhere"
        );
        assert!(tail.len() <= TAIL_BYTES_MAX, "{} bytes wait to be judged", tail.len());
        assert!(
            matches!(phase, Phase::Asking | Phase::Open | Phase::Tunnelled) || tail.is_empty(),
            "nobody judges them any more"
        );
        assert!(!touched || self.touched.contains(id), "a touched stream is flushed");
        assert!(
            !self.is_at_rest() || *stalled || own.is_empty(),
            "{} bytes wait that could be sent",
            own.len()
        );
        own.len()
    }

    fn audit_lingering(&self) {
        let lingering = self.sessions.iter().filter(|(_, session)| session.stream == NOWHERE).count();
        assert_eq!(self.sessions.lingering(), lingering, "sessions without a main stream are counted");
        let kept: usize = self.sessions.iter().map(|(_, session)| session.extras.own().len()).sum();
        assert_eq!(self.sessions.kept_bytes(), kept, "what is kept for them is counted");
    }

    fn audit_tunnels(&self) {
        assert!(self.tunnels.outgoing.is_empty(), "a call ends when its envelopes are sent");
        assert!(
            self.tunnels.near.len().max(self.tunnels.far.len()) <= self.settings.tunnels_max,
            "there are so many tunnels"
        );
        let near = || self.streams.iter().filter(|stream| stream.phase == Phase::Tunnelled);
        assert!(near().all(|stream| self.tunnels.near.has(stream.id)), "what is tunnelled has an end");
        assert_eq!(near().count(), self.tunnels.near.len(), "and no end has nothing");
        let far = self.streams.iter().filter(|stream| stream.id.is_far()).count();
        assert_eq!(far, self.tunnels.far.len(), "a stream that came through a tunnel is at its end");
    }

    fn audit_session(&self, place: Place, session: &Session) {
        for id in session.streams() {
            assert_eq!(self.session_on(id), Some(place), "a session has its streams");
        }
        let kept = session.extras.own().len();
        assert!(session.stream == NOWHERE || kept == 0, "what has a stream is not kept");
        assert!(kept <= self.settings.session_queue_bytes, "{kept} bytes are kept");
        assert!(
            !session.kept || self.kept.contains(&place),
            "a session that something is kept for is looked at"
        );
        let public_rooms = self.audiences.public_rooms(session);
        assert!(public_rooms <= self.settings.rooms_per_session, "it is in so many rooms");
        assert!(session.rooms.len() <= public_rooms + 2, "and in its inbox, and in the room of everybody");
        if let Some(waiting) = session.extras.waiting() {
            assert!(waiting.bytes() <= self.settings.session_queue_bytes, "so many commands are put off");
        }
        for membership in &session.rooms {
            let audience = self.audiences.get(membership.audience);
            let named = session.rooms.iter().filter(|other| other.audience == membership.audience);
            assert_eq!(named.count(), 1, "a session is in {:?} once", audience.room);
            if membership.member != PENDING {
                assert_eq!(audience.members[membership.member as usize].session, place);
            }
        }
    }

    fn session_on(&self, id: StreamId) -> Option<Place> {
        self.streams.get(id).map(|stream| stream.session)
    }

    /// Says how many bytes are kept of the form of which most are.
    fn audit_audience(&self, place: Place, audience: &Audience) -> usize {
        let Audience { room, members, logs, holders, due, next, ringed, .. } = audience;
        assert_eq!(self.audiences.find(room), Some(place), "an audience goes by its room's name");
        assert!(*holders > 0 && members.len() <= *holders as usize, "a member holds its audience");
        assert!(*due as usize <= members.len() && (*due == 0 || *ringed), "who is due is visited");
        assert!(members.is_empty() || (*next as usize) < members.len(), "a member is visited next");
        let memberships = self.sessions.iter().flat_map(|(_, session)| &session.rooms);
        let holding = memberships.filter(|membership| membership.audience == place).count();
        assert_eq!(holding, *holders as usize, "every holder is a membership");
        for member in members {
            self.audit_member(member, &logs[member.log as usize]);
        }
        for (index, log) in logs.iter().enumerate() {
            let readers = members.iter().filter(|member| member.log as usize == index).count();
            assert_eq!(log.readers as usize, readers, "a log knows how many read it");
            let is_read =
                members.iter().all(|member| member.log as usize != index || member.cursor == log.end());
            let is_due = !is_read || !self.is_at_rest();
            assert!(
                log.kept_bytes() == 0 || (readers > 0 && is_due),
                "{} bytes are kept for nobody",
                log.kept_bytes()
            );
        }
        logs.iter().map(|log| log.kept_bytes()).max().unwrap_or(0)
    }

    fn audit_member(&self, member: &Member, log: &FrameLog) {
        let Member { session, stream, direct, cursor, .. } = *member;
        let main = self.sessions.get(session).map(|session| session.stream);
        assert_eq!(main, Some(stream), "a member knows its session's stream");
        assert!(log.reaches(cursor), "a cursor is at a frame that is kept, or at the end");
        if self.is_at_rest() {
            let unsent = log.after(cursor).len();
            assert!(
                unsent == 0 || self.is_stalled(session) || self.is_held(session),
                "{unsent} bytes of a room wait that could be sent"
            );
            let is_latest = cursor + 1 == log.end();
            assert!(
                unsent <= self.settings.session_queue_bytes || is_latest,
                "{unsent} bytes wait for a slow reader"
            );
        }
        assert!(!direct || self.is_direct(session), "frames go straight only to a stream that takes more");
    }

    /// Whether the frames of one room alone may be sent to the session.
    fn is_direct(&self, place: Place) -> bool {
        let rooms = self.sessions.get(place).map(|session| session.rooms.iter());
        let entered = rooms.into_iter().flatten().filter(|membership| membership.member != PENDING);
        let rooms = entered.filter(|membership| self.audiences.get(membership.audience).room.is_public());
        !self.is_stalled(place) && !self.is_held(place) && rooms.count() == 1
    }

    fn is_held(&self, place: Place) -> bool {
        self.sessions.get(place).is_some_and(Session::is_held)
    }

    fn is_stalled(&self, place: Place) -> bool {
        let stream = self.sessions.get(place).and_then(|session| self.streams.get(session.stream));
        stream.is_none_or(|stream| stream.stalled)
    }
}
