//! What tests start: the server as it is run, and a Redis. Each is gone at the end of its test.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod folder;
pub(crate) mod receiver;
#[path = "../../../backplanes/tests/contract/server.rs"]
mod server;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long to look away between two looks at something that nobody tells of.
const PAUSE: Duration = Duration::from_millis(20);

/// The server's program.
pub(crate) const HEIMDALLR: &str = env!("CARGO_BIN_EXE_heimdallr");

/// What every server goes by unless its test says otherwise.
const SETTINGS: &[(&str, &str)] = &[
    ("listen", "127.0.0.1:0"),
    ("admin", "127.0.0.1:0"),
    ("threads", "2"),
    ("log_level", "error"),
    ("drain_wait_seconds", "0"),
    // Few authors say much.
    ("session_posts_per_second", "0"),
];

/// A process that ends with its test.
struct Process(Child);

/// A server that has started.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A Redis that keeps nothing.
pub(crate) struct Redis {
    process: Process,
    port: u16,
    pub(crate) url: String,
}

/// What runs the program.
pub(crate) fn heimdallr() -> Command {
    Command::new(HEIMDALLR)
}

/// What runs the program after these words of a shell, which set its limits.
pub(crate) fn limited(limits: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), HEIMDALLR]);
    command
}

/// Runs a server that does not start, with these keys; says how it ended.
pub(crate) fn refused(mut command: Command, settings: &[(&str, &str)]) -> Output {
    set(&mut command, settings).output().expect("the program starts")
}

fn set<'a>(command: &'a mut Command, settings: &[(&str, &str)]) -> &'a mut Command {
    let variables = SETTINGS.iter().chain(settings);
    let variables = variables.map(|(key, value)| (format!("HEIMDALLR_{}", key.to_uppercase()), value));
    command.envs(variables).stdin(Stdio::null())
}

impl Server {
    /// Has a command run the program with these keys, and waits until it has started.
    pub(crate) fn start(mut command: Command, settings: &[(&str, &str)]) -> Self {
        let command = set(&mut command, settings).stdout(Stdio::piped());
        let mut process = Process(command.spawn().expect("the program starts"));
        let mut output = BufReader::new(process.0.stdout.take().expect("its output is piped"));
        let address = announced(&mut output, "listening on ");
        announced(&mut output, "the page is at ");
        let admin = announced(&mut output, "health and metrics are at ");
        Self { process, address, admin }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).expect("the server is there");
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end; the code that the process ended with.
    pub(crate) fn end(&mut self) -> Option<i32> {
        find("the server has ended", || self.process.0.try_wait().expect("it is our child")).code()
    }

    /// Asks it to end, and waits until it has; the code that the process ended with.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.end()
    }

    /// The same; what it has logged, where its command says that this is piped.
    pub(crate) fn log(mut self) -> String {
        self.terminate();
        let mut log = String::new();
        let mut piped = self.process.0.stderr.take().expect("its log is piped");
        piped.read_to_string(&mut log).expect("the log is text");
        assert_eq!(self.end(), Some(0));
        log
    }

    /// It is gone from one moment to the next.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
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

    /// Whether the admin address answers with this status.
    pub(crate) fn says(&self, path: &str, status: u16) -> bool {
        self.ask(path).expect("it answers").0 == status
    }

    /// A metric by its name, summed over what it is told apart by. Behind a blank may stand a word that its labels hold.
    pub(crate) fn count(&self, metric: &str) -> u64 {
        let (name, label) = metric.split_once(' ').unwrap_or((metric, ""));
        let (_, text) = self.ask("/metrics").expect("it answers");
        assert!(text.contains(name), "no {name}");
        let values = text.lines().filter_map(|line| line.strip_prefix(name));
        let values = values.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label));
        let values = values.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }
}

impl Redis {
    pub(crate) fn start() -> Self {
        let port = server::free_port();
        Self { process: start_redis(port), port, url: format!("redis://127.0.0.1:{port}") }
    }

    /// It is gone from one moment to the next, and is there again without anything it knew.
    pub(crate) fn restart(&mut self) {
        self.process.kill();
        self.process = start_redis(self.port);
    }
}

fn start_redis(port: u16) -> Process {
    let process = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
        .map(Process)
        .expect("redis-server starts: it is in the package redis-server");
    until("Redis accepts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    process
}

impl Process {
    /// It may have ended by itself.
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks until something is so.
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(holds_soon(is_so), "waited in vain until {what}");
}

/// Looks until there is something to be seen.
pub(crate) fn find<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut seen = None;
    until(what, || {
        seen = look();
        seen.is_some()
    });
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
    let rest = line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?}, not {line:?}"));
    let place = rest.split_once("://").map_or(rest, |(_, place)| place);
    place.trim_end_matches('/').parse().expect("an address")
}
