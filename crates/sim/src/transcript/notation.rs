//! How bytes and frames are written in a line of text, and read back.

use std::fmt;

/// Something said or heard, as a transcript writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// The payload: as it is for texts, in escapes for bytes, in hexadecimal digits for binary messages.
    pub text: String,
}

/// What is said or heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// A text message.
    Text,
    /// A text message that is compressed.
    Deflated,
    /// A text message in several frames.
    Parts,
    /// A binary message.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// With a code and a reason, or neither.
    Close,
    /// Bytes as they are on the stream.
    Bytes,
    /// The status of an answer that opens no WebSocket.
    Status,
    /// The end of the stream.
    End,
}

const WORDS: &[(&str, PieceKind)] = &[
    ("deflated", PieceKind::Deflated),
    ("parts", PieceKind::Parts),
    ("binary", PieceKind::Binary),
    ("ping", PieceKind::Ping),
    ("pong", PieceKind::Pong),
    ("close", PieceKind::Close),
    ("bytes", PieceKind::Bytes),
    ("status", PieceKind::Status),
    ("end", PieceKind::End),
];

impl Piece {
    pub(super) fn new(kind: PieceKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Reads what stands behind an arrow. A text in quotes is a text whatever it begins with.
    pub(super) fn read(line: &str) -> Self {
        let quoted = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(text) = quoted {
            return Self::new(PieceKind::Text, text);
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, kind)) => Self::new(*kind, rest),
            None => Self::new(PieceKind::Text, line),
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WORDS.iter().find(|(_, kind)| *kind == self.kind) {
            Some((word, _)) if self.text.is_empty() => f.write_str(word),
            Some((word, _)) => write!(f, "{word} {}", self.text),
            None if Self::read(&self.text).kind != PieceKind::Text => write!(f, "\"{}\"", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Bytes in escapes: printable ASCII and what is UTF-8 beyond it as it is, but `\\`, `\*`, `\r`, `\n` and `\xNN`.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| escape_char(c, &mut text));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

fn escape_char(c: char, text: &mut String) {
    match c {
        '\\' => text.push_str("\\\\"),
        '*' => text.push_str("\\*"),
        '\r' => text.push_str("\\r"),
        '\n' => text.push_str("\\n"),
        c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", c as u32)),
        c => text.push(c),
    }
}

/// The bytes that escapes stand for; `None` for an escape that there is not.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next()? {
            'r' => b'\r',
            'n' => b'\n',
            'x' => (chars.next()?.to_digit(16)? << 4 | chars.next()?.to_digit(16)?) as u8,
            c @ ('\\' | '*') => c as u8,
            _ => return None,
        });
    }
    Some(bytes)
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hexadecimal digits stand for; blanks between them do not count.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4 | low) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_read_back_as_the_bytes_they_stand_for() {
        let bytes: Vec<u8> = (0..=255).chain("grüße 🌍 *\\r".bytes()).collect();
        assert_eq!(unescape(&escape(&bytes)), Some(bytes.clone()));
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!((unescape("\\q"), unescape("\\x1"), unhex("1")), (None, None, None));
    }

    #[test]
    fn a_word_that_means_something_is_a_text_in_quotes() {
        assert_eq!(Piece::read("close 1000 bye"), Piece::new(PieceKind::Close, "1000 bye"));
        assert_eq!(Piece::read("\"close 1000 bye\""), Piece::new(PieceKind::Text, "close 1000 bye"));
        assert_eq!(Piece::new(PieceKind::Text, "end").to_string(), "\"end\"");
        assert_eq!(Piece::read("closed"), Piece::new(PieceKind::Text, "closed"));
    }
}
