//! A client over a WebSocket (Engine.IO 4, Socket.IO 5): what a server hears from it, and what it makes of a server's packets.
//!
//! It is in one room at a time, because a `message` does not say of which room it is; beside it in its inbox and in the room of everybody.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use chat::{
    Body, Command, Credentials, Payload, PayloadKind, Position, RoomId, RoomName, SignalName, Tag, Text,
    UserId,
};
use serde::Deserialize;
use wire::engineio::{Open, Packet, PacketType, Revision};
use wire::json::write_json_string;
use wire::socketio::{
    self, Ack, ArgumentsWriter, Body as Content, Connected, Decoder, Event, Limits, Received,
};
use wire::websocket::Kind;

use crate::client::{Client, Heard, Keepsake, Login, Said, ServerFault};
use crate::client_socket::ClientSocket;
use crate::hearing::{read_joined, read_position, read_refusal};
use crate::members::{Member, position, required, string};
use crate::object::Object;

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";
const NAMESPACE: &str = "/";
/// More than a server here ever sends.
const ATTACHMENTS_MAX: usize = 16;

/// A client that has not logged in and is in no room.
pub(crate) fn client(login: &Login) -> Option<Box<dyn Client>> {
    let limits = Limits { max_attachments: ATTACHMENTS_MAX, max_bytes: login.max_message_bytes };
    Some(Box::new(EventClient {
        socket: ClientSocket::new(login, TARGET.to_owned(), None),
        is_dialed: false,
        talk: Talk {
            decoder: Decoder::new(),
            limits,
            is_connected: false,
            earlier: None,
            pid: None,
            seen: None,
            user: None,
            room: None,
            asked: BTreeMap::new(),
            acknowledgements: 0,
        },
    }))
}

struct EventClient {
    socket: ClientSocket,
    /// The WebSocket has been opened.
    is_dialed: bool,
    talk: Talk,
}

/// What was said so far.
struct Talk {
    decoder: Decoder,
    limits: Limits,
    is_connected: bool,
    /// What it goes on from, until it is connected.
    earlier: Option<Keepsake>,
    /// By what it may come back, where the server lets it.
    pid: Option<String>,
    /// The last message that it has seen, where the server tells such positions.
    seen: Option<Position>,
    /// The name that the server has confirmed; direct messages are to it.
    user: Option<UserId>,
    /// The room that it is in, or has asked to be let into.
    room: Option<RoomId>,
    /// What waits for an acknowledgement, by its id.
    asked: BTreeMap<u64, Asked>,
    /// How many were asked for.
    acknowledgements: u64,
}

struct Asked {
    tag: Option<Tag>,
    what: What,
}

enum What {
    Name(UserId),
    Join(RoomId),
    Leave(RoomId),
    Post,
    Signal,
}

/// The members of the arguments of all events.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told<'a> {
    #[serde(borrow)]
    room: Member<'a>,
    #[serde(borrow, rename = "userId")]
    user_id: Member<'a>,
    #[serde(borrow)]
    username: Member<'a>,
    #[serde(borrow)]
    message: Member<'a>,
    #[serde(borrow)]
    since: Member<'a>,
    #[serde(borrow)]
    at: Member<'a>,
}

impl Client for EventClient {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.socket.open(out);
    }

    fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault> {
        let (talk, mut answers, start) = (&mut self.talk, Vec::new(), heard.len());
        let taken = self.socket.receive(input, out, heard, |kind, payload, heard| {
            talk.take(kind, payload, &mut answers, heard)
        })?;
        // A WebSocket alone is not a connection yet.
        if !self.is_dialed
            && let Some(opened) = heard[start..].iter().position(|one| *one == Heard::Opened)
        {
            self.is_dialed = true;
            heard.remove(start + opened);
        }
        for answer in answers {
            self.socket.send(Kind::Text, answer.as_bytes(), out);
        }
        Ok(taken)
    }

    fn ask(&mut self, command: &Command, out: &mut Vec<u8>) -> bool {
        if !self.talk.is_connected {
            return false;
        }
        let Some((text, attachments)) = self.talk.write(command) else { return false };
        let is_sent = self.socket.send(Kind::Text, &text, out);
        attachments.iter().all(|bytes| self.socket.send(Kind::Binary, bytes, out)) && is_sent
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.talk.is_connected) {
            self.socket.send(Kind::Text, b"41", out);
        }
        self.socket.close(out);
    }

    fn keepsake(&self) -> Option<Keepsake> {
        self.talk.keepsake()
    }

    fn go_on(&mut self, keepsake: Keepsake) {
        self.talk.earlier = Some(keepsake);
    }
}

