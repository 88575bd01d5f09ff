//! Received bytes to messages and control frames (RFC 6455 §5, §6.2, RFC 7692 §7.2.2).
//!
//! Knows one connection's place in its stream and nothing else: the bytes belong to the caller, and so does what is to be
//! done about a ping, a close or a fault.

use super::assembly::Assembly;
use super::close;
use super::fault::{Breach, Fault};
use super::frame::{Header, Kind, MAX_CONTROL_BYTES, Opcode, Role};
use super::mask;
use crate::deflate::{InflateFault, Inflater};

/// The most that [`Decoder::next`] ever leaves for its caller to keep: a control frame, short of its last byte.
pub const MAX_TAIL_BYTES: usize = 2 + 4 + MAX_CONTROL_BYTES - 1;

/// The receiving half of one connection. 16 bytes; holds a box only while a message is half received.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    deflate: bool,
    /// A message that is fragmented or whose frame is cut. Mid-frame exactly when it says so.
    assembly: Option<Box<Assembly>>,
}

/// What one call of [`Decoder::next`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Bytes of the input that are done with. 0: more are needed, keep these and call again with more behind them; then
    /// there is no item.
    pub consumed: usize,
    /// What was completed, if something was.
    pub item: Option<Item<'a>>,
}

/// What a peer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// At most 125 bytes, to be sent back in a pong (RFC 6455 §5.5.2).
    Ping(&'a [u8]),
    /// At most 125 bytes.
    Pong(&'a [u8]),
    /// The peer's last frame, with its code and reason if it gave any. What follows it in the stream means nothing: do not
    /// decode it (RFC 6455 §5.5.1).
    Close(Option<(u16, &'a str)>),
}

impl<'a> Item<'a> {
    /// The message, if this is one, as its kind and its bytes.
    pub fn message(self) -> Option<(Kind, &'a [u8])> {
        match self {
            Self::Text(text) => Some((Kind::Text, text.as_bytes())),
            Self::Binary(bytes) => Some((Kind::Binary, bytes)),
            _ => None,
        }
    }
}

impl Step<'_> {
    const NEEDS_MORE: Self = Step { consumed: 0, item: None };
}

impl Decoder {
    /// The state of a connection just opened. `deflate`: permessage-deflate was agreed on, without context takeover by
    /// the peer.
    pub fn new(role: Role, deflate: bool) -> Self {
        Self { role, deflate, assembly: None }
    }

    /// Decodes the first thing in `input`, in place. Call again with `&mut input[consumed..]` until `consumed` is 0; what
    /// remains then is an incomplete header or control frame, at most [`MAX_TAIL_BYTES`].
    ///
    /// A whole message in one frame is borrowed from `input`; one that came in parts or compressed is borrowed from
    /// `inflater`, whose buffer is shared by all connections of a thread. Whatever is kept of a message under way is
    /// within `max_message_bytes`, which bounds the length of a message, inflated. After a fault the connection is to be
    /// failed; its decoder means nothing any more.
    #[inline]
    pub fn next<'a>(
        &mut self,
        input: &'a mut [u8],
        max_message_bytes: usize,
        inflater: &'a mut Inflater,
    ) -> Result<Step<'a>, Fault> {
        if self.assembly.as_ref().is_some_and(|assembly| assembly.is_inside_frame()) {
            return self.assemble(input, 0, max_message_bytes, inflater);
        }
        let Some(header) = Header::read(input, self.role, self.deflate)? else { return Ok(Step::NEEDS_MORE) };
        if header.opcode.is_control() {
            return read_control(&header, input);
        }
        self.check_sequence(header.opcode)?;
        let length = self.check_length(&header, max_message_bytes)?;
        let kind = if header.opcode == Opcode::Binary { Kind::Binary } else { Kind::Text };
        if header.fin && self.assembly.is_none() && length <= input.len() - header.size {
            return read_whole(&header, kind, length, input, max_message_bytes, inflater);
        }
        let assembly = self.assembly.get_or_insert_with(|| Box::new(Assembly::new(kind, header.deflated)));
        assembly.begin_frame(&header, length);
        self.assemble(input, header.size, max_message_bytes, inflater)
    }

    /// Bytes of memory kept for a message under way; 0 between messages. At most twice what has been received, and a
    /// little, and never more than the frames' headers have announced.
    pub fn held_bytes(&self) -> usize {
        self.assembly.as_ref().map_or(0, |assembly| size_of::<Assembly>() + assembly.room())
    }

    /// A message under way goes on with continuations, and only then (RFC 6455 §5.4).
    fn check_sequence(&self, opcode: Opcode) -> Result<(), Fault> {
        match (self.assembly.is_some(), opcode == Opcode::Continuation) {
            (false, true) => Err(Fault::Protocol(Breach::UnexpectedContinuation)),
            (true, false) => Err(Fault::Protocol(Breach::ExpectedContinuation)),
            _ => Ok(()),
        }
    }

    /// The frame's length, if the message stays within the limit with it (RFC 6455 §10.4).
    fn check_length(&self, header: &Header, max_message_bytes: usize) -> Result<usize, Fault> {
        let (kept, deflated) = match &self.assembly {
            Some(assembly) => (assembly.len(), assembly.is_deflated()),
            None => (0, header.deflated),
        };
        let limit = if deflated { max_deflated_bytes(max_message_bytes) } else { max_message_bytes };
        match usize::try_from(header.length) {
            Ok(length) if length <= limit.saturating_sub(kept) => Ok(length),
            _ => Err(Fault::TooLarge),
        }
    }

    /// Gives the message under way what `input[skipped..]` has of its frame.
    fn assemble<'a>(
        &mut self,
        input: &[u8],
        skipped: usize,
        max_message_bytes: usize,
        inflater: &'a mut Inflater,
    ) -> Result<Step<'a>, Fault> {
        let Some(mut assembly) = self.assembly.take() else { return Ok(Step::NEEDS_MORE) };
        let consumed = skipped + assembly.take(&input[skipped..])?;
        if !assembly.is_complete() {
            self.assembly = Some(assembly);
            return Ok(Step { consumed, item: None });
        }
        let (kind, deflated, payload) = (assembly.kind(), assembly.is_deflated(), assembly.into_payload());
        let payload =
            if deflated { inflate(inflater, &payload, max_message_bytes)? } else { inflater.hold(payload) };
        Ok(Step { consumed, item: Some(message(kind, payload)?) })
    }
}

