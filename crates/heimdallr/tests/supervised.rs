//! The program under a supervisor such as systemd: what it tells, and the sockets that it takes over.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ANY_PORT: &str = "127.0.0.1:0";
/// Nothing here takes so long, but for what never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a supervisor hears how the server stands; it is gone at the end of its test.
struct Ear {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Ear {
    fn open(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heimdallr-{name}-{}.socket", std::process::id()));
        let socket = UnixDatagram::bind(&path).expect("there is room for a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("it is no zero");
        Self { socket, path }
    }

    /// Waits until the server has said this, and forgets what it said before.
    fn hears(&self, words: &str) {
        let mut message = [0; 1024];
        loop {
            let length = self.socket.recv(&mut message).unwrap_or_else(|error| panic!("{words}: {error}"));
            let said = String::from_utf8_lossy(&message[..length]);
            if said.lines().any(|line| line == words) {
                return;
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A started server; it is gone at the end of its test.
struct Server(Child);

impl Server {
    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill is there").success());
    }

    fn ends_well(mut self) {
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn status_of(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is no zero");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_supervisor_hears_that_it_is_ready_that_it_works_and_that_it_stops() {
    let ear = Ear::open("notify");
    let server = Command::new(env!("CARGO_BIN_EXE_heimdallr"))
        .args(["--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "1"])
        .env("NOTIFY_SOCKET", &ear.path)
        .env("WATCHDOG_USEC", "400000")
        .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Server)
        .expect("the program starts");
    ear.hears("READY=1");
    ear.hears("WATCHDOG=1");
    ear.hears("WATCHDOG=1");
    server.signal("-TERM");
    ear.hears("STOPPING=1");
    server.ends_well();
}

#[test]
fn a_socket_that_was_opened_for_it_is_taken_over_and_outlives_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let socket: OwnedFd = listener.try_clone().expect("there are files left").into();
    // The first file behind the three usual ones, and the number of the process that it is meant for (sd_listen_fds(3)).
    let take_over = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0 0</dev/null";
    let mut server = Command::new("sh")
        .args(["-c", take_over, env!("CARGO_BIN_EXE_heimdallr"), "--admin", ANY_PORT, "--threads", "2"])
        .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
        .stdin(socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Server)
        .expect("a shell is part of every system");
    let mut line = String::new();
    let mut output = BufReader::new(server.0.stdout.take().expect("its output is piped"));
    output.read_line(&mut line).expect("the output is text");
    assert_eq!(line, format!("listening on {address}\n"));
    for _ in 0..20 {
        assert_eq!(status_of(address, "/healthz"), "HTTP/1.1 200 OK");
    }
    server.signal("-TERM");
    server.ends_well();
    // Who comes now waits for the next server instead of being refused.
    TcpStream::connect(address).expect("the socket is still there");
}

/// A file of keys; it is gone at the end of its test.
struct Keys(PathBuf);

impl Keys {
    fn write(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heimdallr-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, text).expect("there is room");
        Self(path)
    }

    fn change(&self, text: &str) {
        std::fs::write(&self.0, text).expect("there is room");
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Comes to a room to stay, and says how that was answered.
fn come(address: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is no zero");
    write!(stream, "GET /events/lobby HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("there are files left"));
    reader.read_line(&mut line).expect("it answers");
    (stream, line.trim_end().to_owned())
}

#[test]
fn a_changed_file_is_followed_where_it_can_be_without_parting_with_anybody() {
    let ear = Ear::open("reload");
    let keys = Keys::write("reload", "room_members_max = 1\n");
    let mut server = Command::new(env!("CARGO_BIN_EXE_heimdallr"))
        .args(["--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "2", "--config"])
        .arg(&keys.0)
        .env("NOTIFY_SOCKET", &ear.path)
        .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map(Server)
        .expect("the program starts");
    let mut line = String::new();
    let mut output = BufReader::new(server.0.stdout.take().expect("its output is piped"));
    output.read_line(&mut line).expect("the output is text");
    let address: SocketAddr = line
        .trim_end()
        .strip_prefix("listening on ")
        .and_then(|address| address.parse().ok())
        .expect("it says where");
    ear.hears("READY=1");
    let (first, welcome) = come(address);
    assert_eq!(welcome, "HTTP/1.1 200 OK");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "));

    keys.change("room_members_max = 2\nroom_idle_seconds = 7\n");
    server.signal("-HUP");
    ear.hears("RELOADING=1");
    ear.hears("READY=1");
    // Each thread takes the settings at its next turn; who comes before that one is refused as before.
    let second =
        std::iter::repeat_with(|| come(address)).take(1000).find(|(_, line)| line.ends_with("200 OK"));
    let (second, _) = second.expect("there is room for a second one now");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "), "and for no third");

    keys.change("room_members_max = 3\nroom_member_max = 3\n");
    server.signal("-HUP");
    ear.hears("RELOADING=1");
    ear.hears("READY=1");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "), "what cannot be followed changes nothing");
    drop((first, second));
    server.signal("-TERM");
    let mut log = String::new();
    server.0.stderr.take().expect("its log is piped").read_to_string(&mut log).expect("the log is text");
    server.ends_well();
    assert!(log.contains("taken_over=[\"room_members_max\"]"), "{log}");
    assert!(log.contains("left_alone=[\"room_idle_seconds\"]"), "{log}");
    assert!(log.contains("room_member_max in "), "{log}");
}
