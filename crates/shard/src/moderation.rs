//! What operators have ruled, as this shard holds it against its sessions. Where nothing was ruled, that is all there is to know: one look.
//!
//! Every shard has every ruling; the first one of each node tells those that were made there to other nodes, and all of them to nodes that come.

use core::net::IpAddr;
use std::sync::Arc;

use access::{Docket, Entry, Offender, Penalty, Person, Ruling, RulingTerms, Subject};
use backplanes::NodeId;
use chat::{Event, Farewell, Refusal, RoomId, UserId};
use hashbrown::HashMap;

use crate::envelopes::Envelope;
use crate::sessions::PENDING;
use crate::streams::Place;
use crate::{Decree, News, Now, SessionKey, Shard, ShardId, Whose};

/// Rulings in one envelope.
pub(crate) const RULINGS_TOLD: usize = 100;
/// So many who have said something in slow rooms are remembered.
const SPEAKERS_MAX: usize = 1 << 16;

/// What was ruled, and who has to wait.
pub(crate) struct Moderation {
    docket: Docket,
    /// When who said something last in a slow room, on the monotonic clock.
    paces: HashMap<(RoomId, Speaker), u64>,
    /// The nodes that were there when it was looked last.
    nodes: Arc<[NodeId]>,
}

/// Who says something in a slow room: a user, or a session without a name.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Speaker {
    User(UserId),
    Session(SessionKey),
}

impl Moderation {
    pub(crate) fn new(rulings: &[Ruling], nodes: Arc<[NodeId]>) -> Self {
        let mut docket = Docket::default();
        // What is over by now does no harm, and is forgotten when there is no room.
        rulings.iter().for_each(|ruling| _ = docket.enter(ruling, ruling.since));
        Self { docket, paces: HashMap::new(), nodes }
    }

    pub(crate) fn docket(&self) -> &Docket {
        &self.docket
    }
}

impl Shard {
    /// Whether a client at this address may not be here at all.
    pub(crate) fn bars(&self, address: IpAddr, now: Now) -> bool {
        let docket = &self.moderation.docket;
        !docket.is_quiet() && docket.check_ban(Person { user: None, address }, None, now.wall).is_err()
    }

    /// Whether a session may go by a name.
    pub(crate) fn check_name(&self, place: Place, user: &UserId, now: Now) -> Result<(), Refusal> {
        let docket = &self.moderation.docket;
        let Some(session) = self.sessions.get(place).filter(|_| !docket.is_quiet()) else { return Ok(()) };
        docket.check_ban(Person { user: Some(user), address: session.address }, None, now.wall)
    }

    /// Whether operators let a session be in a room.
    pub(crate) fn check_stay(&self, place: Place, room: &RoomId, now: Now) -> Result<(), Refusal> {
        let docket = &self.moderation.docket;
        if docket.is_quiet() || !room.is_public() {
            return Ok(());
        }
        let Some(person) = self.person(place) else { return Ok(()) };
        docket.check_ban(person, Some(room), now.wall)?;
        if docket.room(room).is_closed { Err(Refusal::RoomClosed) } else { Ok(()) }
    }

    /// Whether operators let a session say something: in a room, or to a user.
    pub(crate) fn check_speech(&mut self, place: Place, room: &RoomId, now: Now) -> Result<(), Refusal> {
        if self.moderation.docket.is_quiet() {
            return Ok(());
        }
        self.check_stay(place, room, now)?;
        let Some(person) = self.person(place) else { return Ok(()) };
        let (docket, public) = (&self.moderation.docket, Some(room).filter(|room| room.is_public()));
        docket.check_ban(person, public, now.wall)?;
        docket.check_mute(person, public, now.wall)?;
        let Some(slow_ms) = public.map(|room| docket.room(room).slow_ms).filter(|slow_ms| *slow_ms > 0)
        else {
            return Ok(());
        };
        let speaker = match person.user {
            Some(user) => Speaker::User(user.clone()),
            None => Speaker::Session(self.sessions.key(place)),
        };
        self.moderation.pace(room, speaker, slow_ms, now)
    }

    /// Whether operators let a session show a room a sign. Signs have no pace.
    pub(crate) fn check_sign(&self, place: Place, room: &RoomId, now: Now) -> Result<(), Refusal> {
        let docket = &self.moderation.docket;
        if docket.is_quiet() {
            return Ok(());
        }
        self.check_stay(place, room, now)?;
        let Some(person) = self.person(place) else { return Ok(()) };
        docket.check_mute(person, Some(room), now.wall)
    }

