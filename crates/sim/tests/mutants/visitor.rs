//! Somebody who connects as stock clients do, and then says what nobody would.

use sim::{PipeId, Random, World};
use wire::deflate::Inflater;
use wire::http::read_response_head;
use wire::websocket::{Decoder, Item, Opcode, Role, write_masked_frame, write_request};

use crate::corpus::Corpus;
use crate::mutant::mutate;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
/// What ends a WebSocket for the client's fault, or at its own wish (docs/protocol.md, "Close codes").
const CODES: [u16; 5] = [1000, 1002, 1007, 1009, 4500];
/// What answers a post, a poll, or whatever cannot be understood.
const STATUSES: [u16; 3] = [200, 400, 413];

pub(crate) struct Visitor {
    manner: Manner,
    /// The streams that it has.
    pipes: Vec<PipeId>,
    /// What it has still to say, last first.
    to_say: Vec<Words>,
    /// It moves as it should, if it moves.
    moves_well: bool,
    /// The name of its session, once it was told.
    sid: String,
}

/// Something to say.
struct Words {
    bytes: Vec<u8>,
    opcode: Opcode,
    /// Nobody would say it.
    is_mutant: bool,
}

/// How a session is led.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Over a WebSocket from the beginning.
    Socket { revision: u8 },
    /// By polls and posts.
    Polls { revision: u8 },
    /// By polls until it moves, or does not.
    Move,
}

impl Manner {
    /// Something that is said so.
    fn words(self, corpus: &Corpus, random: &mut Random) -> Vec<u8> {
        match self {
            Self::Polls { revision: 3 } => counted(random.pick::<Vec<u8>>(&corpus.payloads)),
            Self::Polls { .. } => random.pick::<Vec<u8>>(&corpus.payloads).clone(),
            _ => random.pick::<Vec<u8>>(&corpus.texts).clone(),
        }
    }
}

/// What became of a visitor.
pub(crate) enum Course {
    /// What it said was taken, or passed over.
    Taken,
    /// It was parted with.
    Parted,
}

impl Visitor {
    /// Comes, with something to say that begins as it should.
    pub(crate) fn come(node: &mut World, corpus: &Corpus, random: &mut Random) -> Self {
        let revision = *random.pick(&[3, 4, 4]);
        let manner = *random.pick(&[
            Manner::Socket { revision },
            Manner::Socket { revision },
            Manner::Polls { revision },
            Manner::Move,
        ]);
        let mutant = mutate(&manner.words(corpus, random), random.pick::<Vec<u8>>(&corpus.texts), random);
        let attachment = mutate(random.pick::<Vec<u8>>(&corpus.attachments), &mutant, random);
        let mut to_say = Vec::new();
        if random.chance(200) {
            to_say.push(Words { bytes: attachment, opcode: Opcode::Binary, is_mutant: true });
        }
        let opcode = if random.chance(50) { Opcode::Binary } else { Opcode::Text };
        to_say.push(Words { bytes: mutant, opcode, is_mutant: true });
        if random.chance(500) {
            to_say.push(Words::proper("420[\"joinRoom\",{\"room\":\"lobby\"}]"));
        }
        to_say.push(Words::proper("40"));
        let pipe = node.connect(random.below(node.shards()));
        let moves_well = random.chance(700);
        let mut visitor = Self { manner, pipes: vec![pipe], to_say, moves_well, sid: String::new() };
        visitor.open(node);
        visitor
    }

    fn open(&mut self, node: &mut World) {
        let bytes = match self.manner {
            Manner::Socket { revision } => handshake(&format!("EIO={revision}&transport=websocket")),
            Manner::Polls { revision } => get(&format!("EIO={revision}&transport=polling")),
            Manner::Move => get("EIO=4&transport=polling"),
        };
        node.send(self.pipes[0], &bytes);
    }

    pub(crate) fn has_more_to_say(&self) -> bool {
        !self.to_say.is_empty()
    }

    /// Says the next thing, knowing what it was told.
    pub(crate) fn go_on(&mut self, node: &mut World) {
        let Some(what) = self.to_say.pop() else { return };
        match self.manner {
            Manner::Socket { .. } => send_frame(self.pipes[0], &what, node),
            Manner::Polls { revision } => {
                self.note_sid(node);
                self.post(revision, &what, node);
            }
            Manner::Move => {
                self.note_sid(node);
                if what.is_mutant {
                    let pipe = self.moved(node);
                    send_frame(pipe, &what, node);
                } else {
                    self.post(4, &what, node);
                }
            }
        }
    }

