//! Polls of pages that can neither ask across origins nor read bytes (revision 3, "JSONP"): answers are scripts, requests
//! are forms. The payloads inside are text of either revision.

use std::io::Write;

use super::fault::Fault;
use crate::json::write_json_string;
use crate::url::{self, query_parameter};

/// The type to send an answer as.
pub const CONTENT_TYPE: &str = "text/javascript; charset=UTF-8";

/// The name of the form's one field.
const FIELD: &str = "d";

/// Appends the script that hands `payload` to the callback of number `index`, the parameter `j`.
pub fn write_answer(index: u32, payload: &str, out: &mut Vec<u8>) {
    write!(out, "___eio[{index}](").expect("a vector takes all bytes");
    let start = out.len();
    write_json_string(out, payload);
    escape_line_separators(start, out);
    out.extend_from_slice(b");");
}

/// The payload that an answer hands to the callback of number `index`.
pub fn read_answer(index: u32, script: &str) -> Result<String, Fault> {
    let argument = script
        .strip_prefix("___eio[")
        .and_then(|script| script.strip_prefix(index.to_string().as_str()))
        .and_then(|script| script.strip_prefix("]("))
        .and_then(|script| script.strip_suffix(");"));
    argument.and_then(|argument| serde_json::from_str(argument).ok()).ok_or(Fault::Jsonp)
}

/// The payload in the body of a request: the field `d`, its line ends escaped ("Posting data").
pub fn read_request(body: &str) -> Result<String, Fault> {
    let field = query_parameter(body, FIELD).map_err(|_| Fault::Jsonp)?.ok_or(Fault::Jsonp)?;
    Ok(unescape_line_ends(&field))
}

/// Appends the body of a request with `payload`, as a form sends it.
pub fn write_request(payload: &str, out: &mut Vec<u8>) {
    // First what looks like an escape already: a backslash more tells it from the others.
    let escaped = payload.replace("\\n", "\\\n").replace('\n', "\\n");
    let mut body = format!("{FIELD}=");
    url::encode(&mut body, &escaped);
    out.extend_from_slice(body.as_bytes());
}

/// `\n` becomes a line end, `\\n` becomes `\n`. A backslash right before a real line end cannot be told from the latter.
fn unescape_line_ends(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (meaning, size) = if escape.starts_with("\\\\n") {
            ("\\n", 3)
        } else if escape.starts_with("\\n") {
            ("\n", 2)
        } else {
            ("\\", 1)
        };
        plain.push_str(meaning);
        rest = &escape[size..];
    }
    plain.push_str(rest);
    plain
}

/// Escapes what ends a line in scripts older than ECMAScript 2019, though not in JSON: U+2028 and U+2029.
fn escape_line_separators(start: usize, out: &mut Vec<u8>) {
    let Some(first) = find_line_separator(&out[start..]) else { return };
    let tail = out.split_off(start + first);
    let mut rest = tail.as_slice();
    while let Some(at) = find_line_separator(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(if rest[at + 2] == 0xA8 { b"\\u2028" } else { b"\\u2029" });
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
}

fn find_line_separator(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0xE2, text).find(|&at| matches!(text[at..], [0xE2, 0x80, 0xA8 | 0xA9, ..]))
}
