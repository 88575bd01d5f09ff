//! A node as others see it: where it is, and whether it takes clients.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::ports::free_port;
use crate::program::Program;
use crate::step::{Failure, Outcome};

const READY_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Where a node is, on loopback.
pub(crate) struct Node {
    pub(crate) port: u16,
    pub(crate) admin_port: u16,
}

impl Node {
    pub(crate) fn on_free_ports() -> Result<Self, Failure> {
        Ok(Self { port: free_port()?, admin_port: free_port()? })
    }

    /// Where clients come to.
    pub(crate) fn listen(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where its health is asked for.
    pub(crate) fn admin(&self) -> String {
        format!("127.0.0.1:{}", self.admin_port)
    }

    /// The server's program, told to be this node behind a balancer of this machine.
    pub(crate) fn serve(&self, server: Program, redis: Option<&str>) -> Program {
        let program = server.args(["--listen", &self.listen(), "--admin", &self.admin()]);
        let program = redis.into_iter().fold(program, |program, url| program.args(["--redis", url]));
        program.env("HEIMDALLR_TRUSTED_PROXIES", "127.0.0.1")
    }

    /// Waits until it says that it takes clients: a balancer that asks earlier leaves it out for a while.
    pub(crate) fn await_ready(&self) -> Outcome {
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
