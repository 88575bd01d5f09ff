//! Passing signs: shown to a room and forgotten.

use std::sync::Arc;

use bytes::Bytes;

/// The name of a passing sign that is shown and forgotten, such as `typing`: 1 to 32 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalName(Arc<str>);

impl SignalName {
    /// Takes a signal as a client sent it; `None` when it is empty, too long or has control characters.
    pub fn new(signal: &str) -> Option<Self> {
        let fits = (1..=32).contains(&signal.len()) && !signal.chars().any(char::is_control);
        fits.then(|| Self(signal.into()))
    }

    /// The signal as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a sign carries besides its name, as its author's protocol wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Values separated by commas, untouched. Where there are attachments, a placeholder stands for each of them, as Socket.IO writes it.
    pub arguments: Box<str>,
    /// Bytes that belong to the arguments, by the numbers of their placeholders.
    pub attachments: Vec<Bytes>,
}

impl Content {
    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.arguments.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether it holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
