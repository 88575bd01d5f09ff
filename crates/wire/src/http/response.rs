//! Responses onto a buffer of the caller's (RFC 9112 §4).
//!
//! There is no clock here: a `Date` is one of the headers that the caller gives.

use memchr::memchr3;

/// The interim response to a request that [expects](super::Head::expects_continue) it.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Appends a whole response. The `Content-Length` is written here, the other headers are the caller's; a line break in a
/// value becomes blanks.
pub fn write_response(out: &mut Vec<u8>, status: u16, headers: &[(&str, &str)], body: &[u8]) {
    out.reserve(128 + body.len());
    write_head_response(out, status, headers, body.len());
    out.extend_from_slice(body);
}

/// Appends the answer to a HEAD request: what [`write_response`] would give with a body of `content_length` bytes, without
/// the body (RFC 9110 §9.3.2).
pub fn write_head_response(out: &mut Vec<u8>, status: u16, headers: &[(&str, &str)], content_length: usize) {
    write_status_and_headers(out, status, headers);
    // RFC 9110 §8.6: not in 1xx and 204.
    if status >= 200 && status != 204 {
        out.extend_from_slice(b"content-length: ");
        write_decimal(out, content_length);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a response whose body follows bit by bit until the stream is closed, or of one without a body such
/// as 101.
pub fn write_streamed_head(out: &mut Vec<u8>, status: u16, headers: &[(&str, &str)]) {
    write_status_and_headers(out, status, headers);
    out.extend_from_slice(b"\r\n");
}

/// The usual words behind a status (RFC 9110 §15, RFC 6585); empty for one that is not known.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

fn write_status_and_headers(out: &mut Vec<u8>, status: u16, headers: &[(&str, &str)]) {
    if status == 200 {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    } else {
        write_status_line(out, status);
    }
    for (name, value) in headers {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        write_value(out, value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

fn write_status_line(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    write_decimal(out, usize::from(status));
    out.push(b' ');
    out.extend_from_slice(reason_phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Nothing that a value says can end its line (RFC 9110 §5.5).
fn write_value(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(value);
    while let Some(at) = memchr3(b'\r', b'\n', 0, &out[start..]) {
        out[start + at] = b' ';
    }
}

fn write_decimal(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}
