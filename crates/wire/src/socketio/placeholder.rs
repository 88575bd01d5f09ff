//! Where in a JSON text the attachments belong: `{"_placeholder":true,"num":0}` (revision 5, "Packet encoding").
//!
//! Other people's parsers take an object for a placeholder by different signs: this member is there, or is true, or is
//! anything like true; and some of them die of a number that no attachment has. A binary packet may be relayed to all of
//! them, so nothing that only looks like a placeholder passes.

use std::io::Write;

use smallvec::{SmallVec, smallvec};

use super::fault::Fault;
use super::tokens::{Token, Tokens, unescape};

const MARK: &str = "_placeholder";
const QUOTED_MARK: &str = "\"_placeholder\"";
const QUOTED_NUMBER: &str = "\"num\"";

/// Checks that a JSON text names each of so many attachments exactly once.
pub(super) fn check(text: &str, attachments: usize) -> Result<(), Fault> {
    let mut is_named: SmallVec<[bool; 16]> = smallvec![false; attachments];
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next() {
        match token {
            Token::OpenObject => {
                let Some((number, rest)) = read(&tokens) else { continue };
                let is_named = is_named.get_mut(number).ok_or(Fault::Placeholder)?;
                if std::mem::replace(is_named, true) {
                    return Err(Fault::Placeholder);
                }
                tokens = rest;
            }
            Token::Name(name) if unescape(name) == MARK => return Err(Fault::Placeholder),
            _ => {}
        }
    }
    if is_named.iter().all(|&is_named| is_named) { Ok(()) } else { Err(Fault::Placeholder) }
}

/// Which attachment belongs in the place of the object that has just been opened, and what follows that object. `None`: it
/// is an object like any other.
pub(super) fn read<'a>(tokens: &Tokens<'a>) -> Option<(usize, Tokens<'a>)> {
    let mut rest = tokens.clone();
    let number = match [rest.next()?, rest.next()?, rest.next()?, rest.next()?, rest.next()?] {
        [
            Token::Name(QUOTED_MARK),
            Token::True,
            Token::Name(QUOTED_NUMBER),
            Token::Number(number),
            Token::CloseObject,
        ]
        | [
            Token::Name(QUOTED_NUMBER),
            Token::Number(number),
            Token::Name(QUOTED_MARK),
            Token::True,
            Token::CloseObject,
        ] => number,
        _ => return None,
    };
    Some((number.parse().ok()?, rest))
}

/// Appends JSON that has attachments, one text or several separated by commas, with what `write` makes of an attachment in the place
/// of each placeholder. Without attachments a placeholder is an object like any other.
pub fn write_filled(text: &str, out: &mut Vec<u8>, mut write: impl FnMut(usize, &mut Vec<u8>)) {
    let (mut tokens, mut done) = (Tokens::new(text), 0);
    while let Some(token) = tokens.next() {
        if token != Token::OpenObject {
            continue;
        }
        let start = text.len() - tokens.rest().len() - 1;
        let Some((number, rest)) = read(&tokens) else { continue };
        out.extend_from_slice(&text.as_bytes()[done..start]);
        write(number, out);
        done = text.len() - rest.rest().len();
        tokens = rest;
    }
    out.extend_from_slice(&text.as_bytes()[done..]);
}

/// Appends the placeholder of an attachment.
pub(super) fn write(number: usize, out: &mut Vec<u8>) {
    write!(out, "{{\"_placeholder\":true,\"num\":{number}}}").expect("a vector takes all bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let mut out = Vec::new();
        write_filled(text, &mut out, |number, out| out.extend_from_slice(format!("<{number}>").as_bytes()));
        String::from_utf8(out).expect("it was text")
    }

    #[test]
    fn placeholders_are_filled_and_all_else_is_untouched() {
        for (text, expected) in [
            ("", ""),
            (r#" {"a" : [1, "{}"]} ,null"#, r#" {"a" : [1, "{}"]} ,null"#),
            (r#"{"_placeholder":true,"num":0}"#, "<0>"),
            (
                r#"[{"a":{ "num" : 1, "_placeholder" : true }} ],{"_placeholder":true,"num":0} "#,
                r#"[{"a":<1>} ],<0> "#,
            ),
            (r#"{"_placeholder":false,"num":0}"#, r#"{"_placeholder":false,"num":0}"#),
        ] {
            assert_eq!(filled(text), expected);
        }
    }
}
