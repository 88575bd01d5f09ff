//! The machines of every gateway from outside: bytes in, bytes out.

mod answers;
mod line;
mod mirror;
mod posts;
mod readers;
mod rich;
mod words;
