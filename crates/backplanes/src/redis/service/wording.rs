//! Requests as commands of Redis, what it answers as replies, and what it publishes as what was heard.

use bytes::Bytes;
use chat::{Counts, Epoch, Here, Lineage, Position, RoomId, UserId};
use redis::{Cmd, Pipeline, Value, cmd};

use super::keys::{Keys, member_of, name_of, read_member, read_node};
use super::scripts::{Script, Scripts};
use crate::redis::broker::{Attend, Attended, Channel, Entry, Heard, LEASE_MS, Post, Reply, Request, Tried};
use crate::{NodeId, Settings};

/// How many rooms of a node are told at once.
const ROOMS_AT_ONCE: usize = 256;
/// How long replicas have to say that they have a message.
const REPLICAS_MS: u64 = 500;

/// What turns requests into commands.
#[derive(Debug)]
pub(super) struct Wording {
    pub(super) keys: Keys,
    pub(super) scripts: Scripts,
    /// What publishes: to all who listen anywhere, or in a cluster to those who listen at the owner of the channel's slot.
    publish: &'static str,
    node: NodeId,
    history_messages: usize,
    tags_per_room: usize,
    room_idle_ms: u64,
    inbox_idle_ms: u64,
    wait_replicas: u32,
}

/// How the answer to a request is to be read, and in how many commands it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) what: What,
    pub(super) commands: usize,
    /// Which of them, counted from none, is the one with the answer.
    pub(super) telling: usize,
}

/// Where the commands of a request go.
pub(super) trait Commands {
    /// The next command: all its keys are in the slot of this one.
    fn add(&mut self, key: &str, command: Cmd);
}

impl Commands for Pipeline {
    fn add(&mut self, _: &str, command: Cmd) {
        self.add_command(command);
    }
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Post,
    Attend,
    Renew,
    Rooms,
    /// What is only done.
    Deed,
    /// What is not answered.
    Saying,
}

impl Wording {
    /// For one Redis.
    pub(super) fn new(settings: &Settings) -> Self {
        Self::publishing_by("PUBLISH", settings)
    }

    /// For a cluster of them.
    pub(super) fn sharded(settings: &Settings) -> Self {
        Self::publishing_by("SPUBLISH", settings)
    }

    fn publishing_by(publish: &'static str, settings: &Settings) -> Self {
        Self {
            keys: Keys::new(&settings.prefix),
            scripts: Scripts::new(publish),
            publish,
            node: settings.node,
            history_messages: settings.history_messages,
            tags_per_room: settings.tags_per_room,
            room_idle_ms: settings.room_idle_ms,
            inbox_idle_ms: settings.inbox_idle_ms,
            wait_replicas: settings.wait_replicas,
        }
    }

    /// Appends the commands of a request, in an order in which any beginning of them does no harm; `None`: it is not one for this line.
    pub(super) fn ask(&self, request: Request, run: &str, out: &mut impl Commands) -> Option<Asked> {
        let asked = |what, commands, telling| Some(Asked { what, commands, telling });
        match request {
            Request::Post(post) => {
                let key = self.keys.channel_of(&post.room);
                out.add(&key, self.post(post, run));
                asked(What::Post, 1, 0)
            }
            Request::Attend(attend) => {
                let devices = attend.here.as_ref().map_or(1, |here| here.sessions);
                let others = self.ask_to_note(&attend.room, devices, out);
                let key = self.keys.channel_of(&attend.room);
                out.add(&key, self.attend(attend, run));
                asked(What::Attend, others + 1, others)
            }
            Request::Forsake { room, node } => asked(What::Deed, self.ask_to_forsake(&room, node, out), 0),
            Request::Here { room, here } => {
                let others = if room.is_inbox() { self.ask_to_note(&room, here.sessions, out) } else { 0 };
                let channel = self.keys.channel_of(&room);
                let mut told = script(&self.scripts.here, &[self.keys.here(&room)]);
                told.arg(name_of(self.node)).arg(write_here(&here)).arg(&channel);
                out.add(&channel, told);
                asked(What::Deed, others + 1, others)
            }
            Request::Publish { channel, bytes } => {
                let payload = [b"S", name_of(self.node).as_bytes(), &bytes].concat();
                let channel = self.keys.channel(&channel);
                let mut publish = cmd(self.publish);
                publish.arg(&channel).arg(payload);
                out.add(&channel, publish);
                asked(What::Saying, 1, 0)
            }
            Request::Renew => {
                let nodes = self.keys.nodes();
                let mut renew = script(&self.scripts.renew, std::slice::from_ref(&nodes));
                renew.arg(name_of(self.node)).arg(LEASE_MS);
                out.add(&nodes, renew);
                asked(What::Renew, 1, 0)
            }
            Request::Resign => {
                one(&["ZADD", &self.keys.nodes(), "0", &name_of(self.node)], out);
                asked(What::Deed, 1, 0)
            }
            Request::Rooms(node) => {
                one(&["SRANDMEMBER", &self.keys.rooms_of(node), &ROOMS_AT_ONCE.to_string()], out);
                asked(What::Rooms, 1, 0)
            }
            Request::Own => {
                one(&["SMEMBERS", &self.keys.rooms_of(self.node)], out);
                asked(What::Rooms, 1, 0)
            }
            Request::Bury(node) => {
                let nodes = self.keys.nodes();
                let mut bury = script(&self.scripts.bury, &[nodes.clone(), self.keys.rooms_of(node)]);
                bury.arg(name_of(node));
                out.add(&nodes, bury);
                asked(What::Deed, 1, 0)
            }
            Request::Listen(_) | Request::Unlisten(_) | Request::Redial(_) => None,
        }
    }

