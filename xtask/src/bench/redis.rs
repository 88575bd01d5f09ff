//! A Redis for as long as a measurement lasts: with nothing on disk, on a port of its own, asked about itself in its own words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::lab::Place;
use super::server::free_address;
use crate::program::Program;
use crate::step::{Failure, Outcome};

const START_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Redis {
    process: Child,
    address: SocketAddr,
}

/// Makes sure that it is there.
pub(super) fn install() -> Outcome {
    if Program::new("redis-server").args(["--version"]).succeeds() {
        return Ok(());
    }
    Program::new("apt-get").args(["update", "--quiet"]).run()?;
    Program::new("apt-get").args(["install", "--yes", "--quiet", "redis-server"]).run()
}

impl Redis {
    /// Starts it and waits until it answers.
    pub(super) fn start(place: Place, log: &Path) -> Result<Self, Failure> {
        let address = free_address()?;
        let redis = Self { process: serve(address, place, log)?, address };
        redis.await_answer()?;
        Ok(redis)
    }

    /// Where it is, as servers are told.
    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    fn await_answer(&self) -> Outcome {
        let deadline = Instant::now() + START_TIMEOUT;
        while let Err(failure) = self.ask("INFO") {
            if Instant::now() > deadline {
                return Err(failure);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// An inline command that is answered with a bulk string, as the Redis serialization protocol has them.
    fn ask(&self, command: &str) -> Result<String, Failure> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(START_TIMEOUT))?;
        write!(stream, "{command}\r\n")?;
        let (mut answer, mut line) = (BufReader::new(stream), String::new());
        answer.read_line(&mut line)?;
        let length = line.trim().strip_prefix('$').and_then(|length| length.parse().ok());
        let length: usize = length.ok_or_else(|| Failure::new(format!("Redis answered {}", line.trim())))?;
        let mut said = vec![0; length];
        answer.read_exact(&mut said)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(address: SocketAddr, place: Place, log: &Path) -> Result<Child, Failure> {
    let mut line = place.line(vec!["redis-server".to_owned()]);
    line.extend(["--bind".to_owned(), address.ip().to_string()]);
    line.extend(["--port".to_owned(), address.port().to_string()]);
    line.extend(["--save", "", "--appendonly", "no"].map(str::to_owned));
    Program::new(&line[0]).args(&line[1..]).start(log)
}
