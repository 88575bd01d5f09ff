//! What a peer can do wrong on an open connection, and the close code that answers it.

use std::fmt;

/// Why a connection must be failed (RFC 6455 §7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The framing rules were broken: close with 1002.
    Protocol(Breach),
    /// A kind of data that the receiver does not take: close with 1003. Never found by the decoder, which takes all kinds;
    /// here for those who do not.
    UnsupportedData,
    /// A text message or a close reason that is not UTF-8: close with 1007.
    InvalidUtf8,
    /// A compressed message that is not a raw DEFLATE stream as RFC 7692 §7.2.1 leaves it: close with 1007.
    DoesNotInflate,
    /// A message longer than the receiver takes: close with 1009.
    TooLarge,
}

/// Which framing rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A reserved bit without an extension that gives it a meaning (RFC 6455 §5.2, RFC 7692 §6).
    ReservedBits,
    /// An opcode of 3–7 or 11–15 (RFC 6455 §5.2).
    ReservedOpcode,
    /// A client's frame without a mask (RFC 6455 §5.1).
    Unmasked,
    /// A server's frame with a mask (RFC 6455 §5.1).
    Masked,
    /// A control frame of more than 125 bytes (RFC 6455 §5.5).
    LongControl,
    /// A control frame without FIN (RFC 6455 §5.5).
    FragmentedControl,
    /// A length in more bytes than it needs (RFC 6455 §5.2).
    LengthNotMinimal,
    /// A 64-bit length with its top bit set (RFC 6455 §5.2).
    LengthTooBig,
    /// A continuation of nothing (RFC 6455 §5.4).
    UnexpectedContinuation,
    /// A new message inside an unfinished one (RFC 6455 §5.4).
    ExpectedContinuation,
    /// A close payload of one byte (RFC 6455 §5.5.1).
    ShortClose,
    /// A close code that must not be on the wire (RFC 6455 §7.4).
    CloseCode,
}

impl Fault {
    /// The close code to send (RFC 6455 §7.4.1).
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::UnsupportedData => 1003,
            Self::InvalidUtf8 | Self::DoesNotInflate => 1007,
            Self::TooLarge => 1009,
        }
    }

    /// The close reason to send: stable, one for each close code.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Protocol(_) => "protocol_error",
            Self::UnsupportedData => "unsupported_data",
            Self::InvalidUtf8 | Self::DoesNotInflate => "invalid_utf8",
            Self::TooLarge => "message_too_large",
        }
    }
}

impl Breach {
    /// The rule, in words for a log.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved bit set",
            Self::ReservedOpcode => "reserved opcode",
            Self::Unmasked => "client frame without a mask",
            Self::Masked => "server frame with a mask",
            Self::LongControl => "control frame over 125 bytes",
            Self::FragmentedControl => "fragmented control frame",
            Self::LengthNotMinimal => "length not minimally encoded",
            Self::LengthTooBig => "length with the top bit set",
            Self::UnexpectedContinuation => "continuation without a message",
            Self::ExpectedContinuation => "new message inside a fragmented one",
            Self::ShortClose => "close payload of one byte",
            Self::CloseCode => "close code not allowed on the wire",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(breach) => f.write_str(breach.explanation()),
            Self::UnsupportedData => f.write_str("unsupported kind of data"),
            Self::InvalidUtf8 => f.write_str("text is not utf-8"),
            Self::DoesNotInflate => f.write_str("message does not inflate"),
            Self::TooLarge => f.write_str("message too large"),
        }
    }
}

impl std::error::Error for Fault {}
