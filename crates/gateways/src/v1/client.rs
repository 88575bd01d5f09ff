//! A client of the rich protocol: what a server hears from it, and what it makes of a server's objects.

use chat::{Body, Command, Credentials, PayloadKind, RoomId, Text, UserId};
use wire::websocket::Kind;

use super::{PATH, SUBPROTOCOL};
use crate::client::{Client, Heard, Login, ServerFault};
use crate::client_socket::ClientSocket;
use crate::hearing::read;
use crate::object::Object;

/// A client that has not identified and is in no room.
pub(crate) fn client(login: &Login) -> Option<Box<dyn Client>> {
    let socket = ClientSocket::new(login, PATH.to_owned(), Some(SUBPROTOCOL));
    Some(Box::new(RichClient { socket, user: None }))
}

struct RichClient {
    socket: ClientSocket,
    /// The name that the server has confirmed; direct messages are to it.
    user: Option<UserId>,
}

impl Client for RichClient {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.socket.open(out);
    }

    fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault> {
        let user = &mut self.user;
        self.socket.receive(input, out, heard, |kind, payload, heard| {
            if kind == Kind::Binary {
                return Err(ServerFault::new("a binary message"));
            }
            let one = read(payload, user.as_ref())?;
            if let Heard::Welcome { user: confirmed, .. } = &one {
                *user = Some(confirmed.clone());
            }
            heard.push(one);
            Ok(())
        })
    }

    fn ask(&mut self, command: &Command, out: &mut Vec<u8>) -> bool {
        let mut json = Vec::new();
        write(command, &mut json).is_some() && self.socket.send(Kind::Text, &json, out)
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.socket.close(out);
    }
}

/// A command as an object; `None` where the protocol has no words for it.
fn write(command: &Command, out: &mut Vec<u8>) -> Option<()> {
    let object = Object::start(out);
    match command {
        Command::Identify { credentials, takes_direct: true, inbox, tag } => {
            show(object.string("do", "identify").tag(tag), credentials)?.shown_if("inbox", inbox).end();
        }
        Command::Join { room, since, tag } => {
            public(object.string("do", "join").tag(tag), room)?.shown_if("since", since).end();
        }
        Command::Leave { room, tag } => public(object.string("do", "leave").tag(tag), room)?.end(),
        Command::Post { room, author: None, body, tag: tag @ Some(_), reply: true } => {
            say(public(object.string("do", "post").tag(tag), room)?, body)?.end();
        }
        Command::Direct { to, body, tag: tag @ Some(_) } => {
            say(object.string("do", "direct").tag(tag).string("to", to.as_str()), body)?.end();
        }
        Command::Recall { room, before, limit, tag } => {
            let object = public(object.string("do", "recall").tag(tag), room)?;
            object.shown_if("before", before).number("limit", *limit as u64).end();
        }
        Command::Signal { room, signal, content: None, tag } => {
            public(object.string("do", "signal").tag(tag), room)?.string("signal", signal.as_str()).end();
        }
        Command::AskTime { tag } => object.string("do", "time").tag(tag).end(),
        Command::Identify { .. }
        | Command::Post { .. }
        | Command::Direct { .. }
        | Command::Signal { .. }
        | Command::Announce { .. }
        | Command::Proclaim { .. }
        | Command::Bid { .. }
        | Command::LeaveAll { .. } => return None,
    }
    Some(())
}

fn show<'a>(object: Object<'a>, credentials: &Credentials) -> Option<Object<'a>> {
    match credentials {
        Credentials::Name(user) => Some(object.string("user", user.as_str())),
        Credentials::Token(token) => Some(object.string("token", token.reveal())),
        Credentials::Password(user, password) => {
            Some(object.string("user", user.as_str()).string("password", password.reveal()))
        }
        Credentials::Vouched(_) => None,
    }
}

/// Only identifying leads into an inbox, and nothing to everybody.
fn public<'a>(object: Object<'a>, room: &RoomId) -> Option<Object<'a>> {
    room.is_public().then(|| object.room(room))
}

fn say<'a>(object: Object<'a>, body: &Body) -> Option<Object<'a>> {
    let data = std::str::from_utf8(&body.payload.bytes).ok()?;
    match (body.payload.kind, &body.text) {
        (PayloadKind::None, Text::Own(text)) => Some(object.string("text", text)),
        (PayloadKind::Json, Text::Own(text)) => Some(object.string("text", text).json("data", data)),
        (PayloadKind::Json, Text::None) => Some(object.json("data", data)),
        _ => None,
    }
}
