//! Who sessions are, and what they may do: what is asked of who decides, what becomes of the answers, and what ends a session whose proof is
//! good no more. What is decided, and by whom, is not known here.

use std::num::NonZero;

use access::{Access, Arrival, Ask, Minds, Pass, Revocation, Revoked, Right, Standing, Verdict, Wish};
use chat::{Credentials, Event, Farewell, Position, Refusal, RoomId, Tag, Time, UserId};
use slab::Slab;

use crate::alarms::Alarm;
use crate::envelopes::{Envelope, REVOKED_MAX};
use crate::posting::Saying;
use crate::sessions::Session;
use crate::streams::Place;
use crate::{Now, SessionKey, Shard, ShardId};

/// Questions of a shard that are not answered yet.
const ASKS_MAX: usize = 1 << 16;
/// A client is told so long before its proof runs out, or when half of what is left has passed.
const NOTICE_MS: u64 = 60_000;

/// This shard's end of who decides, and what was asked there.
pub(crate) struct Judgement {
    access: Box<dyn Access>,
    minds: Minds,
    asked: Slab<(SessionKey, Asked)>,
    arrivals: Vec<Arrival>,
}

/// What a session wants, as long as it is not decided.
#[derive(Debug)]
enum Asked {
    /// To go by a name.
    Identify { takes_direct: bool, inbox: Option<Position>, tag: Option<Tag> },
    /// To be believed for longer.
    Refresh { tag: Option<Tag> },
    /// To be in a room.
    Join { room: RoomId, since: Option<Position>, tag: Option<Tag> },
    /// To say something.
    Post(Box<Saying>),
}

impl Judgement {
    pub(crate) fn new(access: Box<dyn Access>) -> Self {
        Self { minds: access.minds(), access, asked: Slab::new(), arrivals: Vec::new() }
    }
}

impl Asked {
    fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Identify { tag, .. } | Self::Refresh { tag } | Self::Join { tag, .. } => tag.as_ref(),
            Self::Post(saying) => saying.tag.as_ref(),
        }
    }

    /// Whether what the session asks next hangs on the answer.
    fn is_waited_for(&self) -> bool {
        !matches!(self, Self::Refresh { .. })
    }
}

impl Shard {
    /// A client says who it is. Who has proven it before may do so again, as the same user.
    pub(crate) fn identify(
        &mut self,
        place: Place,
        credentials: Credentials,
        (takes_direct, inbox): (bool, Option<Position>),
        tag: Option<Tag>,
        now: Now,
    ) -> Result<(), Refusal> {
        let Some(session) = self.sessions.get(place) else { return Ok(()) };
        let asked = match (&session.user, &session.standing) {
            (None, _) => Asked::Identify { takes_direct, inbox, tag },
            (Some(_), Some(_)) if is_proof(&credentials) => Asked::Refresh { tag },
            (Some(_), _) => return Err(Refusal::AlreadyIdentified),
        };
        if let Credentials::Vouched(user) = credentials {
            return self.follow(place, asked, Ok(Pass::proven(user, Standing::since(0))), now);
        }
        self.consult(place, Wish::Identify(credentials), asked, now)
    }

    /// A client wants to be in a room, which the rules allow.
    pub(crate) fn join_if_decided(
        &mut self,
        place: Place,
        room: RoomId,
        since: Option<Position>,
        tag: Option<Tag>,
        now: Now,
    ) -> Result<(), Refusal> {
        if !self.judgement.minds.joins || !room.is_public() {
            return self.join(place, room, since, tag);
        }
        let wish = Wish::Join { room: room.clone(), user: self.user_of(place) };
        self.consult(place, wish, Asked::Join { room, since, tag }, now)
    }

    /// A client wants to say something in a room, which the rules allow.
    pub(crate) fn post_if_decided(&mut self, place: Place, saying: Saying, now: Now) -> Result<(), Refusal> {
        if !self.judgement.minds.posts || !saying.room.is_public() {
            return self.post(place, saying);
        }
        let text = saying.body.as_text().map(Into::into);
        let wish = Wish::Post { room: saying.room.clone(), user: self.user_of(place), text };
        self.consult(place, wish, Asked::Post(Box::new(saying)), now)
    }

