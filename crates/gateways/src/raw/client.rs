//! A member of a plain room, seen from the other side.

use chat::{Command, PayloadKind, RoomId, Text, UserId};
use wire::websocket::Kind;

use super::demo;
use crate::client::{Client, Heard, Login, Said, ServerFault};
use crate::client_socket::ClientSocket;

/// A member of the login's room.
pub(crate) fn client(login: &Login) -> Option<Box<dyn Client>> {
    let mut path = String::from("/");
    wire::url::encode(&mut path, login.room.as_str());
    let socket = ClientSocket::new(login, path, None);
    Some(Box::new(PlainClient { socket, room: RoomId::public(login.room.clone()) }))
}

struct PlainClient {
    socket: ClientSocket,
    room: RoomId,
}

impl Client for PlainClient {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.socket.open(out);
    }

    fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault> {
        let room = &self.room;
        self.socket.receive(input, out, heard, |kind, payload, heard| {
            heard.push(Heard::Posted(read(room, kind, payload)));
            Ok(())
        })
    }

    fn ask(&mut self, command: &Command, out: &mut Vec<u8>) -> bool {
        let Command::Post { room, author, body, .. } = command else { return false };
        if *room != self.room {
            return false;
        }
        let payload = &body.payload.bytes;
        match (author, body.payload.kind, &body.text) {
            (None, PayloadKind::None, Text::Own(text)) => self.socket.send(Kind::Text, text.as_bytes(), out),
            (Some(author), PayloadKind::None, Text::Own(text)) => {
                let mut json = Vec::new();
                demo::write_said(Some(author), text, &mut json);
                json.push(b'}');
                self.socket.send(Kind::Text, &json, out)
            }
            (None, PayloadKind::Text, _) => self.socket.send(Kind::Text, payload, out),
            (None, PayloadKind::Binary, Text::None) => self.socket.send(Kind::Binary, payload, out),
            _ => false,
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.socket.close(out);
    }
}

/// A message: the demo's JSON says who and what, else the payload is all.
fn read(room: &RoomId, kind: Kind, payload: &[u8]) -> Said {
    let mut said = Said {
        room: room.clone(),
        at: None,
        user: None,
        tag: None,
        time: None,
        text: None,
        binary: None,
        data: None,
    };
    match (kind, demo::read(kind, payload)) {
        (_, Some(demo)) => {
            said.user = demo.user.and_then(|user| UserId::new(&user).ok());
            said.text = Some(demo.text.into_owned());
        }
        (Kind::Binary, None) => said.binary = Some(payload.to_vec()),
        (Kind::Text, None) => said.text = Some(String::from_utf8_lossy(payload).into_owned()),
    }
    said
}
