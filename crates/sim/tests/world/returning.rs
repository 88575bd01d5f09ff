//! A Socket.IO client by hand that is cut off and comes back, and that notices what it misses and what it gets twice.

use std::collections::HashMap;

use chat::Position;
use sim::{PipeId, Stage};

use crate::stock::{frame, get, post};

const TEXT: u8 = 1;

/// How it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    WebSocket,
    Polls,
}

/// A client.
pub(crate) struct Client {
    name: String,
    namespace: &'static str,
    /// Over polls, it connects only when it is about to move to a WebSocket.
    pub(crate) connects_late: bool,
    line: Option<Line>,
    /// By what it may come back.
    pid: Option<String>,
    /// The last message that it has seen.
    offset: Option<String>,
    /// How its socket is called.
    pub(crate) sid: Option<String>,
    /// Whether it has gone on where it was, each time it was connected.
    pub(crate) recovered: Vec<bool>,
    /// The last message of each room that it is in.
    pub(crate) rooms: HashMap<String, Position>,
    /// Up to where it was told that messages will not come.
    pub(crate) lost: HashMap<String, Position>,
    /// By acknowledgement, rooms that it has asked to join.
    joining: Vec<String>,
    /// What it was told, in order.
    pub(crate) heard: Vec<String>,
    pub(crate) complaints: Vec<String>,
}

/// One connection of it.
struct Line {
    way: Way,
    /// The WebSocket, or that of polls.
    pipe: PipeId,
    /// That of posts.
    posts: PipeId,
    unread: Vec<u8>,
    target: Option<String>,
    is_polling: bool,
    is_connected: bool,
    /// It has said by what it may go on, however late.
    has_come_back: bool,
    probe: Option<Probe>,
}

/// A WebSocket to which a client over polls moves.
struct Probe {
    pipe: PipeId,
    unread: Vec<u8>,
    is_open: bool,
    is_answered: bool,
}

impl Client {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: "",
            connects_late: false,
            line: None,
            pid: None,
            offset: None,
            sid: None,
            recovered: Vec::new(),
            rooms: HashMap::new(),
            lost: HashMap::new(),
            joining: Vec::new(),
            heard: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// One that connects to another namespace: `"/news,"`.
    pub(crate) fn within(name: &str, namespace: &'static str) -> Self {
        Self { namespace, ..Self::new(name) }
    }

