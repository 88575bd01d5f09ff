//! The header of one frame (RFC 6455 §5.2): read, and checked as far as a single header can be wrong.
//!
//! Knows nothing of earlier frames; what may follow what is the decoder's.

use super::fault::{Breach, Fault};

/// The longest header of a frame: two bytes, a 64-bit length, a masking key.
pub const MAX_HEADER_BYTES: usize = 14;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub(super) const MAX_CONTROL_BYTES: usize = 125;

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
pub(super) const MASKED: u8 = 0x80;
const RSV2_RSV3: u8 = 0x30;

/// Which end of the connection this side is. It decides who masks (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Receives masked frames, sends unmasked ones.
    Server,
    /// Receives unmasked frames, sends masked ones.
    Client,
}

/// What a message's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// What a frame is (RFC 6455 §5.2); the reserved values cannot be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0x0,
    /// A text message or its first fragment.
    Text = 0x1,
    /// A binary message or its first fragment.
    Binary = 0x2,
    /// The end of the conversation.
    Close = 0x8,
    /// A sign of life is asked for.
    Ping = 0x9,
    /// A sign of life.
    Pong = 0xA,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Whether frames of this opcode stand alone: never fragmented, at most 125 bytes (RFC 6455 §5.5).
    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) fin: bool,
    /// RSV1, which permessage-deflate gives to a message's first frame (RFC 7692 §6).
    pub(super) deflated: bool,
    pub(super) opcode: Opcode,
    /// Zero for an unmasked frame.
    pub(super) mask: [u8; 4],
    /// Bytes of payload, below 2^63.
    pub(super) length: u64,
    /// Bytes of the header itself.
    pub(super) size: usize,
}

impl Header {
    /// Reads the header at the start of `input`; `None` while it is not all there. A fault is found at the first byte
    /// that shows it, so it is the same one however the bytes are cut.
    #[inline]
    pub(super) fn read(input: &[u8], role: Role, deflate: bool) -> Result<Option<Self>, Fault> {
        let Some((&first, rest)) = input.split_first() else { return Ok(None) };
        let opcode = Self::check_first(first, deflate)?;
        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        Self::check_second(second, opcode, role)?;
        let Some((length, rest)) = read_length(second & !MASKED, rest)? else { return Ok(None) };
        let mask = match role {
            Role::Client => [0; 4],
            Role::Server => match rest.first_chunk::<4>() {
                Some(mask) => *mask,
                None => return Ok(None),
            },
        };
        let mask_size = if role == Role::Server { 4 } else { 0 };
        let size = input.len() - rest.len() + mask_size;
        Ok(Some(Self { fin: first & FIN != 0, deflated: first & RSV1 != 0, opcode, mask, length, size }))
    }

    fn check_first(first: u8, deflate: bool) -> Result<Opcode, Fault> {
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(Fault::Protocol(Breach::ReservedOpcode))?;
        let starts_message = matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & RSV2_RSV3 != 0 || (first & RSV1 != 0 && !(deflate && starts_message)) {
            return Err(Fault::Protocol(Breach::ReservedBits));
        }
        if opcode.is_control() && first & FIN == 0 {
            return Err(Fault::Protocol(Breach::FragmentedControl));
        }
        Ok(opcode)
    }

    fn check_second(second: u8, opcode: Opcode, role: Role) -> Result<(), Fault> {
        match (role, second & MASKED != 0) {
            (Role::Server, false) => return Err(Fault::Protocol(Breach::Unmasked)),
            (Role::Client, true) => return Err(Fault::Protocol(Breach::Masked)),
            _ => {}
        }
        if opcode.is_control() && usize::from(second & !MASKED) > MAX_CONTROL_BYTES {
            return Err(Fault::Protocol(Breach::LongControl));
        }
        Ok(())
    }
}

/// The payload length (RFC 6455 §5.2: minimally encoded, the top bit of 64 clear) and what follows it.
#[inline]
fn read_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Fault> {
    let (length, rest, least) = match short {
        126 => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), rest, 126),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest, 0x1_0000),
            None => return Ok(None),
        },
        short => (u64::from(short), rest, 0),
    };
    if length < least {
        return Err(Fault::Protocol(Breach::LengthNotMinimal));
    }
    if length >> 63 != 0 {
        return Err(Fault::Protocol(Breach::LengthTooBig));
    }
    Ok(Some((length, rest)))
}
