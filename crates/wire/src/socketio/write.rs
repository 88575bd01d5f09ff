//! From a packet to text (revision 5, "Packet encoding", "Format").

use std::io::Write;

use super::packet::{Body, Packet};
use super::placeholder;
use crate::json::write_json_string;

/// Writes an event or an acknowledgement straight into a buffer, argument by argument.
#[derive(Debug)]
#[must_use = "the packet is not whole before its end"]
pub struct ArgumentsWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ArgumentsWriter<'a> {
    /// Begins an event, which wants an acknowledgement if it has an `id`.
    pub fn event(
        namespace: &str,
        id: Option<u64>,
        attachments: usize,
        name: &str,
        out: &'a mut Vec<u8>,
    ) -> Self {
        write_header(if attachments > 0 { b'5' } else { b'2' }, attachments, namespace, id, out);
        Self::begin(out).with(|out| write_json_string(out, name))
    }

    /// Begins an acknowledgement.
    pub fn ack(namespace: &str, id: u64, attachments: usize, out: &'a mut Vec<u8>) -> Self {
        write_header(if attachments > 0 { b'6' } else { b'3' }, attachments, namespace, Some(id), out);
        Self::begin(out)
    }

    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, is_empty: true }
    }

    /// An argument that is JSON already.
    pub fn json(self, text: &str) -> Self {
        self.with(|out| out.extend_from_slice(text.as_bytes()))
    }

    /// An argument whose JSON `write` appends.
    pub fn with(mut self, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write(self.out);
        self
    }

    /// An argument that is an attachment, by its place among those that follow.
    pub fn attachment(self, number: usize) -> Self {
        self.with(|out| placeholder::write(number, out))
    }

    /// Ends the packet; its attachments are to follow, each a binary message of its own.
    pub fn end(self) {
        self.out.push(b']');
    }
}

impl Packet<'_> {
    /// Appends the packet; its attachments are to follow, each a binary message of its own.
    pub fn write(&self, out: &mut Vec<u8>) {
        let namespace = self.namespace;
        match &self.body {
            Body::Connect(payload) => write_plain(b'0', namespace, *payload, out),
            Body::Disconnect => write_plain(b'1', namespace, None, out),
            Body::ConnectError(payload) => write_plain(b'4', namespace, *payload, out),
            Body::Event(event) => {
                let writer = ArgumentsWriter::event(namespace, event.id, event.attachments, &event.name, out);
                write_all(&event.arguments, writer);
            }
            Body::Ack(ack) => {
                write_all(&ack.arguments, ArgumentsWriter::ack(namespace, ack.id, ack.attachments, out));
            }
        }
    }
}

fn write_all(arguments: &[&str], writer: ArgumentsWriter<'_>) {
    arguments.iter().fold(writer, |writer, argument| writer.json(argument)).end();
}

fn write_plain(packet_type: u8, namespace: &str, payload: Option<&str>, out: &mut Vec<u8>) {
    write_header(packet_type, 0, namespace, None, out);
    out.extend_from_slice(payload.unwrap_or_default().as_bytes());
}

fn write_header(packet_type: u8, attachments: usize, namespace: &str, id: Option<u64>, out: &mut Vec<u8>) {
    out.push(packet_type);
    if attachments > 0 {
        write!(out, "{attachments}-").expect("a vector takes all bytes");
    }
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        write!(out, "{id}").expect("a vector takes all bytes");
    }
}
