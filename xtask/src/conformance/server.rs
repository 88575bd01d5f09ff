//! Our server, for as long as the suite needs it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::Program;
use crate::step::Failure;

/// The largest message of the suite, in its family 9.
const MESSAGE_BYTES_MAX: &str = "16777216";

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that ends with this value.
pub(super) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the program and waits until it accepts.
    pub(super) fn start(program: &Path, options: &[&str], log: &Path) -> Result<Self, Failure> {
        let (address, admin) = (free_address()?, free_address()?);
        let command = Program::new(program)
            .args(["--threads", "1", "--max-message-bytes", MESSAGE_BYTES_MAX])
            .args(["--listen", &address.to_string(), "--admin", &admin.to_string()])
            // The suite says a thousand messages at once, and waits for all of them.
            .env("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0")
            .args(options);
        let mut server = Self { process: command.start(log)?, address };
        server.await_accepting()?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    fn await_accepting(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(Failure::new(format!("the server ended with {status} instead of listening")));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("the server does not accept on {}", self.address)));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody has at this moment.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