/// A message that is one frame, all of it in `input`: the path that nearly every message takes.
#[inline]
fn read_whole<'a>(
    header: &Header,
    kind: Kind,
    length: usize,
    input: &'a mut [u8],
    max_message_bytes: usize,
    inflater: &'a mut Inflater,
) -> Result<Step<'a>, Fault> {
    let consumed = header.size + length;
    let payload = &mut input[header.size..consumed];
    mask::apply(payload, header.mask);
    let payload = if header.deflated { inflate(inflater, payload, max_message_bytes)? } else { payload };
    Ok(Step { consumed, item: Some(message(kind, payload)?) })
}

fn read_control<'a>(header: &Header, input: &'a mut [u8]) -> Result<Step<'a>, Fault> {
    // A control frame's length is at most 125, checked with its header.
    let consumed = header.size + header.length as usize;
    let Some(payload) = input.get_mut(header.size..consumed) else { return Ok(Step::NEEDS_MORE) };
    mask::apply(payload, header.mask);
    let item = match header.opcode {
        Opcode::Ping => Item::Ping(payload),
        Opcode::Pong => Item::Pong(payload),
        _ => Item::Close(close::read(payload)?),
    };
    Ok(Step { consumed, item: Some(item) })
}

#[inline]
fn message(kind: Kind, payload: &[u8]) -> Result<Item<'_>, Fault> {
    match kind {
        Kind::Binary => Ok(Item::Binary(payload)),
        Kind::Text => simdutf8::basic::from_utf8(payload).map(Item::Text).map_err(|_| Fault::InvalidUtf8),
    }
}

fn inflate<'a>(inflater: &'a mut Inflater, payload: &[u8], max_bytes: usize) -> Result<&'a [u8], Fault> {
    inflater.inflate_held(payload, max_bytes).map_err(|fault| match fault {
        InflateFault::Malformed => Fault::DoesNotInflate,
        InflateFault::TooLarge => Fault::TooLarge,
    })
}

/// The longest compressed form of a message of `max_bytes`: what does not compress is stored in blocks with a few bytes of
/// overhead each (RFC 1951 §3.2.4).
fn max_deflated_bytes(max_bytes: usize) -> usize {
    max_bytes.saturating_add(max_bytes >> 8).saturating_add(64)
}
