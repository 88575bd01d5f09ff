//! What is said over and over where no client's machine is there to say it, with holes for what a server has told before.

use gateways::SessionName;

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
const POLL: &str = "GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n";
const CONNECT: &str =
    "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40";
const JOIN: &str = "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 32\r\n\r\n\
    420[\"joinRoom\",{\"room\":\"lobby\"}]";
const POST: &str = "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 49\r\n\r\n\
    42[\"message\",{\"room\":\"lobby\",\"message\":\"a poll\"}]";
const PROBE: &str = "GET /socket.io/?EIO=4&transport=websocket&sid={sid} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Requests of sessions over several streams. `{sid}` is such a session.
pub(crate) const POLLS: &[&str] = &[
    OPEN,
    POLL,
    CONNECT,
    JOIN,
    POST,
    PROBE,
    "GET /socket.io/?EIO=3&transport=polling&b64=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /socket.io/?EIO=3&transport=polling&j=1&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /socket.io/?EIO=3&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\n\
        31:42[\"joinRoom\",{\"room\":\"lobby\"}]1:2",
    "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
];

/// A session from its first poll until it has moved to a WebSocket: on which of its streams what is said, and whether in a frame.
pub(crate) const MOVE: &[(usize, bool, &str)] = &[
    (0, false, OPEN),
    (0, false, CONNECT),
    (0, false, POLL),
    (1, false, JOIN),
    (0, false, POLL),
    (1, false, POST),
    (0, false, POLL),
    (2, false, PROBE),
    (2, true, "2probe"),
    (2, true, "5"),
    (2, true, "421[\"message\",{\"room\":\"lobby\",\"userId\":\"u\",\"message\":\"moved\"}]"),
    (2, true, "3"),
];
pub(crate) const MOVE_STREAMS: usize = 3;

/// Texts of the same sessions over a WebSocket, about `ROOM`.
pub(crate) const PACKETS: &[&str] = &[
    "2probe",
    "5",
    "40",
    "3",
    "1",
    "41",
    "42[\"joinRoom\",{\"room\":\"ROOM\"}]",
    "421[\"message\",{\"room\":\"ROOM\",\"userId\":\"u\",\"message\":\"a packet\"}]",
    "422[\"leaveRoom\",{\"room\":\"ROOM\"}]",
    "423[\"log in\",{\"username\":\"alice\"}]",
    "424[\"send message\",{\"username\":\"alice\",\"message\":\"psst\"}]",
    "451-5[\"message\",{\"room\":\"ROOM\",\"message\":{\"_placeholder\":true,\"num\":0}}]",
];

/// What strangers were told last.
pub(crate) struct Told {
    /// An epoch.
    pub(crate) epoch: String,
    /// The name of a session.
    pub(crate) sid: String,
}

impl Told {
    pub(crate) fn nothing() -> Self {
        Self { epoch: "0".into(), sid: "x".into() }
    }

    /// What a server might have told.
    pub(crate) fn something() -> Self {
        Self { epoch: "1kq3v9x".into(), sid: SessionName([7; SessionName::BYTES]).to_string() }
    }

    /// Listens for what fills holes.
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let after =
            |words: &str, end| text.rsplit_once(words)?.1.split_once(end).map(|(found, _)| found.to_owned());
        self.epoch =
            after("\"at\":\"", ':').filter(|found| is_word(found)).unwrap_or(std::mem::take(&mut self.epoch));
        self.sid =
            after("\"sid\":\"", '"').filter(|found| is_word(found)).unwrap_or(std::mem::take(&mut self.sid));
    }

    /// What is said, its holes filled.
    pub(crate) fn fill(&self, said: &[u8]) -> Vec<u8> {
        let mut filled = Vec::new();
        let mut rest = said;
        while let Some((first, after)) = rest.split_first() {
            if let Some(after) = rest.strip_prefix(EPOCH) {
                filled.extend_from_slice(self.epoch.as_bytes());
                rest = after;
            } else if let Some(after) = rest.strip_prefix(SID) {
                filled.extend_from_slice(self.sid.as_bytes());
                rest = after;
            } else {
                filled.push(*first);
                rest = after;
            }
        }
        filled
    }
}

const EPOCH: &[u8] = b"{epoch}";
const SID: &[u8] = b"{sid}";
/// Longer than any epoch and any name of a session.
const WORD_BYTES_MAX: usize = 40;

fn is_word(found: &str) -> bool {
    found.len() <= WORD_BYTES_MAX
        && found.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
