//! A server that goes away without haste.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::peer::{Answer, CLOSE, Peer, TEXT, close_of, frame};
use crate::programs::{Server, find, heimdallr, until};

const MEMBERS: u32 = 60;
const RATE: u32 = 20;

fn healthz(server: &Server) -> u16 {
    let mut peer = Peer::connect(server.address);
    peer.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    peer.answer().status
}

#[test]
fn until_balancers_have_noticed_all_works_but_nobody_new_is_wanted() {
    let mut server = Server::start(heimdallr(), &[("drain_wait_seconds", "3")]);
    let mut member = Peer::member(server.address, "quiet");
    assert_eq!(healthz(&server), 200);
    let start = Instant::now();
    server.terminate();
    until("it is not ready", || server.says("/health/ready", 503));
    until("its clients' port says so too", || healthz(&server) == 503);
    let mut newcomer = Peer::member(server.address, "quiet");
    newcomer.send(&frame(TEXT, b"am I late?"));
    assert_eq!([member.text(), newcomer.text()], ["am I late?"; 2]);
    assert!(start.elapsed() < Duration::from_secs(3), "the machine is too slow to tell");
    for peer in [&mut member, &mut newcomer] {
        assert_eq!(peer.frame().first, CLOSE);
    }
    assert!(start.elapsed() >= Duration::from_secs(3), "after {:?}", start.elapsed());
    until("it does not listen", || TcpStream::connect(server.address).is_err());
    drop((member, newcomer));
    assert_eq!(server.end(), Some(0));
}

/// Talks until it is told to go. Says when that was.
fn talk(mut peer: Peer) -> Instant {
    loop {
        peer.send(&frame(TEXT, b"still here"));
        let answer = peer.frame();
        if answer.first == CLOSE {
            assert_eq!(close_of(&answer), (4012, "server_restart".to_owned()));
            return Instant::now();
        }
        assert_eq!(answer.payload, b"still here");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn clients_are_told_at_a_pace_and_those_not_told_yet_talk_on() {
    let mut server = Server::start(heimdallr(), &[("drain_sessions_per_second", &RATE.to_string())]);
    let member = |number| Peer::member(server.address, &format!("room-{number}"));
    let members: Vec<Peer> = (0..MEMBERS).map(member).collect();
    let start = Instant::now();
    server.terminate();
    let talkers: Vec<_> = members.into_iter().map(|peer| std::thread::spawn(|| talk(peer))).collect();
    let mut told: Vec<Duration> =
        talkers.into_iter().map(|talker| talker.join().expect("it is told well") - start).collect();
    told.sort();
    // Who is held up is told later, never earlier.
    for (number, at) in told.iter().enumerate() {
        let earliest = Duration::from_secs(number as u64) / RATE;
        assert!(
            *at + Duration::from_millis(100) >= earliest,
            "number {number} was told after {at:?}: {told:?}"
        );
    }
    assert_eq!(server.end(), Some(0));
}

#[test]
fn posts_are_taken_until_everybody_should_have_been_told() {
    let mut server = Server::start(heimdallr(), &[("drain_sessions_per_second", "2")]);
    let members: Vec<Peer> = (0..4).map(|_| Peer::member(server.address, "quiet")).collect();
    let poster = Peer::connect(server.address);
    server.terminate();
    let is_one_told = Arc::new(AtomicBool::new(false));
    let told = is_one_told.clone();
    // On a thread of its own: a stream that asks nothing for a second is closed.
    let posting = std::thread::spawn(move || post_until_refused(poster, &told));
    find("one is told", || server.counts().filter(|counts| counts.of("closes server_restart") >= 1.0));
    is_one_told.store(true, Ordering::Relaxed);
    let (mut poster, taken_since, refusal) = posting.join().expect("it is answered every time");
    assert!(taken_since > 0, "posts are taken while others are told");
    assert_eq!((refusal.status, refusal.text.contains("draining")), (503, true), "{refusal:?}");
    poster.assert_over();
    drop(members);
    assert_eq!(server.end(), Some(0));
}

/// Posts again and again. Says how many posts were taken since somebody was told, and what the first was answered that was not.
fn post_until_refused(mut poster: Peer, is_one_told: &AtomicBool) -> (Peer, usize, Answer) {
    let mut taken_since = 0;
    loop {
        poster.send(b"POST /rooms/quiet HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        let answer = poster.answer();
        if answer.status != 200 {
            return (poster, taken_since, answer);
        }
        taken_since += usize::from(is_one_told.load(Ordering::Relaxed));
    }
}
