//! A node as others see it: where it is, and whether it takes clients.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::step::{Failure, Outcome};

const READY_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Where a node is, on loopback.
pub(super) struct Node {
    pub(super) port: u16,
    pub(super) admin_port: u16,
}

impl Node {
    /// Waits until it says that it takes clients: a balancer that asks earlier leaves it out for a while.
    pub(super) fn await_ready(&self) -> Outcome {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !self.is_ready().unwrap_or(false) {
            if Instant::now() > deadline {
                return Err(Failure::new(format!("the node on port {} is not ready", self.port)));
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    fn is_ready(&self) -> io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.admin_port))?;
        stream.set_read_timeout(Some(READY_TIMEOUT))?;
        stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split(' ').nth(1) == Some("200"))
    }
}
