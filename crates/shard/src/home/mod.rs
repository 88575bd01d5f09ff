//! The rooms that this shard is home to: who is in them, where they stand, and who must be told.
//!
//! A home asks the store how the room stood that it stands for, then the backplane, and is *open* once it knows how it stands. Until then whoever
//! wants to enter waits. What puts messages in order, here or far away, and when they are kept, homes do not know.

mod arrivals;
mod behind;
mod describing;
mod happenings;
mod keeping;
mod presence;
mod room;

use std::sync::Arc;

use backplanes::{Arrival, Ask, Backplane, NodeId, Order, Signal};
use chat::{Author, Body, ByRoom, Event, Position, Refusal, Resumption, RoomId, Tag, UserId};
use hashbrown::HashSet;
use slab::Slab;
use stores::{Promise, Store, Told, Wish};

use crate::deadlines::Deadlines;
use crate::flood::too_fast;
use crate::latency::Heard;
use crate::mail::{Enter, Entered, Exit, Mail, Post, Recall};
use crate::{Now, Rate, SessionKey, Settings, ShardId};

use behind::Reckoning;
use happenings::{Before, Witness};
use keeping::{Reading, Unkept};
use room::{Home, Replay, Waiting, known_there};

/// Mail with its addressee.
pub(crate) type Addressed = (ShardId, Mail);

/// The rooms that this shard is home to. What they have to say is appended to `out` of each call, in order.
pub(crate) struct Homes {
    /// This shard, and how many there are.
    place: (ShardId, u16),
    /// How often the backplane was asked once more how a room stands, since when.
    asked_again: (u64, u32),
    rooms: ByRoom<Home>,
    rooms_max: usize,
    members_max: u32,
    room_posts: Rate,
    small_max: u32,
    list_max: usize,
    presence_interval_ms: u64,
    /// How much history a returning session is sent at most, in bytes.
    replay_bytes_max: usize,
    backplane: Box<dyn Backplane>,
    store: Box<dyn Store>,
    /// Since when what is being put in order is on its way.
    heard: Heard,
    /// An order that is followed and may take its time.
    followed: Option<Box<(RoomId, Author, Body, Heard)>>,
    /// Posts whose authors want to know what became of them.
    asks: Slab<Asked>,
    unkept: Unkept,
    /// What is being read.
    readings: Slab<Reading>,
    arrivals: Vec<Arrival>,
    told: Vec<Told>,
    /// The nodes that are alive, as far as is known.
    nodes: Arc<[NodeId]>,
    /// Nodes that were, some time.
    met: HashSet<NodeId>,
    presence_due: Deadlines<RoomId>,
    idle: Deadlines<RoomId>,
    inbox_idle: Deadlines<RoomId>,
    /// Idle rooms of which something is not done yet.
    busy: Deadlines<RoomId>,
    /// Rooms that are wanted, and of which it could not be said how they stood.
    unknown: Deadlines<RoomId>,
    witness: Witness,
    /// When those are missed who were here when the node ended before.
    reckoning: Reckoning,
}

/// A post whose author wants to know what became of it.
struct Asked {
    to: SessionKey,
    tag: Option<Tag>,
    /// Its room, if it is to be kept there for good.
    lasting: Option<RoomId>,
    /// All of it, if somebody beyond the node wants to know of it and it does not come back whole.
    order: Option<Box<Order>>,
}

/// The ticket of an order whose author does not want to know.
const NO_REPLY: u64 = u64::MAX;
/// Posts of a shard whose authors wait to hear what became of them.
const ASKS_MAX: usize = 1 << 20;
/// So often, in so long, the backplane is asked once more how a room stands.
const ASK_AGAIN_MAX: u32 = 100;
const ASK_AGAIN_MS: u64 = 100;
/// A room that lives on without its home loses it so soon after the last session has gone.
const LINGER_MS: u64 = 5000;
/// How often it is looked whether what keeps an idle room is done.
const BUSY_MS: u64 = 1000;
/// Nodes that are remembered when they are gone.
const MET_MAX: usize = 4096;

