//! The head of a message: its first line and its headers (RFC 9112 §2–§6), parsed by `httparse`, then held to the rules
//! that it leaves to its users.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};
use memchr::memchr_iter;
use smallvec::SmallVec;

use super::body::Framing;
use super::fault::HttpFault;
use super::target::{Target, is_host};

/// The longest head that is read, from the first byte to the empty line.
pub const MAX_HEAD_BYTES: usize = 8192;

/// The most header lines that are read.
pub const MAX_HEADERS: usize = 64;

/// As many header lines as are kept without an allocation.
const INLINE_HEADERS: usize = 16;

/// A request's head, borrowed from the bytes it was read from.
#[derive(Debug)]
pub struct Head<'a> {
    /// As it came; methods are case-sensitive (RFC 9110 §9.1).
    pub method: &'a str,
    /// As it came: visible ASCII without `#`.
    pub target: &'a str,
    /// The target's path: begins with `/`, still percent-encoded.
    pub path: &'a str,
    /// What follows the first `?` of the target, still encoded.
    pub query: Option<&'a str>,
    /// The x of HTTP/1.x: 0 or 1.
    pub minor_version: u8,
    /// Whom the request is for: the target's authority, else the `Host` header (RFC 9112 §3.3). Empty only in HTTP/1.0.
    pub host: &'a str,
    /// How long the body is.
    pub framing: Framing,
    fields: Fields<'a>,
}

/// A response's head, as a client reads it.
#[derive(Debug)]
pub struct ResponseHead<'a> {
    /// 100 to 999.
    pub status: u16,
    /// The x of HTTP/1.x: 0 or 1.
    pub minor_version: u8,
    /// How long the body is, for a response that has one; `None` without a length: it lasts until the stream ends.
    pub framing: Option<Framing>,
    fields: Fields<'a>,
}

/// Reads the request head at the start of `input`: the head and its length in bytes, or `None` while it is not all there.
/// Looks at no more than [`MAX_HEAD_BYTES`].
pub fn read_head(input: &[u8]) -> Result<Option<(Head<'_>, usize)>, HttpFault> {
    let bounded = &input[..input.len().min(MAX_HEAD_BYTES)];
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let size = match request.parse_with_uninit_headers(bounded, &mut slots) {
        Ok(Status::Complete(size)) => size,
        Ok(Status::Partial) => return incomplete(bounded).map(|()| None),
        Err(Error::HeaderName | Error::HeaderValue) => return Err(HttpFault::Header),
        Err(error) => return Err(first_line_fault(error, HttpFault::RequestLine)),
    };
    check_line_ends(&bounded[..size])?;
    let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version)
    else {
        return Err(HttpFault::RequestLine);
    };
    let Target { authority, path, query } = Target::read(target)?;
    let fields = Fields::new(request.headers);
    let host = read_host(&fields, minor_version)?;
    let framing = read_framing(&fields, minor_version)?.unwrap_or(Framing::Length(0));
    let host = authority.unwrap_or(host);
    Ok(Some((Head { method, target, path, query, minor_version, host, framing, fields }, size)))
}

/// Reads the response head at the start of `input`, as [`read_head`] does a request's.
pub fn read_response_head(input: &[u8]) -> Result<Option<(ResponseHead<'_>, usize)>, HttpFault> {
    let bounded = &input[..input.len().min(MAX_HEAD_BYTES)];
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let size = match config.parse_response_with_uninit_headers(&mut response, bounded, &mut slots) {
        Ok(Status::Complete(size)) => size,
        Ok(Status::Partial) if bounded.len() < MAX_HEAD_BYTES => return Ok(None),
        Ok(Status::Partial) => return Err(HttpFault::HeadTooLarge),
        Err(Error::HeaderName | Error::HeaderValue) => return Err(HttpFault::Header),
        Err(error) => return Err(first_line_fault(error, HttpFault::StatusLine)),
    };
    check_line_ends(&bounded[..size])?;
    let (Some(status), Some(minor_version)) = (response.code, response.version) else {
        return Err(HttpFault::StatusLine);
    };
    let fields = Fields::new(response.headers);
    let framing = match status {
        100..=199 | 204 | 304 => Some(Framing::Length(0)),
        _ => read_framing(&fields, minor_version)?,
    };
    Ok(Some((ResponseHead { status, minor_version, framing, fields }, size)))
}

/// Whether the connection can carry another request after this one (RFC 9112 §9.3).
pub fn keep_alive(head: &Head<'_>) -> bool {
    let close = head.has_token("connection", "close");
    !close && (head.minor_version >= 1 || head.has_token("connection", "keep-alive"))
}

