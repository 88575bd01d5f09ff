//! A Redis for as long as a measurement lasts: on a port of its own, with nothing on disk but while it is restarted, asked about itself in its
//! own words.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
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
    place: Place,
    log: PathBuf,
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
        // What another one has left behind is not for this one.
        let _ = std::fs::remove_file(saved(log));
        let address = free_address()?;
        let process = serve(address, place, log)?;
        let redis = Self { process, address, place, log: log.to_owned() };
        redis.await_answer()?;
        Ok(redis)
    }

    /// Where it is, as servers are told.
    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Stops it as an operator does, so that it knows what it knew, and starts it again and waits until it answers.
    pub(super) fn restart(&mut self) -> Outcome {
        self.restart_after("SHUTDOWN SAVE")
    }

    /// The same as when it is lost with all it knew.
    pub(super) fn restart_empty(&mut self) -> Outcome {
        let _ = std::fs::remove_file(saved(&self.log));
        self.restart_after("SHUTDOWN NOSAVE")
    }

    fn restart_after(&mut self, command: &str) -> Outcome {
        write!(TcpStream::connect(self.address)?, "{command}\r\n")?;
        self.process.wait()?;
        self.process = serve(self.address, self.place, &self.log)?;
        self.await_answer()
    }

    /// What it says of itself under a name (`INFO`), a number.
    pub(super) fn number(&self, name: &str) -> Result<u64, Failure> {
        let said = self.ask("INFO")?;
        number_of(&said, name).ok_or_else(|| Failure::new(format!("Redis says nothing of {name}")))
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
        let _ = std::fs::remove_file(saved(&self.log));
    }
}

fn serve(address: SocketAddr, place: Place, log: &Path) -> Result<Child, Failure> {
    let mut line = place.line(vec!["redis-server".to_owned()]);
    line.extend(["--bind".to_owned(), address.ip().to_string()]);
    line.extend(["--port".to_owned(), address.port().to_string()]);
    line.extend(["--save", "", "--appendonly", "no"].map(str::to_owned));
    let saved = saved(log);
    let (folder, name) = (saved.parent().unwrap_or(Path::new(".")), saved.file_name().unwrap_or_default());
    let program = Program::new(&line[0]).args(&line[1..]);
    program.args([OsStr::new("--dir"), folder.as_os_str(), OsStr::new("--dbfilename"), name]).start(log)
}

/// Where it saves what it knows.
fn saved(log: &Path) -> PathBuf {
    log.with_extension("rdb")
}

fn number_of(said: &str, name: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_name() {
        let said = "# Stats\r\npubsub_channels_max:9\r\npubsub_channels:7\r\nrole:master\r\n";
        assert_eq!(number_of(said, "pubsub_channels"), Some(7));
        assert_eq!((number_of(said, "role"), number_of(said, "channels")), (None, None));
    }
}