impl Homes {
    pub(crate) fn new(settings: &Settings, backplane: Box<dyn Backplane>, store: Box<dyn Store>) -> Self {
        let linger_ms = if backplane.outlives_homes() { LINGER_MS } else { u64::MAX };
        let is_asked_for = store.announces() && settings.interest.is_in_presence();
        let reckoning = Reckoning::new(is_asked_for, backplane.outlives_homes());
        Self {
            place: (settings.shard, settings.shards),
            asked_again: (0, 0),
            rooms: ByRoom::default(),
            rooms_max: settings.rooms_max,
            members_max: settings.room_members_max,
            room_posts: settings.limits.room_posts,
            small_max: settings.small_room_max,
            list_max: settings.presence_list_max,
            presence_interval_ms: settings.presence_interval_ms,
            replay_bytes_max: settings.session_queue_bytes / 2,
            backplane,
            store,
            heard: Heard::default(),
            followed: None,
            asks: Slab::new(),
            unkept: Unkept::new(),
            readings: Slab::new(),
            arrivals: Vec::new(),
            told: Vec::new(),
            nodes: Arc::from([settings.node]),
            met: HashSet::new(),
            presence_due: Deadlines::new(settings.presence_interval_ms),
            idle: Deadlines::new(settings.room_idle_ms.min(linger_ms)),
            inbox_idle: Deadlines::new(settings.inbox_idle_ms.min(linger_ms)),
            busy: Deadlines::new(BUSY_MS),
            unknown: Deadlines::new(BUSY_MS),
            witness: Witness::new(settings.interest),
            reckoning,
        }
    }

    /// Goes by what of other settings can change while there are rooms.
    pub(crate) fn renew(&mut self, settings: &Settings) {
        self.members_max = settings.room_members_max;
        self.room_posts = settings.limits.room_posts;
        self.list_max = settings.presence_list_max;
    }

    pub(crate) fn enter(&mut self, enter: Enter, now: Now, out: &mut Vec<Addressed>) {
        if self.reckoning == Reckoning::First {
            self.reckon(now, out);
        }
        let is_new = !self.rooms.contains(&enter.room);
        if let Err(refusal) = self.let_in(&enter, now) {
            let Enter { room, session, tag, .. } = enter;
            return out.push((session.shard, Mail::Barred { to: session, room, tag, refusal }));
        }
        let may_ask = self.may_ask_again(now);
        let Some(home) = self.rooms.get_mut(&enter.room) else { return };
        let is_awaited = home.is_awaited();
        let is_behind = home.is_behind(enter.since) && (may_ask || is_awaited);
        if home.head.is_some() && !is_behind {
            return self.admit(enter, now, out);
        }
        let room = enter.room.clone();
        home.far().waiting.push(Waiting::Enter(enter));
        if is_new {
            return self.open(room, now, out);
        }
        if is_behind && !is_awaited {
            self.asked_again.1 += 1;
            self.ask(Ask::Attend(room), now, out);
        }
    }

    /// Whether the backplane may be asked once more how a room stands, because somebody says to know more of it. Anybody can say that.
    fn may_ask_again(&mut self, now: Now) -> bool {
        if now.monotonic_ms >= self.asked_again.0 + ASK_AGAIN_MS {
            self.asked_again = (now.monotonic_ms, 0);
        }
        self.backplane.outlives_homes() && self.asked_again.1 < ASK_AGAIN_MAX
    }