impl Talk {
    fn take(
        &mut self,
        kind: Kind,
        payload: &[u8],
        answers: &mut Vec<String>,
        heard: &mut Vec<Heard>,
    ) -> Result<(), ServerFault> {
        if kind == Kind::Binary {
            let received = self.decoder.receive_binary(Cow::Borrowed(payload), &self.limits);
            return self.take_received(received.map_err(ServerFault::new)?, heard);
        }
        let text = std::str::from_utf8(payload).map_err(ServerFault::new)?;
        match Packet::read_text(text, Revision::V4).map_err(ServerFault::new)? {
            Packet::Text(PacketType::Open, rules) => {
                Open::read(rules).map_err(ServerFault::new)?;
                answers.push(format!("40{}", self.earlier.as_ref().map(claim).unwrap_or_default()));
            }
            Packet::Text(PacketType::Ping, "") => {
                answers.push("3".to_owned());
                heard.push(Heard::Pinged);
            }
            Packet::Text(PacketType::Message, text) => {
                let received = self.decoder.receive_text(text, &self.limits).map_err(ServerFault::new)?;
                self.take_received(received, heard)?;
            }
            Packet::Text(PacketType::Noop | PacketType::Close, "") => {}
            packet => return Err(ServerFault::new(format_args!("unexpected: {packet:?}"))),
        }
        Ok(())
    }

    fn take_received(&mut self, received: Received<'_>, heard: &mut Vec<Heard>) -> Result<(), ServerFault> {
        match received {
            Received::Packet(packet) => self.take_packet(&packet, &[], heard),
            Received::Assembled(assembled) => {
                self.take_packet(&assembled.packet(), assembled.attachments(), heard)
            }
            Received::Part => Ok(()),
        }
    }

    fn take_packet(
        &mut self,
        packet: &socketio::Packet<'_>,
        attachments: &[Vec<u8>],
        heard: &mut Vec<Heard>,
    ) -> Result<(), ServerFault> {
        if packet.namespace != NAMESPACE {
            return match &packet.body {
                Content::Event(_) => {
                    Err(ServerFault::new("an event of a namespace that it never connects to"))
                }
                _ => Ok(()),
            };
        }
        match &packet.body {
            Content::Connect(Some(payload)) => {
                let Connected { pid, .. } = Connected::read(payload).map_err(ServerFault::new)?;
                heard.push(self.connect(pid.map(Cow::into_owned)));
            }
            // The end of the WebSocket follows, and says why.
            Content::Disconnect => self.is_connected = false,
            Content::Event(event) => {
                heard.push(self.hear(event, attachments)?);
                self.seen = place_of(event).or(self.seen);
            }
            Content::Ack(ack) => heard.push(self.hear_answer(ack)?),
            Content::Connect(None) | Content::ConnectError(_) => {
                return Err(ServerFault::new("the namespace is not there"));
            }
        }
        Ok(())
    }

    /// Who is given what it has come back by goes on where it was.
    fn connect(&mut self, pid: Option<String>) -> Heard {
        self.is_connected = true;
        let recovered = self.earlier.take().filter(|earlier| Some(&earlier.pid) == pid.as_ref());
        self.pid = pid;
        let Some(Keepsake { seen, user, room, .. }) = recovered else { return Heard::Opened };
        (self.seen, self.user, self.room) = (seen, user, room);
        Heard::Recovered
    }

    /// Nothing while it is not known where it is or who: what it has asked for may have been done or not.
    fn keepsake(&self) -> Option<Keepsake> {
        if !self.is_connected {
            return self.earlier.clone();
        }
        let is_unsure = self.asked.values().any(|asked| !matches!(asked.what, What::Post | What::Signal));
        let pid = self.pid.clone().filter(|_| !is_unsure)?;
        Some(Keepsake { pid, seen: self.seen, user: self.user.clone(), room: self.room.clone() })
    }

