//! The machines of every gateway from outside: bytes in, bytes out.

mod answers;
mod anything;
mod applications;
mod course;
mod line;
mod mirror;
mod mirror_events;
mod posts;
mod readers;
mod rich;
mod socketio;
mod tokens;
mod words;
