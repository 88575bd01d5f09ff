//! tungstenite as the judge of our framing.
//!
//! Where the two differ on purpose, [`agree`] allows for it:
//! - tungstenite takes lengths that are not minimal, which RFC 6455 §5.2 forbids;
//! - it notices a fault when the frame is complete, we at the first byte that shows it, so it is given enough more bytes to
//!   complete any frame;
//! - it answers a close with a code that must not be sent (RFC 6455 §7.4) by a close of its own, which is a refusal too;
//! - it does not know close code 1014 of the IANA registry, which came after RFC 6455.

use std::io::{Cursor, Read, Write};

use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role as TheirRole, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};
use wire::websocket::{Breach, Fault, Role};

use crate::drive::{End, Heard, cut, listen};

/// The longest message that either side takes.
pub(crate) const MAX: usize = 2000;

/// A stream that gives `input`, then ends, and takes what is written.
pub(crate) struct Pipe {
    input: Cursor<Vec<u8>>,
    pub(crate) output: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn socket(role: Role, input: Vec<u8>) -> WebSocket<Pipe> {
    let config = WebSocketConfig::default().max_message_size(Some(MAX)).max_frame_size(Some(MAX));
    let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
    WebSocket::from_raw_socket(Pipe { input: Cursor::new(input), output: Vec::new() }, role, Some(config))
}

/// What tungstenite makes of a stream: what it heard, and whether it refused or saw a close (`None`: neither).
pub(crate) fn theirs(role: Role, stream: &[u8]) -> (Vec<Heard>, Option<bool>) {
    let mut socket = socket(role, stream.to_vec());
    let mut heard = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) if frame.reason == "Protocol violation" => {
                return (heard, Some(false));
            }
            Ok(message) => {
                let is_close = message.is_close();
                heard.push(translated(message));
                if is_close {
                    return (heard, Some(true));
                }
            }
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return (heard, None),
            Err(_) => return (heard, Some(false)),
        }
    }
}

fn translated(message: Message) -> Heard {
    match message {
        Message::Text(text) => Heard::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Heard::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Heard::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Heard::Pong(bytes.to_vec()),
        Message::Close(close) => {
            Heard::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned())))
        }
        Message::Frame(_) => unreachable!("tungstenite reads no bare frames"),
    }
}

/// Both agree on `stream`, whole and cut into pieces of `sizes`.
pub(crate) fn agree(role: Role, stream: &[u8], sizes: &[u8]) {
    let (heard, end) = listen(role, false, MAX, [stream]);
    assert_eq!(listen(role, false, MAX, cut(stream, sizes)), (heard.clone(), end));
    let (they_heard, outcome) = match end {
        End::Failed(_) => theirs(role, &[stream, &[0; MAX + 14]].concat()),
        _ => theirs(role, stream),
    };
    if ends_as_only_we_end(&heard, end) {
        let before = heard.len() - usize::from(end == End::Closed);
        assert!(they_heard.starts_with(&heard[..before]));
        return;
    }
    assert_eq!(&heard, &they_heard);
    let expected = match end {
        End::Open(_) => None,
        End::Closed => Some(true),
        End::Failed(_) => Some(false),
    };
    assert_eq!(outcome, expected);
}

/// A length in a control frame that is not one byte is refused before it can be seen whether it is minimal.
fn ends_as_only_we_end(heard: &[Heard], end: End) -> bool {
    match end {
        End::Failed(Fault::Protocol(Breach::LengthNotMinimal | Breach::LongControl)) => true,
        End::Closed => matches!(heard.last(), Some(Heard::Close(Some((1014, _))))),
        _ => false,
    }
}
