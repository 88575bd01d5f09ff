//! Our Engine.IO and Socket.IO for programs in other languages that compare it with their own: a task a line in JSON on
//! standard input, its answer a line on standard output. `interop/parsers` asks it.

use std::borrow::Cow;
use std::io::{BufRead, Write, stdin, stdout};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::engineio::{self, PacketType, Packets, PayloadForm, PayloadWriter, Revision};
use wire::json::{read_base64, write_base64};
use wire::socketio::{self, Ack, Body, Decoder, Event, Limits, Received, msgpack};
use wire::websocket::Kind;

const LIMITS: Limits = Limits { max_attachments: 10, max_bytes: 1_000_000 };
const MAX_PACKETS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Task {
    ReadMessage { eio: String, message: Message },
    WriteMessage { eio: String, packet: Message, takes_binary: bool },
    ReadPayload { eio: String, message: Message },
    WritePayload { eio: String, packets: Vec<Message>, takes_binary: bool },
    ReadPacket { messages: Vec<Message> },
    WritePacket { packet: Packet },
    ReadMsgpack { message: Message },
    WriteMsgpack { packet: Packet },
}

/// Text or bytes; as a packet of Engine.IO, text with a type, or bytes.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Message {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    packet_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// A packet of Socket.IO as JavaScript has it, but its attachments apart.
#[derive(Deserialize, Serialize)]
struct Packet {
    #[serde(rename = "type")]
    packet_type: u8,
    nsp: String,
    id: Option<u64>,
    data: Option<Box<RawValue>>,
    attachments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Fault(String),
    Messages(Vec<Message>),
    Packet(Packet),
}

const TYPES: [(PacketType, &str); 7] = [
    (PacketType::Open, "open"),
    (PacketType::Close, "close"),
    (PacketType::Ping, "ping"),
    (PacketType::Pong, "pong"),
    (PacketType::Message, "message"),
    (PacketType::Upgrade, "upgrade"),
    (PacketType::Noop, "noop"),
];

fn main() {
    for line in stdin().lock().lines() {
        let line = line.expect("tasks are text");
        let task = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let answer = carry_out(task).unwrap_or_else(Answer::Fault);
        let answer = serde_json::to_string(&answer).expect("answers are JSON");
        writeln!(stdout(), "{answer}").expect("somebody reads");
    }
}

fn carry_out(task: Task) -> Result<Answer, String> {
    match task {
        Task::ReadMessage { eio, message } => {
            let bytes = message.bytes();
            let packet = match &message.text {
                Some(text) => engineio::Packet::read_text(text, revision(&eio)),
                None => engineio::Packet::read_binary(&bytes, revision(&eio)),
            };
            Ok(Answer::Messages(vec![Message::of_packet(&packet.map_err(words)?)]))
        }
        Task::WriteMessage { eio, packet, takes_binary } => {
            let mut out = Vec::new();
            let kind = packet.as_packet().write_message(revision(&eio), takes_binary, &mut out);
            Ok(Answer::Messages(vec![Message::of(kind == Kind::Text, out)]))
        }
        Task::ReadPayload { eio, message } => read_payload(revision(&eio), &message),
        Task::WritePayload { eio, packets, takes_binary } => {
            Ok(write_payload(revision(&eio), &packets, takes_binary))
        }
        Task::ReadPacket { messages } => read_packet(&messages),
        Task::WritePacket { packet } => {
            let attachments = packet.attachments();
            let text = packet.with(|packet| {
                let mut out = Vec::new();
                packet.write(&mut out);
                out
            });
            let attachments = attachments.into_iter().map(|bytes| Message::of(false, bytes));
            Ok(Answer::Messages([Message::of(true, text)].into_iter().chain(attachments).collect()))
        }
        Task::ReadMsgpack { message } => {
            let assembled = msgpack::read(&message.bytes(), &LIMITS).map_err(words)?;
            Ok(Answer::Packet(Packet::of(&assembled.packet(), assembled.attachments())))
        }
        Task::WriteMsgpack { packet } => {
            let attachments = packet.attachments();
            let bytes = packet.with(|packet| {
                let mut out = Vec::new();
                msgpack::write(packet, &attachments, &mut out);
                out
            });
            Ok(Answer::Messages(vec![Message::of(false, bytes)]))
        }
    }
}

fn read_payload(revision: Revision, message: &Message) -> Result<Answer, String> {
    let form = PayloadForm::of_request(revision, message.text.is_none()).ok_or("no such payload")?;
    let bytes = message.bytes();
    let packets = Packets::new(&bytes, form, MAX_PACKETS).map_err(words)?;
    let packets = packets.map(|packet| packet.map(|packet| Message::of_packet(&packet)).map_err(words));
    packets.collect::<Result<_, _>>().map(Answer::Messages)
}

