//! RESP 2, the protocol of Redis, as far as publishing and subscribing need it ("Redis serialization protocol specification").

/// What Redis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Done, or a number of something, or nothing: what nobody looks at.
    Fine,
    /// An error, in words.
    Error(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Several.
    Array(Vec<Reply>),
}

/// Bytes that are not RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The longest string that Redis keeps.
const BYTES_MAX: usize = 512 << 20;
/// What is pushed to subscribers has four parts at most.
const PARTS_MAX: usize = 1024;
/// Longer lines are not said.
const LINE_MAX: usize = 64 << 10;

/// Appends a command.
pub(crate) fn write_command(parts: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads a reply from the front, and how long it is; `None`: more bytes are needed.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Malformed> {
    let mut rest = bytes;
    let reply = read_one(&mut rest, true)?;
    Ok(reply.map(|reply| (reply, bytes.len() - rest.len())))
}

fn read_one(rest: &mut &[u8], may_be_array: bool) -> Result<Option<Reply>, Malformed> {
    let Some((kind, line)) = take_line(rest)? else { return Ok(None) };
    match kind {
        b'+' | b':' => Ok(Some(Reply::Fine)),
        b'-' => Ok(Some(Reply::Error(String::from_utf8_lossy(line).into_owned()))),
        b'$' => match length(line, BYTES_MAX)? {
            None => Ok(Some(Reply::Fine)),
            Some(length) => take_bytes(rest, length),
        },
        b'*' if may_be_array => {
            let Some(count) = length(line, PARTS_MAX)? else { return Ok(Some(Reply::Fine)) };
            let mut parts = Vec::new();
            for _ in 0..count {
                let Some(part) = read_one(rest, false)? else { return Ok(None) };
                parts.push(part);
            }
            Ok(Some(Reply::Array(parts)))
        }
        _ => Err(Malformed),
    }
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Result<Option<(u8, &'a [u8])>, Malformed> {
    let bytes = *rest;
    let Some(end) = bytes.windows(2).take(LINE_MAX).position(|pair| pair == b"\r\n") else {
        return if bytes.len() > LINE_MAX { Err(Malformed) } else { Ok(None) };
    };
    let (kind, line) = bytes[..end].split_first().ok_or(Malformed)?;
    *rest = &bytes[end + 2..];
    Ok(Some((*kind, line)))
}

fn take_bytes(rest: &mut &[u8], length: usize) -> Result<Option<Reply>, Malformed> {
    let Some((bytes, after)) = rest.split_at_checked(length + 2) else { return Ok(None) };
    let bytes = bytes.strip_suffix(b"\r\n").ok_or(Malformed)?;
    *rest = after;
    Ok(Some(Reply::Bytes(bytes.to_vec())))
}

/// `-1` stands for nothing.
fn length(line: &[u8], max: usize) -> Result<Option<usize>, Malformed> {
    if line == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let length = text.parse().ok().filter(|length| *length <= max);
    length.map(Some).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_bytes() {
        let mut out = Vec::new();
        write_command(&[b"PUBLISH", b"a", b"\r\n"], &mut out);
        assert_eq!(out, b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$2\r\n\r\n\r\n");
    }

    #[test]
    fn replies_are_read_once_they_are_whole() {
        let bytes = |text: &str| Reply::Bytes(text.into());
        let message = Reply::Array(vec![bytes("message"), bytes("a"), bytes("\r\n")]);
        for (text, reply) in [
            ("+OK\r\n", Reply::Fine),
            (":3\r\n", Reply::Fine),
            ("$-1\r\n", Reply::Fine),
            ("*-1\r\n", Reply::Fine),
            ("-ERR no\r\n", Reply::Error("ERR no".to_owned())),
            ("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\n\r\n\r\n", message),
            ("*2\r\n$1\r\nx\r\n:1\r\n", Reply::Array(vec![bytes("x"), Reply::Fine])),
        ] {
            for cut in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..cut]), Ok(None), "{text:?} {cut}");
            }
            let more = format!("{text}+more");
            assert_eq!(read(more.as_bytes()), Ok(Some((reply, text.len()))));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for text in ["x\r\n", "\r\n", "$a\r\n", "$-2\r\n", "$1\r\nabc", "*9999\r\n", "*1\r\n*1\r\n"] {
            assert_eq!(read(text.as_bytes()), Err(Malformed), "{text:?}");
        }
        assert_eq!(read(&[b'+'; LINE_MAX + 1]), Err(Malformed));
    }
}
