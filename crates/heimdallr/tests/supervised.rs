//! The program under a supervisor such as systemd: what it tells, and the sockets that it takes over.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use wire::websocket::{Opcode, write_masked_frame};

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
    /// The first line that it says.
    fn says(&mut self) -> String {
        let mut line = String::new();
        let mut output = BufReader::new(self.0.stdout.as_mut().expect("its output is piped"));
        output.read_line(&mut line).expect("the output is text");
        line.trim_end().to_owned()
    }

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
    assert_eq!(server.says(), format!("listening on {address}"));
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

/// A server that is ready, and the file of keys that it follows.
struct Follower {
    server: Server,
    address: SocketAddr,
    ear: Ear,
    keys: Keys,
}

impl Follower {
    fn start(name: &str, text: &str) -> Self {
        let (ear, keys) = (Ear::open(name), Keys::write(name, text));
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
        let line = server.says();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        ear.hears("READY=1");
        Self { server, address: address.expect("it says where"), ear, keys }
    }

    /// Has it read its file again; what can be followed of it is.
    fn reload(&self, text: &str) {
        self.keys.change(text);
        self.server.signal("-HUP");
        self.ear.hears("RELOADING=1");
        self.ear.hears("READY=1");
    }

    /// Has it end; what it has logged.
    fn ends_well(mut self) -> String {
        self.server.signal("-TERM");
        let mut log = String::new();
        let mut stderr = self.server.0.stderr.take().expect("its log is piped");
        stderr.read_to_string(&mut log).expect("the log is text");
        self.server.ends_well();
        log
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
    let server = Follower::start("reload", "room_members_max = 1\n");
    let address = server.address;
    let (first, welcome) = come(address);
    assert_eq!(welcome, "HTTP/1.1 200 OK");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "));

    server.reload("room_members_max = 2\nroom_idle_seconds = 7\n");
    // Each thread takes the settings at its next turn; who comes before that one is refused as before.
    let second =
        std::iter::repeat_with(|| come(address)).take(1000).find(|(_, line)| line.ends_with("200 OK"));
    let (second, _) = second.expect("there is room for a second one now");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "), "and for no third");

    server.reload("room_members_max = 3\nroom_member_max = 3\n");
    assert!(come(address).1.starts_with("HTTP/1.1 503 "), "what cannot be followed changes nothing");
    drop((first, second));
    let log = server.ends_well();
    assert!(log.contains("taken_over=[\"room_members_max\"]"), "{log}");
    assert!(log.contains("left_alone=[\"room_idle_seconds\"]"), "{log}");
    assert!(log.contains("room_member_max in "), "{log}");
}

/// A client of the rich protocol that has come to a room, and stays.
struct Guest {
    stream: TcpStream,
    said: u32,
}

impl Guest {
    fn come(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is no zero");
        let mut guest = Self { stream, said: 0 };
        let asked = "GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n";
        guest.stream.write_all(asked.as_bytes()).expect("it reads");
        guest.stream.write_all(&frame(r#"{"do":"join","room":"den","id":"in"}"#)).expect("it reads");
        guest.hear(&["\"is\":\"joined\""], 1);
        guest
    }

    /// Says so much in one breath; how much of it was accepted. The rest was refused because it came too soon.
    fn say(&mut self, times: usize) -> usize {
        let mut breath = Vec::new();
        for _ in 0..times {
            self.said += 1;
            breath.extend(frame(&format!(r#"{{"do":"post","room":"den","text":"","id":"{}"}}"#, self.said)));
        }
        self.stream.write_all(&breath).expect("it reads");
        self.hear(&["\"is\":\"accepted\"", "\"code\":\"too_fast\""], times)[0]
    }

    /// Reads until these words were said so often, all together; how often each was.
    fn hear(&mut self, words: &[&str], times: usize) -> Vec<usize> {
        let (mut heard, mut piece) = (String::new(), [0; 65_536]);
        loop {
            let counts: Vec<usize> = words.iter().map(|words| heard.matches(words).count()).collect();
            if counts.iter().sum::<usize>() >= times {
                return counts;
            }
            let length = self.stream.read(&mut piece).expect("it answers");
            assert!(length > 0, "it has closed: {heard}");
            heard += &String::from_utf8_lossy(&piece[..length]);
        }
    }
}

fn frame(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    write_masked_frame(&mut frame, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
    frame
}

#[test]
fn a_changed_rate_holds_for_who_is_there_already_and_what_cannot_be_followed_leaves_it() {
    // Who asks for too much is refused at once, and never parted with.
    let terms =
        |rate: &str| format!("burst_seconds = 1\nflood_seconds = 0\nflood_refusals = 100000\n{rate}\n");
    let server = Follower::start("rates", &terms("session_posts_per_second = 2"));
    let mut guest = Guest::come(server.address);
    assert!(guest.say(50) < 50, "two a second");

    // Each thread takes the settings at its next turn. 0: as often as anybody likes.
    server.reload(&terms("session_posts_per_second = 0"));
    assert!((0..1000).any(|_| guest.say(50) == 50), "the former rate holds still");

    // What is changed beside a key that cannot be read is not followed either.
    server.reload(&terms("session_posts_per_second = 2\nsession_joins_per_second = \"many\""));
    server.reload("this is no TOML");
    assert_eq!(guest.say(50), 50, "the rate before the broken files holds");

    server.reload(&terms("session_posts_per_second = 2\nmax_message_bytes = 1000"));
    assert!((0..1000).any(|_| guest.say(50) < 50), "the rate is the former one still");
    drop(guest);
    let log = server.ends_well();
    let said = |words: &str| log.matches(words).count();
    assert_eq!(said("taken_over=[\"session_posts_per_second\"]"), 2, "{log}");
    assert_eq!(said("left_alone=[\"max_message_bytes\"]"), 1, "{log}");
    assert_eq!(said("the configuration cannot be followed; the old one holds"), 2, "{log}");
    assert!(log.contains("session_joins_per_second"), "{log}");
}
