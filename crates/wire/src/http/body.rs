//! The body of a message, piece by piece as it comes (RFC 9112 §6, §7).

use super::fault::HttpFault;

/// The most that chunk extensions and trailers of one body may take together, in bytes; they are read over.
const MAX_PADDING_BYTES: u32 = 4096;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By counting this many bytes. 0: there is no body.
    Length(u64),
    /// By its last chunk.
    Chunked,
}

/// A body being read. Keeps no bytes.
#[derive(Debug)]
pub struct Body {
    state: State,
    /// Bytes of content that may still come.
    allowance: u64,
    /// Bytes of chunk extensions and trailers so far.
    padding: u32,
}

/// What one call of [`Body::next`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyStep<'a> {
    /// Bytes of the input that are done with. Never 0 while there is input and the body is not done.
    pub consumed: usize,
    /// Content; may be empty.
    pub piece: &'a [u8],
    /// The body is complete; what follows the consumed bytes is the next message.
    pub done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Inside a body of known length, or a chunk if `chunked`; this much remains.
    Content {
        remaining: u64,
        chunked: bool,
    },
    /// In a chunk size after this many digits.
    Size {
        size: u64,
        digits: u8,
    },
    /// Between a chunk's size and the end of its line.
    Extension {
        size: u64,
    },
    /// After the CR of a chunk size's line.
    SizeEnd {
        size: u64,
    },
    /// Behind a chunk's content.
    ContentCr,
    ContentLf,
    /// Behind the last chunk: at the start of a line, inside one, after its CR.
    TrailerStart,
    Trailer,
    TrailerEnd,
    /// After the CR of the empty line.
    LastLf,
    Done,
}

impl Body {
    /// A body of this framing and at most `max_bytes` of content; refused at once where it says that it is longer.
    pub fn new(framing: Framing, max_bytes: u64) -> Result<Self, HttpFault> {
        let state = match framing {
            Framing::Length(length) if length > max_bytes => return Err(HttpFault::BodyTooLarge),
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Content { remaining: length, chunked: false },
            Framing::Chunked => State::Size { size: 0, digits: 0 },
        };
        Ok(Self { state, allowance: max_bytes, padding: 0 })
    }

    /// Whether nothing more belongs to it.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes from `input` up to and including the next piece of content. Call again with what was not consumed until
    /// `done`, or nothing is left; no byte needs to be kept.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Result<BodyStep<'a>, HttpFault> {
        let mut consumed = 0;
        while let Some(&byte) = input.get(consumed) {
            if let State::Content { remaining, chunked } = self.state {
                let piece = self.take_content(&input[consumed..], remaining, chunked);
                return Ok(BodyStep { consumed: consumed + piece.len(), piece, done: self.is_done() });
            }
            if self.is_done() {
                break;
            }
            self.state = self.after(byte)?;
            consumed += 1;
        }
        Ok(BodyStep { consumed, piece: &[], done: self.is_done() })
    }

    fn take_content<'a>(&mut self, input: &'a [u8], remaining: u64, chunked: bool) -> &'a [u8] {
        let taken = usize::try_from(remaining).map_or(input.len(), |remaining| remaining.min(input.len()));
        let remaining = remaining - taken as u64;
        self.state = match (remaining, chunked) {
            (0, true) => State::ContentCr,
            (0, false) => State::Done,
            _ => State::Content { remaining, chunked },
        };
        &input[..taken]
    }

    /// The state after one byte that is not content.
    fn after(&mut self, byte: u8) -> Result<State, HttpFault> {
        match (self.state, byte) {
            (State::Size { size, digits }, _) => self.after_size(size, digits, byte),
            (State::Extension { size }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Extension { .. } | State::Trailer, _) if is_text(byte) => self.pad(self.state),
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::TrailerStart),
            (State::SizeEnd { size }, b'\n') => Ok(State::Content { remaining: size, chunked: true }),
            (State::ContentCr, b'\r') => Ok(State::ContentLf),
            (State::ContentLf, b'\n') => Ok(State::Size { size: 0, digits: 0 }),
            (State::TrailerStart, b'\r') => Ok(State::LastLf),
            // Not a blank: that would be a folded line (RFC 9112 §5.2).
            (State::TrailerStart, _) if byte.is_ascii_graphic() => self.pad(State::Trailer),
            (State::Trailer, b'\r') => Ok(State::TrailerEnd),
            (State::TrailerEnd, b'\n') => Ok(State::TrailerStart),
            (State::LastLf, b'\n') => Ok(State::Done),
            _ => Err(HttpFault::Chunk),
        }
    }

    fn after_size(&mut self, size: u64, digits: u8, byte: u8) -> Result<State, HttpFault> {
        match (byte as char).to_digit(16) {
            Some(digit) if digits < 16 => {
                Ok(State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 })
            }
            Some(_) => Err(HttpFault::Chunk),
            None if digits == 0 => Err(HttpFault::Chunk),
            None => {
                self.allowance = self.allowance.checked_sub(size).ok_or(HttpFault::BodyTooLarge)?;
                match byte {
                    b'\r' => Ok(State::SizeEnd { size }),
                    b';' => self.pad(State::Extension { size }),
                    _ => Err(HttpFault::Chunk),
                }
            }
        }
    }

    fn pad(&mut self, next: State) -> Result<State, HttpFault> {
        self.padding += 1;
        if self.padding > MAX_PADDING_BYTES { Err(HttpFault::Chunk) } else { Ok(next) }
    }
}

/// What a header value or chunk extension is made of (RFC 9110 §5.5): no control characters but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7F)
}