    /// What an acknowledgement says hangs on what was asked.
    fn hear_answer(&mut self, ack: &Ack<'_>) -> Result<Heard, ServerFault> {
        let [answer] = ack.arguments[..] else { return Err(ServerFault::new("not one answer")) };
        let json = answer.as_bytes();
        let (asked, refusal) = (self.asked.remove(&ack.id), read_refusal(json));
        let Some(Asked { tag, what }) = asked else {
            return refusal.map(|refusal| Heard::Refused { tag: None, refusal });
        };
        if let Ok(refusal) = refusal {
            self.room.take_if(|room| matches!(&what, What::Join(asked) if asked == room));
            return Ok(Heard::Refused { tag, refusal });
        }
        Ok(match what {
            What::Name(user) => {
                self.user = Some(user.clone());
                let resumption = chat::Resumption::Fresh;
                Heard::Welcome { tag, user, session: None, time: None, inbox: None, resumption }
            }
            What::Join(room) => read_joined(json, tag, room)?,
            What::Leave(room) => {
                self.room = None;
                Heard::Left { tag, room }
            }
            What::Post => Heard::Accepted { tag, at: read_position(json)? },
            What::Signal => return Err(ServerFault::new("only a refused signal is answered")),
        })
    }

    fn hear(&self, event: &Event<'_>, attachments: &[Vec<u8>]) -> Result<Heard, ServerFault> {
        let misread = || ServerFault::new(format_args!("not understood: {event:?}"));
        let first = event.arguments.first().copied().ok_or_else(misread)?;
        let told: Told<'_> = serde_json::from_str(first).unwrap_or_default();
        let heard = match &*event.name {
            "message" => said(self.room.clone(), told.user_id, told.message, event, attachments),
            "all" => said(Some(RoomId::everybody()), told.user_id, told.message, event, attachments),
            "new message" => {
                said(self.user.clone().map(RoomId::inbox), told.username, told.message, event, attachments)
            }
            "lost" => self.lost(&told),
            name => relayed(name, first, &told, &event.arguments),
        };
        heard.ok_or_else(misread)
    }

    /// A room that is not the one it is in is its inbox, or that of everybody.
    fn lost(&self, told: &Told<'_>) -> Option<Heard> {
        let name = required(told.room).ok()?;
        let inbox = self.user.clone().map(RoomId::inbox);
        let known = [self.room.clone(), inbox, Some(RoomId::everybody())].into_iter().flatten();
        let room = { known }.find(|room| room.name() == name)?;
        Some(Heard::Lost { room, since: position(told.since).ok()??, at: position(told.at).ok()?? })
    }

    /// A command as a packet with its attachments; `None` where the protocol has no words for it.
    fn write(&mut self, command: &Command) -> Option<(Vec<u8>, Vec<Bytes>)> {
        match command {
            Command::Identify {
                credentials: Credentials::Name(user),
                takes_direct: true,
                inbox: None,
                tag,
            } => {
                let json = written(|object| object.string("username", user.as_str()));
                self.emit("log in", &json, &[], Some((tag, What::Name(user.clone()))))
            }
            Command::Join { room, since: None, tag } if self.room.is_none() && room.is_public() => {
                self.room = Some(room.clone());
                self.emit("joinRoom", &of_room(room), &[], Some((tag, What::Join(room.clone()))))
            }
            Command::Leave { room, tag } if room.is_public() => {
                self.emit("leaveRoom", &of_room(room), &[], Some((tag, What::Leave(room.clone()))))
            }
            Command::Post { room, author, body, tag, reply } if !room.is_inbox() => {
                let (message, attachments) = message(body)?;
                let json = written(|object| {
                    let object = if room.is_public() { object.string("room", room.name()) } else { object };
                    let object = match author {
                        Some(author) => object.string("userId", author.as_str()),
                        None => object,
                    };
                    object.json("message", &message)
                });
                let name = if room.is_public() { "message" } else { "all" };
                self.emit(name, &json, &attachments, reply.then_some((tag, What::Post)))
            }
            Command::Direct { to, body, tag } => {
                let (message, attachments) = message(body)?;
                let json = written(|object| object.string("username", to.as_str()).json("message", &message));
                self.emit("send message", &json, &attachments, Some((tag, What::Post)))
            }
            Command::Signal { room, signal, content: None, tag } if room.is_public() => {
                let asked = tag.is_some().then_some((tag, What::Signal));
                self.emit(signal.as_str(), &of_room(room), &[], asked)
            }
            _ => None,
        }
    }