    /// Lets a session into an open room, as soon as there is what it has missed.
    fn admit(&mut self, enter: Enter, now: Now, out: &mut Vec<Addressed>) {
        let Some((home, at)) = self.rooms.get(&enter.room).and_then(|home| Some((home, home.head?))) else {
            return;
        };
        let Some(reached) = enter.since.map(|since| home.reached(since)) else {
            return self.welcome(enter, at, Replay::nothing(Resumption::Fresh), now, out);
        };
        if reached.has_all(at) {
            return self.welcome(enter, at, Replay::nothing(Resumption::Complete), now, out);
        }
        match self.store.since(&enter.room, reached.has, self.wish(now)) {
            Some(found) => self.replay(enter, found, now, out),
            None => _ = self.readings.insert(Reading::Enter(enter)),
        }
    }

    /// A session is in: from here on it gets everything.
    fn welcome(&mut self, enter: Enter, at: Position, replay: Replay, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(&enter.room) else { return };
        let counts = home.roster.counts();
        let present = home.roster.show(self.list_max).map(|users| users.cloned().collect());
        let called = home.called_to(enter.since, at);
        let (replay, at) = (replay.known_by(called.epoch, at), called);
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
        let before = self.witness.is_at_door_of(&exit.room).then(|| Before::of(&home.roster));
        home.roster.leave(known_there(&exit.room, exit.user.as_ref()));
        if let Some(before) = before {
            self.witness.see((&exit.room, &home.roster), before, exit.user.as_ref(), now.wall);
            self.witness.owe(&exit.room, &home.roster, exit.user.as_ref());
        }
        home.active_ms = now.monotonic_ms;
        self.size_changed(&exit.room, out);
        self.presence_changed(&exit.room, now, out);
        self.watch(&exit.room, now);
    }

    pub(crate) fn named(&mut self, room: &RoomId, user: &UserId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        home.roster.leave(None);
        let before = home.roster.counts().members;
        home.roster.enter(Some(user));
        if self.witness.is_at_door_of(room) {
            let is_new = home.roster.counts().members > before;
            self.witness.see_named((room, &home.roster), user, is_new, now.wall);
        }
        self.presence_changed(room, now, out);
    }

    pub(crate) fn unsure(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        home.roster.doubt();
        self.retell_presence(room, now, out);
    }

    pub(crate) fn post(&mut self, post: Post, now: Now, out: &mut Vec<Addressed>) {
        let checked = self.check_room(&post.room, now, out).and_then(|()| self.check_rate(&post, now));
        let is_busy = self.asks.len() >= ASKS_MAX;
        if let Err(refusal) = checked.and(if is_busy { Err(Refusal::Overloaded) } else { Ok(()) }) {
            return room::answer_refused(post, refusal, out);
        }
        let closed = self.rooms.get_mut(&post.room).filter(|home| home.head.is_none());
        match closed.filter(|_| !self.backplane.outlives_homes()) {
            None => self.order(post, now, out),
            Some(home) => home.put_off(post, out),
        }
    }

    /// Has a post put in its place.
    fn order(&mut self, post: Post, now: Now, out: &mut Vec<Addressed>) {
        let promise = match self.store.promise(&post.room) {
            Ok(promise) => promise,
            Err(refusal) => return room::answer_refused(post, refusal, out),
        };
        let Post { room, author, body, tag, reply_to, heard } = post;
        // Where others put messages in order, only the author's node knows that it was asked for here.
        let is_told = self.witness.listens_in(&room) && self.are_shared();
        let mut order = Order { room, author, body, tag, time: now.wall, ticket: NO_REPLY };
        if let Some(to) =
            reply_to.or(is_told.then_some(SessionKey { shard: self.place.0, ..SessionKey::NOBODY }))
        {
            let lasting = (promise == Promise::Lasting).then(|| order.room.clone());
            let whole = is_told.then(|| Box::new(order.clone()));
            order.ticket =
                self.asks.insert(Asked { to, tag: order.tag.clone(), lasting, order: whole }) as u64;
        }
        if heard.trace.is_some() {
            self.followed =
                Some(Box::new((order.room.clone(), order.author.clone(), order.body.clone(), heard)));
        }
        self.heard = heard;
        self.ask(Ask::Order(order), now, out);
        self.heard = Heard::default();
    }

