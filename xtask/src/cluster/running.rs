//! What runs for as long as the cluster does: processes, each known by its id, and the folder they have to themselves.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::Program;
use crate::step::{Failure, Outcome};

/// How long something may take to accept connections.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long something that was asked to end may take. A node takes leave of its clients meanwhile.
const END_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A folder that goes with the value.
pub(crate) struct Folder {
    path: PathBuf,
    is_kept: bool,
}

impl Folder {
    pub(crate) fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("heimdallr-cluster-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self { path, is_kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it where it is, for somebody to look into.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept {
            // Nobody is left who could be told.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A process that listens on a port of loopback.
pub(crate) struct Running {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Running {
    /// Starts it where interrupts of the terminal do not reach it.
    pub(crate) fn start(program: Program, port: u16, log: &Path) -> Result<Self, Failure> {
        Ok(Self { process: program.apart().start_quietly(log)?, port, log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn await_accepting(&mut self) -> Outcome {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                let said = std::fs::read(&self.log)?;
                let said = String::from_utf8_lossy(&said);
                return Err(Failure::new(format!(
                    "it ended with {status} instead of listening:\n{}",
                    said.trim()
                )));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("nobody accepts on port {}", self.port)));
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    /// Ends it from one moment to the next.
    pub(crate) fn kill(&mut self) -> Outcome {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(crate) fn ask_to_end(&mut self) {
        // One that has ended already was not waited for, so the id is still its own.
        let _ = kill(Pid::from_raw(self.pid() as i32), Signal::SIGTERM);
    }

    /// Waits for it to end, and makes it when it takes too long.
    pub(crate) fn end(&mut self) {
        let deadline = Instant::now() + END_TIMEOUT;
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                eprintln!("process {} did not end when it was asked to", self.pid());
                let _ = self.process.kill();
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.ask_to_end();
            self.end();
        }
    }
}
