//! The program as those who start it know it: what it prints, how it is asked, how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const ANY_PORT: &str = "127.0.0.1:0";

/// A started server; it is gone at the end of its test.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = heimdallr(arguments);
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        Self { process, output }
    }

    /// The address at the end of the next line, which begins with these words.
    fn announced(&mut self, words: &str) -> SocketAddr {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the output is text");
        let rest =
            line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?} expected, not {line:?}"));
        rest.trim_matches('/').parse().expect("an address")
    }

    /// Asks it to stop, and says how it ended.
    fn terminate(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        let status =
            Command::new("kill").args(["-TERM", &id]).status().expect("kill is part of every system");
        assert!(status.success());
        self.process.wait().expect("the server ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn heimdallr(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heimdallr"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    heimdallr(arguments).output().expect("the program starts")
}

fn status_of(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn it_says_where_it_listens_once_it_does_and_ends_well_when_asked() {
    let mut server =
        Server::start(&["--listen", ANY_PORT, "--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "2"]);
    let first = server.announced("listening on ");
    let second = server.announced("listening on ");
    assert_ne!(first, second);
    assert_eq!(server.announced("the page is at http://"), first);
    let admin = server.announced("health and metrics are at http://");
    assert_eq!(status_of(admin, "/health/ready"), "HTTP/1.1 200 OK");
    for address in [first, second] {
        assert!(status_of(address, "/no/such/path").starts_with("HTTP/1.1 4"));
    }
    assert_eq!(server.terminate(), Some(0));
    assert!(TcpStream::connect(first).is_err());
}

#[test]
fn a_configuration_that_cannot_be_followed_starts_nothing() {
    let output = run(&["--threads", "many"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.starts_with("heimdallr: --threads = \"many\": expected auto"), "{complaint}");
}

#[test]
fn the_environment_is_read_and_held_to_the_same_rules() {
    let output = heimdallr(&[]).env("HEIMDALLR_THREAD", "1").output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("HEIMDALLR_THREAD: expected a known key"));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let address = taken.local_addr().expect("a bound listener has an address").to_string();
    for arguments in
        [["--listen", &address, "--admin", ANY_PORT], ["--listen", ANY_PORT, "--admin", &address]]
    {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(&format!("cannot listen on {address}")), "{complaint}");
    }
}

#[test]
fn help_and_version_are_printed_and_nothing_starts() {
    for (flag, words) in [("--help", "--ping-interval SECONDS"), ("--version", "heimdallr 0.")] {
        let output = run(&[flag]);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains(words), "{flag}");
    }
}

#[test]
fn a_configuration_is_checked_without_a_start() {
    let output = run(&["check", "--threads", "2", "--redis", "redis://name:hush@localhost:1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(said.starts_with("The configuration can be followed.\n"), "{said}");
    assert!(said.contains("  redis, set by --redis\n  threads, set by --threads\n"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    for (wrong, words) in [
        (["--threads", "many"], "heimdallr check: --threads = \"many\": expected"),
        (
            ["--redis", "gopher://localhost"],
            "heimdallr check: redis: gopher://localhost is not the URL of a Redis",
        ),
    ] {
        let output = run(&[&["check"], &wrong[..]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(words), "{output:?}");
    }
}

#[test]
fn the_doctor_finds_a_redis_that_is_away() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let address = nobody.local_addr().expect("a bound listener has an address");
    drop(nobody);
    let output = run(&["doctor", "--redis", &format!("redis://{address}")]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("BAD   redis://{address}: ")), "{said}");
    assert!(said.contains("open files: "), "{said}");
    assert_eq!(run(&["doctor", "--balancer"]).status.code(), Some(2));
}

#[test]
fn files_that_a_start_would_read_are_read_by_a_check() {
    let program = env!("CARGO_BIN_EXE_heimdallr");
    for (files, words) in [
        (&[("JWT_KEYS", "/no/such/file")][..], "jwt_keys = /no/such/file: expected a file with keys"),
        (&[("JWT_KEYS", "/dev/null")], "a secret of less than 32 bytes"),
        (&[("TLS_CERTIFICATE", program), ("TLS_KEY", program)], program),
        (&[("ROOM_RULES", "news")], "HEIMDALLR_ROOM_RULES = \"news\": expected"),
    ] {
        let variables = files.iter().map(|(key, value)| (format!("HEIMDALLR_{key}"), value));
        let output = heimdallr(&["check"]).envs(variables).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
