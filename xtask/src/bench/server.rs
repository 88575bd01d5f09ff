//! A server for as long as a measurement lasts: started fresh, on its own cores, gone with the value.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lab::Entrant;
use crate::program::Program;
use crate::step::Failure;

const START_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it and waits until it accepts. What it says goes to `log`.
    pub(super) fn start(entrant: &Entrant, redis: Option<String>, log: &Path) -> Result<Self, Failure> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut line = entrant.contender.command_line(address, admin, &entrant.options);
        if let Some(program) = &entrant.program {
            line[0] = program.to_string_lossy().into_owned();
        }
        let mut line = entrant.place.line(line);
        line.extend(redis.into_iter().flat_map(|url| ["--redis".to_owned(), url]));
        let program = Program::new(&line[0]).args(&line[1..]);
        let program = entrant.settings.iter().fold(program, |program, (key, value)| program.env(key, value));
        let mut server = Self { process: program.start(log)?, address };
        server.await_accepting()?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's own process: taskset becomes what it starts.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The processor time that the threads it has now have used.
    pub(super) fn cpu_seconds(&self) -> Result<f64, Failure> {
        cpu_seconds_of(self.pid())
    }

    /// Asks it to end, and waits until it has: how long that took, and the code that it ended with.
    pub(super) fn leave(&mut self, patience: Duration) -> Result<(Duration, Option<i32>), Failure> {
        let began = Instant::now();
        // It was not waited for yet, so the id is its own.
        kill(Pid::from_raw(self.pid() as i32), Signal::SIGTERM).map_err(std::io::Error::from)?;
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok((began.elapsed(), status.code()));
            }
            if began.elapsed() > patience {
                return Err(Failure::new("the server did not end when it was asked to"));
            }
            thread::sleep(Duration::from_millis(20));
        }
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

/// The processor time that the threads a process has now have used.
pub(super) fn cpu_seconds_of(pid: u32) -> Result<f64, Failure> {
    let tasks = format!("/proc/{pid}/task");
    let unreadable = |error| Failure::new(format!("{tasks}: {error}"));
    let mut nanoseconds = 0_u64;
    for task in std::fs::read_dir(&tasks).map_err(unreadable)? {
        let times = task.and_then(|task| std::fs::read_to_string(task.path().join("schedstat")));
        let used = times.map_err(unreadable)?;
        nanoseconds += used.split(' ').next().and_then(|used| used.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// A port that nobody has at this moment.
pub(super) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