    /// Whether a post is answered only when replicas have it.
    pub(super) fn waits_for_replicas(&self) -> bool {
        self.wait_replicas > 0
    }

    /// Before a node attends to a room it is noted what is to be cleaned up if it dies, or has died: one that is not known is taken for dead.
    /// Returns how many commands that is.
    fn ask_to_note(&self, room: &RoomId, devices: u32, out: &mut impl Commands) -> usize {
        one(&["SADD", &self.keys.rooms_of(self.node), &member_of(room)], out);
        one(&["ZADD", &self.keys.nodes(), "NX", "0", &name_of(self.node)], out);
        if !room.is_inbox() {
            return 2;
        }
        self.ask_to_note_devices(room, devices, out);
        3
    }

    /// Notes for people how many devices of the user of an inbox are connected to this node.
    fn ask_to_note_devices(&self, inbox: &RoomId, devices: u32, out: &mut impl Commands) {
        let (user, node) = (self.keys.user(inbox.name()), name_of(self.node));
        match devices {
            0 => one(&["HDEL", &user, &node], out),
            devices => one(&["HSET", &user, &node, &devices.to_string()], out),
        }
    }

    /// What is to be cleaned up is forgotten when it is. Returns how many commands that is.
    fn ask_to_forsake(&self, room: &RoomId, node: NodeId, out: &mut impl Commands) -> usize {
        let channel = self.keys.channel_of(room);
        let mut forsake = script(&self.scripts.forsake, &self.keys.of_room(room));
        forsake.arg("").arg("").arg(name_of(node)).arg(self.idle_ms(room)).arg(&channel);
        out.add(&channel, forsake);
        if room.is_inbox() {
            one(&["HDEL", &self.keys.user(room.name()), &name_of(node)], out);
        }
        one(&["SREM", &self.keys.rooms_of(node), &member_of(room)], out);
        if room.is_inbox() { 3 } else { 2 }
    }

    /// Appends what asks whether the replicas have what was posted, when that is wanted.
    pub(super) fn ask_replicas(&self, out: &mut Pipeline) -> bool {
        if self.waits_for_replicas() {
            out.cmd("WAIT").arg(self.wait_replicas).arg(REPLICAS_MS);
        }
        self.waits_for_replicas()
    }

    /// Whether the answer to [`Self::ask_replicas`] says that enough have it.
    pub(super) fn is_replicated(&self, answer: &Value) -> bool {
        matches!(answer, Value::Int(replicas) if *replicas >= i64::from(self.wait_replicas))
    }

    /// What the answer to a request says; `None`: nothing was awaited.
    pub(super) fn read(&self, what: What, answer: Value) -> Option<Reply> {
        if matches!(answer, Value::ServerError(_)) {
            return (what != What::Saying).then_some(Reply::Failed);
        }
        let read = match what {
            What::Post => read_post(&answer),
            What::Attend => read_attended(answer, self.node).map(Reply::Attended),
            What::Renew => read_alive(&answer),
            What::Rooms => read_rooms(&answer),
            What::Deed => Some(Reply::Done),
            What::Saying => return None,
        };
        Some(read.unwrap_or(Reply::Failed))
    }

