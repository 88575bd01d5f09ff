//! Feeds bytes to a decoder as a caller does: in pieces, keeping what was not consumed in front of the next.

use wire::deflate::Inflater;
use wire::http::{Body, Framing, HttpFault};
use wire::websocket::{Decoder, Fault, Item, MAX_TAIL_BYTES, Role};

/// An item, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Open, with this many bytes kept for the next piece.
    Open(usize),
    Closed,
    Failed(Fault),
}

impl From<Item<'_>> for Heard {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.to_owned()),
            Item::Binary(bytes) => Self::Binary(bytes.to_owned()),
            Item::Ping(bytes) => Self::Ping(bytes.to_owned()),
            Item::Pong(bytes) => Self::Pong(bytes.to_owned()),
            Item::Close(close) => Self::Close(close.map(|(code, reason)| (code, reason.to_owned()))),
        }
    }
}

/// One receiving end and all that it heard.
pub(crate) struct Ear {
    decoder: Decoder,
    inflater: Inflater,
    max_message_bytes: usize,
    kept: Vec<u8>,
    received: usize,
    pub(crate) heard: Vec<Heard>,
    pub(crate) end: End,
}

impl Ear {
    pub(crate) fn new(role: Role, deflate: bool, max_message_bytes: usize) -> Self {
        Self {
            decoder: Decoder::new(role, deflate),
            inflater: Inflater::new(),
            max_message_bytes,
            kept: Vec::new(),
            received: 0,
            heard: Vec::new(),
            end: End::Open(0),
        }
    }

    /// Takes one piece of the stream; nothing more after its end.
    pub(crate) fn hear(&mut self, piece: &[u8]) {
        if !matches!(self.end, End::Open(_)) {
            return;
        }
        self.kept.extend_from_slice(piece);
        self.received += piece.len();
        let mut at = 0;
        self.end = loop {
            match self.decoder.next(&mut self.kept[at..], self.max_message_bytes, &mut self.inflater) {
                Err(fault) => break End::Failed(fault),
                Ok(step) if step.consumed == 0 => {
                    assert!(step.item.is_none(), "an item takes bytes");
                    break End::Open(self.kept.len() - at);
                }
                Ok(step) => {
                    at += step.consumed;
                    if let Some(item) = step.item {
                        assert_within(&item, self.max_message_bytes);
                        let is_close = matches!(item, Item::Close(_));
                        self.heard.push(item.into());
                        if is_close {
                            break End::Closed;
                        }
                    }
                }
            }
        };
        self.kept.drain(..at);
        self.check_bounds();
    }

    fn check_bounds(&self) {
        if let End::Open(tail) = self.end {
            assert!(tail <= MAX_TAIL_BYTES, "a tail of {tail} bytes");
        }
        let held = self.decoder.held_bytes();
        assert!(held <= self.max_message_bytes + self.max_message_bytes / 256 + 256, "{held} bytes held");
        assert!(held <= 2 * self.received + 1024, "{held} bytes held for {} received", self.received);
    }
}

fn assert_within(item: &Item<'_>, max_message_bytes: usize) {
    if let Some((_, payload)) = item.message() {
        assert!(payload.len() <= max_message_bytes, "a message of {} bytes", payload.len());
    }
}

/// What is heard of `bytes` cut into `pieces`.
pub(crate) fn listen<'a>(
    role: Role,
    deflate: bool,
    max_message_bytes: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Heard>, End) {
    let mut ear = Ear::new(role, deflate, max_message_bytes);
    pieces.into_iter().for_each(|piece| ear.hear(piece));
    (ear.heard, ear.end)
}

/// `bytes` in pieces whose sizes are `sizes`, over and over; in one piece where there are none.
pub(crate) fn cut<'a>(bytes: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().map(|&size| usize::from(size).max(1)).cycle();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(sizes.next().unwrap_or(rest.len()).min(rest.len()));
        rest = after;
        Some(piece)
    })
}

/// What a body cut into `pieces` holds, and how many bytes belong to it if it is complete.
pub(crate) fn read_body<'a>(
    framing: Framing,
    max_bytes: u64,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Option<usize>), HttpFault> {
    let mut body = Body::new(framing, max_bytes)?;
    let (mut content, mut consumed) = (Vec::new(), 0);
    for mut piece in pieces {
        while !piece.is_empty() && !body.is_done() {
            let step = body.next(piece)?;
            assert!(step.consumed > 0, "a body that is not done takes what there is");
            content.extend_from_slice(step.piece);
            assert!(content.len() as u64 <= max_bytes, "more content than the cap");
            consumed += step.consumed;
            piece = &piece[step.consumed..];
            assert_eq!(step.done, body.is_done());
        }
    }
    Ok((content, body.is_done().then_some(consumed)))
}
