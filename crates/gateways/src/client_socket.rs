//! A client's side of a WebSocket, shared by every protocol on top of one. Knows nothing of what messages mean.

use wire::deflate::{Deflater, Inflater};
use wire::http::read_response_head;
use wire::websocket::{
    Decoder, Item, Kind, Opcode, Role, verify_response, write_masked_close, write_masked_deflated_frame,
    write_masked_frame, write_request,
};

use crate::client::{Heard, Login, ServerFault};
use crate::keys::Keys;

/// Payloads shorter than this are not worth compressing.
const DEFLATE_BYTES_MIN: usize = 48;

/// No code was given (RFC 6455 §7.1.5).
const NO_CODE: u16 = 1005;

/// A client's side of a WebSocket.
pub(crate) struct ClientSocket {
    login: Login,
    path: String,
    subprotocol: Option<&'static str>,
    keys: Keys,
    nonce: [u8; 16],
    phase: Phase,
    inflater: Inflater,
    /// With the window's bits, when messages may be compressed.
    deflater: Option<(u8, Deflater)>,
}

enum Phase {
    /// The answer to the handshake is awaited.
    Opening,
    Open(Decoder),
    /// The own close is sent and the server's awaited: messages still come.
    Closing(Decoder),
    Over,
}

impl ClientSocket {
    pub(crate) fn new(login: &Login, path: String, subprotocol: Option<&'static str>) -> Self {
        let mut keys = Keys::new(login.seed);
        Self {
            login: login.clone(),
            path,
            subprotocol,
            nonce: keys.nonce(),
            keys,
            phase: Phase::Opening,
            inflater: Inflater::new(),
            deflater: None,
        }
    }

    pub(crate) fn open(&self, out: &mut Vec<u8>) {
        write_request(out, &self.login.host, &self.path, &self.nonce, self.subprotocol, self.login.deflate);
    }

    /// Takes what came in: hands messages to `take`, answers pings and the server's close.
    pub(crate) fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
        mut take: impl FnMut(Kind, &[u8], &mut Vec<Heard>) -> Result<(), ServerFault>,
    ) -> Result<usize, ServerFault> {
        let mut taken = 0;
        while taken < input.len() {
            let rest = &mut input[taken..];
            let step = match &mut self.phase {
                Phase::Over => rest.len(),
                Phase::Opening => self.read_answer(rest, heard)?,
                Phase::Open(_) | Phase::Closing(_) => self.read_frame(rest, out, heard, &mut take)?,
            };
            if step == 0 {
                break;
            }
            taken += step;
        }
        Ok(taken)
    }

    /// Sends a message, unless the connection is not open.
    pub(crate) fn send(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> bool {
        if !matches!(self.phase, Phase::Open(_)) {
            return false;
        }
        let mask = self.keys.mask();
        match &mut self.deflater {
            Some((window_bits, deflater)) if payload.len() >= DEFLATE_BYTES_MIN => {
                let mut compressed = Vec::new();
                deflater.compress(*window_bits, payload, &mut compressed);
                write_masked_deflated_frame(out, kind, &compressed, mask);
            }
            _ => write_masked_frame(out, kind.into(), payload, mask),
        }
        true
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2).
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(decoder) => {
                write_masked_close(out, 1000, "", self.keys.mask());
                Phase::Closing(decoder)
            }
            other => other,
        };
    }

    fn read_answer(&mut self, input: &[u8], heard: &mut Vec<Heard>) -> Result<usize, ServerFault> {
        let Some((head, length)) = read_response_head(input).map_err(ServerFault::new)? else { return Ok(0) };
        if head.status != 101 {
            heard.push(Heard::Closed { code: head.status, reason: String::new() });
            self.phase = Phase::Over;
            return Ok(length);
        }
        let agreed = verify_response(&head, &self.nonce, self.subprotocol, self.login.deflate)
            .map_err(ServerFault::new)?;
        if agreed.subprotocol != self.subprotocol.is_some() {
            return Err(ServerFault::new("the subprotocol was not agreed on"));
        }
        self.deflater = agreed.deflate.map(|parameters| (parameters.client_window_bits(), Deflater::new()));
        self.phase = Phase::Open(Decoder::new(Role::Client, agreed.deflate.is_some()));
        heard.push(Heard::Opened);
        Ok(length)
    }

    fn read_frame(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
        take: &mut impl FnMut(Kind, &[u8], &mut Vec<Heard>) -> Result<(), ServerFault>,
    ) -> Result<usize, ServerFault> {
        let (Phase::Open(decoder) | Phase::Closing(decoder)) = &mut self.phase else { return Ok(0) };
        let step = decoder
            .next(input, self.login.max_message_bytes, &mut self.inflater)
            .map_err(|fault| ServerFault::new(fault.reason()))?;
        match step.item {
            None | Some(Item::Pong(_)) => {}
            Some(Item::Text(text)) => take(Kind::Text, text.as_bytes(), heard)?,
            Some(Item::Binary(bytes)) => take(Kind::Binary, bytes, heard)?,
            Some(Item::Ping(payload)) => {
                write_masked_frame(out, Opcode::Pong, payload, self.keys.mask());
                heard.push(Heard::Pinged);
            }
            Some(Item::Close(close)) => {
                let (code, reason) = close.unwrap_or((NO_CODE, ""));
                heard.push(Heard::Closed { code, reason: reason.to_owned() });
                let consumed = step.consumed;
                self.answer_close(code, out);
                return Ok(consumed);
            }
        }
        Ok(step.consumed)
    }

    /// A close is answered with its own code, unless it is the answer (RFC 6455 §5.5.1).
    fn answer_close(&mut self, code: u16, out: &mut Vec<u8>) {
        if !matches!(std::mem::replace(&mut self.phase, Phase::Over), Phase::Open(_)) {
            return;
        }
        let mask = self.keys.mask();
        match code {
            NO_CODE => write_masked_frame(out, Opcode::Close, b"", mask),
            code => write_masked_close(out, code, "", mask),
        }
    }
}
