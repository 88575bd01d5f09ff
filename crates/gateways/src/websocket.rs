//! The side of a WebSocket that every gateway on top of it shares: control frames are answered, messages handed on, and what is
//! told to many is compressed once for all of them. Knows nothing of what messages mean.

use std::cell::RefCell;
use std::rc::Rc;

use chat::{Farewell, Refusal};
use wire::deflate::{Deflater, Inflater};
use wire::http::Head;
use wire::websocket::{
    Decoder, Fault, Item, Kind, Offer, Opcode, Role, write_close, write_deflated_frame, write_frame,
    write_frame_with,
};

use crate::{Outbox, Settings, Then, Variant, Violation};

/// The variant of sessions without permessage-deflate. Those with it have the bits of the server's window, 9 to 15.
pub(crate) const PLAIN: Variant = 0;
const DEFLATE_VARIANTS: std::ops::RangeInclusive<Variant> = 9..=15;

/// Payloads shorter than this are not worth compressing.
const DEFLATE_BYTES_MIN: usize = 48;

/// What all WebSocket sessions of a gateway share.
pub(crate) struct Codec {
    max_message_bytes: usize,
    deflate: bool,
    inflater: Inflater,
    deflater: Deflater,
    /// Payloads on their way to being compressed.
    payload: Vec<u8>,
    compressed: Vec<u8>,
}

pub(crate) type SharedCodec = Rc<RefCell<Codec>>;

impl Codec {
    pub(crate) fn shared(settings: &Settings) -> SharedCodec {
        Rc::new(RefCell::new(Self {
            max_message_bytes: settings.max_message_bytes,
            deflate: settings.deflate,
            inflater: Inflater::new(),
            deflater: Deflater::new(),
            payload: Vec::new(),
            compressed: Vec::new(),
        }))
    }

    /// Appends one message in a variant; `write` appends its payload.
    pub(crate) fn write_message(
        &mut self,
        variant: Variant,
        kind: Kind,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let opcode = if kind == Kind::Binary { Opcode::Binary } else { Opcode::Text };
        if variant == PLAIN {
            return write_frame_with(out, opcode, write);
        }
        self.payload.clear();
        write(&mut self.payload);
        if self.payload.len() < DEFLATE_BYTES_MIN {
            return write_frame(out, opcode, &self.payload);
        }
        self.compressed.clear();
        self.deflater.compress(variant as u8, &self.payload, &mut self.compressed);
        write_deflated_frame(out, kind, &self.compressed);
    }
}

/// One session's WebSocket.
pub(crate) struct Socket {
    decoder: Decoder,
    variant: Variant,
    codec: SharedCodec,
}

impl Socket {
    /// Answers the opening handshake, choosing a subprotocol that was offered. `None`: it was refused instead.
    pub(crate) fn open(
        head: &Head<'_>,
        subprotocol: Option<&str>,
        codec: &SharedCodec,
        out: &mut Outbox,
    ) -> Option<Self> {
        let offer = match Offer::read(head) {
            Ok(offer) => offer,
            Err(rejection) => {
                rejection.write_response(&mut out.bytes);
                out.refusals.push(Refusal::BadRequest);
                out.then = Then::Close;
                return None;
            }
        };
        let deflate = offer.deflate().filter(|_| codec.borrow().deflate);
        offer.write_response(&mut out.bytes, subprotocol, deflate);
        Some(Self {
            decoder: Decoder::new(Role::Server, deflate.is_some()),
            variant: deflate.map_or(PLAIN, |parameters| Variant::from(parameters.server_window_bits())),
            codec: codec.clone(),
        })
    }

    /// One that was opened elsewhere and is between two messages; `None`: what was agreed on there is not to be had here.
    pub(crate) fn going_on(variant: Variant, codec: &SharedCodec) -> Option<Self> {
        let deflate = variant != PLAIN;
        let is_fit = !deflate || (codec.borrow().deflate && DEFLATE_VARIANTS.contains(&variant));
        is_fit.then(|| Self { decoder: Decoder::new(Role::Server, deflate), variant, codec: codec.clone() })
    }

    /// Whether it is between two messages.
    pub(crate) fn is_idle(&self) -> bool {
        self.decoder.held_bytes() == 0
    }

    pub(crate) fn variant(&self) -> Variant {
        self.variant
    }

    pub(crate) fn codec(&self) -> &SharedCodec {
        &self.codec
    }

    /// Takes what came in: hands messages to `take`, answers pings and the client's close (RFC 6455 §5.5).
    pub(crate) fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Outbox,
        mut take: impl FnMut(Kind, &[u8], &mut Outbox) -> Result<(), Violation>,
    ) -> Result<usize, Violation> {
        let mut codec = self.codec.borrow_mut();
        let max_message_bytes = codec.max_message_bytes;
        let mut taken = 0;
        while taken < input.len() && out.then == Then::Stay {
            let step = self
                .decoder
                .next(&mut input[taken..], max_message_bytes, &mut codec.inflater)
                .map_err(violation)?;
            if step.consumed == 0 {
                break;
            }
            taken += step.consumed;
            match step.item {
                None | Some(Item::Pong(_)) => {}
                Some(Item::Text(text)) => take(Kind::Text, text.as_bytes(), out)?,
                Some(Item::Binary(bytes)) => take(Kind::Binary, bytes, out)?,
                Some(Item::Ping(payload)) => write_frame(&mut out.bytes, Opcode::Pong, payload),
                Some(Item::Close(close)) => answer_close(close.map(|(code, _)| code), out),
            }
        }
        Ok(taken)
    }

    /// A ping, which the client must answer (RFC 6455 §5.5.2).
    pub(crate) fn ping(out: &mut Outbox) -> bool {
        write_frame(&mut out.bytes, Opcode::Ping, b"");
        true
    }

    /// The server's close (RFC 6455 §7.1.2).
    pub(crate) fn part(farewell: Farewell, out: &mut Outbox) {
        write_close(&mut out.bytes, farewell.code(), farewell.reason());
        out.then = Then::Close;
    }
}

/// A close is answered with its own code (RFC 6455 §5.5.1).
fn answer_close(code: Option<u16>, out: &mut Outbox) {
    match code {
        Some(code) => write_close(&mut out.bytes, code, ""),
        None => write_frame(&mut out.bytes, Opcode::Close, b""),
    }
    out.then = Then::Close;
}

fn violation(fault: Fault) -> Violation {
    let farewell = match fault {
        Fault::Protocol(_) => Farewell::ProtocolError,
        Fault::UnsupportedData => Farewell::UnsupportedData,
        Fault::InvalidUtf8 | Fault::DoesNotInflate => Farewell::InvalidUtf8,
        Fault::TooLarge => Farewell::MessageTooLarge,
    };
    let detail = if let Fault::Protocol(breach) = fault { breach.explanation() } else { fault.reason() };
    Violation { farewell, detail }
}
