//! What the formats promise, shown from outside: tables from the specifications, other people's code as an oracle, and
//! every stream whole, byte by byte and cut at will.

mod deflate;
mod drive;
mod engineio;
mod engineio_laws;
mod frames;
mod handshake;
mod http_body;
mod http_head;
mod http_response;
mod json;
mod noise;
mod oracle;
mod plain_inflate;
mod proxy;
mod socketio;
mod socketio_adapter;
mod socketio_adapter_laws;
mod socketio_attachments;
mod socketio_laws;
mod socketio_msgpack;
mod socketio_packets;
mod tungstenite_oracle;
mod websocket_cuts;
mod websocket_encoding;
mod websocket_rules;