    /// What was published; `None`: nothing of ours.
    pub(super) fn hear(&self, channel: &str, payload: Vec<u8>) -> Option<(Channel, Heard)> {
        let payload = Bytes::from(payload);
        let heard = match payload.first()? {
            b'P' => {
                let at = payload.get(1..)?;
                let colon = memchr::memchr(b':', at)?;
                let end = colon + 1 + memchr::memchr(b':', &at[colon + 1..])?;
                let at = std::str::from_utf8(&at[..end]).ok()?.parse().ok()?;
                Heard::Posted { at, entry: payload.slice(end + 2..) }
            }
            b'H' => {
                let node = read_node(payload.get(1..9)?)?;
                let here = payload.get(10..)?;
                Heard::Here { node, here: if here.is_empty() { None } else { Some(read_here(here)?) } }
            }
            b'S' => Heard::Said { from: read_node(payload.get(1..9)?)?, bytes: payload.slice(9..) },
            _ => return None,
        };
        Some((self.keys.read_channel(channel)?, heard))
    }

    fn post(&self, post: Post, run: &str) -> Cmd {
        let Post { room, entry, key, tried, fresh } = post;
        let tried = match tried {
            Tried::Never => String::new(),
            Tried::At(None) => "?".to_owned(),
            Tried::At(Some(then)) => then.to_string(),
        };
        let mut post = script(&self.scripts.post, &self.keys.of_room(&room));
        post.arg(run).arg(fresh.to_string()).arg(&entry[..]).arg(&key[..]).arg(tried);
        post.arg(self.history_messages).arg(self.tags_per_room).arg(self.idle_ms(&room));
        post.arg(u8::from(room.is_inbox())).arg(self.keys.channel_of(&room));
        post
    }

    fn attend(&self, attend: Attend, run: &str) -> Cmd {
        let Attend { room, since, here, fresh } = attend;
        let mut attend = script(&self.scripts.attend, &self.keys.of_room(&room));
        attend.arg(run).arg(fresh.to_string()).arg(name_of(self.node));
        attend.arg(since.map(|since| since.to_string()).unwrap_or_default());
        attend.arg(here.as_ref().map(write_here).unwrap_or_default());
        attend.arg(self.keys.channel_of(&room));
        attend
    }

    fn idle_ms(&self, room: &RoomId) -> u64 {
        if room.is_inbox() { self.inbox_idle_ms } else { self.room_idle_ms }
    }
}

/// A command whose key is its first argument.
fn one(words: &[&str], out: &mut impl Commands) {
    let mut command = Cmd::new();
    command.arg(words);
    out.add(words[1], command);
}

fn script(script: &Script, keys: &[String]) -> Cmd {
    let mut command = cmd("EVALSHA");
    command.arg(&script.sha).arg(keys.len()).arg(keys);
    command
}

fn write_here(here: &Here) -> String {
    let Here { sessions, counts: Counts { members, guests }, users } = here;
    let mut text = format!("{sessions}:{members}:{guests}");
    // No name has a line break.
    for user in users.iter().flatten() {
        text.push('\n');
        text.push_str(user.as_str());
    }
    if users.as_ref().is_some_and(Vec::is_empty) {
        text.push('\n');
    }
    text
}

fn read_here(text: &[u8]) -> Option<Here> {
    let text = std::str::from_utf8(text).ok()?;
    let (numbers, names) = match text.split_once('\n') {
        Some((numbers, names)) => (numbers, Some(names)),
        None => (text, None),
    };
    let mut numbers = numbers.split(':').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (sessions, members, guests) = (next()?, next()?, next()?);
    let users = match names {
        Some("") => Some(Vec::new()),
        Some(names) => Some(names.split('\n').map(UserId::new).collect::<Result<_, _>>().ok()?),
        None => None,
    };
    Some(Here { sessions, counts: Counts { members, guests }, users })
}

