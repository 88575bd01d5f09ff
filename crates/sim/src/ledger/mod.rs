//! The ledger: it knows what every client asked for and was told, and complains when that cannot be right.
//!
//! It sees the world only through clients, as their users do. What it holds against a server: an accepted message is shown to every
//! member once and in the one order of its room, or the member is told of the gap; a position is never given to two messages; a retry is
//! not a second message; every command is answered; presence comes to tell the truth; nobody is parted with but for a reason.

mod hearing;
mod keeping;
mod mark;
mod pace;
mod room;
mod rooms;
mod session;
mod standing;
mod stay;
mod there;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use chat::{Body, Command, Credentials, PayloadKind, Position, RoomId, Tag, Text, UserId};

pub use mark::Mark;
pub use session::{Conduct, Speech};
pub use trouble::Trouble;

use crate::allowance::Allowance;
use crate::cluster::Layout;
use crate::node::NEW_MS;
use pace::{Kind, Pace};
use room::Room;
use rooms::Rooms;
use session::{Asked, Session, What};
use stay::Stay;
use there::There;

/// A session in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionNo(usize);

/// What the ledger must know of the node's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether a room, a node or a session may be full.
    pub may_be_full: bool,
    /// Whether what is accepted outlives the node.
    pub is_durable: bool,
    /// Who was away for at most so many messages gets them all.
    pub resumes_within: u64,
    /// Who has more than so many commands unanswered may have asked for more than is put off for one session.
    pub flood: usize,
    /// How much a session may ask for in a time.
    pub allowance: Allowance,
}

/// The ledger.
pub struct Ledger {
    rules: Rules,
    posts: BTreeMap<Mark, Post>,
    rooms: Rooms,
    sessions: Vec<Session>,
    /// The starts of nodes that were told to go away.
    draining: BTreeSet<usize>,
    newest_asked: Mark,
    trouble: Trouble,
    /// The starts of nodes for which there is no broker, and which time that is.
    outages: BTreeMap<usize, u64>,
    /// How many sessions went on where another one broke.
    recoveries: usize,
    complaints: Vec<String>,
    now_ms: u64,
}

