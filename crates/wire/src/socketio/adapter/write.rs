//! From messages and answers to bytes. All are built in JSON; what has attachments, and what the classic adapter wants so, is carried over to
//! MessagePack.

use std::io::Write;

use super::message::Wanted;
use super::{Answer, Broadcast, Circle, Dialect, Peer, Said, Selection};
use crate::json::write_json_string;
use crate::socketio::msgpack;

impl Circle {
    /// Where this is to be published for the others, and as what. Only events have `attachments`.
    pub fn write(&self, said: &Said<'_>, attachments: &[impl AsRef<[u8]>]) -> (String, Vec<u8>) {
        let channel = match said {
            Said::Broadcast(event) => match (self.dialect(), &event.wants) {
                (Dialect::Classic, Some(_)) => self.requests(),
                (_, wants) => self.broadcasts(&event.to.rooms, wants.is_some()),
            },
            _ => self.requests(),
        };
        let mut text = Vec::new();
        match self.dialect() {
            Dialect::Classic => self.write_classic(said, &mut text),
            Dialect::Sharded => self.write_sharded(said, &mut text),
        }
        let is_event = matches!(said, Said::Broadcast(_) | Said::ServerSide { .. });
        let attachments = if is_event { attachments } else { &[] };
        let is_binary = self.dialect() == Dialect::Classic && matches!(said, Said::Broadcast(_));
        (channel, carry(text, attachments, is_binary))
    }

    /// Where the answer to a request of `to` is to be published, and as what.
    pub fn write_answer(
        &self,
        to: &str,
        request: &str,
        answer: &Answer<'_>,
        attachments: &[impl AsRef<[u8]>],
    ) -> (String, Vec<u8>) {
        let mut text = Vec::new();
        let out = &mut text;
        match self.dialect() {
            Dialect::Classic => {
                let kind = match answer {
                    Answer::Sockets(_) | Answer::Rooms(_) => None,
                    Answer::ServerSide(_) => Some(6),
                    Answer::Asked(_) => Some(8),
                    Answer::Acknowledged(_) => Some(9),
                };
                out.push(b'{');
                if let Some(kind) = kind {
                    shown(out, format_args!("\"type\":{kind},"));
                }
                member(out, "requestId", request);
                let name = if matches!(answer, Answer::ServerSide(_)) { "data" } else { "packet" };
                write_answered(out, answer, name);
            }
            Dialect::Sharded => {
                let kind = match answer {
                    Answer::Sockets(_) => 8,
                    Answer::ServerSide(_) => 10,
                    Answer::Asked(_) => 11,
                    Answer::Acknowledged(_) => 12,
                    Answer::Rooms(_) => 0,
                };
                shown(out, format_args!("{{\"type\":{kind},\"data\":{{"));
                member(out, "requestId", request);
                write_answered(out, answer, "packet");
                out.push(b'}');
                self.sign(out);
            }
        }
        out.push(b'}');
        (self.answers(to), carry(text, attachments, false))
    }

    fn write_classic(&self, said: &Said<'_>, out: &mut Vec<u8>) {
        if let Said::Broadcast(event @ Broadcast { wants: None, .. }) = said {
            out.push(b'[');
            write_json_string(out, self.name());
            out.push(b',');
            write_packet(event, Some(self.namespace()), out);
            out.push(b',');
            write_options(&event.to, Some(event), out);
            return out.push(b']');
        }
        out.push(b'{');
        member(out, "uid", self.name());
        if let Some(request) = request(said) {
            out.push(b',');
            member(out, "requestId", request);
        }
        let kind = match said {
            Said::Rooms { .. } => 1,
            Said::Join { .. } => 2,
            Said::Leave { .. } => 3,
            Said::Disconnect { .. } => 4,
            Said::Fetch { .. } => 5,
            Said::ServerSide { .. } => 6,
            Said::Broadcast(_) => 7,
        };
        shown(out, format_args!(",\"type\":{kind}"));
        write_members(said, "data", Some(self.namespace()), out);
        out.push(b'}');
    }

    fn write_sharded(&self, said: &Said<'_>, out: &mut Vec<u8>) {
        let kind = match said {
            Said::Broadcast(_) => 3,
            Said::Join { .. } => 4,
            Said::Leave { .. } => 5,
            Said::Disconnect { .. } => 6,
            Said::Fetch { .. } => 7,
            Said::ServerSide { .. } => 9,
            Said::Rooms { .. } => 0,
        };
        shown(out, format_args!("{{\"type\":{kind},\"data\":"));
        let start = out.len();
        if let Some(request) = request(said) {
            out.push(b',');
            member(out, "requestId", request);
        }
        write_members(said, "packet", None, out);
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        self.sign(out);
        out.push(b'}');
    }

