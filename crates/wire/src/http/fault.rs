//! What a request can do wrong, and the status that answers it.

use std::fmt;

use super::response::write_response;

/// Why a request is refused. The connection is to be closed after the answer: where the next request would begin is not
/// known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// Not a request line: bad method, bad target characters, wrong line ends.
    RequestLine,
    /// A header line that is not `name: value` in the characters allowed (RFC 9112 §5).
    Header,
    /// A line that does not end in CR LF (RFC 9112 §2.2).
    LineEnd,
    /// A target in a form that only proxies take, or none at all (RFC 9112 §3.2).
    Target,
    /// No `Host`, more than one, or not one host (RFC 9112 §3.2).
    Host,
    /// Lengths that disagree, or disagree with a transfer coding (RFC 9112 §6.3).
    Framing,
    /// A chunked body that is not one (RFC 9112 §7.1).
    Chunk,
    /// A transfer coding other than chunked (RFC 9112 §6.1).
    TransferCoding,
    /// A request line longer than is read.
    TargetTooLong,
    /// More header lines or bytes than are read.
    HeadTooLarge,
    /// A body longer than is taken.
    BodyTooLarge,
    /// A version other than HTTP/1.0 and 1.1.
    Version,
    /// A response's status line that is not one.
    StatusLine,
}

impl HttpFault {
    /// The status to answer with (RFC 9110 §15).
    pub fn status(self) -> u16 {
        match self {
            Self::RequestLine
            | Self::Header
            | Self::LineEnd
            | Self::Target
            | Self::Host
            | Self::Framing
            | Self::Chunk
            | Self::StatusLine => 400,
            Self::BodyTooLarge => 413,
            Self::TargetTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::TransferCoding => 501,
            Self::Version => 505,
        }
    }

    /// What was wrong, in words that may be shown to the client.
    pub fn reason(self) -> &'static str {
        match self {
            Self::RequestLine => "malformed request line",
            Self::Header => "malformed header",
            Self::LineEnd => "lines end in CR LF",
            Self::Target => "malformed request target",
            Self::Host => "exactly one Host is needed",
            Self::Framing => "ambiguous body length",
            Self::Chunk => "malformed chunked body",
            Self::TransferCoding => "unknown transfer coding",
            Self::TargetTooLong => "request target too long",
            Self::HeadTooLarge => "request head too large",
            Self::BodyTooLarge => "request body too large",
            Self::Version => "HTTP version not supported",
            Self::StatusLine => "malformed status line",
        }
    }

    /// Appends the response; the stream is to be closed after it.
    pub fn write_response(self, out: &mut Vec<u8>) {
        let headers = [("connection", "close"), ("content-type", "text/plain; charset=utf-8")];
        write_response(out, self.status(), &headers, self.reason().as_bytes());
    }
}

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for HttpFault {}
