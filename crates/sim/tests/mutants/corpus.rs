//! What is said to Socket.IO in the transcripts.

use std::fs;
use std::path::Path;

use sim::transcript::{Line, Piece, PieceKind, Script, said};

/// What is said to Socket.IO in the transcripts: packets, and payloads of them.
pub(crate) struct Corpus {
    /// Messages of WebSockets that are text.
    pub(crate) texts: Vec<Vec<u8>>,
    /// Messages of WebSockets that are bytes.
    pub(crate) attachments: Vec<Vec<u8>>,
    /// Bodies of posts.
    pub(crate) payloads: Vec<Vec<u8>>,
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let mut corpus = Self { texts: Vec::new(), attachments: Vec::new(), payloads: Vec::new() };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("there are transcripts")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "txt")) {
            let text = fs::read_to_string(path).expect("a transcript is text");
            corpus.add(&Script::read(&text).expect("a transcript can be read"));
        }
        assert!(corpus.texts.len() > 20 && corpus.payloads.len() > 5, "the transcripts show Socket.IO");
        corpus
    }

    fn add(&mut self, script: &Script) {
        for (_, line) in &script.lines {
            let Line::Say { who, what, .. } = line else { continue };
            match script.cast[*who].gateway.as_str() {
                "socketio" => self.add_message(what),
                "http" => self.add_post(&said::bytes(what).unwrap_or_default()),
                _ => {}
            }
        }
    }

    fn add_message(&mut self, what: &Piece) {
        match what.kind {
            PieceKind::Text => self.texts.push(what.text.as_bytes().to_vec()),
            PieceKind::Binary => self.attachments.push(what.text.as_bytes().to_vec()),
            _ => {}
        }
    }

    fn add_post(&mut self, bytes: &[u8]) {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return };
        if bytes.starts_with(b"POST /socket.io/") {
            self.payloads.push(bytes[end + 4..].to_vec());
        }
    }
}
