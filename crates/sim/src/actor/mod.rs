//! A user with a client: knows what it wants, remembers how far it has read, and comes back to ask for the rest.

mod again;

use std::collections::{BTreeMap, BTreeSet};

use chat::{Command, Position, Refusal, Resumption, RoomId, RoomName, Tag, UserId};
use gateways::{CLIENTS, Client, Heard, Keepsake, Login};

use self::again::Again;
use crate::ledger::{Ledger, SessionNo, Speech};
use crate::pipe::PipeId;
use crate::world::World;

/// What is spoken by a client opened in a room, since a position.
type Open = fn(RoomId, Option<Position>) -> Speech;

/// How clients of a gateway chat, by the gateway's name.
const SPEECHES: &[(&str, Open)] = &[
    ("v1", |_, _| Speech::Rich),
    ("raw", |room, _| Speech::Plain(room)),
    ("sse", Speech::Reader),
    ("post", |_, _| Speech::Poster),
    ("socketio", |_, _| Speech::Events { tells_places: false }),
];

/// Changes what a client hears, to see whether anybody notices.
pub type Tamper = Box<dyn FnMut(&mut Vec<Heard>)>;

/// A user with a client.
pub struct Actor {
    /// What complaints call it.
    pub name: String,
    /// The gateway its client speaks through.
    pub gateway: &'static str,
    /// The name it goes by, where its protocol knows names.
    pub user: Option<UserId>,
    /// The room of protocols that are opened in one.
    pub home: RoomName,
    /// Whether it offers compression.
    pub deflate: bool,
    /// Whether the line to it is so narrow that it may be taken for slow.
    pub is_slow: bool,
    /// Whether a node lets it go on where a connection broke.
    pub recovers: bool,
    /// It says nothing before it is told that it goes by its name: where that may be refused, it would be a guest who said it.
    pub is_patient: bool,
    /// Its connection was ended by the other side, and it has not come back.
    pub was_let_go: bool,
    /// Who listens in, and says something else.
    pub tamper: Option<Tamper>,
    link: Option<Link>,
    /// What its last connection has left.
    left: Option<Left>,
    /// The rooms it wants to be in, with how far it has read.
    rooms: BTreeMap<RoomId, Option<Position>>,
    inbox: Option<Position>,
    /// Posts without an answer, to be sent again.
    unanswered: Vec<Command>,
    /// The tag of its asking to go by its name, until that is granted.
    identifying: Option<Tag>,
    /// It was not answered yet.
    awaits_name: bool,
    /// It could not be granted then: until it is, it says nothing, for it would be somebody else who said it.
    is_nameless: bool,
    /// What it was told to ask again.
    again: Again,
    tags: u32,
    dials: u64,
}

/// What a connection leaves that breaks.
struct Left {
    keepsake: Keepsake,
    /// The last session in which it has heard anything.
    session: SessionNo,
    rooms: BTreeSet<RoomId>,
}

/// A connection.
struct Link {
    pipe: PipeId,
    session: SessionNo,
    machine: Box<dyn Client>,
    unread: Vec<u8>,
    is_open: bool,
    /// The server has said that it is open.
    is_heard: bool,
    is_reading: bool,
    /// It has asked to be let into these rooms, or is in them.
    rooms: BTreeSet<RoomId>,
    /// Which rooms it was not let into yet, by the tags of its asking.
    entering: Vec<(Tag, RoomId)>,
}

impl Actor {
    /// Somebody who has not connected yet.
    pub fn new(
        name: &str,
        gateway: &'static str,
        user: Option<UserId>,
        home: RoomName,
        deflate: bool,
    ) -> Self {
        Self {
            name: name.to_owned(),
            gateway,
            user,
            home,
            deflate,
            is_slow: false,
            recovers: false,
            is_patient: false,
            was_let_go: false,
            tamper: None,
            link: None,
            left: None,
            rooms: BTreeMap::new(),
            inbox: None,
            unanswered: Vec::new(),
            identifying: None,
            awaits_name: false,
            is_nameless: false,
            again: Again::default(),
            tags: 0,
            dials: 0,
        }
    }

