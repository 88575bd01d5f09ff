//! HTTP/1.0 and 1.1 messages (RFC 9110, RFC 9112) as a server of small requests needs them: [`read_head`] and [`Body`]
//! in, `write_…` out, and what little a client needs to speak to it.
//!
//! Strict where leniency lets two readers of one stream disagree (request smuggling), bounded everywhere. Knows nothing of
//! routes, connections or the time of day.

mod body;
mod fault;
mod head;
mod response;
mod target;

pub use self::body::{Body, BodyStep, Framing};
pub use self::fault::HttpFault;
pub use self::head::{
    Head, MAX_HEAD_BYTES, MAX_HEADERS, ResponseHead, keep_alive, read_head, read_response_head,
};
pub use self::response::{CONTINUE, reason_phrase, write_head_response, write_response, write_streamed_head};