    pub(crate) fn recall(&mut self, recall: Recall, now: Now, out: &mut Vec<Addressed>) {
        let home = self.rooms.get(&recall.room);
        let before = recall.before.map(|before| home.map_or(before, |home| home.translated(before)));
        match self.store.before(&recall.room, before, recall.limit, self.wish(now)) {
            Some(page) => self.turn_page(recall, page, out),
            None => _ = self.readings.insert(Reading::Recall(recall)),
        }
    }

    /// What is read now is read for whoever waits next.
    fn wish(&self, now: Now) -> Wish {
        Wish { now: now.wall, bytes_max: self.replay_bytes_max, ticket: self.readings.vacant_key() as u64 }
    }

    /// Somebody here gives a sign.
    pub(crate) fn signal(&mut self, room: RoomId, signal: Signal, now: Now, out: &mut Vec<Addressed>) {
        self.show_signal(&room, &signal, out);
        self.ask(Ask::Tell { room, signal }, now, out);
    }

    /// A bare sign means something only where it is known who is there; one that carries something is for everybody in the room.
    fn show_signal(&mut self, room: &RoomId, signal: &Signal, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get(room) else { return };
        if signal.content.is_none() && home.roster.sessions_everywhere() as usize > self.list_max {
            return;
        }
        let Signal { user, signal, content } = signal.clone();
        let event = Event::Signal { room: room.clone(), user, signal, content };
        home.tell(room, &event, Heard::default(), out);
    }

    /// Does what has become due.
    pub(crate) fn tick(&mut self, now: Now, out: &mut Vec<Addressed>) {
        self.reckon(now, out);
        while let Some(room) = self.presence_due.pop_due(now.monotonic_ms) {
            if let Some(home) = self.rooms.get_mut(&room) {
                home.presence_due = false;
                self.tell_presence(&room, now, out);
            }
        }
        while let Some(room) = self.idle.pop_due(now.monotonic_ms) {
            self.let_go_if_idle(room, self.idle.after_ms(), now, out);
        }
        while let Some(room) = self.inbox_idle.pop_due(now.monotonic_ms) {
            self.let_go_if_idle(room, self.inbox_idle.after_ms(), now, out);
        }
        while let Some(room) = self.busy.pop_due(now.monotonic_ms) {
            self.watch(&room, now);
        }
        while let Some(room) = self.unknown.pop_due(now.monotonic_ms) {
            // It may have been let go, and be open again by now.
            if self.rooms.get(&room).is_some_and(|home| home.head.is_none()) {
                self.open(room, now, out);
            }
        }
        self.give_up_unkept(now, out);
    }

    /// When something becomes due next.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let of_rooms = [self.presence_due.next_ms(), self.idle.next_ms(), self.inbox_idle.next_ms()];
        of_rooms
            .into_iter()
            .chain([self.busy.next_ms(), self.unknown.next_ms(), self.unkept.next_ms()])
            .chain([self.reckoning.next_ms()])
            .flatten()
            .min()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether other nodes have the same rooms.
    pub(crate) fn are_shared(&self) -> bool {
        self.backplane.outlives_homes()
    }

    /// The nodes that are alive, this one included, as far as is known.
    pub(crate) fn nodes(&self) -> Arc<[NodeId]> {
        self.nodes.clone()
    }

    /// The same, to be looked at.
    pub(crate) fn nodes_known(&self) -> &Arc<[NodeId]> {
        &self.nodes
    }

    /// Whether a node may be alive: it is, or it has begun so lately that this one has not heard of it yet.
    pub(crate) fn may_reach(&self, node: NodeId) -> bool {
        self.nodes.contains(&node) || (self.are_shared() && !self.met.contains(&node))
    }