    /// Whether it has a connection that commands can be sent on.
    pub fn is_connected(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_open)
    }

    /// Connects to a shard, unless it is connected already.
    pub fn connect(&mut self, shard: usize, node: &mut World, ledger: &mut Ledger, seed: u64) {
        if self.link.is_some() {
            return;
        }
        let home = RoomId::public(self.home.clone());
        let since = self.rooms.get(&home).copied().flatten();
        let Some((mut machine, speech)) = self.dial(home, since, seed) else { return };
        if let Some(left) = &self.left {
            machine.go_on(left.keepsake.clone());
        }
        let mut bytes = Vec::new();
        machine.open(&mut bytes);
        let pipe = node.connect(shard);
        node.send(pipe, &bytes);
        (self.dials, self.was_let_go) = (self.dials + 1, false);
        let session = ledger.connect(&format!("{}/{}", self.name, self.dials), speech);
        ledger.note(session, |conduct| (conduct.is_slow, conduct.node) = (self.is_slow, pipe.life()));
        self.link = Some(Link {
            pipe,
            session,
            machine,
            unread: Vec::new(),
            is_open: false,
            is_heard: false,
            is_reading: true,
            rooms: BTreeSet::new(),
            entering: Vec::new(),
        });
    }

    /// Makes a client's machine for its gateway; `None` where there is none.
    fn dial(&self, home: RoomId, since: Option<Position>, seed: u64) -> Option<(Box<dyn Client>, Speech)> {
        let (_, dial) = CLIENTS.iter().find(|(name, _)| *name == self.gateway)?;
        let (_, speech) = SPEECHES.iter().find(|(name, _)| *name == self.gateway)?;
        let login = Login {
            host: "sim.example".into(),
            room: self.home.clone(),
            since,
            deflate: self.deflate,
            max_message_bytes: 1 << 20,
            seed,
        };
        let speech = match speech(home, since) {
            Speech::Events { .. } => Speech::Events { tells_places: self.recovers },
            speech => speech,
        };
        Some((dial(&login)?, speech))
    }

    /// Wants to be in a room from now on.
    pub fn join(&mut self, room: &RoomId, node: &mut World, ledger: &mut Ledger) {
        self.rooms.entry(room.clone()).or_insert(None);
        self.enter(room, node, ledger);
    }

    /// Wants to be in a room no more.
    pub fn leave(&mut self, room: &RoomId, node: &mut World, ledger: &mut Ledger) {
        let is_in = self.link.as_ref().is_some_and(|link| link.rooms.contains(room));
        let tag = self.tag();
        if is_in && self.ask(Command::Leave { room: room.clone(), tag }, node, ledger) {
            self.rooms.remove(room);
            if let Some(link) = &mut self.link {
                link.rooms.remove(room);
            }
        }
    }

    /// Sends a command. Says whether its protocol has words for it.
    pub fn ask(&mut self, command: Command, node: &mut World, ledger: &mut Ledger) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.is_open) else { return false };
        let mut bytes = Vec::new();
        if !link.machine.ask(&command, &mut bytes) {
            return false;
        }
        ledger.note_outage(link.pipe.life(), node.outage(link.pipe.life()));
        ledger.ask(link.session, &command);
        node.send(link.pipe, &bytes);
        true
    }

    /// Posts a message, and remembers it until it is answered.
    pub fn post(&mut self, command: Command, node: &mut World, ledger: &mut Ledger) -> bool {
        let is_waiting = self.is_patient && self.awaits_name;
        let asked = !self.is_nameless && !is_waiting && self.ask(command.clone(), node, ledger);
        // Without a name, or an id that outlives the connection, a retry cannot be told from another post.
        if asked && self.user.is_some() && self.gateway != "socketio" {
            self.unanswered.push(command);
        }
        asked
    }

    /// Asks again for what could not be done when it asked.
    pub fn repeat(&mut self, node: &mut World, ledger: &mut Ledger) {
        if !self.is_connected() {
            return;
        }
        if self.is_nameless && !self.awaits_name {
            self.identify(node, ledger);
        }
        self.go_where_it_was(node, ledger);
    }

    /// A start of a node has ended.
    pub fn be_forsaken(&self, life: usize, ledger: &mut Ledger) {
        if let Some(link) = self.link.as_ref().filter(|link| link.pipe.life() == life) {
            ledger.note(link.session, |conduct| conduct.is_forsaken = true);
        }
    }

    /// Reads older messages of a room it is in.
    pub fn recall(&mut self, command: Command, node: &mut World, ledger: &mut Ledger) {
        if let Command::Recall { room, .. } = &command
            && self.rooms().contains(room)
        {
            self.ask(command, node, ledger);
        }
    }

    /// The tag of a new command.
    pub fn tag(&mut self) -> Option<Tag> {
        self.tags += 1;
        Tag::new(&format!("{}-{}", self.name, self.tags))
    }

    /// The rooms it may post to: those it has asked to be let into, or is in; where it cannot ask, the one it was opened in.
    pub fn rooms(&self) -> Vec<RoomId> {
        let rooms = self.link.iter().flat_map(|link| &link.rooms);
        match self.gateway {
            "v1" => rooms.cloned().collect(),
            "socketio" => rooms.cloned().chain([RoomId::everybody()]).collect(),
            _ => vec![RoomId::public(self.home.clone())],
        }
    }

    /// How far it has read in a room.
    pub fn place(&self, room: &RoomId) -> Option<Position> {
        self.rooms.get(room).copied().flatten()
    }

    /// Whether it knows of everything that it has posted what became of it.
    pub fn is_answered(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Stops reading, or goes on.
    pub fn set_reading(&mut self, is_reading: bool, ledger: &mut Ledger) {
        let Some(link) = &mut self.link else { return };
        link.is_reading = is_reading;
        ledger.note(link.session, |conduct| {
            conduct.is_slow |= !is_reading;
            conduct.is_paused = !is_reading;
        });
    }

    /// Says goodbye in its protocol's own way.
    pub fn close(&mut self, node: &mut World, ledger: &mut Ledger) {
        let Some(link) = &mut self.link else { return };
        let mut bytes = Vec::new();
        link.machine.close(&mut bytes);
        ledger.note(link.session, |conduct| conduct.is_leaving = true);
        if bytes.is_empty() {
            node.hang_up(link.pipe);
        }
        node.send(link.pipe, &bytes);
        link.is_open = false;
    }

    /// Loses its connection.
    pub fn cut(&mut self, node: &mut World, ledger: &mut Ledger) {
        let Some(link) = self.lose() else { return };
        ledger.gone(link.session);
        node.cut(link.pipe);
    }

    /// Is gone without anybody being told: the connection stays, half open. Returns it where the server has no way to find out, so that in
    /// the end the system must tell it.
    pub fn vanish(&mut self, ledger: &mut Ledger) -> Option<PipeId> {
        let link = self.lose()?;
        ledger.gone(link.session);
        (!matches!(self.gateway, "v1" | "raw" | "socketio")).then_some(link.pipe)
    }

    /// Whether it would read something now, or notice the end.
    pub fn has_news(&self, node: &World) -> bool {
        let reads = |link: &Link| link.is_reading && (node.has_unread(link.pipe) || node.is_over(link.pipe));
        self.link.as_ref().is_some_and(reads)
    }

    /// Reads at most so many bytes of what has come, and answers. Says whether there were any.
    pub fn read(&mut self, bytes_max: usize, node: &mut World, ledger: &mut Ledger) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.is_reading) else { return false };
        let bytes = node.read(link.pipe, bytes_max);
        if bytes.is_empty() {
            return self.notice_end(node, ledger);
        }
        link.unread.extend_from_slice(&bytes);
        let (mut answer, mut heard) = (Vec::new(), Vec::new());
        match link.machine.receive(&mut link.unread, &mut answer, &mut heard) {
            Ok(taken) => drop(link.unread.drain(..taken)),
            Err(fault) => {
                ledger.accuse(link.session, &fault.detail);
                heard.clear();
                link.unread.clear();
            }
        }
        node.send(link.pipe, &answer);
        if let Some(tamper) = &mut self.tamper {
            tamper(&mut heard);
        }
        for one in heard {
            self.hear(&one, node, ledger);
        }
        true
    }

    /// Lets go of a connection on which nothing more will come.
    fn notice_end(&mut self, node: &mut World, ledger: &mut Ledger) -> bool {
        if !self.link.as_ref().is_some_and(|link| node.is_over(link.pipe)) {
            return false;
        }
        let Some(link) = self.lose() else { return false };
        self.was_let_go = true;
        ledger.end(link.session);
        node.hang_up(link.pipe);
        true
    }

    /// The connection is gone, but for what the next one may go on from.
    fn lose(&mut self) -> Option<Link> {
        let link = self.link.take()?;
        let earlier = self.left.take();
        self.left = link.machine.keepsake().map(|keepsake| match earlier {
            Some(Left { session, rooms, .. }) if !link.is_heard => Left { keepsake, session, rooms },
            _ => Left { keepsake, session: link.session, rooms: link.rooms.clone() },
        });
        Some(link)
    }

    fn hear(&mut self, heard: &Heard, node: &mut World, ledger: &mut Ledger) {
        let Some(link) = &mut self.link else { return };
        ledger.note_outage(link.pipe.life(), node.outage(link.pipe.life()));
        ledger.hear(link.session, heard, node.now().wall);
        match heard {
            Heard::Opened => {
                (link.is_open, link.is_heard) = (true, true);
                self.arrive(node, ledger);
            }
            Heard::Recovered => {
                (link.is_open, link.is_heard) = (true, true);
                if let Some(left) = self.left.take() {
                    link.rooms = left.rooms;
                    ledger.go_on(link.session, left.session);
                }
            }
            Heard::Closed { .. } => link.is_open = false,
            Heard::Welcome { inbox, resumption, .. } => {
                (self.is_nameless, self.awaits_name) = (false, false);
                if *resumption == Resumption::Fresh {
                    self.inbox = *inbox;
                }
                if self.is_patient {
                    self.say_again(node, ledger);
                }
            }
            Heard::Joined { room, at, resumption, .. } => {
                link.rooms.insert(room.clone());
                let place = self.rooms.entry(room.clone()).or_default();
                if *resumption == Resumption::Fresh && self.gateway != "socketio" {
                    *place = Some(*at);
                }
            }
            Heard::Posted(said) => self.note_place(&said.room, said.at),
            Heard::Lost { room, at, .. } => self.note_place(room, Some(*at)),
            Heard::Accepted { tag, .. } => self.answered(tag),
            Heard::Refused { tag, refusal: Refusal::Unavailable } => self.turned_away(tag),
            Heard::Refused { tag, refusal: Refusal::TooFast { retry_after_ms } } => {
                self.turned_away(tag);
                self.put_back(tag, u64::from(*retry_after_ms), node.now().monotonic_ms);
            }
            Heard::Refused { tag, .. } => {
                self.answered(tag);
                self.give_up(tag);
            }
            _ => {}
        }
    }

    /// The connection is open: says who it is, goes where it was, and repeats what was not answered.
    fn arrive(&mut self, node: &mut World, ledger: &mut Ledger) {
        (self.is_nameless, self.awaits_name) = (false, false);
        self.again = Again::default();
        self.identify(node, ledger);
        self.go_where_it_was(node, ledger);
    }

    fn identify(&mut self, node: &mut World, ledger: &mut Ledger) {
        if let Some(user) = self.user.clone() {
            let tag = self.tag();
            self.identifying = tag.clone();
            self.awaits_name = self.ask(Command::go_by(user, self.inbox, tag), node, ledger);
        }
    }

    fn go_where_it_was(&mut self, node: &mut World, ledger: &mut Ledger) {
        for room in self.rooms.keys().cloned().collect::<Vec<_>>() {
            self.enter(&room, node, ledger);
        }
        self.say_again(node, ledger);
    }

    fn say_again(&mut self, node: &mut World, ledger: &mut Ledger) {
        if self.is_patient && (self.awaits_name || self.is_nameless) {
            return;
        }
        self.again.forget_posts();
        for command in self.unanswered.clone() {
            self.ask(command, node, ledger);
        }
    }

    fn enter(&mut self, room: &RoomId, node: &mut World, ledger: &mut Ledger) {
        let since = self.place(room);
        let tag = self.tag();
        let is_in = self.link.as_ref().is_none_or(|link| link.rooms.contains(room));
        if !is_in
            && self.ask(Command::Join { room: room.clone(), since, tag: tag.clone() }, node, ledger)
            && let (Some(link), Some(tag)) = (&mut self.link, tag)
        {
            link.rooms.insert(room.clone());
            link.entering.push((tag, room.clone()));
        }
    }

    /// What it asked for cannot be done now, and is asked for again later.
    fn turned_away(&mut self, tag: &Option<Tag>) {
        if tag.is_some() && *tag == self.identifying {
            (self.is_nameless, self.awaits_name) = (true, false);
        }
        let Some(link) = &mut self.link else { return };
        if let Some((_, room)) = link.entering.iter().find(|(of, _)| tag.as_ref() == Some(of)) {
            link.rooms.remove(room);
        }
    }

    /// A room that does not let it in is forgotten.
    fn give_up(&mut self, tag: &Option<Tag>) {
        let (Some(link), Some(tag)) = (&mut self.link, tag) else { return };
        if let Some((_, room)) = link.entering.iter().find(|(of, _)| of == tag).cloned() {
            link.rooms.remove(&room);
            self.rooms.remove(&room);
        }
    }

    fn note_place(&mut self, room: &RoomId, at: Option<Position>) {
        let Some(at) = at else { return };
        match room.is_inbox() {
            true => self.inbox = Some(at),
            false => drop(self.rooms.insert(room.clone(), Some(at))),
        }
    }

    fn answered(&mut self, tag: &Option<Tag>) {
        self.unanswered.retain(|command| tag_of(command) != tag.as_ref());
    }
}

fn tag_of(command: &Command) -> Option<&Tag> {
    match command {
        Command::Post { tag, .. } | Command::Direct { tag, .. } => tag.as_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        let room = RoomName::new("lobby").expect("a valid name");
        Login { host: "a".into(), room, since: None, deflate: false, max_message_bytes: 1000, seed: 1 }
    }

    #[test]
    fn every_client_of_the_gateways_has_a_speech() {
        for (name, _) in CLIENTS.iter().filter(|(_, dial)| dial(&login()).is_some()) {
            assert!(SPEECHES.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}