fn read_post(answer: &Value) -> Option<Reply> {
    match answer {
        Value::Array(parts) => {
            let [epoch, offset, repeated] = &parts[..] else { return None };
            let at = Position { epoch: text(epoch)?.parse().ok()?, offset: text(offset)?.parse().ok()? };
            Some(Reply::Placed { at, repeated: *repeated == Value::Int(1) })
        }
        word => match text(word)? {
            "nobody" => Some(Reply::NoSuchUser),
            "undecided" => Some(Reply::Undecided),
            _ => None,
        },
    }
}

fn read_attended(answer: Value, own: NodeId) -> Option<Attended> {
    let Value::Array(parts) = answer else { return None };
    let [epoch, offset, former, log, here] = <[Value; 5]>::try_from(parts).ok()?;
    let head = Position { epoch: text(&epoch)?.parse().ok()?, offset: text(&offset)?.parse().ok()? };
    let former = text(&former)?.split(',').filter(|former| !former.is_empty()).map(|former| {
        let (epoch, last) = former.split_once(':')?;
        Some((epoch.parse::<Epoch>().ok()?, last.parse().ok()?))
    });
    let lineage = Lineage { former: former.collect::<Option<_>>()? };
    let Value::Array(log) = log else { return None };
    let log = log.into_iter().map(read_entry).collect::<Option<_>>()?;
    let pairs = match here {
        Value::Array(flat) => pairs(flat),
        Value::Map(pairs) => pairs,
        _ => return None,
    };
    let here = pairs.iter().filter_map(|(node, here)| {
        let node = read_node(bytes(node)?).filter(|node| *node != own)?;
        Some((node, read_here(bytes(here)?)?))
    });
    Some(Attended { head, lineage, log, here: here.collect() })
}

fn read_entry(entry: Value) -> Option<Entry> {
    let Value::Array(entry) = entry else { return None };
    let [id, fields] = <[Value; 2]>::try_from(entry).ok()?;
    let offset = text(&id)?.split_once('-')?.0.parse().ok()?;
    let Value::Array(fields) = fields else { return None };
    let Value::BulkString(kept) = fields.into_iter().nth(1)? else { return None };
    Some(Entry { offset, entry: kept.into() })
}

fn pairs(flat: Vec<Value>) -> Vec<(Value, Value)> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(|| Some((flat.next()?, flat.next()?))).collect()
}

fn read_alive(answer: &Value) -> Option<Reply> {
    let Value::Array(parts) = answer else { return None };
    let [alive, dead, lapsed] = &parts[..] else { return None };
    Some(Reply::Alive {
        nodes: read_nodes(alive)?,
        dead: read_nodes(dead)?,
        lapsed: *lapsed == Value::Int(1),
    })
}

fn read_nodes(nodes: &Value) -> Option<Vec<NodeId>> {
    let Value::Array(nodes) = nodes else { return None };
    // What is there besides is not a node of ours.
    Some(nodes.iter().filter_map(|node| read_node(bytes(node)?)).collect())
}

fn read_rooms(answer: &Value) -> Option<Reply> {
    let Value::Array(rooms) = answer else { return None };
    Some(Reply::Rooms(rooms.iter().filter_map(|room| read_member(text(room)?)).collect()))
}

fn text(value: &Value) -> Option<&str> {
    std::str::from_utf8(bytes(value)?).ok()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    #[test]
    fn who_is_here_reads_back_as_it_was_written() {
        let counts = Counts { members: 2, guests: 1 };
        for users in
            [None, Some(Vec::new()), Some(vec![user("alice")]), Some(vec![user("a:b"), user("дана")])]
        {
            let here = Here { sessions: 4, counts, users };
            assert_eq!(read_here(write_here(&here).as_bytes()), Some(here));
        }
    }

    #[test]
    fn what_others_publish_is_nothing_of_ours() {
        let wording = Wording::new(&Settings::default());
        for payload in ["", "P", "P1:", "Pa:1", "H0000000", "Hzzzzzzzz:", "S1", "X", "H00000001:1:x:2"] {
            assert_eq!(wording.hear("room:{a}", payload.as_bytes().to_vec()), None, "{payload}");
        }
        assert!(wording.hear("room:{a}", b"Pa:1:".to_vec()).is_some());
        assert_eq!(wording.hear("room:a", b"Pa:1:".to_vec()), None);
    }
}
