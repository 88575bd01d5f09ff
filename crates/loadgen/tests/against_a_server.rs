//! The whole generator against a server that does right, and against servers that do not.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use loadgen::report::Report;

/// What a server does to every tenth frame.
#[derive(Clone, Copy)]
enum Misdeed {
    None,
    /// Keeps it from the first member.
    Loses,
    /// Sends it twice to everybody.
    Repeats,
    /// Sends it after the next one.
    Delays,
    /// Hangs up on the first member.
    HangsUp,
}

#[derive(Default)]
struct Room {
    members: Vec<TcpStream>,
    frames: u32,
    delayed: Vec<u8>,
}

impl Room {
    fn post(&mut self, frame: &[u8], misdeed: Misdeed) {
        self.frames += 1;
        let is_tenth = self.frames.is_multiple_of(10);
        let frames = match misdeed {
            Misdeed::Repeats if is_tenth => frame.repeat(2),
            Misdeed::Delays if is_tenth => return self.delayed.extend_from_slice(frame),
            _ => [frame, &std::mem::take(&mut self.delayed)].concat(),
        };
        for (place, member) in self.members.iter_mut().enumerate() {
            match misdeed {
                Misdeed::Loses if is_tenth && place == 0 => {}
                // A member that has gone is for the generator to notice.
                Misdeed::HangsUp if is_tenth && place == 0 => drop(member.shutdown(std::net::Shutdown::Both)),
                _ => drop(member.write_all(&frames)),
            }
        }
    }
}

/// Serves until the test process ends.
fn serve(misdeed: Misdeed) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound");
    let rooms: Arc<Mutex<HashMap<String, Room>>> = Arc::default();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let rooms = Arc::clone(&rooms);
            std::thread::spawn(move || attend(stream, &rooms, misdeed));
        }
    });
    address
}

fn attend(mut stream: TcpStream, rooms: &Mutex<HashMap<String, Room>>, misdeed: Misdeed) -> Option<()> {
    let head = read_head(&mut stream)?;
    let path = head.split(' ').nth(1)?.to_owned();
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer.as_bytes()).ok()?;
    let member = stream.try_clone().ok()?;
    rooms.lock().ok()?.entry(path.clone()).or_default().members.push(member);
    loop {
        let payload = read_payload(&mut stream)?;
        let frame = [&[0x81, payload.len() as u8], payload.as_slice()].concat();
        rooms.lock().ok()?.get_mut(&path)?.post(&frame, misdeed);
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// The generator's frames are masked and, at 100 bytes, short.
fn read_payload(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 6];
    stream.read_exact(&mut header).ok()?;
    let [_, length, key @ ..] = header;
    let mut payload = vec![0; usize::from(length & 0x7f)];
    stream.read_exact(&mut payload).ok()?;
    Some(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect())
}

fn loadgen(options: &[&str], address: SocketAddr) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heimdallr-loadgen"));
    command.args(options).args(["--target", &address.to_string()]).output().expect("the program is there")
}

/// Twenty members in two rooms, four of them posting, a hundred posts in all; two processes.
fn load(misdeed: Misdeed, name: &str) -> (Report, Option<i32>) {
    let json = format!("{}/{name}.json", env!("CARGO_TARGET_TMPDIR"));
    let options = "load --rooms 2 --room-size 10 --publishers 4 --rate 200 --processes 2 \
                   --warm-up 0.1 --duration 0.4 --drain 0.3 --json";
    let options: Vec<_> = options.split_whitespace().chain([json.as_str()]).collect();
    let output = loadgen(&options, serve(misdeed));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = std::fs::read_to_string(&json).expect(&told);
    (serde_json::from_str(&report).expect("it is a report"), output.status.code())
}

#[test]
fn a_server_that_does_right_has_a_clean_ledger() {
    let (report, code) = load(Misdeed::None, "right");
    let load = report.load.expect("there were posts");
    assert!(load.is_clean(), "{load:?}");
    assert_eq!(
        (load.findings.expected, load.findings.delivered, load.posts, code),
        (1000, 1000, 80, Some(0))
    );
    assert_eq!(load.latency.count, 800);
}

#[test]
fn a_server_that_loses_is_found_out() {
    let (report, code) = load(Misdeed::Loses, "loses");
    let load = report.load.expect("there were posts");
    assert_eq!((load.findings.lost, load.findings.duplicated, code), (10, 0, Some(3)));
    assert_eq!(load.rooms_that_disagree, 2);
}

#[test]
fn a_server_that_repeats_is_found_out() {
    let (report, code) = load(Misdeed::Repeats, "repeats");
    let load = report.load.expect("there were posts");
    assert_eq!((load.findings.lost, load.findings.duplicated, code), (0, 100, Some(3)));
}

#[test]
fn a_server_that_delays_loses_what_it_still_holds_and_keeps_one_order_for_all() {
    let (report, _) = load(Misdeed::Delays, "delays");
    let load = report.load.expect("there were posts");
    assert_eq!((load.findings.lost, load.findings.duplicated, load.rooms_that_disagree), (20, 0, 0));
}

#[test]
fn a_server_that_hangs_up_is_found_out() {
    let (report, code) = load(Misdeed::HangsUp, "hangs-up");
    let load = report.load.expect("there were posts");
    assert_eq!((load.broken, load.first_break.as_deref(), code), (2, Some("the server hung up"), Some(3)));
}

#[test]
fn members_that_stay_idle_or_only_come_and_go_are_let_in_and_out() {
    let address = serve(Misdeed::None);
    for options in ["idle --rooms 5 --hold 0.3 --give-back 0.1", "handshakes --rooms 5 --sources 3"] {
        let options: Vec<_> = options.split_whitespace().collect();
        let output = loadgen(&options, address);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.starts_with("opened     50 in"), "{output:?}");
    }
}

#[test]
fn nobody_listening_and_options_that_do_not_fit_are_errors_in_words() {
    let nobody =
        TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("loopback has a port");
    let output = loadgen(&["handshakes"], nobody);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("could not join: Connection refused"), "{told}");
    let output = loadgen(&["load", "--rate", "0"], nobody);
    assert_eq!(output.status.code(), Some(2));
}