    /// Whether the rules let a session do something in a room.
    pub(crate) fn check_rules(&self, place: Place, right: Right, room: &RoomId) -> Result<(), Refusal> {
        let Some(session) = self.sessions.get(place) else { return Ok(()) };
        self.settings.rules.check(right, room, session.user.as_ref(), session.standing.as_ref())
    }

    fn consult(&mut self, place: Place, wish: Wish, asked: Asked, now: Now) -> Result<(), Refusal> {
        let Judgement { access, asked: open, .. } = &mut self.judgement;
        if open.len() >= ASKS_MAX {
            return Err(Refusal::Overloaded);
        }
        let ticket = open.vacant_key() as u64;
        if let Some(verdict) = access.ask(Ask { ticket, wish }) {
            return self.follow(place, asked, verdict, now);
        }
        if let Some(session) = self.sessions.get_mut(place) {
            session.awaits_verdict |= asked.is_waited_for();
        }
        self.judgement.asked.insert((self.sessions.key(place), asked));
        Ok(())
    }

    /// Takes what has arrived from who decides.
    pub(crate) fn take_verdicts(&mut self, now: Now) {
        let mut arrivals = std::mem::take(&mut self.judgement.arrivals);
        self.judgement.access.collect(&mut arrivals);
        for arrival in arrivals.drain(..) {
            match arrival {
                Arrival::Decided { ticket, verdict } => self.decided(ticket, verdict, now),
                Arrival::Revoked(Revoked { what, is_news }) => {
                    self.part_with_revoked(&what, now);
                    if is_news && self.settings.shard == ShardId::FIRST {
                        self.tell_other_nodes(&what, now);
                    }
                }
            }
        }
        self.judgement.arrivals = arrivals;
    }

    /// Every shard of this node has been told, and one of them tells all other nodes.
    fn tell_other_nodes(&mut self, revoked: &[Revocation], now: Now) {
        for some in revoked.chunks(REVOKED_MAX) {
            self.tell_nodes(&Envelope::Revoked(some.to_vec()), now);
        }
    }

    /// Another node says what is good no more: whoever decides here takes note of it, and tells every shard.
    pub(crate) fn heed_revoked(&mut self, revoked: &[Revocation]) {
        revoked.iter().for_each(|revocation| self.judgement.access.revoke(revocation));
    }

    fn decided(&mut self, ticket: u64, verdict: Verdict, now: Now) {
        let Some((key, asked)) = self.judgement.asked.try_remove(ticket as usize) else { return };
        if self.judgement.asked.is_empty() {
            self.judgement.asked = Slab::new();
        }
        let Some(place) = self.sessions.find(key) else { return };
        if let Some(session) = self.sessions.get_mut(place).filter(|_| asked.is_waited_for()) {
            session.awaits_verdict = false;
        }
        let tag = asked.tag().cloned();
        if let Err(refusal) = self.follow(place, asked, verdict, now) {
            self.refuse(place, tag, refusal, now);
        }
        self.go_on(place, now);
    }

    /// Does what was wanted, or not, as it was decided.
    fn follow(&mut self, place: Place, asked: Asked, verdict: Verdict, now: Now) -> Result<(), Refusal> {
        let Pass { user, standing } = verdict?;
        match (asked, user) {
            (Asked::Identify { takes_direct, inbox, tag }, Some(user)) => {
                self.check_name(place, &user, now)?;
                self.note_standing(place, standing);
                if takes_direct {
                    self.enter(place, RoomId::inbox(user.clone()), Some(user), inbox, tag);
                } else {
                    self.name(place, &user);
                    self.mind_expiry(place, now);
                }
                Ok(())
            }
            (Asked::Refresh { tag }, Some(user)) if self.user_of(place) == Some(user.clone()) => {
                let until = standing.as_ref().and_then(Standing::until);
                self.note_standing(place, standing);
                self.deliver(place, &Event::Refreshed { tag, until }, now);
                self.mind_expiry(place, now);
                Ok(())
            }
            (Asked::Identify { .. } | Asked::Refresh { .. }, _) => Err(Refusal::NotYours),
            (Asked::Join { room, since, tag }, _) => self.join(place, room, since, tag),
            (Asked::Post(saying), _) => self.post(place, *saying),
        }
    }