    /// Puts rulings into force. Says how many sessions were met.
    pub(crate) fn enforce(&mut self, rulings: &[Ruling], now: Now) -> Result<usize, Refusal> {
        let mut met = 0;
        for ruling in rulings {
            match self.moderation.docket.enter(ruling, now.wall) {
                Entry::Full => return Err(Refusal::Overloaded),
                Entry::Known => {}
                Entry::News => {
                    met += if ruling.holds(now.wall) { self.carry_through(ruling, now) } else { 0 };
                    if self.settings.shard == ShardId::FIRST {
                        self.news.push(News::Ruled(ruling.clone()));
                    }
                }
            }
        }
        Ok(met)
    }

    /// Who may not be where they are any more goes.
    fn carry_through(&mut self, ruling: &Ruling, now: Now) -> usize {
        match (&ruling.subject, &ruling.terms) {
            (Subject::Somebody(Penalty::Ban, whom, None), _) => {
                let places = self.select(&whose(whom));
                places.iter().for_each(|place| self.part(*place, Farewell::Banned, now));
                places.len()
            }
            (Subject::Somebody(Penalty::Ban, whom, Some(room)), _) => {
                self.expel(&whose(whom), room, Refusal::Banned, now)
            }
            (Subject::Room(room), RulingTerms::Room(terms)) if terms.is_closed => {
                self.expel(&Whose::Room(room.clone()), room, Refusal::RoomClosed, now)
            }
            _ => 0,
        }
    }

    /// Has sessions leave a room. Says how many were there.
    pub(crate) fn expel(&mut self, whose: &Whose, room: &RoomId, because: Refusal, now: Now) -> usize {
        let places = self.select(whose);
        places.into_iter().filter(|place| self.expel_one(*place, room, because, now)).count()
    }

    /// Has a session leave a room. One whose home has not answered yet goes when it has.
    pub(crate) fn expel_one(&mut self, place: Place, room: &RoomId, because: Refusal, now: Now) -> bool {
        let Some(index) = self.membership(place, room) else { return false };
        if self.sessions.get(place).is_none_or(|session| session.rooms[index].member == PENDING) {
            return false;
        }
        self.tell_missed_in(place, room, now);
        self.note_left(place, room);
        // What was told so far may have parted with it.
        let Some(index) = self.membership(place, room) else { return true };
        self.walk_out(place, index, room.clone());
        self.tally.refused(because);
        self.deliver(place, &Event::Removed { room: room.clone(), because }, now);
        true
    }

    /// Tells nodes that have come what was ruled: two of those that were there before do.
    pub(crate) fn greet_nodes(&mut self) {
        if self.settings.shard != ShardId::FIRST
            || Arc::ptr_eq(self.homes.nodes_known(), &self.moderation.nodes)
        {
            return;
        }
        let nodes = self.homes.nodes();
        let before = std::mem::replace(&mut self.moderation.nodes, nodes.clone());
        let mut elders: Vec<NodeId> = before.iter().copied().filter(|node| nodes.contains(node)).collect();
        elders.sort_unstable();
        if !elders.iter().take(2).any(|elder| *elder == self.settings.node) {
            return;
        }
        let rulings: Vec<Ruling> = self.moderation.docket.all().collect();
        for node in nodes.iter().filter(|node| !before.contains(node)) {
            for some in rulings.chunks(RULINGS_TOLD) {
                let decree = Envelope::Decree(Box::new(Decree::Rule(some.to_vec())));
                self.tunnels.send((*node, ShardId::FIRST), decree);
            }
        }
    }

    fn person(&self, place: Place) -> Option<Person<'_>> {
        let session = self.sessions.get(place)?;
        Some(Person { user: session.user.as_ref(), address: session.address })
    }
}

impl Moderation {
    fn pace(&mut self, room: &RoomId, speaker: Speaker, slow_ms: u32, now: Now) -> Result<(), Refusal> {
        let Self { docket, paces, .. } = self;
        let waits_ms =
            |slow_ms: u32, said_ms: u64| (said_ms + u64::from(slow_ms)).saturating_sub(now.monotonic_ms);
        let key = (room.clone(), speaker);
        let left_ms = paces.get(&key).map_or(0, |said_ms| waits_ms(slow_ms, *said_ms));
        if left_ms > 0 {
            return Err(Refusal::SlowMode { retry_after_ms: left_ms as u32 });
        }
        if paces.len() >= SPEAKERS_MAX {
            paces.retain(|(room, _), said_ms| waits_ms(docket.room(room).slow_ms, *said_ms) > 0);
        }
        // Where too many wait, who comes last does not.
        if paces.len() < SPEAKERS_MAX {
            paces.insert(key, now.monotonic_ms);
        }
        Ok(())
    }
}

fn whose(whom: &Offender) -> Whose {
    match whom {
        Offender::User(user) => Whose::User(user.clone()),
        Offender::Address(address) => Whose::Address(*address),
    }
}
