//! A well-behaved member of a plain room of its own: says one thing at a time, reads all it is sent, and must hear what it said.

use chat::{Body, Command, RoomId, RoomName};
use gateways::{CLIENTS, Client, Heard};
use sim::{PipeId, World};

use super::terms::{login, room};

/// The node is going away (docs/protocol.md, "Close codes").
const SERVER_RESTART: u16 = 4012;

pub(crate) struct Neighbour {
    client: Box<dyn Client>,
    /// Nobody else finds it.
    room: RoomName,
    pipe: PipeId,
    unread: Vec<u8>,
    is_open: bool,
    /// It was told that the node goes away.
    is_dismissed: bool,
    said: u32,
    heard: u32,
}

impl Neighbour {
    pub(crate) fn connect(secret: &str, node: &mut World) -> Self {
        let room = room(&format!("a quiet room, {secret}"));
        let (_, dial) = CLIENTS.iter().find(|(name, _)| *name == "raw").expect("there are plain rooms");
        let mut client = dial(&login(room.as_str(), false)).expect("there is a client of plain rooms");
        let pipe = node.connect(0);
        let mut bytes = Vec::new();
        client.open(&mut bytes);
        node.send(pipe, &bytes);
        Self {
            client,
            room,
            pipe,
            unread: Vec::new(),
            is_open: false,
            is_dismissed: false,
            said: 0,
            heard: 0,
        }
    }

    /// Says something, once it has heard what it said before.
    pub(crate) fn speak(&mut self, node: &mut World) {
        if !self.is_open || self.heard < self.said {
            return;
        }
        let body = Body::text(&words(self.said));
        let room = RoomId::public(self.room.clone());
        let post = Command::Post { room, author: None, body, tag: None, reply: false };
        let mut bytes = Vec::new();
        assert!(self.client.ask(&post, &mut bytes));
        node.send(self.pipe, &bytes);
        self.said += 1;
    }

    /// Reads and answers all there is. Says whether there was anything.
    pub(crate) fn listen(&mut self, is_draining: bool, node: &mut World) -> bool {
        let bytes = node.read(self.pipe, usize::MAX);
        self.unread.extend_from_slice(&bytes);
        let (mut answer, mut heard) = (Vec::new(), Vec::new());
        let taken = self.client.receive(&mut self.unread, &mut answer, &mut heard);
        self.unread.drain(..taken.expect("a server speaks its protocol"));
        node.send(self.pipe, &answer);
        for heard in &heard {
            self.hear(heard, is_draining, node);
        }
        !bytes.is_empty()
    }

    fn hear(&mut self, heard: &Heard, is_draining: bool, node: &mut World) {
        match heard {
            Heard::Opened => self.is_open = true,
            Heard::Pinged => {}
            Heard::Posted(said) => {
                assert!(self.heard < self.said, "nobody else is in the room: {said:?}");
                assert_eq!(said.text, Some(words(self.heard)), "once and in order");
                self.heard += 1;
            }
            Heard::Closed { code: SERVER_RESTART, .. } if is_draining => {
                (self.is_open, self.is_dismissed) = (false, true);
                node.hang_up(self.pipe);
            }
            other => panic!("a neighbour is disturbed: {other:?}"),
        }
    }

    /// All is quiet, and it has been heard.
    pub(crate) fn check(&self, is_drained: bool) {
        let Self { is_open, is_dismissed, said, heard, .. } = self;
        assert!(*is_dismissed || (*is_open && said == heard), "heard {heard} of {said}");
        assert!(*is_dismissed || !is_drained, "everybody is told that the node goes away");
    }

    pub(crate) fn leave(&mut self, node: &mut World) {
        node.hang_up(self.pipe);
    }
}

fn words(number: u32) -> String {
    format!("is anybody there? {number}")
}
