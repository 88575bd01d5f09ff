//! Packets as MessagePack, for applications that choose `socket.io-msgpack-parser`: a map of `type`, `data`, `nsp` and `id`
//! in one binary message, attachments in their places.
//!
//! Others in the same room speak JSON, so a packet is carried over from one to the other: [`read`] makes the text that the
//! default parser would have sent, and [`write()`] begins with such text. The encoding is that of the MessagePack
//! specification (`spec.md` of msgpack/msgpack), with what notepack.io, which the JavaScript parser uses, makes of types
//! that JSON does not have.
//!
//! Written here and not taken from a crate: what is read borrows from the message, what is refused is refused by our own
//! bounds, and both are shorter than the bindings to somebody else's reader would be.

mod from_json;
mod items;
mod to_json;

use smallvec::SmallVec;

use self::from_json::Writer;
use self::items::{Item, Reader};
use self::to_json::Transcription;
use super::assembly::{Assembled, Limits};
use super::fault::Fault;
use super::packet::{Body, MAX_ACK_ID, Packet};

/// Packet types (revision 5, "Exchange protocol"); MessagePack has no need of the last two.
const CONNECT: u64 = 0;
const DISCONNECT: u64 = 1;
const EVENT: u64 = 2;
const ACK: u64 = 3;
const CONNECT_ERROR: u64 = 4;
const BINARY_EVENT: u64 = 5;
const BINARY_ACK: u64 = 6;

/// Reads a packet from a binary message.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Assembled, Fault> {
    let members = Members::read(bytes, limits)?;
    let data = &members.data;
    let size = data.text.len() + data.attachments.iter().map(|attachment| attachment.len()).sum::<usize>();
    if size > limits.max_bytes {
        return Err(Fault::TooLarge);
    }
    let text = String::from_utf8(members.text()?).map_err(|_| Fault::Msgpack)?;
    Assembled::new(text, data.attachments.iter().map(|&attachment| attachment.to_vec()).collect())
}

/// Appends a packet as one binary message. `attachments` are what its placeholders stand for.
pub fn write(packet: &Packet<'_>, attachments: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    let attachments = if packet.attachments() > 0 { attachments } else { &[] };
    let attachments: SmallVec<[&[u8]; 4]> = attachments.iter().map(AsRef::as_ref).collect();
    let mut writer = Writer::new(&attachments, out);
    let (packet_type, has_data, id) = match &packet.body {
        Body::Connect(payload) => (CONNECT, payload.is_some(), None),
        Body::Disconnect => (DISCONNECT, false, None),
        Body::Event(event) => (EVENT, true, event.id),
        Body::Ack(ack) => (ACK, true, Some(ack.id)),
        Body::ConnectError(payload) => (CONNECT_ERROR, payload.is_some(), None),
    };
    writer.map(2 + usize::from(has_data) + usize::from(id.is_some()));
    writer.string("type");
    writer.unsigned(packet_type);
    writer.string("nsp");
    writer.string(packet.namespace);
    if has_data {
        writer.string("data");
        write_payload(&packet.body, &mut writer);
    }
    if let Some(id) = id {
        writer.string("id");
        writer.unsigned(id);
    }
}

/// Reads one value as JSON, with placeholders for what is binary in it.
pub(super) fn read_value(bytes: &[u8], max_attachments: usize) -> Result<(String, Vec<Vec<u8>>), Fault> {
    let mut reader = Reader::new(bytes);
    let value = Transcription::read(&mut reader, max_attachments)?;
    if !reader.is_at_end() {
        return Err(Fault::Msgpack);
    }
    let text = String::from_utf8(value.text).map_err(|_| Fault::Msgpack)?;
    Ok((text, value.attachments.iter().map(|&attachment| attachment.to_vec()).collect()))
}

/// Appends a text that is JSON as one value. `attachments` are what its placeholders stand for.
pub(super) fn write_value(text: &str, attachments: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    let attachments: SmallVec<[&[u8]; 4]> = attachments.iter().map(AsRef::as_ref).collect();
    Writer::new(&attachments, out).json(text);
}

fn write_payload(body: &Body<'_>, writer: &mut Writer<'_>) {
    match body {
        Body::Connect(payload) | Body::ConnectError(payload) => writer.json(payload.unwrap_or("null")),
        Body::Event(event) => {
            writer.array(1 + event.arguments.len());
            writer.string(&event.name);
            event.arguments.iter().for_each(|argument| writer.json(argument));
        }
        Body::Ack(ack) => {
            writer.array(ack.arguments.len());
            ack.arguments.iter().for_each(|argument| writer.json(argument));
        }
        Body::Disconnect => {}
    }
}

/// The members of the map that a packet is.
struct Members<'a> {
    packet_type: Option<u64>,
    namespace: Option<&'a str>,
    id: Option<u64>,
    /// The payload in JSON; empty when there is none.
    data: Transcription<'a>,
}

impl<'a> Members<'a> {
    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let Item::Map(count) = reader.item()? else { return Err(Fault::Msgpack) };
        let data = Transcription::default();
        let mut members = Self { packet_type: None, namespace: None, id: None, data };
        for _ in 0..count {
            members.read_one(&mut reader, limits)?;
        }
        if reader.is_at_end() { Ok(members) } else { Err(Fault::Msgpack) }
    }

    /// Other members, like the options that the JavaScript client leaves in, are passed over. Python's parser writes nil for
    /// what is not there.
    fn read_one(&mut self, reader: &mut Reader<'a>, limits: &Limits) -> Result<(), Fault> {
        let Item::String(name) = reader.item()? else { return Err(Fault::Msgpack) };
        match name {
            "type" => self.packet_type = read_number(reader, Fault::PacketType)?,
            "id" => self.id = read_number(reader, Fault::AckId)?,
            "nsp" => {
                let Item::String(namespace) = reader.item()? else { return Err(Fault::Namespace) };
                self.namespace = Some(namespace);
            }
            "data" => {
                self.data = Transcription::read(reader, limits.max_attachments)?;
                if self.data.text == b"null" {
                    self.data.text.clear();
                }
            }
            _ => drop(Transcription::read(reader, limits.max_attachments)?),
        }
        Ok(())
    }

    /// The packet as the default parser would have written it.
    fn text(&self) -> Result<Vec<u8>, Fault> {
        let namespace = self.namespace.ok_or(Fault::Namespace)?;
        if !namespace.starts_with('/') || namespace.contains(',') {
            return Err(Fault::Namespace);
        }
        let attachments = self.data.attachments.len();
        let packet_type = match (self.packet_type.ok_or(Fault::PacketType)?, attachments) {
            (packet_type @ ..=CONNECT_ERROR, 0) => packet_type,
            (EVENT, _) => BINARY_EVENT,
            (ACK, _) => BINARY_ACK,
            (CONNECT | DISCONNECT | CONNECT_ERROR, _) => return Err(Fault::Payload),
            _ => return Err(Fault::PacketType),
        };
        let count = if attachments > 0 { format!("{attachments}-") } else { String::new() };
        let id = self.id.map_or(String::new(), |id| id.to_string());
        let head = format!("{packet_type}{count}{namespace},{id}");
        Ok([head.as_bytes(), &self.data.text].concat())
    }
}

fn read_number(reader: &mut Reader<'_>, fault: Fault) -> Result<Option<u64>, Fault> {
    match reader.item()? {
        Item::Unsigned(number) if number <= MAX_ACK_ID => Ok(Some(number)),
        Item::Nil | Item::Undefined => Ok(None),
        _ => Err(fault),
    }
}