/// A message that somebody asked to be posted.
#[derive(Debug)]
struct Post {
    room: RoomId,
    /// The session that asked for it first, whose user it is by unless it names somebody.
    by: SessionNo,
    author: Option<UserId>,
    /// Whether its author is beyond doubt: a session that was refused its name, or may yet be, may have posted as a guest.
    is_signed: bool,
    /// It has words of its own, beside which every protocol tells the author.
    has_words: bool,
    /// As readers see it: protocols without tags have none.
    tag: Option<Tag>,
    /// The server has given it a tag that its author does not know.
    is_retagged: bool,
    /// How often it was asked for since it was refused last.
    tries: u32,
    state: PostState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PostState {
    /// It may have been taken or not.
    Asked,
    /// It was refused: nothing of it was kept.
    Refused,
    Accepted,
}

impl Ledger {
    /// A ledger of a world where nothing has happened.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            posts: BTreeMap::new(),
            rooms: Rooms::default(),
            sessions: Vec::new(),
            draining: BTreeSet::new(),
            newest_asked: Mark(0),
            trouble: Trouble::None,
            outages: BTreeMap::new(),
            recoveries: 0,
            complaints: Vec::new(),
            now_ms: NEW_MS,
        }
    }

    /// A ledger of a cluster: of its nodes one may know less of a room than another does, for a moment.
    pub fn of_cluster(rules: Rules, layout: &Layout) -> Self {
        Self { rooms: Rooms::of_cluster(layout), ..Self::new(rules) }
    }

    /// A client connects.
    pub fn connect(&mut self, who: &str, speech: Speech) -> SessionNo {
        // Each post over HTTP is a session of its own.
        let is_poster = speech == Speech::Poster;
        let allowance = if is_poster { Allowance::ANY } else { self.rules.allowance };
        let pace = Pace::new(allowance, self.now_ms);
        self.sessions.push(Session::new(who, speech.clone(), pace));
        let session = SessionNo(self.sessions.len() - 1);
        if let Speech::Reader(room, since) = speech {
            let floor = self.room(&room).head();
            self.ask_for(session, None, Asked::new(What::Join { room, since }, floor));
        }
        session
    }

    /// Time has passed.
    pub fn note_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// The clock jumps ahead by so much: what was put off is as late.
    pub fn note_leap(&mut self, ms: u64) {
        self.sessions.iter_mut().for_each(|session| session.pace.delay(ms));
    }

    /// A client does something that explains how the server treats it from now on.
    pub fn note(&mut self, session: SessionNo, change: impl FnOnce(&mut Conduct)) {
        change(&mut self.sessions[session.0].conduct);
    }

    /// A start of a node was told to go away.
    pub fn note_drain(&mut self, life: usize) {
        self.draining.insert(life);
    }

    /// Whether the node of a session goes away.
    fn is_draining(&self, session: SessionNo) -> bool {
        self.draining.contains(&self.sessions[session.0].conduct.node)
    }

    /// Something befell the cluster.
    pub fn note_trouble(&mut self, trouble: Trouble) {
        self.trouble = self.trouble.max(trouble);
        if trouble == Trouble::Oblivion {
            self.rooms.iter_mut().for_each(|(_, room)| room.accepted.clear());
        }
        // It lasts until all is quiet: what is said meanwhile may be lost too.
        self.shake(Mark(u32::MAX));
    }

    /// What was said up to a message may be lost, in some of the rooms and to some of the members.
    fn shake(&mut self, up_to: Mark) {
        if self.trouble > Trouble::None {
            self.rooms.shake(up_to, self.trouble >= Trouble::Loss);
            self.rooms.miss(up_to);
        }
    }

    /// Whether there is a broker for a start of a node; `outage`: which time it is that there is none.
    pub fn note_outage(&mut self, life: usize, outage: Option<u64>) {
        match outage {
            Some(outage) => drop(self.outages.insert(life, outage)),
            None => drop(self.outages.remove(&life)),
        }
    }

    /// A client sends a command.
    pub fn ask(&mut self, session: SessionNo, command: &Command) {
        match command {
            Command::Identify { credentials, inbox, tag, .. } => {
                let Credentials::Name(user) = credentials else { unreachable!("actors have names alone") };
                self.sessions[session.0].user = Some(user.clone());
                self.ask_for(session, tag.clone(), Asked::new(What::Identify { inbox: *inbox }, None));
            }
            Command::Join { room, since, tag } => {
                let floor = self.room(room).head();
                let what = What::Join { room: room.clone(), since: *since };
                self.ask_for(session, tag.clone(), Asked::new(what, floor));
            }
            Command::Leave { room, tag } => {
                let asked = Asked::new(What::Leave { room: room.clone() }, None);
                self.ask_for(session, tag.clone(), asked);
            }
            Command::Post { room, author, body, tag, .. } => {
                self.ask_post(session, room.clone(), author.clone(), body, tag);
            }
            Command::Direct { to, body, tag } => {
                self.ask_post(session, RoomId::inbox(to.clone()), None, body, tag);
            }
            Command::Recall { room, before, tag, .. } => {
                let floor = self.room(room).head();
                let what = What::Recall { room: room.clone(), before: *before };
                self.ask_for(session, tag.clone(), Asked::new(what, floor));
            }
            Command::AskTime { tag } => {
                self.ask_for(session, tag.clone(), Asked::new(What::Time, None));
            }
            Command::LeaveAll { .. }
            | Command::Announce { .. }
            | Command::Proclaim { .. }
            | Command::Bid { .. } => unreachable!("no client here asks for it"),
            Command::Signal { room, tag, .. } => {
                let asked = Asked::new(What::Signal { room: room.clone() }, None);
                self.ask_for(session, tag.clone(), asked);
            }
        }
    }

    /// The server broke the client's protocol.
    pub fn accuse(&mut self, session: SessionNo, fault: &str) {
        let is_turned_away = self.is_draining(session) && self.sessions[session.0].speech == Speech::Poster;
        if !is_turned_away {
            self.complain(session, &format!("cannot read what it is sent: {fault}"));
        }
        self.gone(session);
    }

    /// The stream of a client has ended without a word.
    pub fn end(&mut self, session: SessionNo) {
        let is_draining = self.is_draining(session);
        let book = &mut self.sessions[session.0];
        let Conduct { is_slow, is_silent, is_leaving, is_forsaken, .. } = book.conduct;
        let is_due = is_slow || is_silent || is_leaving || is_forsaken || is_draining;
        if book.is_open && !is_due && book.speech != Speech::Poster {
            self.complain(session, "was cut off without a word");
        }
        self.gone(session);
    }

    /// A client has let go of its connection.
    pub fn gone(&mut self, session: SessionNo) {
        self.sessions[session.0].is_open = false;
    }

    /// A session goes on where an earlier one broke: what it is told follows what that one was told.
    pub fn go_on(&mut self, session: SessionNo, earlier: SessionNo) {
        self.recoveries += 1;
        let Session { stays, user, conduct, .. } = &self.sessions[earlier.0];
        let (stays, user, was_slow) = (stays.clone(), user.clone(), conduct.is_slow);
        let book = &mut self.sessions[session.0];
        (book.stays, book.user) = (stays, user);
        book.conduct.is_slow |= was_slow;
    }

    /// All is quiet: nothing is under way, and every client has read all there was, but for those that are silent.
    pub fn settle(&mut self) {
        self.shake(self.newest_asked);
        let is_alone = self.rooms.layout.is_none();
        for number in 0..self.sessions.len() {
            let session = &mut self.sessions[number];
            session.stays.values_mut().for_each(|stay| stay.settle(self.newest_asked));
            if !session.is_attentive() {
                session.excuse(self.trouble);
                continue;
            }
            // What was put off because it has asked for too much has its time yet.
            let due = (!session.pace.is_eager(self.now_ms)).then(|| session.unanswered());
            let unanswered = due.into_iter().flatten();
            let unanswered = unanswered.map(|(tag, what)| format!("has no answer to {tag:?}, {what:?}"));
            let unanswered: Vec<String> = unanswered.collect();
            let behind = session.stays.iter().filter_map(|(room, stay)| {
                let fault = stay.is_up_to_date(self.rooms.get(room)?, is_alone).err()?;
                Some(format!("in {room:?}, {fault}"))
            });
            let faults: Vec<String> = unanswered.into_iter().chain(behind).collect();
            faults.iter().for_each(|fault| self.complain(SessionNo(number), fault));
        }
        for (room, book) in self.rooms.iter_mut() {
            let disputes = book.take_disputes().into_iter();
            self.complaints.extend(disputes.map(|dispute| format!("in {room:?}, {dispute}")));
        }
        self.check_places();
        self.trouble = Trouble::None;
    }

    /// All is quiet, nobody is silent and presence has had its time: what clients believe of who is there must be true.
    pub fn check_presence(&mut self) {
        for (room, there) in self.truth() {
            for number in 0..self.sessions.len() {
                let session = &self.sessions[number];
                let Some(stay) = session.stays.get(&room).filter(|_| session.is_attentive()) else {
                    continue;
                };
                if stay.counts.is_some_and(|believed| !there.may_count(believed, stay.list.is_some())) {
                    let fault =
                        format!("in {room:?}, believes in {:?} when there are {there:?}", stay.counts);
                    self.complain(SessionNo(number), &fault);
                } else if let Some(list) = stay.list.as_ref().filter(|list| **list != there.users) {
                    let fault = format!("in {room:?}, believes in {list:?} when there are {:?}", there.users);
                    self.complain(SessionNo(number), &fault);
                }
            }
        }
    }

    /// Whether the session is still there, as far as its client knows.
    pub fn is_open(&self, session: SessionNo) -> bool {
        self.sessions[session.0].is_open
    }

    /// What cannot be right, since the last call.
    pub fn take_complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// How many messages are known to have been accepted or shown.
    pub fn messages(&self) -> usize {
        self.posts.values().filter(|post| post.state == PostState::Accepted).count()
    }

    /// How many sessions went on where another one broke.
    pub fn recoveries(&self) -> usize {
        self.recoveries
    }

    /// A session waits for an answer from here on.
    fn ask_for(&mut self, session: SessionNo, tag: Option<Tag>, asked: Asked) {
        self.sessions[session.0].ask(tag, asked, self.now_ms);
    }

    fn ask_post(
        &mut self,
        session: SessionNo,
        room: RoomId,
        author: Option<UserId>,
        body: &Body,
        tag: &Option<Tag>,
    ) {
        let book = &mut self.sessions[session.0];
        let author = author.or_else(|| book.user.clone());
        let signed = author.clone();
        let Some(mark) = mark_of(body) else { return };
        let tells_tags = !matches!(book.speech, Speech::Plain(_));
        let tag = tag.clone().filter(|_| tells_tags);
        if tells_tags {
            let what = What::Post { room: room.clone(), mark };
            let reader = self.find_reader(&room);
            let outage = self.outage_of(session, &room);
            self.ask_for(session, tag.clone(), Asked { reader, outage, ..Asked::new(what, None) });
        } else {
            self.sessions[session.0].pace.ask(Kind::Posts, false, self.now_ms);
        }
        self.newest_asked = self.newest_asked.max(mark);
        let has_words = matches!(body.text, Text::Own(_));
        // Where a name may be refused, what is said before it is granted may be a guest's.
        let may_refuse = self.rules.may_be_full
            || self.rules.is_durable
            || self.rooms.layout.is_some()
            || self.rules.allowance.joins_per_second > 0;
        let is_signed = !may_refuse || !self.sessions[session.0].awaits_name();
        let state = PostState::Asked;
        let is_retagged = self.sessions[session.0].speech.is_of_events();
        let post =
            Post { room, by: session, author, is_signed, has_words, tag, is_retagged, tries: 0, state };
        let post = self.posts.entry(mark).or_insert(post);
        if post.state == PostState::Refused {
            (post.state, post.tries) = (PostState::Asked, 0);
        }
        post.tries += 1;
        if post.tries > 1 {
            self.rooms.open(&post.room).note_retry(mark);
        }
        post.is_signed &= post.author == signed;
        post.by = session;
    }

    /// Which outage of its node it is in which a member of a room must be able to go on there.
    fn outage_of(&self, session: SessionNo, room: &RoomId) -> Option<u64> {
        let is_local = room.is_public() && self.rooms.get(room).is_some_and(|room| room.is_local);
        let Session { stays, conduct, .. } = &self.sessions[session.0];
        self.outages.get(&conduct.node).copied().filter(|_| is_local && stays.contains_key(room))
    }

    /// Somebody who is surely in a room: who was slow may be parted with and not know yet.
    fn find_reader(&self, room: &RoomId) -> Option<SessionNo> {
        let is_there = |session: &Session| {
            session.is_attentive() && !session.conduct.is_slow && session.stays.contains_key(room)
        };
        self.sessions.iter().position(is_there).map(SessionNo)
    }

    /// Who is in each room, by what clients know of themselves.
    fn truth(&self) -> BTreeMap<RoomId, There> {
        let mut truth: BTreeMap<RoomId, There> = BTreeMap::new();
        for session in self.sessions.iter().filter(|session| session.is_open) {
            for room in session.stays.keys().filter(|room| room.is_public()) {
                let there = truth.entry(room.clone()).or_default();
                match &session.user {
                    Some(user) => there.meet(user, session.conduct.node),
                    None => there.guests += 1,
                }
            }
        }
        truth
    }

    fn room(&mut self, room: &RoomId) -> &mut Room {
        self.rooms.open(room)
    }

    fn stay(&mut self, session: SessionNo, room: &RoomId) -> Option<&mut Stay> {
        self.sessions[session.0].stays.get_mut(room)
    }

    fn complain(&mut self, session: SessionNo, fault: &str) {
        let who = &self.sessions[session.0].who;
        self.complaints.push(format!("{who} {fault}"));
    }
}

/// The mark of a message to be posted.
fn mark_of(body: &Body) -> Option<Mark> {
    match (&body.text, body.payload.kind) {
        (Text::Own(text), _) => Mark::find(text),
        (_, PayloadKind::None) => None,
        _ => Mark::find(&String::from_utf8_lossy(&body.payload.bytes)),
    }
}

/// The place of a message as complaints say it.
fn shown(at: Option<Position>) -> String {
    at.map_or("somewhere".into(), |at| at.to_string())
}
