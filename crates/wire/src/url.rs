//! Percent-encoding (RFC 3986 §2.1) and query parameters, between what stands in a request target and what it names.

use std::borrow::Cow;
use std::fmt;

/// An escape that is not `%` and two hexadecimal digits, or bytes that are not UTF-8 once decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What one segment of a path names. `%2F` is a slash in the name, not a separator; `+` is itself.
pub fn decode_segment(segment: &str) -> Result<Cow<'_, str>, Malformed> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    decode(segment.as_bytes(), false).map(Cow::Owned)
}

/// The value of the first parameter `name` in a query (without its `?`), decoded as forms encode it: `+` is a blank. A
/// parameter without `=` has an empty value. `None`: there is no such parameter.
pub fn query_parameter<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode_form(key)? == name {
            return decode_form(value).map(Some);
        }
    }
    Ok(None)
}

/// Appends `text` with everything percent-encoded but the unreserved characters (RFC 3986 §2.3): fit for one segment of a
/// path and for a query's names and values.
pub fn encode(out: &mut String, text: &str) {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xF)]));
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn decode_form(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    decode(text.as_bytes(), true).map(Cow::Owned)
}

fn decode(text: &[u8], plus_is_blank: bool) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            b'+' if plus_is_blank => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Malformed)
}

fn hex_digit(byte: Option<&u8>) -> Result<u8, Malformed> {
    let digit = byte.and_then(|&byte| char::from(byte).to_digit(16)).ok_or(Malformed)?;
    Ok(digit as u8)
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed percent-encoding")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_decode_to_what_they_name() {
        for (segment, name) in [
            ("lobby", "lobby"),
            ("", ""),
            ("a%20b+c", "a b+c"),
            ("%2Fetc%2fpasswd", "/etc/passwd"),
            ("%E2%82%AC", "€"),
            ("gr%c3%bc%C3%9fe", "grüße"),
            ("%00", "\0"),
        ] {
            assert_eq!(decode_segment(segment).as_deref(), Ok(name), "{segment}");
        }
    }

    #[test]
    fn malformed_segments_are_refused() {
        for segment in ["%", "%2", "a%", "%zz", "%2G", "% 1", "%FF", "%C3", "%C0%80", "%ED%A0%80", "%+1"] {
            assert_eq!(decode_segment(segment), Err(Malformed), "{segment}");
        }
    }

    #[test]
    fn only_an_escaped_segment_is_copied() {
        assert!(matches!(decode_segment("plain"), Ok(Cow::Borrowed("plain"))));
        assert!(matches!(decode_segment("%70lain"), Ok(Cow::Owned(_))));
    }

    #[test]
    fn query_parameters_are_found_by_name() {
        for (query, name, value) in [
            ("since=1kq3v9x:42", "since", Some("1kq3v9x:42")),
            ("a=1&b=2&a=3", "a", Some("1")),
            ("a=1&b=2", "b", Some("2")),
            ("a=1+2%2B3", "a", Some("1 2+3")),
            ("a", "a", Some("")),
            ("a=b=c", "a", Some("b=c")),
            ("%61=x", "a", Some("x")),
            ("ab=1", "a", None),
            ("", "a", None),
            ("&&", "a", None),
        ] {
            assert_eq!(query_parameter(query, name), Ok(value.map(Cow::Borrowed)), "{query}");
        }
        assert_eq!(query_parameter("a=%", "a"), Err(Malformed));
        assert_eq!(query_parameter("%=1&a=2", "a"), Err(Malformed));
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let all: String =
            (0..=0x10FFFF).step_by(7).filter_map(char::from_u32).chain("\0%+/?#&= ".chars()).collect();
        let mut encoded = String::new();
        encode(&mut encoded, &all);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        assert_eq!(decode_segment(&encoded).as_deref(), Ok(all.as_str()));
        assert_eq!(decode_form(&encoded).as_deref(), Ok(all.as_str()));
    }
}