fn write_payload(revision: Revision, packets: &[Message], takes_binary: bool) -> Answer {
    let has_binary = packets.iter().any(|packet| packet.base64.is_some());
    let form = PayloadForm::of_answer(revision, takes_binary, has_binary);
    let mut out = Vec::new();
    let mut writer = PayloadWriter::new(form, &mut out);
    packets.iter().for_each(|packet| writer.write(&packet.as_packet()));
    Answer::Messages(vec![Message::of(form != PayloadForm::Octets, out)])
}

fn read_packet(messages: &[Message]) -> Result<Answer, String> {
    let mut decoder = Decoder::new();
    let mut answer = None;
    for message in messages {
        if answer.is_some() {
            return Err("more after a packet".to_owned());
        }
        let received = match &message.text {
            Some(text) => decoder.receive_text(text, &LIMITS),
            None => decoder.receive_binary(Cow::Owned(message.bytes()), &LIMITS),
        };
        answer = match received.map_err(words)? {
            Received::Part => None,
            Received::Packet(packet) => Some(Packet::of(&packet, &[])),
            Received::Assembled(whole) => Some(Packet::of(&whole.packet(), whole.attachments())),
        };
    }
    answer.map(Answer::Packet).ok_or_else(|| "less than a packet".to_owned())
}

impl Message {
    fn of(is_text: bool, bytes: Vec<u8>) -> Self {
        if is_text {
            let text = String::from_utf8(bytes).expect("text is written as text");
            return Self { text: Some(text), ..Self::default() };
        }
        Self { base64: Some(base64(&bytes)), ..Self::default() }
    }

    fn of_packet(packet: &engineio::Packet<'_>) -> Self {
        match packet {
            engineio::Packet::Binary(bytes) => Self::of(false, bytes.to_vec()),
            engineio::Packet::Text(packet_type, text) => {
                let name =
                    TYPES.iter().find(|(known, _)| known == packet_type).map(|(_, name)| (*name).to_owned());
                Self { packet_type: name, text: Some((*text).to_owned()), base64: None }
            }
        }
    }

    fn as_packet(&self) -> engineio::Packet<'_> {
        let name = self.packet_type.as_deref().unwrap_or("message");
        let (packet_type, _) = TYPES.iter().find(|(_, known)| *known == name).expect("a type of Engine.IO");
        match &self.text {
            Some(text) => engineio::Packet::Text(*packet_type, text),
            None => engineio::Packet::Binary(Cow::Owned(self.bytes())),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(encoded)) => read_base64(encoded).expect("base64"),
            (None, None) => Vec::new(),
        }
    }
}

impl Packet {
    fn of(packet: &socketio::Packet<'_>, attachments: &[Vec<u8>]) -> Self {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("what is read is JSON");
        let array = |elements: Vec<&str>| Some(raw(&format!("[{}]", elements.join(","))));
        let (packet_type, id, data) = match &packet.body {
            Body::Connect(payload) => (0, None, payload.map(raw)),
            Body::Disconnect => (1, None, None),
            Body::Event(event) => {
                let name = serde_json::to_string(&event.name).expect("names are text");
                (2, event.id, array([&[name.as_str()], event.arguments.as_slice()].concat()))
            }
            Body::Ack(ack) => (3, Some(ack.id), array(ack.arguments.to_vec())),
            Body::ConnectError(payload) => (4, None, payload.map(raw)),
        };
        let attachments = attachments.iter().map(|bytes| base64(bytes)).collect();
        Self { packet_type, nsp: packet.namespace.to_owned(), id, data, attachments }
    }

    /// Hands over the packet as ours is.
    fn with<T>(&self, use_it: impl FnOnce(&socketio::Packet<'_>) -> T) -> T {
        let data = self.data.as_deref().map(RawValue::get);
        let elements = || serde_json::from_str::<Vec<&RawValue>>(data.expect("data")).expect("an array");
        let attachments = self.attachments.len();
        let body = match self.packet_type {
            0 => Body::Connect(data),
            1 => Body::Disconnect,
            2 => {
                let elements = elements();
                let name: String = serde_json::from_str(elements[0].get()).expect("a name");
                let arguments = elements[1..].iter().map(|element| element.get()).collect();
                Body::Event(Event { name: Cow::Owned(name), arguments, id: self.id, attachments })
            }
            3 => {
                let arguments = elements().into_iter().map(RawValue::get).collect();
                Body::Ack(Ack { id: self.id.expect("an id"), arguments, attachments })
            }
            _ => Body::ConnectError(data),
        };
        use_it(&socketio::Packet { namespace: &self.nsp, body })
    }

    fn attachments(&self) -> Vec<Vec<u8>> {
        self.attachments.iter().map(|encoded| read_base64(encoded).expect("base64")).collect()
    }
}

fn revision(eio: &str) -> Revision {
    Revision::from_parameter(eio).expect("a revision")
}

fn words(fault: impl std::error::Error) -> String {
    fault.to_string()
}

fn base64(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write_base64(&mut out, bytes);
    String::from_utf8(out).expect("base64 is text")
}
