//! A server with a folder of its own, gone at the end of its test.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longer than anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long to look away between two looks at something that nobody tells of.
const PAUSE: Duration = Duration::from_millis(20);

/// A folder for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("heimdallr-durable-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the folder for tests can be written");
        Self(path)
    }

    /// Something in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// As a word of a command line.
    pub(crate) fn word(&self, name: &str) -> String {
        self.path(name).to_str().expect("the path is text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in a folder for what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A started server.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
}

impl Server {
    /// Starts one that keeps everything in a folder.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(program(), data, &[])
    }

    /// Starts one by a command that ends in words for it, with these variables.
    pub(crate) fn start_with(command: Command, data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut process = with(command, data, variables).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let address = announced(&mut output, "listening on ");
        announced(&mut output, "the page is at http://");
        let admin = announced(&mut output, "health and metrics are at http://");
        Self { process, address, admin }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// It is gone from one moment to the next.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is our child");
        self.process.wait().expect("it is our child");
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill is part of every system").success());
        self.process.wait().expect("the server ends")
    }

    /// What it says of itself on the admin address: the status, and all of it.
    pub(crate) fn ask(&self, path: &str) -> (u16, String) {
        get(self.admin, path)
    }

    /// What a metric of the node says.
    pub(crate) fn count(&self, metric: &str) -> u64 {
        let (_, text) = self.ask("/metrics");
        let value = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {metric}")).parse::<f64>().expect("a number") as u64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program under test.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_heimdallr"))
}

/// The program with a shell's limits on it; `limits` ends before the words of the program.
pub(crate) fn limited(limits: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_heimdallr")]);
    command
}

/// Starts a server that will not start, and says how it ended.
pub(crate) fn refusal_to_start(data: &Path) -> Output {
    with(program(), data, &[]).output().expect("the program starts")
}

fn with(mut command: Command, data: &Path, variables: &[(&str, &str)]) -> Command {
    command
        .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--threads", "2", "--data"])
        .arg(data)
        .env("HEIMDALLR_LOG_LEVEL", "error")
        .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
        .env("HEIMDALLR_DRAIN_SECONDS", "1")
        // Few authors say much.
        .env("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Looks until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::park_timeout(PAUSE);
    }
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    (status, answer)
}

/// The address at the end of the next line, which begins with these words.
fn announced(output: &mut BufReader<ChildStdout>, words: &str) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).expect("the output is text");
    let rest = line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?}, not {line:?}"));
    rest.trim_matches('/').parse().expect("an address")
}
