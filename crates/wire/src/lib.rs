//! Formats that more than one folder needs, as pure functions over bytes: [`websocket`], [`http`], [`deflate`], [`url`],
//! [`json`], [`proxy`], [`date`], and on top of them [`engineio`] and [`socketio`].
//!
//! Nothing here knows what the bytes are for. There is no chat, no socket, no clock, no lock and no randomness: limits and
//! masking keys are arguments, "more bytes are needed" is an answer and not an error.

pub mod date;
pub mod deflate;
pub mod engineio;
pub mod http;
pub mod json;
pub mod proxy;
pub mod socketio;
pub mod url;
pub mod websocket;
