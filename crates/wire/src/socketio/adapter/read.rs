//! From letters to messages.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::arguments;
use super::super::fault::Fault;
use super::super::packet::is_reserved;
use super::super::placeholder;
use super::super::tokens::unescape;
use super::message::Wanted;
use super::{Broadcast, Circle, Dialect, Letter, Message, Said, Selection};

/// An event, in a packet of either adapter. Others than events are not broadcast.
const EVENT: u64 = 2;
/// The same with attachments, as servers of former days say.
const BINARY_EVENT: u64 = 5;

/// The classic adapter's kinds of requests.
mod classic {
    pub(super) const ROOMS: u64 = 1;
    pub(super) const JOIN: u64 = 2;
    pub(super) const LEAVE: u64 = 3;
    pub(super) const DISCONNECT: u64 = 4;
    pub(super) const FETCH: u64 = 5;
    pub(super) const SERVER_SIDE: u64 = 6;
    pub(super) const BROADCAST: u64 = 7;
}

/// The sharded adapter's kinds of messages.
mod sharded {
    pub(super) const BROADCAST: u64 = 3;
    pub(super) const JOIN: u64 = 4;
    pub(super) const LEAVE: u64 = 5;
    pub(super) const DISCONNECT: u64 = 6;
    pub(super) const FETCH: u64 = 7;
    pub(super) const SERVER_SIDE: u64 = 9;
}

/// A message of the sharded adapter.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    #[serde(borrow)]
    nsp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Members<'a>,
}

/// What a message says, or a request of the classic adapter, whose members are the same but for a few.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: Option<u64>,
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    packet: Option<&'a RawValue>,
    #[serde(borrow)]
    opts: Option<Options<'a>>,
    #[serde(borrow)]
    rooms: Option<Vec<&'a RawValue>>,
    close: Option<bool>,
    /// What is said to the servers, in the classic adapter.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options<'a> {
    #[serde(borrow)]
    rooms: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    except: Option<Vec<&'a RawValue>>,
    flags: Option<Flags>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Flags {
    volatile: Option<bool>,
    timeout: Option<f64>,
}

#[derive(Deserialize)]
struct Packet<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    nsp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Circle {
    /// Reads what came by a channel for all or for a room.
    pub fn read<'a>(&self, letter: &'a Letter) -> Result<Message<'a>, Fault> {
        match self.dialect() {
            Dialect::Sharded => self.read_envelope(letter),
            Dialect::Classic if letter.text.starts_with('[') => self.read_broadcast(letter),
            Dialect::Classic => self.read_request(letter),
        }
    }

    /// `[uid, packet, options]`.
    fn read_broadcast<'a>(&self, letter: &'a Letter) -> Result<Message<'a>, Fault> {
        let (from, packet, options): (&RawValue, &RawValue, Options<'_>) = parse(letter)?;
        let said = self.broadcast(letter, Some(packet), options, None)?;
        Ok(Message { from: word(from)?, said })
    }

    fn read_request<'a>(&self, letter: &'a Letter) -> Result<Message<'a>, Fault> {
        let members: Members<'_> = parse(letter)?;
        let from = members.uid.map_or(Ok(Cow::Borrowed("")), word)?;
        let said = match members.kind.ok_or(Fault::PacketType)? {
            classic::ROOMS => Said::Rooms { request: members.request()?.ok_or(Fault::Payload)? },
            classic::JOIN => members.join()?,
            classic::LEAVE => members.leave()?,
            classic::DISCONNECT => members.disconnect()?,
            classic::FETCH => members.fetch()?,
            classic::SERVER_SIDE => server_side(letter, members.data, members.request()?)?,
            classic::BROADCAST => {
                let request = members.request()?;
                self.broadcast(letter, members.packet, members.opts.unwrap_or_default(), request)?
            }
            _ => return Err(Fault::PacketType),
        };
        Ok(Message { from, said })
    }

    fn read_envelope<'a>(&self, letter: &'a Letter) -> Result<Message<'a>, Fault> {
        let Envelope { kind, uid, nsp, data: members } = parse(letter)?;
        if word(nsp.ok_or(Fault::Namespace)?)? != self.namespace() {
            return Err(Fault::Namespace);
        }
        let from = uid.map_or(Ok(Cow::Borrowed("")), word)?;
        let said = match kind {
            sharded::BROADCAST => {
                let request = members.request()?;
                self.broadcast(letter, members.packet, members.opts.unwrap_or_default(), request)?
            }
            sharded::JOIN => members.join()?,
            sharded::LEAVE => members.leave()?,
            sharded::DISCONNECT => members.disconnect()?,
            sharded::FETCH => members.fetch()?,
            sharded::SERVER_SIDE => server_side(letter, members.packet, members.request()?)?,
            _ => return Err(Fault::PacketType),
        };
        Ok(Message { from, said })
    }

    fn broadcast<'a>(
        &self,
        letter: &Letter,
        packet: Option<&'a RawValue>,
        options: Options<'a>,
        request: Option<Cow<'a, str>>,
    ) -> Result<Said<'a>, Fault> {
        let packet = packet.ok_or(Fault::Payload)?;
        let packet: Packet<'a> = serde_json::from_str(packet.get()).map_err(|_| Fault::Payload)?;
        // The classic adapter says it in every packet, the other one around it.
        if packet.nsp.is_some_and(|nsp| !word(nsp).is_ok_and(|nsp| nsp == self.namespace())) {
            return Err(Fault::Namespace);
        }
        if !matches!(packet.kind, EVENT | BINARY_EVENT) {
            return Err(Fault::PacketType);
        }
        let mut arguments = read_arguments(letter, packet.data)?;
        if arguments.is_empty() {
            return Err(Fault::EventName);
        }
        let name = name(arguments.remove(0)).ok_or(Fault::EventName)?;
        if is_reserved(&name) {
            return Err(Fault::ReservedEvent);
        }
        let Flags { volatile, timeout } = options.flags.unwrap_or_default();
        let timeout_ms = timeout.unwrap_or_default() as u64;
        Ok(Said::Broadcast(Broadcast {
            name,
            arguments,
            to: options.selection()?,
            is_volatile: volatile.unwrap_or(false),
            wants: request.map(|request| Wanted { request, timeout_ms }),
        }))
    }
}