macro_rules! look_ups {
    ($head:ident) => {
        impl<'a> $head<'a> {
            /// The value of the first header of this name, in any case of its letters; `None` too where it is not UTF-8.
            pub fn header(&self, name: &str) -> Option<&'a str> {
                self.fields.values(name).next().and_then(|value| std::str::from_utf8(value).ok())
            }

            /// The values of all headers of this name, as they came.
            pub fn header_values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
                self.fields.values(name)
            }

            /// The members of the comma-separated list that all headers of this name make up (RFC 9110 §5.6.1), trimmed,
            /// without empty ones. Quoted strings are not looked into.
            pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
                self.fields.list(name)
            }

            /// Whether the list of this name has `token`, in any case of its letters.
            pub fn has_token(&self, name: &str, token: &str) -> bool {
                self.fields.list(name).any(|member| member.eq_ignore_ascii_case(token))
            }

            /// All headers, in the order they came.
            pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
                self.fields.0.iter().copied()
            }
        }
    };
}

look_ups!(Head);
look_ups!(ResponseHead);

impl Head<'_> {
    /// Whether the client waits for [`CONTINUE`](super::CONTINUE) before it sends the body (RFC 9110 §10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.minor_version >= 1 && self.has_token("expect", "100-continue")
    }
}

/// Names and values, in order.
#[derive(Debug)]
struct Fields<'a>(SmallVec<[(&'a str, &'a [u8]); INLINE_HEADERS]>);

impl<'a> Fields<'a> {
    fn new(headers: &[Header<'a>]) -> Self {
        Self(headers.iter().map(|header| (header.name, header.value)).collect())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.values(name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .map(|member| member.trim_matches([' ', '\t']))
            .filter(|member| !member.is_empty())
    }
}

/// An incomplete head may still become one, unless it has had its room.
fn incomplete(input: &[u8]) -> Result<(), HttpFault> {
    if input.len() < MAX_HEAD_BYTES {
        return Ok(());
    }
    Err(if input.contains(&b'\n') { HttpFault::HeadTooLarge } else { HttpFault::TargetTooLong })
}

fn first_line_fault(error: Error, malformed: HttpFault) -> HttpFault {
    match error {
        Error::TooManyHeaders => HttpFault::HeadTooLarge,
        Error::Version => HttpFault::Version,
        _ => malformed,
    }
}

/// `httparse` takes a bare LF for a line end; somebody in front of us may not.
fn check_line_ends(head: &[u8]) -> Result<(), HttpFault> {
    let all_paired = memchr_iter(b'\n', head).all(|at| at > 0 && head[at - 1] == b'\r');
    all_paired.then_some(()).ok_or(HttpFault::LineEnd)
}

/// RFC 9112 §3.2: exactly one in HTTP/1.1, at most one before.
fn read_host<'a>(fields: &Fields<'a>, minor_version: u8) -> Result<&'a str, HttpFault> {
    let mut hosts = fields.values("host");
    match (hosts.next(), hosts.next()) {
        (None, None) if minor_version == 0 => Ok(""),
        (Some(host), None) if is_host(host) => std::str::from_utf8(host).map_err(|_| HttpFault::Host),
        _ => Err(HttpFault::Host),
    }
}

/// RFC 9112 §6.3, without its leniencies: one `Content-Length` or one `Transfer-Encoding`, never both.
fn read_framing(fields: &Fields<'_>, minor_version: u8) -> Result<Option<Framing>, HttpFault> {
    let (mut lengths, mut codings) = (fields.values("content-length"), fields.values("transfer-encoding"));
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(None),
        (Some(length), None) if lengths.next().is_none() => read_content_length(length).map(Some),
        (None, Some(coding)) if codings.next().is_none() && minor_version == 1 => {
            read_transfer_encoding(coding).map(Some)
        }
        _ => Err(HttpFault::Framing),
    }
}

/// Digits only; a number beyond 64 bits is as good as the greatest.
fn read_content_length(value: &[u8]) -> Result<Framing, HttpFault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(HttpFault::Framing);
    }
    let length = value
        .iter()
        .fold(0u64, |length, digit| length.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Ok(Framing::Length(length))
}

/// Only `chunked`; a list that ends in it is a coding we do not know, any other has no end to find (RFC 9112 §6.3).
fn read_transfer_encoding(value: &[u8]) -> Result<Framing, HttpFault> {
    let ends_chunked = value.len() >= 7 && value[value.len() - 7..].eq_ignore_ascii_case(b"chunked");
    match value.len() {
        7 if ends_chunked => Ok(Framing::Chunked),
        _ if ends_chunked => Err(HttpFault::TransferCoding),
        _ => Err(HttpFault::Framing),
    }
}
