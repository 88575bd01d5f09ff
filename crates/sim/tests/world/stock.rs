//! The bytes of clients that no machine of ours speaks for: WebSockets and Engine.IO by hand.

use sim::{PipeId, Stage};

/// Opens a plain room.
pub(crate) const PLAIN: &str = "/lobby";

/// Asks for a WebSocket, and reads the answer. What came behind it is left out.
pub(crate) fn open_socket(stage: &mut Stage, target: &str) -> PipeId {
    open_with(stage, target, "")
}

/// A client of the rich protocol.
pub(crate) fn open_rich(stage: &mut Stage) -> PipeId {
    open_with(stage, "/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n")
}

fn open_with(stage: &mut Stage, target: &str, header: &str) -> PipeId {
    let pipe = stage.node.connect(0);
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{header}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let answer = ask(stage, pipe, request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    pipe
}

/// Opens a session over polls. Says how it is called.
pub(crate) fn open_polls(stage: &mut Stage, pipe: PipeId, revision: u8) -> String {
    let answer = ask(stage, pipe, get(&format!("/socket.io/?EIO={revision}&transport=polling")).as_bytes());
    let (_, rest) =
        answer.split_once("\"sid\":\"").unwrap_or_else(|| panic!("a session is opened: {answer}"));
    let (sid, _) = rest.split_once('"').expect("a string ends");
    format!("/socket.io/?EIO={revision}&transport=polling&sid={sid}")
}

/// Sends bytes and reads what comes of them.
pub(crate) fn ask(stage: &mut Stage, pipe: PipeId, bytes: &[u8]) -> String {
    stage.node.send(pipe, bytes);
    stage.settle();
    hear(stage, pipe)
}

/// Reads what has come.
pub(crate) fn hear(stage: &mut Stage, pipe: PipeId) -> String {
    String::from_utf8_lossy(&stage.node.read(pipe, usize::MAX)).into_owned()
}

pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub(crate) fn post(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A short frame of a client, masked with zeros.
pub(crate) fn frame(opcode: u8, payload: &str) -> Vec<u8> {
    assert!(payload.len() < 126, "its length is in its second byte");
    let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

/// How many sessions there are.
pub(crate) fn sessions(stage: &Stage) -> usize {
    stage.node.audit().map(|(holdings, _)| holdings.sessions).sum()
}