impl<'a> Members<'a> {
    fn request(&self) -> Result<Option<Cow<'a, str>>, Fault> {
        self.request.map(word).transpose()
    }

    fn who(&self) -> Result<Selection<'a>, Fault> {
        self.opts.as_ref().ok_or(Fault::Payload)?.selection()
    }

    fn join(&self) -> Result<Said<'a>, Fault> {
        Ok(Said::Join { who: self.who()?, rooms: names(self.rooms.as_deref())? })
    }

    fn leave(&self) -> Result<Said<'a>, Fault> {
        Ok(Said::Leave { who: self.who()?, rooms: names(self.rooms.as_deref())? })
    }

    fn disconnect(&self) -> Result<Said<'a>, Fault> {
        Ok(Said::Disconnect { who: self.who()?, close: self.close.unwrap_or(false) })
    }

    fn fetch(&self) -> Result<Said<'a>, Fault> {
        Ok(Said::Fetch { who: self.who()?, request: self.request()?.ok_or(Fault::Payload)? })
    }
}

impl<'a> Options<'a> {
    fn selection(&self) -> Result<Selection<'a>, Fault> {
        Ok(Selection { rooms: names(self.rooms.as_deref())?, except: names(self.except.as_deref())? })
    }
}

fn parse<'a, T: Deserialize<'a>>(letter: &'a Letter) -> Result<T, Fault> {
    let parsed = serde_json::from_str(&letter.text).map_err(|_| Fault::Payload)?;
    letter.check_depth()?;
    Ok(parsed)
}

fn server_side<'a>(
    letter: &Letter,
    data: Option<&'a RawValue>,
    request: Option<Cow<'a, str>>,
) -> Result<Said<'a>, Fault> {
    let arguments = read_arguments(letter, data)?;
    if arguments.first().and_then(|first| name(first)).is_none() {
        return Err(Fault::EventName);
    }
    Ok(Said::ServerSide { arguments, request })
}

/// The elements of an array that has all attachments in it.
fn read_arguments<'a>(letter: &Letter, array: Option<&'a RawValue>) -> Result<Vec<&'a str>, Fault> {
    let array = array.ok_or(Fault::Payload)?.get();
    let attachments = letter.attachments().len();
    if attachments > 0 {
        placeholder::check(array, attachments)?;
    }
    arguments::read_array(array)
}

/// Rooms; JavaScript lets them be numbers, too.
fn names<'a>(names: Option<&[&'a RawValue]>) -> Result<Vec<Cow<'a, str>>, Fault> {
    names.unwrap_or_default().iter().map(|raw| name(raw.get()).ok_or(Fault::Payload)).collect()
}

fn word(raw: &RawValue) -> Result<Cow<'_, str>, Fault> {
    name(raw.get()).ok_or(Fault::Payload)
}

/// What a string says, or the digits of a number.
fn name(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => Some(unescape(json)),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}
