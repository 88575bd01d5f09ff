//! The tokens of a text that is known to be JSON (RFC 8259): no tree, no copy, no check.

use std::borrow::Cow;

/// One token. Strings keep their quotes and escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    OpenArray,
    CloseArray,
    OpenObject,
    CloseObject,
    /// The name of an object's member.
    Name(&'a str),
    String(&'a str),
    Number(&'a str),
    True,
    False,
    Null,
}

/// Runs over a text that is JSON, or several separated by commas.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
const BLANKS_AND_SEPARATORS: [char; 6] = [' ', '\t', '\n', '\r', ',', ':'];
const ENDS_OF_NUMBERS: [char; 7] = [' ', '\t', '\n', '\r', ',', ']', '}'];

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What has not been run over.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    fn take(&mut self, size: usize) -> &'a str {
        let (token, rest) = self.rest.split_at(size);
        self.rest = rest;
        token
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_start_matches(BLANKS_AND_SEPARATORS);
        let (token, size) = match self.rest.as_bytes().first()? {
            b'[' => (Token::OpenArray, 1),
            b']' => (Token::CloseArray, 1),
            b'{' => (Token::OpenObject, 1),
            b'}' => (Token::CloseObject, 1),
            b't' => (Token::True, 4),
            b'f' => (Token::False, 5),
            b'n' => (Token::Null, 4),
            b'"' => {
                let string = self.take(string_size(self.rest));
                let is_name = self.rest.trim_start_matches(BLANKS).starts_with(':');
                return Some(if is_name { Token::Name(string) } else { Token::String(string) });
            }
            _ => {
                let size = self.rest.find(ENDS_OF_NUMBERS).unwrap_or(self.rest.len());
                return Some(Token::Number(self.take(size)));
            }
        };
        self.take(size);
        Some(token)
    }
}

/// Whether arrays and objects are inside each other more than `max` times.
pub(super) fn is_deeper_than(max: usize, text: &str) -> bool {
    let brackets = memchr::memchr2_iter(b'[', b'{', text.as_bytes()).take(max + 1).count();
    brackets > max && depth(text) > max
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for token in Tokens::new(text) {
        match token {
            Token::OpenArray | Token::OpenObject => depth += 1,
            Token::CloseArray | Token::CloseObject => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// What a string with its quotes says. Half a surrogate pair, which is no character, becomes U+FFFD.
pub(super) fn unescape(string: &str) -> Cow<'_, str> {
    let inside = &string[1..string.len() - 1];
    let Some(mut escape) = memchr::memchr(b'\\', inside.as_bytes()) else { return Cow::Borrowed(inside) };
    let mut plain = String::with_capacity(inside.len());
    let mut rest = inside;
    loop {
        plain.push_str(&rest[..escape]);
        let (character, size) = read_escape(&rest[escape..]);
        plain.push(character);
        rest = &rest[escape + size..];
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => escape = next,
            None => break,
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character that an escape stands for, and how long the escape is (RFC 8259 §7).
fn read_escape(text: &str) -> (char, usize) {
    match text.as_bytes().get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => read_unicode_escape(text),
        Some(&itself) => (char::from(itself), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn read_unicode_escape(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6).and_then(|escape| escape.strip_prefix("\\u"));
        digits.and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    match char::decode_utf16([unit(0), unit(6)].into_iter().map_while(|unit| unit)).next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// How long the string at the start is, quotes included.
fn string_size(text: &str) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.as_bytes().get(at..).unwrap_or_default()) {
        if text.as_bytes()[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    text.len()
}
