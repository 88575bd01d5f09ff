//! The rooms that this shard is home to: who is in them, in which order their messages stand, and who must be told.

use std::sync::Arc;

use backplanes::{Arrival, Backplane, Order};
use chat::{Event, Message, Position, Presence, Refusal, Resumption, RoomId, Roster, Tag, UserId};
use hashbrown::HashMap;
use slab::Slab;
use smallvec::SmallVec;
use stores::Store;

use crate::deadlines::Deadlines;
use crate::mail::{Enter, Entered, Exit, Mail, Post, Recall};
use crate::moves::tell_size;
use crate::{Now, SessionKey, Settings, ShardId};

/// Mail with its addressee.
pub(crate) type Addressed = (ShardId, Mail);

/// The rooms that this shard is home to. What they have to say is appended to `out` of each call, in order.
pub(crate) struct Homes {
    /// This shard, and how many there are.
    place: (ShardId, u16),
    rooms: HashMap<RoomId, Home>,
    rooms_max: usize,
    members_max: u32,
    small_max: u32,
    list_max: usize,
    presence_interval_ms: u64,
    /// How much history a returning session is sent at most, in bytes.
    replay_bytes_max: usize,
    backplane: Box<dyn Backplane>,
    store: Box<dyn Store>,
    /// Posts whose authors want to know what became of them.
    asks: Slab<(SessionKey, Option<Tag>)>,
    arrivals: Vec<Arrival>,
    presence_due: Deadlines<RoomId>,
    idle: Deadlines<RoomId>,
    inbox_idle: Deadlines<RoomId>,
}

/// A room at its home.
#[derive(Default)]
struct Home {
    roster: Roster,
    /// How many sessions each shard has here; never 0.
    audience: SmallVec<[(ShardId, u32); 1]>,
    /// Something happened here last at this moment.
    active_ms: u64,
    /// A telling of presence is due.
    presence_due: bool,
    /// Presence was told last at this moment.
    presence_told_ms: Option<u64>,
    /// A look at whether the room is idle is due.
    watched: bool,
    /// The other shards know it as large.
    is_large: bool,
}

/// The ticket of an order whose author does not want to know.
const NO_REPLY: u64 = u64::MAX;

