//! A server that is asked to stop, and one that cannot start.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Instant;

use crate::peer::{BINARY, CLOSE, Peer, TEXT, close_of, frame};
use crate::programs::{Server, find, heimdallr, until};

const MEMBERS: usize = 30;

/// Reads whatever comes until the close, as a member of a busy room.
fn farewell(mut peer: Peer) -> (u16, String) {
    let close = std::iter::from_fn(|| Some(peer.frame())).find(|frame| frame.first == CLOSE);
    close_of(&close.expect("frames end with a close"))
}

/// The delay that a client of the rich protocol is told.
fn delay_ms(peer: &mut Peer) -> u64 {
    let text = peer.text();
    assert!(text.contains(r#""code":4012,"reason":"server_restart","reconnect":true"#), "{text}");
    let (_, delay) = text.split_once(r#""delay":"#).expect("a delay");
    delay.trim_end_matches('}').parse().expect("a number")
}

/// Somebody who talks without end, and ends well when told to.
fn talk(mut peer: Peer) -> std::thread::JoinHandle<(u16, String)> {
    std::thread::spawn(move || {
        loop {
            peer.send(&frame(BINARY, &[0; 1000]));
            let answer = peer.frame();
            if answer.first == CLOSE {
                return close_of(&answer);
            }
        }
    })
}

#[test]
fn each_client_is_told_to_come_back_and_the_server_ends_well_in_the_middle_of_talk() {
    let mut server = Server::start(heimdallr(), &[("drain_seconds", "10")]);
    let talker = talk(Peer::member(server.address, "busy"));
    let members: Vec<Peer> = (0..MEMBERS).map(|_| Peer::member(server.address, "busy")).collect();
    let mut rich: Vec<Peer> = (0..MEMBERS).map(|_| Peer::rich(server.address)).collect();
    let mut reader = Peer::connect(server.address);
    reader.send(b"GET /events/quiet HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(reader.answer().status, 200);
    server.terminate();
    let come_back = (4012, "server_restart".to_owned());
    assert!(members.into_iter().all(|member| farewell(member) == come_back));
    let delays: BTreeSet<u64> = rich.iter_mut().map(delay_ms).collect();
    assert!(delays.len() > MEMBERS / 2 && delays.iter().all(|delay| *delay < 5000), "{delays:?}");
    assert!(rich.iter_mut().all(|peer| peer.close() == come_back));
    assert_eq!(talker.join().expect("it is told so"), come_back);
    let told = String::from_utf8(reader.rest()).expect("UTF-8");
    assert!(told.contains("\nretry: ") && told.contains("event: closing\n"), "{told}");
    drop(rich);
    drop(reader);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn while_it_takes_its_leave_it_is_live_but_not_ready_and_takes_nobody_in() {
    let mut server = Server::start(heimdallr(), &[("drain_seconds", "30"), ("close_timeout_seconds", "30")]);
    let mut lingers = Peer::member(server.address, "quiet");
    assert!(server.says("/health/ready", 200));
    server.terminate();
    assert_eq!(farewell_of(&mut lingers), (4012, "server_restart".to_owned()));
    assert_eq!(server.ask("/health/ready"), Some((503, "draining\n".to_owned())));
    assert!(server.says("/health/live", 200));
    let counted = || server.counts().filter(|counts| counts.of("closes server_restart") == 1.0);
    assert_eq!(find("the leave is counted", counted).of("ready"), 0.0);
    assert!(std::net::TcpStream::connect(server.address).is_err());
    drop(lingers);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_client_that_does_not_say_goodbye_is_waited_for_no_longer_than_allowed() {
    let mut server = Server::start(heimdallr(), &[("drain_seconds", "1"), ("close_timeout_seconds", "60")]);
    let (_silent, _member) = (Peer::connect(server.address), Peer::member(server.address, "quiet"));
    let start = Instant::now();
    server.terminate();
    assert_eq!(server.end(), Some(0));
    assert!((1..10).contains(&start.elapsed().as_secs()), "it took {:?}", start.elapsed());
}

#[test]
fn asked_twice_it_does_not_wait() {
    let mut server =
        Server::start(heimdallr(), &[("drain_seconds", "3600"), ("close_timeout_seconds", "60")]);
    let mut lingers = Peer::member(server.address, "quiet");
    server.terminate();
    assert_eq!(farewell_of(&mut lingers).0, 4012);
    server.terminate();
    assert_eq!(server.end(), Some(0));
}

#[test]
fn idle_and_half_asked_requests_do_not_keep_it() {
    let mut server =
        Server::start(heimdallr(), &[("drain_seconds", "3600"), ("handshake_timeout_seconds", "300")]);
    let mut half = Peer::connect(server.address);
    half.send(b"GET / HTTP/1.1\r\nHost");
    let mut kept = Peer::connect(server.address);
    kept.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(kept.answer().status, 200);
    let mut posting = Peer::connect(server.address);
    posting.send(b"POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(posting.answer().status, 100);
    server.terminate();
    assert_eq!(posting.answer().status, 503);
    [half, kept, posting].into_iter().for_each(|mut peer| peer.assert_over());
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_second_server_on_the_same_port_is_refused_and_the_first_goes_on() {
    let server = Server::start(heimdallr(), &[]);
    let mut member = Peer::member(server.address, "quiet");
    let second = heimdallr()
        .args(["--listen", &server.address.to_string(), "--admin", "127.0.0.1:0"])
        .output()
        .expect("the program starts");
    assert_eq!(second.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&second.stderr);
    let words = format!("cannot listen on {}: Address already in use", server.address);
    assert!(complaint.contains(&words) && second.stdout.is_empty(), "{complaint}");
    member.send(&frame(TEXT, b"still here"));
    assert_eq!(member.text(), "still here");
}

#[test]
fn a_server_takes_the_port_of_one_that_was_killed() {
    let server = Server::start(heimdallr(), &[]);
    let (address, _member) = (server.address.to_string(), Peer::member(server.address, "quiet"));
    drop(server);
    let mut next = heimdallr()
        .args(["--listen", &address, "--admin", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    until("it listens", || std::net::TcpStream::connect(&address).is_ok());
    next.kill().expect("it is our child");
    next.wait().expect("it is our child");
}

#[test]
fn a_file_with_an_unknown_key_is_refused_by_its_name() {
    let file = format!("{}/unknown-key.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, "thread = 2\n").expect("the folder can be written");
    let output = heimdallr().args(["--config", &file]).output().expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("thread in ") && complaint.contains("unknown-key.toml"), "{complaint}");
}

fn farewell_of(peer: &mut Peer) -> (u16, String) {
    let frame = peer.frame();
    assert_eq!(frame.first, CLOSE, "{frame:?}");
    close_of(&frame)
}
