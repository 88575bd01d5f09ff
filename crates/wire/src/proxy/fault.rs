//! What a proxy can do wrong in front of a connection. The answer to all of it is to part with the connection (§2).

use std::fmt;

/// Why a PROXY header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// Nothing that begins as a header does.
    Missing,
    /// A line of version 1 that is not as §2.1 has it.
    Line,
    /// Longer than [`MAX_HEADER_BYTES`](super::MAX_HEADER_BYTES), or a line of more than 107 bytes.
    TooLong,
    /// A version other than 2 behind the signature of the binary ones.
    Version,
    /// Neither `LOCAL` nor `PROXY`.
    Command,
    /// An address family or transport that §2.2 does not have.
    Family,
    /// Less room than the addresses of its family take.
    TooShort,
    /// What follows the addresses ends in the middle of something.
    Tlv,
}

impl ProxyFault {
    /// What was wrong, in words that do not change.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no PROXY header",
            Self::Line => "malformed PROXY line",
            Self::TooLong => "PROXY header too long",
            Self::Version => "unknown PROXY version",
            Self::Command => "unknown PROXY command",
            Self::Family => "unknown PROXY address family",
            Self::TooShort => "PROXY header too short",
            Self::Tlv => "malformed PROXY extension",
        }
    }
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}
