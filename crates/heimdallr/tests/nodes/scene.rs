//! A Redis and two nodes of one test, gone at its end.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long to look away between two looks at something that nobody tells of.
const PAUSE: Duration = Duration::from_millis(20);

/// What is started for one test.
pub(crate) struct Scene {
    nodes: Vec<Node>,
    redis: Program,
    redis_port: u16,
}

struct Node {
    address: SocketAddr,
    admin: SocketAddr,
    program: Program,
}

/// A program that ends with the test.
struct Program(Child);

impl Scene {
    /// Starts nodes with these variables, and waits until they know of each other.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let redis_port = free_port();
        let redis = start_redis(redis_port);
        let url = format!("redis://127.0.0.1:{redis_port}");
        let nodes = (0..2).map(|_| Node::start(&url, variables)).collect();
        let scene = Self { nodes, redis, redis_port };
        for node in 0..2 {
            until("the nodes know of each other", || scene.count(node, "heimdallr_nodes") == 2);
        }
        scene
    }

    /// Where clients of a node connect.
    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        [0, 1].map(|node| self.nodes[node].address)
    }

    /// A node is gone from one moment to the next.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].program.0.kill().expect("it is our child");
        self.nodes[node].program.0.wait().expect("it is our child");
    }

    /// Redis is gone from one moment to the next, and is there again without anything it knew.
    pub(crate) fn restart_redis(&mut self) {
        self.redis.0.kill().expect("it is our child");
        self.redis.0.wait().expect("it is our child");
        self.redis = start_redis(self.redis_port);
    }

    /// What a node says of itself, over all its shards.
    pub(crate) fn count(&self, node: usize, metric: &str) -> u64 {
        let text = ask(self.nodes[node].admin, "/metrics");
        let values = text.lines().filter_map(|line| line.strip_prefix(metric));
        let values = values.filter(|rest| rest.starts_with(['{', ' ']));
        values.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
    }
}

impl Node {
    fn start(redis: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_heimdallr"))
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--threads", "2", "--redis", redis])
            .env("HEIMDALLR_LOG_LEVEL", "error")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let program = Program(child);
        let mut next = |words| announced(&mut output, words);
        let address = next("listening on ");
        next("the page is at http://");
        Self { address, admin: next("health and metrics are at http://"), program }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_redis(port: u16) -> Program {
    let redis = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server starts: it is in the package redis-server");
    until("Redis accepts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    Program(redis)
}

/// Looks until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::park_timeout(PAUSE);
    }
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    answer
}

/// The address at the end of the next line, which begins with these words.
fn announced(output: &mut impl BufRead, words: &str) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).expect("the output is text");
    let rest = line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?}, not {line:?}"));
    rest.trim_matches('/').parse().expect("an address")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}