    /// Whether it was parted with, and for a reason that there is.
    pub(crate) fn judge(&mut self, node: &mut World) -> Course {
        let pipe = *self.pipes.last().expect("it has come");
        let bytes = node.read(pipe, usize::MAX);
        let is_parted = match self.manner {
            Manner::Socket { .. } => is_closed(&bytes, node.is_over(pipe)),
            Manner::Move if self.pipes.len() > 1 => is_closed(&bytes, node.is_over(pipe)),
            _ => is_refused(&bytes),
        };
        if is_parted { Course::Parted } else { Course::Taken }
    }

    /// Goes, in one way or another.
    pub(crate) fn leave(self, node: &mut World, random: &mut Random) {
        for pipe in self.pipes {
            if random.chance(500) { node.cut(pipe) } else { node.hang_up(pipe) }
        }
    }

    /// The stream to which it moves.
    fn moved(&mut self, node: &mut World) -> PipeId {
        if self.pipes.len() == 1 {
            let pipe = node.connect(self.pipes.len() % node.shards());
            node.send(pipe, &handshake(&format!("EIO=4&transport=websocket&sid={}", self.sid)));
            self.pipes.push(pipe);
            if self.moves_well {
                send_frame(pipe, &Words::proper("2probe"), node);
                send_frame(pipe, &Words::proper("5"), node);
            }
        }
        self.pipes[1]
    }

    fn post(&self, revision: u8, what: &Words, node: &mut World) {
        let bytes = if revision == 3 && !what.is_mutant { counted(&what.bytes) } else { what.bytes.clone() };
        let head = format!(
            "POST /socket.io/?EIO={revision}&transport=polling&sid={} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            self.sid,
            bytes.len()
        );
        node.send(self.pipes[0], &[head.as_bytes(), &bytes].concat());
    }

    fn note_sid(&mut self, node: &mut World) {
        if self.sid.is_empty() {
            let told = String::from_utf8_lossy(&node.read(self.pipes[0], usize::MAX)).into_owned();
            let (_, rest) =
                told.split_once("\"sid\":\"").unwrap_or_else(|| panic!("a session is named: {told:?}"));
            self.sid = rest.split_once('"').map(|(sid, _)| sid.to_owned()).expect("a name ends");
        }
    }
}

impl Words {
    fn proper(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), opcode: Opcode::Text, is_mutant: false }
    }
}

fn send_frame(pipe: PipeId, what: &Words, node: &mut World) {
    let mut bytes = Vec::new();
    write_masked_frame(&mut bytes, what.opcode, &what.bytes, MASK);
    node.send(pipe, &bytes);
}

/// Whether a WebSocket was closed; only with a code that there is.
fn is_closed(bytes: &[u8], is_over: bool) -> bool {
    let (head, start) = read_response_head(bytes).expect("an answer is well-formed").expect("it has come");
    if head.status != 101 {
        assert!(STATUSES.contains(&head.status), "refused with {}", head.status);
        return true;
    }
    let mut rest = bytes[start..].to_vec();
    let (mut decoder, mut inflater, mut code) = (Decoder::new(Role::Client, false), Inflater::new(), None);
    while !rest.is_empty() {
        let step = decoder.next(&mut rest, 1 << 20, &mut inflater).expect("a server speaks its protocol");
        if let Some(Item::Close(close)) = step.item {
            code = close.map(|(code, _)| code);
        }
        let consumed = step.consumed;
        assert!(consumed > 0, "a server sends whole frames");
        rest.drain(..consumed);
    }
    assert!(!is_over || code.is_some_and(|code| CODES.contains(&code)), "parted with {code:?}");
    code.is_some()
}

/// Whether a request was refused; only with a status that there is.
fn is_refused(mut bytes: &[u8]) -> bool {
    let mut is_refused = false;
    while !bytes.is_empty() {
        let (head, start) =
            read_response_head(bytes).expect("an answer is well-formed").expect("it is whole");
        assert!(STATUSES.contains(&head.status), "answered with {}", head.status);
        is_refused |= head.status != 200;
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        bytes = &bytes[start..][length..];
    }
    is_refused
}

/// A payload as revision 3 has it: each packet behind its length in characters.
fn counted(payload: &[u8]) -> Vec<u8> {
    let packets = payload.split(|byte| *byte == 0x1e).map(String::from_utf8_lossy);
    let counted = packets.map(|packet| format!("{}:{packet}", packet.encode_utf16().count()));
    counted.collect::<String>().into_bytes()
}

fn handshake(query: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_request(&mut bytes, "a", &format!("/socket.io/?{query}"), &[7; 16], None, false);
    bytes
}

fn get(query: &str) -> Vec<u8> {
    format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}
