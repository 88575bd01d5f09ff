//! Ports for what is started.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::step::Failure;

/// Below those that the system gives to connections, so that none is taken between being found and being listened on.
const PORTS: std::ops::Range<u16> = 24_000..28_000;

/// Where in the range this process looks next; processes begin in different places.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of loopback that nobody listens on, another one each time.
pub(crate) fn free_port() -> Result<u16, Failure> {
    let count = PORTS.end - PORTS.start;
    let beginning = (std::process::id() as u16).wrapping_mul(37) % count;
    for _ in 0..count {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (beginning + step % count) % count;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Failure::new(format!("no port of {PORTS:?} is free")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_another_one_each_time() {
        let (one, other) = (free_port().expect("one is free"), free_port().expect("one is free"));
        assert!(one != other && PORTS.contains(&one) && PORTS.contains(&other));
    }
}