impl Homes {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (_, backplane) = backplanes::BACKPLANES[0];
        let (_, store) = stores::STORES[0];
        Self {
            place: (settings.shard, settings.shards),
            rooms: HashMap::new(),
            rooms_max: settings.rooms_max,
            members_max: settings.room_members_max,
            small_max: settings.small_room_max,
            list_max: settings.presence_list_max,
            presence_interval_ms: settings.presence_interval_ms,
            replay_bytes_max: settings.session_queue_bytes / 2,
            backplane: backplane(&settings.backplane),
            store: store(&settings.store),
            asks: Slab::new(),
            arrivals: Vec::new(),
            presence_due: Deadlines::new(settings.presence_interval_ms),
            idle: Deadlines::new(settings.room_idle_ms),
            inbox_idle: Deadlines::new(settings.inbox_idle_ms),
        }
    }

    pub(crate) fn enter(&mut self, enter: Enter, now: Now, out: &mut Vec<Addressed>) {
        if let Err(refusal) = self.let_in(&enter, now) {
            let Enter { room, session, tag, .. } = enter;
            return out.push((session.shard, Mail::Barred { to: session, room, tag, refusal }));
        }
        let at = self.backplane.head(&enter.room);
        let replay = self.replay(&enter.room, enter.since, at, now);
        let Some(home) = self.rooms.get_mut(&enter.room) else { return };
        let counts = home.roster.counts();
        let present = home.roster.show(self.list_max).map(|users| users.cloned().collect());
        let entered = Entered {
            to: enter.session,
            user: enter.user,
            at,
            tag: enter.tag,
            counts,
            present,
            resumption: replay.resumption,
            lost: replay.lost,
            missed: replay.messages,
            room: enter.room.clone(),
        };
        out.push((enter.session.shard, Mail::Entered(Box::new(entered))));
        self.size_changed(&enter.room, out);
        self.presence_changed(&enter.room, now, out);
    }

    pub(crate) fn exit(&mut self, exit: &Exit, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(&exit.room) else { return };
        if !home.forget_session(exit.shard) {
            return;
        }
        home.roster.leave(known_there(&exit.room, exit.user.as_ref()));
        home.active_ms = now.monotonic_ms;
        self.size_changed(&exit.room, out);
        self.presence_changed(&exit.room, now, out);
        self.watch(&exit.room, now);
    }

    pub(crate) fn named(&mut self, room: &RoomId, user: &UserId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        home.roster.leave(None);
        home.roster.enter(Some(user));
        self.presence_changed(room, now, out);
    }

    pub(crate) fn unsure(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        home.roster.doubt();
        self.presence_changed(room, now, out);
    }

    pub(crate) fn post(&mut self, post: Post, now: Now, out: &mut Vec<Addressed>) {
        if let Err(refusal) = self.check_room(&post.room, now) {
            return answer_refused(post, refusal, out);
        }
        let Post { room, author, body, tag, reply_to } = post;
        let ticket = match reply_to {
            Some(session) => self.asks.insert((session, tag.clone())) as u64,
            None => NO_REPLY,
        };
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.backplane.order(Order { room, author, body, tag, time: now.wall, ticket }, &mut arrivals);
        for arrival in arrivals.drain(..) {
            self.arrive(arrival, out);
        }
        self.arrivals = arrivals;
    }

    pub(crate) fn recall(&mut self, recall: Recall, now: Now, out: &mut Vec<Addressed>) {
        let page = self.store.before(&recall.room, recall.before, recall.limit, now.wall);
        let (messages, more) = within(page.messages, self.replay_bytes_max, page.more);
        let event = Event::Page { tag: recall.tag, room: recall.room, messages, more };
        out.push((recall.session.shard, Mail::Answer { to: recall.session, event }));
    }

    /// A bare sign means something only where it is known who is there; one that carries something is for everybody in the room.
    pub(crate) fn signal(&mut self, event: Event, room: &RoomId, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get(room) else { return };
        let is_bare = matches!(event, Event::Signal { content: None, .. });
        if !is_bare || home.roster.sessions() as usize <= self.list_max {
            home.tell(room, &event, out);
        }
    }

    /// Does what has become due.
    pub(crate) fn tick(&mut self, now: Now, out: &mut Vec<Addressed>) {
        while let Some(room) = self.presence_due.pop_due(now.monotonic_ms) {
            if let Some(home) = self.rooms.get_mut(&room) {
                home.presence_due = false;
                home.tell_presence(&room, self.list_max, now, out);
            }
        }
        while let Some(room) = self.idle.pop_due(now.monotonic_ms) {
            self.let_go_if_idle(room, self.idle.after_ms(), now);
        }
        while let Some(room) = self.inbox_idle.pop_due(now.monotonic_ms) {
            self.let_go_if_idle(room, self.inbox_idle.after_ms(), now);
        }
    }

    /// When something becomes due next.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        [self.presence_due.next_ms(), self.idle.next_ms(), self.inbox_idle.next_ms()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Messages of history, and their bytes.
    pub(crate) fn history(&self) -> (usize, usize) {
        self.store.size()
    }

    /// Whether there is, or may be, such a room to post to. Nobody can post to an inbox without an owner.
    fn check_room(&mut self, room: &RoomId, now: Now) -> Result<(), Refusal> {
        if let Some(home) = self.rooms.get_mut(room) {
            home.active_ms = now.monotonic_ms;
            return Ok(());
        }
        if room.is_inbox() {
            return Err(Refusal::NoSuchUser);
        }
        if self.rooms.len() >= self.rooms_max {
            return Err(Refusal::Overloaded);
        }
        self.rooms.insert(room.clone(), Home { active_ms: now.monotonic_ms, ..Home::default() });
        self.watch(room, now);
        Ok(())
    }

    fn let_in(&mut self, enter: &Enter, now: Now) -> Result<(), Refusal> {
        let is_new = !self.rooms.contains_key(&enter.room);
        if is_new && self.rooms.len() >= self.rooms_max && !enter.room.is_everybody() {
            return Err(Refusal::Overloaded);
        }
        let home = self.rooms.entry_ref(&enter.room).or_default();
        // A user's devices are no room's members, and all are to be told what is said to all.
        if home.roster.sessions() >= self.members_max && enter.room.is_public() {
            return Err(Refusal::RoomFull);
        }
        home.roster.enter(known_there(&enter.room, enter.user.as_ref()));
        home.note_session(enter.session.shard);
        home.active_ms = now.monotonic_ms;
        Ok(())
    }

    fn replay(&mut self, room: &RoomId, since: Option<Position>, at: Position, now: Now) -> Replay {
        let Some(since) = since else { return Replay::nothing(Resumption::Fresh) };
        if since == at {
            return Replay::nothing(Resumption::Complete);
        }
        let found = self.store.since(room, since, now.wall);
        let all = found.messages.len();
        let (messages, cut) = within(found.messages, self.replay_bytes_max, false);
        if found.complete && !cut && messages.len() == all {
            return Replay { messages, resumption: Resumption::Complete, lost: None };
        }
        let lost_up_to = messages.first().map_or(at.offset, |first| first.at.offset - 1);
        let lost = (since, Position { epoch: at.epoch, offset: lost_up_to });
        Replay { messages, resumption: Resumption::Partial, lost: Some(lost) }
    }

    fn arrive(&mut self, arrival: Arrival, out: &mut Vec<Addressed>) {
        let (at, ticket) = match arrival {
            Arrival::Ordered { message, ticket } => {
                self.store.append(&message);
                if let Some(home) = self.rooms.get(&message.room) {
                    home.tell(&message.room, &Event::Posted(message.clone()), out);
                }
                (message.at, ticket)
            }
            Arrival::Repeated { at, ticket } => (at, ticket),
        };
        if ticket != NO_REPLY {
            let (session, tag) = self.asks.remove(ticket as usize);
            out.push((session.shard, Mail::Answer { to: session, event: Event::Accepted { tag, at } }));
        }
    }

    /// Tells presence at once when it has not been told for a while, else together with what comes until then.
    fn presence_changed(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        if home.presence_due || !room.is_public() {
            return;
        }
        let quiet_since_ms = home.presence_told_ms.map_or(u64::MAX, |told_ms| now.monotonic_ms - told_ms);
        if quiet_since_ms >= self.presence_interval_ms {
            return home.tell_presence(room, self.list_max, now, out);
        }
        home.presence_due = true;
        self.presence_due.push(now.monotonic_ms, room.clone());
    }

    /// Tells the other shards when the room has become large, or small again.
    fn size_changed(&mut self, room: &RoomId, out: &mut Vec<Addressed>) {
        let (shard, shards) = self.place;
        let Some(home) = self.rooms.get_mut(room) else { return };
        let most = if home.is_large { self.small_max / 2 } else { self.small_max };
        let is_large = home.roster.sessions() > most;
        if is_large != home.is_large {
            home.is_large = is_large;
            out.extend(tell_size(room, is_large, shard, shards));
        }
    }

    fn watch(&mut self, room: &RoomId, now: Now) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        if !home.roster.is_empty() || home.watched {
            return;
        }
        home.watched = true;
        let queue = if room.is_inbox() { &mut self.inbox_idle } else { &mut self.idle };
        queue.push(now.monotonic_ms, room.clone());
    }

    fn let_go_if_idle(&mut self, room: RoomId, after_ms: u64, now: Now) {
        let Some(home) = self.rooms.get_mut(&room) else { return };
        home.watched = false;
        if !home.roster.is_empty() {
            return;
        }
        if home.active_ms + after_ms > now.monotonic_ms {
            return self.watch(&room, now);
        }
        self.rooms.remove(&room);
        give_back(&mut self.rooms);
        self.backplane.forget(&room);
        self.store.forget(&room);
    }
}

