//! Somebody in a transcript: what they send as bytes, and what came for them as pieces of text. Unlike a client they answer nothing by
//! themselves.

use std::collections::VecDeque;

use wire::deflate::Inflater;
use wire::http::read_response_head;
use wire::websocket::{Decoder, Item, Role as End, verify_response};

use super::notation::{Piece, PieceKind, escape, hex};
use super::said::{self, NONCE};
use super::script::Role;
use crate::pipe::PipeId;
use crate::world::World;

/// Somebody in a transcript.
pub(super) struct Member {
    role: Role,
    pub(super) pipe: Option<PipeId>,
    pub(super) is_stalled: bool,
    has_ended: bool,
    /// Bytes that are not a whole piece yet.
    unread: Vec<u8>,
    pub(super) heard: VecDeque<Piece>,
    phase: Phase,
    /// Of the frame that has begun to come.
    is_deflated: Option<bool>,
    inflater: Inflater,
}

enum Phase {
    /// Bytes are bytes.
    Stream,
    /// The answer to the handshake is awaited.
    Opening,
    Open(Decoder),
    /// The server has answered otherwise.
    Refused,
}

const MESSAGE_BYTES_MAX: usize = 1 << 22;

impl Member {
    pub(super) fn new(role: &Role) -> Self {
        Self {
            role: role.clone(),
            pipe: None,
            is_stalled: false,
            has_ended: false,
            unread: Vec::new(),
            heard: VecDeque::new(),
            phase: Phase::Stream,
            is_deflated: None,
            inflater: Inflater::new(),
        }
    }

    /// Whether what it hears is bytes, not messages.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.phase, Phase::Stream)
    }

    /// Where the node runs that it comes to.
    pub(super) fn site(&self) -> usize {
        self.role.site
    }

    /// It comes to another node from here on.
    pub(super) fn move_to(&mut self, site: usize) {
        self.role.site = site;
    }

    /// Connects to a shard, and opens a WebSocket where that is what it speaks.
    pub(super) fn connect(&mut self, shard: usize, node: &mut World) {
        let pipe = node.connect(shard);
        *self = Self { pipe: Some(pipe), ..Self::new(&self.role) };
        if let Some(opening) = said::opening(&self.role) {
            self.phase = Phase::Opening;
            node.send(pipe, &opening);
        }
    }

    /// Sends a piece; `Err` says why it cannot be sent.
    pub(super) fn say(&self, what: &Piece, node: &mut World) -> Result<(), String> {
        let pipe = self.pipe.filter(|pipe| !node.is_closed(*pipe)).ok_or("nobody is there to listen")?;
        let said = if self.is_stream() { said::bytes(what) } else { said::frames(what) };
        let bytes = said.ok_or_else(|| format!("{what} cannot be sent"))?;
        node.send(pipe, &bytes);
        Ok(())
    }

    /// Reads all that has come. Says whether anything had.
    pub(super) fn listen(&mut self, node: &mut World) -> Result<bool, String> {
        let Some(pipe) = self.pipe.filter(|_| !self.is_stalled) else { return Ok(false) };
        let bytes = node.read(pipe, usize::MAX);
        self.unread.extend_from_slice(&bytes);
        while self.take_piece()? {}
        if !self.has_ended && node.is_over(pipe) && !node.has_unread(pipe) {
            self.has_ended = true;
            self.heard.push_back(Piece::new(PieceKind::End, ""));
        }
        Ok(!bytes.is_empty())
    }

    fn take_piece(&mut self) -> Result<bool, String> {
        match &mut self.phase {
            Phase::Stream => self.take_bytes(),
            Phase::Opening => self.take_answer(),
            Phase::Open(_) => self.take_frame(),
            Phase::Refused => Ok(false),
        }
    }

    /// What comes on a stream is one text, however often it is read.
    fn take_bytes(&mut self) -> Result<bool, String> {
        let bytes = std::mem::take(&mut self.unread);
        if bytes.is_empty() {
            return Ok(false);
        }
        match self.heard.back_mut().filter(|piece| piece.kind == PieceKind::Text) {
            Some(piece) => piece.text.push_str(&escape(&bytes)),
            None => self.heard.push_back(Piece::new(PieceKind::Text, escape(&bytes))),
        }
        Ok(false)
    }

    fn take_answer(&mut self) -> Result<bool, String> {
        let subprotocol = said::subprotocol(&self.role);
        match read_answer(&self.unread, subprotocol, self.role.deflate)? {
            Answer::Partial => return Ok(false),
            Answer::Refused { status } => {
                self.heard.push_back(Piece::new(PieceKind::Status, status.to_string()));
                (self.phase, self.unread) = (Phase::Refused, Vec::new());
            }
            Answer::Opened { length, deflate } => {
                self.phase = Phase::Open(Decoder::new(End::Client, deflate));
                self.unread.drain(..length);
            }
        }
        Ok(true)
    }

    fn take_frame(&mut self) -> Result<bool, String> {
        let Phase::Open(decoder) = &mut self.phase else { return Ok(false) };
        let Some(first) = self.unread.first() else { return Ok(false) };
        // RFC 7692 §6: the first bit behind FIN.
        let is_deflated = *self.is_deflated.get_or_insert(first & 0x40 != 0);
        let step = decoder
            .next(&mut self.unread, MESSAGE_BYTES_MAX, &mut self.inflater)
            .map_err(|fault| fault.to_string())?;
        let piece = step.item.map(|item| written(item, is_deflated));
        let consumed = step.consumed;
        if piece.is_some() {
            self.is_deflated = None;
        }
        self.heard.extend(piece);
        self.unread.drain(..consumed);
        Ok(consumed > 0)
    }
}

/// The answer to a handshake.
enum Answer {
    Partial,
    Opened { length: usize, deflate: bool },
    Refused { status: u16 },
}

fn read_answer(bytes: &[u8], subprotocol: Option<&str>, deflate: bool) -> Result<Answer, String> {
    let read = read_response_head(bytes).map_err(|fault| fault.to_string())?;
    let Some((head, length)) = read else { return Ok(Answer::Partial) };
    if head.status != 101 {
        return Ok(Answer::Refused { status: head.status });
    }
    let agreed = verify_response(&head, &NONCE, subprotocol, deflate).map_err(|fault| fault.to_string())?;
    Ok(Answer::Opened { length, deflate: agreed.deflate.is_some() })
}

fn written(item: Item<'_>, is_deflated: bool) -> Piece {
    match item {
        Item::Text(text) if is_deflated => Piece::new(PieceKind::Deflated, text),
        Item::Text(text) => Piece::new(PieceKind::Text, text),
        Item::Binary(bytes) => Piece::new(PieceKind::Binary, hex(bytes)),
        Item::Ping(bytes) => Piece::new(PieceKind::Ping, escape(bytes)),
        Item::Pong(bytes) => Piece::new(PieceKind::Pong, escape(bytes)),
        Item::Close(None) => Piece::new(PieceKind::Close, ""),
        Item::Close(Some((code, reason))) => {
            Piece::new(PieceKind::Close, format!("{code} {reason}").trim_end())
        }
    }
}