    /// These nodes are alive.
    fn meet(&mut self, nodes: Arc<[NodeId]>) {
        if self.met.len() >= MET_MAX {
            self.met = HashSet::new();
        }
        self.met.extend(nodes.iter());
        self.nodes = nodes;
    }

    /// Messages of history, and their bytes.
    pub(crate) fn history(&self) -> (usize, usize) {
        self.store.size()
    }

    /// Whether there is, or may be, such a room to post to. Where rooms live on without homes, the backplane knows; else nobody can post to an
    /// inbox without an owner.
    fn check_room(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) -> Result<(), Refusal> {
        if let Some(home) = self.rooms.get_mut(room) {
            home.active_ms = now.monotonic_ms;
            return Ok(());
        }
        if self.backplane.outlives_homes() && !self.is_kept_here(room) {
            return Ok(());
        }
        if room.is_inbox() {
            return Err(Refusal::NoSuchUser);
        }
        if self.rooms.len() >= self.rooms_max {
            return Err(Refusal::Overloaded);
        }
        let home = self.rooms.get_or_insert_with(room, Home::default);
        home.active_ms = now.monotonic_ms;
        self.open(room.clone(), now, out);
        self.watch(room, now);
        Ok(())
    }

    /// Whether it is not too soon for one more message. Who cannot be told was slowed where it is.
    fn check_rate(&mut self, post: &Post, now: Now) -> Result<(), Refusal> {
        let rate = self.room_posts;
        if rate.is_any() || !post.room.is_public() {
            return Ok(());
        }
        let Some(home) = self.rooms.get_mut(&post.room) else { return Ok(()) };
        match home.posts.wait_ms(rate, now) {
            0 => home.posts.take(rate, now),
            wait_ms if post.reply_to.is_some() => return Err(too_fast(wait_ms)),
            _ => {}
        }
        Ok(())
    }

    /// Whether this node keeps what is said in a room although nobody here hears it. An inbox is kept where its user is.
    fn is_kept_here(&self, room: &RoomId) -> bool {
        !room.is_inbox() && !matches!(self.store.promise(room), Ok(Promise::Passing))
    }

    fn let_in(&mut self, enter: &Enter, now: Now) -> Result<(), Refusal> {
        let is_new = !self.rooms.contains(&enter.room);
        if is_new && self.rooms.len() >= self.rooms_max && !enter.room.is_everybody() {
            return Err(Refusal::Overloaded);
        }
        let home = self.rooms.get_or_insert_with(&enter.room, Home::default);
        // A user's devices are no room's members, and all are to be told what is said to all.
        if home.roster.sessions_everywhere() >= self.members_max
            && enter.room.is_public()
            && !enter.comes_over
        {
            return Err(Refusal::RoomFull);
        }
        // Who is there on other nodes is known once the room is open.
        let is_seen = home.head.is_some() && self.witness.is_at_door_of(&enter.room);
        let before = is_seen.then(|| Before::of(&home.roster));
        home.roster.enter(known_there(&enter.room, enter.user.as_ref()));
        if let Some(before) = before {
            self.witness.see((&enter.room, &home.roster), before, enter.user.as_ref(), now.wall);
        }
        home.note_session(enter.session.shard);
        home.active_ms = now.monotonic_ms;
        Ok(())
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

    fn let_go_if_idle(&mut self, room: RoomId, after_ms: u64, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(&room) else { return };
        home.watched = false;
        if !home.roster.is_empty() {
            return;
        }
        if home.active_ms + after_ms > now.monotonic_ms {
            return self.watch(&room, now);
        }
        if home.is_awaited() || self.is_unkept(&room) {
            self.busy.push(now.monotonic_ms, room);
            return;
        }
        self.let_go(&room);
        self.ask(Ask::Forsake(room), now, out);
    }

    /// Nothing of the room is kept here any more.
    fn let_go(&mut self, room: &RoomId) {
        self.rooms.remove(room);
        self.store.forget(room);
    }
}
