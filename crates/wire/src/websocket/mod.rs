//! The WebSocket protocol (RFC 6455) with permessage-deflate (RFC 7692): opening handshake, frames in, frames out.
//!
//! [`Decoder`] turns received bytes into messages and control frames, in place and without a buffer of its own while
//! nothing is half received. The `write_…` functions append frames to a buffer of the caller's. [`Offer`] and
//! [`verify_response`] are the two ends of the handshake. None of them knows who is connected, what a message means or
//! when something happens; answering pings and closing streams is the caller's.

mod assembly;
mod close;
mod decoder;
mod encode;
mod extension;
mod fault;
mod frame;
mod mask;
mod offer;
mod request;

pub use self::close::{MAX_REASON_BYTES, is_sendable_close_code};
pub use self::decoder::{Decoder, Item, MAX_TAIL_BYTES, Step};
pub use self::encode::{
    write_close, write_deflated_frame, write_frame, write_frame_with, write_masked_close,
    write_masked_deflated_frame, write_masked_frame,
};
pub use self::extension::DeflateParameters;
pub use self::fault::{Breach, Fault};
pub use self::frame::{Kind, MAX_HEADER_BYTES, Opcode, Role};
pub use self::offer::{Offer, Rejection, is_upgrade};
pub use self::request::{Agreement, HandshakeFault, verify_response, write_request};
