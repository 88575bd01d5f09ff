//! From text to a packet (revision 5, "Packet encoding", "Format"):
//! `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

use std::borrow::Cow;

use super::arguments;
use super::fault::Fault;
use super::packet::{Ack, Body, Event, MAX_ACK_ID, Packet, is_reserved};
use super::placeholder;
use super::tokens::unescape;

/// The namespace of packets that name none.
const MAIN_NAMESPACE: &str = "/";

impl<'a> Packet<'a> {
    /// Reads a packet whose attachments, at most so many, come after it.
    pub fn read(text: &'a str, max_attachments: usize) -> Result<Self, Fault> {
        let (&packet_type, _) = text.as_bytes().split_first().ok_or(Fault::PacketType)?;
        if !packet_type.is_ascii_digit() {
            return Err(Fault::PacketType);
        }
        let rest = &text[1..];
        let (attachments, rest) = match packet_type {
            b'5' | b'6' => read_attachments(rest, max_attachments)?,
            _ => (None, rest),
        };
        let (namespace, rest) = read_namespace(rest);
        let (id, payload) = read_id(rest)?;
        let body = match (packet_type, payload) {
            (b'0', "") => Body::Connect(None),
            (b'0', _) => Body::Connect(Some(arguments::read_value(payload, b"{")?)),
            (b'1', "") => Body::Disconnect,
            (b'1', _) => return Err(Fault::Payload),
            (b'2' | b'5', _) => Body::Event(read_event(payload, id, attachments)?),
            (b'3' | b'6', _) => Body::Ack(read_ack(payload, id, attachments)?),
            (b'4', "") => Body::ConnectError(None),
            (b'4', _) => Body::ConnectError(Some(arguments::read_value(payload, b"{\"")?)),
            _ => return Err(Fault::PacketType),
        };
        let may_have_id = matches!(body, Body::Event(_) | Body::Ack(_));
        if id.is_some() && !may_have_id { Err(Fault::AckId) } else { Ok(Self { namespace, body }) }
    }
}

fn read_attachments(text: &str, max: usize) -> Result<(Option<usize>, &str), Fault> {
    let (digits, rest) = split_digits(text);
    let rest = rest.strip_prefix('-').ok_or(Fault::AttachmentCount)?;
    if digits.is_empty() {
        return Err(Fault::AttachmentCount);
    }
    match digits.parse() {
        Ok(count) if count <= max => Ok((Some(count), rest)),
        _ => Err(Fault::TooManyAttachments),
    }
}

fn read_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return (MAIN_NAMESPACE, text);
    }
    text.split_once(',').unwrap_or((text, ""))
}

fn read_id(text: &str) -> Result<(Option<u64>, &str), Fault> {
    let (digits, rest) = split_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    match digits.parse() {
        Ok(id) if id <= MAX_ACK_ID => Ok((Some(id), rest)),
        _ => Err(Fault::AckId),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn read_event(payload: &str, id: Option<u64>, attachments: Option<usize>) -> Result<Event<'_>, Fault> {
    let mut arguments = read_arguments(payload, attachments)?;
    if arguments.is_empty() {
        return Err(Fault::EventName);
    }
    let name = read_name(arguments.remove(0))?;
    if is_reserved(&name) {
        return Err(Fault::ReservedEvent);
    }
    Ok(Event { name, arguments, id, attachments: attachments.unwrap_or(0) })
}

fn read_ack(payload: &str, id: Option<u64>, attachments: Option<usize>) -> Result<Ack<'_>, Fault> {
    let arguments = read_arguments(payload, attachments)?;
    Ok(Ack { id: id.ok_or(Fault::AckId)?, arguments, attachments: attachments.unwrap_or(0) })
}

/// Outside of binary packets a placeholder is an object like any other.
fn read_arguments(payload: &str, attachments: Option<usize>) -> Result<Vec<&str>, Fault> {
    let arguments = arguments::read_array(payload)?;
    if let Some(attachments) = attachments {
        placeholder::check(payload, attachments)?;
    }
    Ok(arguments)
}

fn read_name(name: &str) -> Result<Cow<'_, str>, Fault> {
    if name.starts_with('"') {
        return Ok(unescape(name));
    }
    let number: i32 = name.parse().map_err(|_| Fault::EventName)?;
    Ok(Cow::Owned(number.to_string()))
}