    /// An event with one argument, acknowledged if something is asked.
    fn emit(
        &mut self,
        name: &str,
        argument: &str,
        attachments: &[Bytes],
        asked: Option<(&Option<Tag>, What)>,
    ) -> Option<(Vec<u8>, Vec<Bytes>)> {
        let id = asked.map(|(tag, what)| {
            let id = self.acknowledgements;
            self.acknowledgements += 1;
            self.asked.insert(id, Asked { tag: tag.clone(), what });
            id
        });
        let mut text = vec![PacketType::Message as u8];
        ArgumentsWriter::event(NAMESPACE, id, attachments.len(), name, &mut text).json(argument).end();
        Some((text, attachments.to_vec()))
    }
}

/// An event that somebody has relayed to a room, with everything that it carries.
fn relayed(name: &str, first: &str, told: &Told<'_>, arguments: &[&str]) -> Option<Heard> {
    let name_alone = serde_json::value::RawValue::from_string(first.to_owned()).ok();
    let room = room(told.room).or_else(|| room(name_alone.as_deref()))?;
    let user = told.user_id.and_then(|user| UserId::new(&string(user).ok()?).ok());
    let arguments = Some(format!("[{}]", arguments.join(",")));
    Some(Heard::Signal { room, user, signal: SignalName::new(name)?, arguments })
}

fn room(member: Member<'_>) -> Option<RoomId> {
    RoomName::new(&required(member).ok()?).ok().map(RoomId::public)
}

/// What a client says by which it may come back.
fn claim(keepsake: &Keepsake) -> String {
    written(|object| object.string("pid", &keepsake.pid).shown_if("offset", &keepsake.seen))
}

/// The position that a server lets follow a message, so that a client can come back.
fn place_of(event: &Event<'_>) -> Option<Position> {
    let [_, place] = event.arguments[..] else { return None };
    serde_json::from_str::<Cow<'_, str>>(place).ok()?.parse().ok()
}

fn said(
    room: Option<RoomId>,
    author: Member<'_>,
    message: Member<'_>,
    event: &Event<'_>,
    attachments: &[Vec<u8>],
) -> Option<Heard> {
    let author = required(author).ok()?;
    let user = if author.is_empty() { None } else { Some(UserId::new(&author).ok()?) };
    let message = message?;
    let binary = attachments.first().cloned();
    let text = string(message).ok().map(Cow::into_owned);
    let data = (text.is_none() && binary.is_none()).then(|| message.get().to_owned());
    Some(Heard::Posted(Said {
        room: room?,
        at: place_of(event),
        user,
        tag: None,
        time: None,
        text,
        binary,
        data,
    }))
}

/// What is said as JSON, with the attachment that may belong to it; `None` for what no client of events says.
fn message(body: &Body) -> Option<(String, Vec<Bytes>)> {
    let Payload { kind, bytes } = &body.payload;
    Some(match (kind, &body.text) {
        (PayloadKind::None, Text::Own(text)) => {
            let mut json = Vec::new();
            write_json_string(&mut json, text);
            (String::from_utf8(json).ok()?, Vec::new())
        }
        (PayloadKind::Json, Text::None) => (std::str::from_utf8(bytes).ok()?.to_owned(), Vec::new()),
        (PayloadKind::Binary, Text::None) => {
            ("{\"_placeholder\":true,\"num\":0}".to_owned(), vec![bytes.clone()])
        }
        _ => return None,
    })
}

fn of_room(room: &RoomId) -> String {
    written(|object| object.string("room", room.name()))
}

fn written(write: impl for<'a> FnOnce(Object<'a>) -> Object<'a>) -> String {
    let mut json = Vec::new();
    write(Object::start(&mut json)).end();
    String::from_utf8(json).expect("it is JSON")
}