    /// It is in another namespace than the main one.
    pub(crate) fn is_far(&self) -> bool {
        !self.namespace.is_empty()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.is_connected)
    }

    pub(crate) fn has_line(&self) -> bool {
        self.line.is_some()
    }

    /// Opens a connection; it has to read before it is connected.
    pub(crate) fn open(&mut self, way: Way, shard: usize, stage: &mut Stage) {
        let pipe = stage.node.connect(shard);
        let posts = if way == Way::Polls { stage.node.connect(shard) } else { pipe };
        let request = match way {
            Way::Polls => get("/socket.io/?EIO=4&transport=polling"),
            Way::WebSocket => upgrade("/socket.io/?EIO=4&transport=websocket"),
        };
        stage.node.send(pipe, request.as_bytes());
        let (unread, is_polling, is_connected) = (Vec::new(), true, false);
        let (target, has_come_back, probe) = (None, false, None);
        self.line =
            Some(Line { way, pipe, posts, unread, target, is_polling, is_connected, has_come_back, probe });
    }

    /// A client over polls begins to move to a WebSocket.
    pub(crate) fn move_over(&mut self, shard: usize, stage: &mut Stage) {
        let Some(line) = self.line.as_mut().filter(|line| line.way == Way::Polls && line.probe.is_none())
        else {
            return;
        };
        if let Some(target) = &line.target {
            let pipe = stage.node.connect(shard);
            let target = target.replace("transport=polling", "transport=websocket");
            stage.node.send(pipe, upgrade(&target).as_bytes());
            line.probe = Some(Probe { pipe, unread: Vec::new(), is_open: false, is_answered: false });
        }
    }

    /// The connection breaks, and nothing that was not read is read any more.
    pub(crate) fn cut(&mut self, stage: &mut Stage) {
        let Some(line) = self.line.take() else { return };
        stage.node.cut(line.pipe);
        if line.posts != line.pipe {
            stage.node.cut(line.posts);
        }
        if let Some(probe) = line.probe {
            stage.node.cut(probe.pipe);
        }
    }

    /// A client that was not let in comes again another way.
    pub(crate) fn give_up(&mut self, stage: &mut Stage) {
        if !self.is_connected() {
            self.cut(stage);
        }
    }

    /// The client is gone, and nobody has told the server. Says which streams are left behind.
    pub(crate) fn vanish(&mut self) -> Vec<PipeId> {
        let Some(line) = self.line.take() else { return Vec::new() };
        [Some(line.pipe), Some(line.posts), line.probe.map(|probe| probe.pipe)]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(crate) fn join(&mut self, room: &str, stage: &mut Stage) {
        let id = self.joining.len();
        self.joining.push(room.to_owned());
        self.say(&format!("2{}{id}[\"joinRoom\",{{\"room\":\"{room}\"}}]", self.namespace), stage);
    }

    pub(crate) fn leave(&mut self, room: &str, stage: &mut Stage) {
        self.say(&format!("2{}[\"leaveRoom\",{{\"room\":\"{room}\"}}]", self.namespace), stage);
    }

    /// Says a packet of Socket.IO.
    pub(crate) fn say(&mut self, packet: &str, stage: &mut Stage) {
        self.send(&format!("4{packet}"), stage);
    }

    fn send(&mut self, packet: &str, stage: &mut Stage) {
        let Some(line) = &self.line else { return };
        match (line.way, &line.target) {
            (Way::WebSocket, _) => stage.node.send(line.pipe, &frame(TEXT, packet)),
            (Way::Polls, Some(target)) => stage.node.send(line.posts, post(target, packet).as_bytes()),
            (Way::Polls, None) => {}
        }
    }

    /// Reads so many bytes at most, and does what follows from them. Says whether there was anything.
    pub(crate) fn read(&mut self, bytes_max: usize, stage: &mut Stage) -> bool {
        let Some(line) = &mut self.line else { return false };
        let read = stage.node.read(line.pipe, bytes_max);
        line.unread.extend_from_slice(&read);
        let mut news = !read.is_empty();
        if line.posts != line.pipe {
            news |= !stage.node.read(line.posts, usize::MAX).is_empty();
        }
        news |= self.read_probe(stage);
        while let Some(packets) = self.next_packets() {
            packets.split('\u{1E}').for_each(|packet| self.hear(packet, stage));
            self.poll_again(stage);
        }
        if self.line.as_ref().is_some_and(|line| stage.node.is_over(line.pipe)) && !news {
            self.cut(stage);
        }
        news
    }

    /// The next packets that have come whole.
    fn next_packets(&mut self) -> Option<String> {
        let line = self.line.as_mut()?;
        let is_answer = line.unread.starts_with(b"HTTP/1.1");
        let (packets, length) =
            if is_answer { read_answer(&line.unread)? } else { read_frame(&line.unread)? };
        line.unread.drain(..length);
        line.is_polling &= !is_answer;
        Some(packets)
    }

    /// Goes on moving to a WebSocket. Says whether anything happened there.
    fn read_probe(&mut self, stage: &mut Stage) -> bool {
        let Some(line) = &mut self.line else { return false };
        let Some(probe) = &mut line.probe else { return false };
        let read = stage.node.read(probe.pipe, usize::MAX);
        probe.unread.extend_from_slice(&read);
        if !probe.is_open
            && let Some((_, length)) = read_answer(&probe.unread)
        {
            probe.unread.drain(..length);
            probe.is_open = true;
            stage.node.send(probe.pipe, &frame(TEXT, "2probe"));
        }
        if probe.is_open
            && !probe.is_answered
            && let Some((_, length)) = read_frame(&probe.unread)
        {
            probe.unread.drain(..length);
            probe.is_answered = true;
        }
        if probe.is_answered && self.connects_late && !std::mem::replace(&mut line.has_come_back, true) {
            self.come_back(stage);
            return true;
        }
        if let Some(probe) = line.probe.take_if(|probe| probe.is_answered && !line.is_polling) {
            stage.node.send(probe.pipe, &frame(TEXT, "5"));
            stage.node.hang_up(line.pipe);
            stage.node.hang_up(line.posts);
            (line.way, line.pipe, line.posts, line.unread) =
                (Way::WebSocket, probe.pipe, probe.pipe, probe.unread);
            return true;
        }
        !read.is_empty()
    }

    fn poll_again(&mut self, stage: &mut Stage) {
        let Some(line) = &mut self.line else { return };
        if line.probe.as_ref().is_some_and(|probe| probe.is_answered) {
            return;
        }
        if let (Way::Polls, Some(target), false) = (line.way, &line.target, line.is_polling) {
            line.is_polling = true;
            stage.node.send(line.pipe, get(target).as_bytes());
        }
    }

    fn hear(&mut self, packet: &str, stage: &mut Stage) {
        let namespace = self.namespace;
        if let Some(open) = packet.strip_prefix('0') {
            self.opened(open, stage);
        } else if packet == "2" {
            self.send("3", stage);
        } else if let Some(answer) = packet.strip_prefix("40") {
            self.connected(answer.strip_prefix(namespace).expect("it is in one namespace"));
        } else if let Some(event) = packet.strip_prefix("42") {
            self.told(event.strip_prefix(namespace).expect("it is in one namespace"));
        } else if let Some(answer) = packet.strip_prefix("43") {
            self.answered(answer.strip_prefix(namespace).expect("it is in one namespace"));
        } else if !packet.is_empty() && packet != "1" && packet != "6" {
            self.complaints.push(format!("{} hears {packet:?}", self.name));
        }
    }

    fn opened(&mut self, open: &str, stage: &mut Stage) {
        let sid = between(open, "\"sid\":\"", "\"").expect("a session has a name");
        let Some(line) = &mut self.line else { return };
        line.target = Some(format!("/socket.io/?EIO=4&transport=polling&sid={sid}"));
        if !self.connects_late || line.way == Way::WebSocket {
            self.come_back(stage);
        }
    }

    /// Says by what it may go on.
    fn come_back(&mut self, stage: &mut Stage) {
        let auth = match (&self.pid, &self.offset) {
            (Some(pid), Some(offset)) => format!("{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}"),
            (Some(pid), None) => format!("{{\"pid\":\"{pid}\"}}"),
            (None, _) => String::new(),
        };
        self.say(&format!("0{}{auth}", self.namespace), stage);
    }

    fn connected(&mut self, answer: &str) {
        let pid = between(answer, "\"pid\":\"", "\"");
        let sid = between(answer, "\"sid\":\"", "\"");
        let goes_on = pid.is_some() && pid == self.pid;
        if goes_on && sid != self.sid {
            self.complaints.push(format!("{} is another one: {answer}", self.name));
        }
        if self.pid.is_some() {
            self.recovered.push(goes_on);
        }
        if !goes_on {
            self.offset = None;
            self.rooms.clear();
            self.lost.clear();
            self.joining.iter_mut().for_each(String::clear);
        }
        (self.pid, self.sid) = (pid, sid);
        if let Some(line) = &mut self.line {
            line.is_connected = true;
        }
    }

    /// Its messages name their room: `room=7`.
    fn told(&mut self, event: &str) {
        if event.starts_with("[\"lost\"") {
            let lost =
                |name| between(event, &format!("\"{name}\":\""), "\"").expect("what is lost has a place");
            self.lost.insert(lost("room"), lost("at").parse().expect("that is a position"));
            return;
        }
        let (_, offset) =
            event.trim_end_matches("\"]").rsplit_once('"').expect("the last argument is a string");
        let at: Position = offset.parse().expect("and that a position");
        let text = between(event, "\"message\":\"", "\"").expect("a message says something");
        let (room, number) = text.split_once('=').expect("a message names its room");
        if number.trim_end().parse() != Ok(at.offset) {
            self.complaints.push(format!("{} hears {text} at {at}", self.name));
        }
        let follows = |last: &Position| (last.epoch, last.offset + 1) == (at.epoch, at.offset);
        if let Some(last) = self.rooms.get(room)
            && !follows(last)
            && !self.lost.get(room).is_some_and(follows)
        {
            self.complaints.push(format!("{} hears {text} behind {last}", self.name));
        }
        self.rooms.insert(room.to_owned(), at);
        self.offset = Some(offset.to_owned());
        self.heard.push(text.trim_end().to_owned());
    }

    /// It is in a room from the position on that the answer tells, unless it has heard something there already.
    fn answered(&mut self, answer: &str) {
        let (id, what) = answer.split_once('[').expect("an acknowledgement has arguments");
        let room = self.joining[id.parse::<usize>().expect("and a number")].clone();
        if let Some(at) = between(what, "\"at\":\"", "\"").filter(|_| !room.is_empty()) {
            self.rooms.entry(room).or_insert(at.parse().expect("a position"));
        }
    }
}

fn upgrade(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The text between two others.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0.to_owned())
}

/// The body of a whole HTTP response, and how long that is.
fn read_answer(bytes: &[u8]) -> Option<(String, usize)> {
    let head_bytes = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_bytes]).expect("a head is text");
    let length = between(&head.to_lowercase(), "content-length: ", "\r\n")
        .map_or(0, |length| length.parse::<usize>().expect("a length is a number"));
    let body = bytes.get(head_bytes..head_bytes + length)?;
    Some((String::from_utf8_lossy(body).into_owned(), head_bytes + length))
}

/// The payload of a whole frame without a mask, and how long that is. A close says nothing.
fn read_frame(bytes: &[u8]) -> Option<(String, usize)> {
    let (begins, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        length => (2, usize::from(length)),
    };
    let payload = bytes.get(begins..begins + length)?;
    let text =
        if bytes[0] & 0x0F == TEXT { std::str::from_utf8(payload).expect("texts are UTF-8") } else { "" };
    Some((text.to_owned(), begins + length))
}
