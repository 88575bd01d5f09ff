//! What each client of a transcript says, stream by stream: for the targets that are given streams.

use gateways::GATEWAYS;
use sim::transcript::{Line, Piece, Role, Script, said};
use wire::http::{Framing, read_head};

use super::{Given, input};
use crate::gateways::Choice;
use crate::words::Told;

/// All that somebody says on one stream.
pub(super) struct Talk<'a> {
    role: &'a Role,
    /// What opens a WebSocket, where one is spoken.
    opening: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

/// The streams of a transcript.
pub(super) fn of(script: &Script) -> Vec<Talk<'_>> {
    let mut talks: Vec<Talk<'_>> = Vec::new();
    let mut current: Vec<Option<usize>> = vec![None; script.cast.len()];
    for (_, line) in &script.lines {
        match line {
            Line::Connect(who) | Line::Cut(who) => current[*who] = None,
            Line::Say { who, what, .. } => {
                let role = &script.cast[*who];
                let talk = *current[*who].get_or_insert_with(|| {
                    talks.push(Talk { role, opening: said::opening(role), bytes: Vec::new() });
                    talks.len() - 1
                });
                talks[talk].bytes.extend(said_bytes(role, &filled(what, &Told::something())));
            }
            _ => {}
        }
    }
    talks
}

impl Talk<'_> {
    pub(super) fn write(self, inputs: &mut Vec<Given>) {
        let Self { role, opening, bytes } = self;
        let deflate = role.deflate;
        let is_asked_by_stream = opening.is_none();
        let is_any = GATEWAYS.iter().all(|(name, _)| *name != role.gateway);
        let named = GATEWAYS.iter().enumerate().filter(|(_, (name, _))| is_any || *name == role.gateway);
        for (gateway, _) in named {
            inputs.push(("gateways", input(Choice { gateway, is_asked_by_stream, deflate }.write(), &bytes)));
        }
        match opening {
            Some(opening) => {
                inputs.push(("http_head", input(0, &opening)));
                inputs.push(("websocket_server", input(1, &bytes)));
                inputs.push(("websocket_server", input(0, &bytes)));
            }
            None => {
                if let Ok(Some((head, length))) = read_head(&bytes) {
                    inputs.push(("http_body", input(framing(head.framing), &bytes[length..])));
                }
                inputs.push(("http_head", input(0, &bytes)));
            }
        }
    }
}

/// As the target of bodies reads it.
fn framing(framing: Framing) -> u8 {
    match framing {
        Framing::Chunked => 0,
        Framing::Length(length) => u8::try_from(length).unwrap_or(u8::MAX),
    }
}

pub(super) fn said_bytes(role: &Role, what: &Piece) -> Vec<u8> {
    let said = if said::opening(role).is_some() { said::frames(what) } else { said::bytes(what) };
    said.unwrap_or_default()
}

/// What is said once something was told, with our holes instead of the transcript's.
pub(super) fn with_holes(what: &Piece) -> Piece {
    let mut text = what.text.clone();
    for (named, hole) in [("{epoch:", "{epoch}"), ("{id:", "{sid}")] {
        while let Some((before, rest)) = text.split_once(named) {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            text = format!("{before}{hole}{after}");
        }
    }
    Piece { kind: what.kind, text }
}

/// The same, the holes filled.
pub(super) fn filled(what: &Piece, told: &Told) -> Piece {
    let text = String::from_utf8_lossy(&told.fill(with_holes(what).text.as_bytes())).into_owned();
    Piece { kind: what.kind, text }
}