    /// What a session has proven, and the name that it is for: the one that it goes by, or will once its inbox has let it in.
    pub(crate) fn proof_of<'a>(&'a self, session: &'a Session) -> Option<(&'a Standing, &'a str)> {
        let standing = session.standing.as_ref()?;
        let asked = || session.rooms.iter().map(|membership| &self.audiences.get(membership.audience).room);
        let name = session.user.as_ref().map(UserId::as_str);
        Some((standing, name.or_else(|| Some(asked().find(|room| room.is_inbox())?.name()))?))
    }

    fn note_standing(&mut self, place: Place, standing: Option<Standing>) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.standing = standing;
        session.minds_expiry = false;
    }

    /// Has a session looked at before its proof runs out, once it has been told that it is believed. Only when that is soon: most proofs
    /// outlive their sessions, and who has none needs no alarm.
    pub(crate) fn mind_expiry(&mut self, place: Place, now: Now) {
        let soon_ms = NOTICE_MS + 2 * self.settings.ping_interval_ms;
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some((left_ms, until_s)) = session.time_left(now.wall) else { return };
        if left_ms > soon_ms || std::mem::replace(&mut session.minds_expiry, true) {
            return;
        }
        let notice_ms = NOTICE_MS.min(left_ms / 2);
        self.set_alarm(place, Alarm::Expiring(until_s), left_ms - notice_ms, now);
    }

    /// Tells a session that its proof runs out, if it is still the one that was meant.
    pub(crate) fn tell_expiring(&mut self, place: Place, meant: NonZero<u32>, now: Now) {
        let Some((left_ms, at)) = self.expiry(place, meant, now) else { return };
        self.set_alarm(place, Alarm::Expired(meant), left_ms, now);
        self.deliver(place, &Event::Expiring { at }, now);
    }

    /// Parts with a session whose proof has run out, if it is still the one that was meant.
    pub(crate) fn part_with_expired(&mut self, place: Place, meant: NonZero<u32>, now: Now) {
        match self.expiry(place, meant, now) {
            None => {}
            Some((0, _)) => self.part(place, Farewell::TokenExpired, now),
            // The time of day was set back.
            Some((left_ms, _)) => self.set_alarm(place, Alarm::Expired(meant), left_ms, now),
        }
    }

    /// How long a session's proof is still good, and until when, if it is the one that was meant.
    fn expiry(&self, place: Place, meant: NonZero<u32>, now: Now) -> Option<(u64, Time)> {
        let session = self.sessions.get(place)?;
        let (left_ms, until_s) = session.time_left(now.wall)?;
        let at = session.standing.as_ref()?.until()?;
        (until_s == meant).then_some((left_ms, at))
    }

    /// Who was believed by what is good no more is parted with.
    fn part_with_revoked(&mut self, revoked: &[Revocation], now: Now) {
        let falls = |(standing, name): (&Standing, &str)| {
            revoked.iter().any(|revocation| standing.falls_by(name, revocation))
        };
        let sessions = self.sessions.iter();
        let fallen = sessions.filter(|(_, session)| self.proof_of(session).is_some_and(falls));
        let fallen: Vec<Place> = fallen.map(|(place, _)| place).collect();
        for place in fallen {
            self.part(place, Farewell::Revoked, now);
        }
    }
}

impl Session {
    /// How long its proof is still good, in milliseconds, and until when, in seconds since 1970; `None`: for good, or there is none.
    fn time_left(&self, now: Time) -> Option<(u64, NonZero<u32>)> {
        let standing = self.standing.as_ref()?;
        Some((standing.until()?.0.saturating_sub(now.0), standing.until_s?))
    }
}

/// Whether more is shown than a name.
fn is_proof(credentials: &Credentials) -> bool {
    matches!(credentials, Credentials::Token(_) | Credentials::Password(..))
}
