//! The program, started for one test and gone at its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::counts::Counts;

/// Longer than anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long to look away between two looks at something that nobody tells of.
const PAUSE: Duration = Duration::from_millis(20);

const ANY_PORT: &str = "127.0.0.1:0";

/// What a process is asked with, in the order of [`Command`]: a program and its arguments.
pub(crate) const PLAIN: &[&str] = &[env!("CARGO_BIN_EXE_heimdallr")];

/// A server of two shards.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Server {
    /// Starts the program through `launcher`, with these keys in its environment.
    pub(crate) fn start(launcher: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(launcher[0])
            .args(&launcher[1..])
            .args(["--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "2"])
            .env("HEIMDALLR_LOG_LEVEL", "error")
            .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
            // Few clients say much.
            .env("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0")
            .envs(settings.iter().map(|(key, value)| (format!("HEIMDALLR_{}", key.to_uppercase()), value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let address = announced(&mut output, "listening on ");
        announced(&mut output, "the page is at http://");
        let admin = announced(&mut output, "health and metrics are at http://");
        Self { process, address, admin }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The status and the text that the admin address answers with; `None` when it does not answer.
    pub(crate) fn ask(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, text.to_owned()))
    }

    pub(crate) fn counts(&self) -> Option<Counts> {
        self.ask("/metrics").map(|(_, text)| Counts::read(&text))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the server is there");
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end; the code that the process ended with.
    pub(crate) fn end(&mut self) -> Option<i32> {
        until("the server has ended", || self.process.try_wait().expect("it is our child")).code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks until there is something to be seen.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut seen = None;
    let is_seen = holds_soon(|| {
        seen = look();
        seen.is_some()
    });
    assert!(is_seen, "waited in vain until {what}");
    seen.expect("it was seen")
}

/// Whether something becomes true before patience is at its end.
pub(crate) fn holds_soon(mut is_true: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::park_timeout(PAUSE);
    }
    true
}

/// The address at the end of the next line, which begins with these words.
fn announced(output: &mut BufReader<ChildStdout>, words: &str) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).expect("the output is text");
    let rest =
        line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?} expected, not {line:?}"));
    rest.trim_matches('/').parse().expect("an address")
}