    fn sign(&self, out: &mut Vec<u8>) {
        out.push(b',');
        member(out, "uid", self.name());
        out.push(b',');
        member(out, "nsp", self.namespace());
    }
}

fn request<'a>(said: &'a Said<'_>) -> Option<&'a str> {
    match said {
        Said::Broadcast(event) => event.wants.as_ref().map(|Wanted { request, .. }| &**request),
        Said::Fetch { request, .. } | Said::Rooms { request } => Some(request),
        Said::ServerSide { request, .. } => request.as_deref(),
        Said::Join { .. } | Said::Leave { .. } | Said::Disconnect { .. } => None,
    }
}

/// Appends the members that both adapters have, each behind a comma.
fn write_members(said: &Said<'_>, server_side: &str, namespace: Option<&str>, out: &mut Vec<u8>) {
    match said {
        Said::Broadcast(event) => {
            shown(out, ",\"packet\":");
            write_packet(event, namespace, out);
            shown(out, ",\"opts\":");
            write_options(&event.to, Some(event), out);
        }
        Said::Join { who, rooms } | Said::Leave { who, rooms } => {
            shown(out, ",\"opts\":");
            write_options(who, None, out);
            shown(out, ",\"rooms\":");
            write_names(rooms, out);
        }
        Said::Disconnect { who, close } => {
            shown(out, ",\"opts\":");
            write_options(who, None, out);
            shown(out, format_args!(",\"close\":{close}"));
        }
        Said::Fetch { who, .. } => {
            shown(out, ",\"opts\":");
            write_options(who, None, out);
        }
        Said::ServerSide { arguments, .. } => {
            shown(out, format_args!(",\"{server_side}\":[{}]", arguments.join(",")));
        }
        Said::Rooms { .. } => {}
    }
}

fn write_answered(out: &mut Vec<u8>, answer: &Answer<'_>, name: &str) {
    match answer {
        Answer::Sockets(sockets) => {
            shown(out, ",\"sockets\":");
            list(sockets, out, write_peer);
        }
        Answer::Rooms(rooms) => {
            shown(out, ",\"rooms\":");
            write_names(rooms, out);
        }
        Answer::Asked(count) => shown(out, format_args!(",\"clientCount\":{count}")),
        Answer::Acknowledged(value) | Answer::ServerSide(value) => {
            shown(out, format_args!(",\"{name}\":{value}"));
        }
    }
}

fn write_peer(peer: &Peer<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    member(out, "id", peer.id);
    shown(out, format_args!(",\"handshake\":{},\"rooms\":", peer.handshake));
    let rooms: Vec<&str> = [peer.id].iter().chain(peer.rooms).copied().collect();
    write_names(&rooms, out);
    shown(out, format_args!(",\"data\":{}}}", peer.data));
}

fn write_packet(event: &Broadcast<'_>, namespace: Option<&str>, out: &mut Vec<u8>) {
    shown(out, "{\"type\":2,\"data\":[");
    write_json_string(out, &event.name);
    for argument in &event.arguments {
        shown(out, format_args!(",{argument}"));
    }
    out.push(b']');
    if let Some(namespace) = namespace {
        out.push(b',');
        member(out, "nsp", namespace);
    }
    out.push(b'}');
}

fn write_options(who: &Selection<'_>, event: Option<&Broadcast<'_>>, out: &mut Vec<u8>) {
    shown(out, "{\"rooms\":");
    write_names(&who.rooms, out);
    shown(out, ",\"except\":");
    write_names(&who.except, out);
    shown(out, ",\"flags\":{");
    if let Some(event) = event {
        if event.is_volatile {
            shown(out, "\"volatile\":true");
        }
        if let Some(Wanted { timeout_ms, .. }) = event.wants {
            shown(out, if event.is_volatile { "," } else { "" });
            shown(out, format_args!("\"timeout\":{timeout_ms}"));
        }
    }
    shown(out, "}}");
}

fn write_names(names: &[impl AsRef<str>], out: &mut Vec<u8>) {
    list(names, out, |name, out| write_json_string(out, name.as_ref()));
}

fn list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    shown(out, format_args!("\"{name}\":"));
    write_json_string(out, value);
}

fn shown(out: &mut Vec<u8>, shown: impl std::fmt::Display) {
    write!(out, "{shown}").expect("a vector takes all bytes");
}

/// JSON as it is, or as MessagePack.
fn carry(text: Vec<u8>, attachments: &[impl AsRef<[u8]>], is_binary: bool) -> Vec<u8> {
    if !is_binary && attachments.is_empty() {
        return text;
    }
    let text = String::from_utf8(text).expect("JSON is text");
    let mut bytes = Vec::new();
    msgpack::write_value(&text, attachments, &mut bytes);
    bytes
}
