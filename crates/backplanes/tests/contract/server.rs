//! A Redis of the test's own, on a port of its own, that ends with it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Below those that the system gives to connections, so that none is taken between being found and being listened on, nor while a server
/// is away.
const PORTS: Range<u16> = 28_000..32_000;
/// Where ports are claimed: nothing that is tested listens on this address of the loopback.
const CLAIMS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What shows whether it is a master or a replica, and how far it is.
const REPLICATION: &str = "INFO replication";
/// Between two looks at what nobody is told of.
const LOOK: Duration = Duration::from_millis(10);

/// A Redis, or a Sentinel.
pub(crate) struct Server {
    program: &'static str,
    process: Child,
    port: u16,
    /// Where other servers of its cluster reach it.
    bus: Option<u16>,
    /// Where its configuration is, and what it keeps.
    folder: PathBuf,
}

impl Server {
    /// A Redis that keeps nothing.
    pub(crate) fn start() -> Self {
        Self::with("redis-server", "save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n")
    }

    /// A Redis that keeps nothing, and is set up further.
    pub(crate) fn start_with(more: &str) -> Self {
        Self::with("redis-server", &format!("save \"\"\nappendonly no\n{more}"))
    }

    /// A Redis that keeps everything it has said yes to.
    pub(crate) fn start_keeping() -> Self {
        let keep = "save \"\"\nappendonly yes\nappendfsync always\nrepl-diskless-sync-delay 0\n";
        Self::with("redis-server", keep)
    }

    /// A Redis that belongs to a cluster, and keeps nothing.
    pub(crate) fn start_in_cluster() -> Self {
        let bus = free_port();
        let mut server = Self::with(
            "redis-server",
            &format!(
                "save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\ncluster-enabled yes\ncluster-config-file nodes.conf\n\
                 cluster-port {bus}\ncluster-node-timeout 2000\ncluster-replica-validity-factor 0\n\
                 cluster-require-full-coverage no\n"
            ),
        );
        server.bus = Some(bus);
        server
    }

    /// What another server of a cluster is told so that it meets this one.
    pub(crate) fn meeting(&self) -> String {
        let bus = self.bus.expect("it belongs to a cluster");
        format!("CLUSTER MEET 127.0.0.1 {} {bus}", self.port)
    }

    /// A Sentinel that watches a master by the name of `ours`.
    pub(crate) fn sentinel_of(master: &Self) -> Self {
        let watch = format!("sentinel monitor ours 127.0.0.1 {} 1\n", master.port);
        Self::with("redis-sentinel", &watch)
    }

    fn with(program: &'static str, configuration: &str) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("heimdallr-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for what it keeps");
        let place = format!("port {port}\nbind 127.0.0.1\ndir {0}\nlogfile {0}/log\n", folder.display());
        std::fs::write(folder.join("redis.conf"), place + configuration).expect("its configuration");
        let mut server = Self { program, process: spawn(program, &folder), port, bus: None, folder };
        server.wait();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, whatever it is doing.
    pub(crate) fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it at once and starts it again at the same place.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.process = spawn(self.program, &self.folder);
        self.wait();
    }

    /// Gives it a command, and returns what it says: the first line of that and, where that is the length of a text, the text.
    pub(crate) fn tell(&self, command: &str) -> String {
        self.try_tell(command).expect("it answers in full")
    }

    fn try_tell(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "{command}\r\n")?;
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line)?;
        let Some(length) = line.trim_end().strip_prefix('$').and_then(|length| length.parse().ok()) else {
            return Ok(line.trim_end().to_owned());
        };
        let mut text = vec![0; length];
        answer.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Gives it a command, and returns the texts that it lists.
    pub(crate) fn list(&self, command: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "{command}\r\n").expect("it reads");
        let mut lines = BufReader::new(stream).lines().map(|line| line.expect("it answers"));
        let count = lines.next().and_then(|line| line.strip_prefix('*')?.parse().ok()).expect("a list");
        lines.skip(1).step_by(2).take(count).collect()
    }

    /// Makes it a replica of another, with all that one has.
    pub(crate) fn follow(&self, master: &Self) {
        assert_eq!(self.tell(&format!("REPLICAOF 127.0.0.1 {}", master.port)), "+OK");
        self.has_all_of(master);
        master.is_followed();
    }

    /// Waits until a replica says that it has what is said now. One that has just got everything may be told of more only a second later.
    fn is_followed(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "PUBLISH nobody hello\r\nWAIT 1 {}\r\n", PATIENCE.as_millis()).expect("it reads");
        let replicas = BufReader::new(stream).lines().nth(1).expect("it answers").expect("in words");
        assert!(replicas != ":0", "nobody follows it");
    }

    /// Lets its replicas fall behind.
    pub(crate) fn lets_nobody_follow(&self) {
        assert_eq!(self.tell("ACL SETUSER default -psync -sync"), "+OK");
        self.tell("CLIENT KILL TYPE replica");
    }

    /// Waits until it has all that its master has.
    pub(crate) fn has_all_of(&self, master: &Self) {
        await_that(|| {
            let (own, theirs) = (self.replication(), master.replication());
            field(&own, "master_link_status") == Some("up")
                && field(&own, "slave_repl_offset") == field(&theirs, "master_repl_offset")
        });
    }

    /// Whether it says that it is a master. A Sentinel that makes it one ends all its connections with that, so it may not answer.
    pub(crate) fn is_master(&self) -> bool {
        self.try_tell(REPLICATION).is_ok_and(|said| field(&said, "role") == Some("master"))
    }

    pub(crate) fn keys(&self) -> u64 {
        self.tell("DBSIZE").trim_start_matches(':').parse().expect("a number")
    }

    /// Waits until a Sentinel knows of a replica that can take over.
    pub(crate) fn knows_a_replica(&self) {
        await_that(|| self.tell("INFO sentinel").contains("slaves=1"));
    }

    fn replication(&self) -> String {
        self.tell(REPLICATION)
    }

    fn wait(&mut self) {
        let give_up = Instant::now() + PATIENCE;
        while !self.is_there() {
            if let Ok(Some(status)) = self.process.try_wait() {
                let said = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("{} ended ({status}): {said}", self.program);
            }
            assert!(Instant::now() < give_up, "{} does not answer", self.program);
            std::thread::yield_now();
        }
    }

    /// Whether it answers, and has read what it kept.
    fn is_there(&self) -> bool {
        self.try_tell("PING").is_ok_and(|said| said == "+PONG")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(program: &str, folder: &std::path::Path) -> Child {
    let mut command = Command::new(program);
    command.arg(folder.join("redis.conf")).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("{program} cannot be started ({error}): install the package {program}")
    })
}

pub(crate) fn await_that(is_so: impl Fn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < give_up, "it does not come about");
        std::thread::park_timeout(LOOK);
    }
}

fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

/// A port of loopback that nobody listens on, and that no other test is given as long as this process lives.
pub(crate) fn free_port() -> u16 {
    for _ in 0..1000 {
        let port = PORTS.start + (RandomState::new().hash_one(()) % PORTS.len() as u64) as u16;
        if let Ok(claim) = TcpListener::bind((CLAIMS, port))
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            // It ends with the process.
            std::mem::forget(claim);
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}
