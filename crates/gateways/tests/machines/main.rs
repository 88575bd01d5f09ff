//! The machines of every gateway from outside: bytes in, bytes out.

mod line;
mod mirror;