/// What a returning session is sent.
struct Replay {
    messages: Vec<Arc<Message>>,
    resumption: Resumption,
    lost: Option<(Position, Position)>,
}

impl Replay {
    fn nothing(resumption: Resumption) -> Self {
        Self { messages: Vec::new(), resumption, lost: None }
    }
}

impl Home {
    fn note_session(&mut self, shard: ShardId) {
        match self.audience.iter_mut().find(|(of, _)| *of == shard) {
            Some((_, sessions)) => *sessions += 1,
            None => self.audience.push((shard, 1)),
        }
    }

    /// Says whether the shard had a session here.
    fn forget_session(&mut self, shard: ShardId) -> bool {
        let Some(index) = self.audience.iter().position(|(of, _)| *of == shard) else { return false };
        self.audience[index].1 -= 1;
        if self.audience[index].1 == 0 {
            self.audience.swap_remove(index);
        }
        true
    }

    fn tell(&self, room: &RoomId, event: &Event, out: &mut Vec<Addressed>) {
        for (shard, _) in &self.audience {
            out.push((*shard, Mail::Told { room: room.clone(), event: event.clone() }));
        }
    }

    fn tell_presence(&mut self, room: &RoomId, list_max: usize, now: Now, out: &mut Vec<Addressed>) {
        let Some(change) = self.roster.take_change(list_max) else { return };
        self.presence_told_ms = Some(now.monotonic_ms);
        let presence =
            Presence { room: room.clone(), joined: change.joined, left: change.left, counts: change.counts };
        self.tell(room, &Event::Presence(Arc::new(presence)), out);
    }
}

/// By which name a session is counted in a room. In the room of everybody nobody has one: who is there is not told, and must not be kept.
fn known_there<'a>(room: &RoomId, user: Option<&'a UserId>) -> Option<&'a UserId> {
    user.filter(|_| !room.is_everybody())
}

/// Gives memory back once most of it is empty.
fn give_back(rooms: &mut HashMap<RoomId, Home>) {
    if rooms.len() * 4 < rooms.capacity() {
        rooms.shrink_to(rooms.len() * 2);
    }
}

/// The newest messages that weigh at most `bytes_max` together, and whether older ones are left.
fn within(mut messages: Vec<Arc<Message>>, bytes_max: usize, more: bool) -> (Vec<Arc<Message>>, bool) {
    let mut weight = 0;
    let fitting = messages.iter().rev().take_while(|message| {
        weight += message.weight();
        weight <= bytes_max
    });
    let cut = messages.len() - fitting.count();
    messages.drain(..cut);
    (messages, more || cut > 0)
}

fn answer_refused(post: Post, refusal: Refusal, out: &mut Vec<Addressed>) {
    if let Some(to) = post.reply_to {
        out.push((to.shard, Mail::Answer { to, event: Event::Refused { tag: post.tag, refusal } }));
    }
}
