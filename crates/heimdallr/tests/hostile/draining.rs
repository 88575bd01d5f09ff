//! A server that goes away without haste.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::peer::{CLOSE, Peer, TEXT, close_of, frame};
use crate::server::{PLAIN, Server, until};

const MEMBERS: u32 = 60;
const RATE: u32 = 20;

fn healthz(server: &Server) -> u16 {
    let mut peer = Peer::connect(server.address);
    peer.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    peer.answer().status
}

#[test]
fn until_balancers_have_noticed_all_works_but_nobody_new_is_wanted() {
    let mut server = Server::start(PLAIN, &[("drain_wait_seconds", "3")]);
    let mut member = Peer::member(server.address, "quiet");
    assert_eq!(healthz(&server), 200);
    let start = Instant::now();
    server.terminate();
    until("it is not ready", || server.ask("/health/ready").filter(|(status, _)| *status == 503));
    until("its clients' port says so too", || (healthz(&server) == 503).then_some(()));
    let mut newcomer = Peer::member(server.address, "quiet");
    newcomer.send(&frame(TEXT, b"am I late?"));
    assert_eq!([member.text(), newcomer.text()], ["am I late?"; 2]);
    assert!(start.elapsed() < Duration::from_secs(3), "the machine is too slow to tell");
    for peer in [&mut member, &mut newcomer] {
        assert_eq!(peer.frame().first, CLOSE);
    }
    assert!(start.elapsed() >= Duration::from_secs(3), "after {:?}", start.elapsed());
    until("it does not listen", || TcpStream::connect(server.address).is_err().then_some(()));
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
    let mut server = Server::start(PLAIN, &[("drain_sessions_per_second", &RATE.to_string())]);
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
    let mut server = Server::start(PLAIN, &[("drain_sessions_per_second", "2")]);
    let members: Vec<Peer> = (0..4).map(|_| Peer::member(server.address, "quiet")).collect();
    let mut poster = Peer::connect(server.address);
    let post = b"POST /rooms/quiet HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    server.terminate();
    let counted = || server.counts().filter(|counts| counts.of("closes server_restart") >= 1.0);
    until("one is told", || {
        poster.send(post);
        assert_eq!(poster.answer().status, 200);
        counted()
    });
    let refusal = until("posts are refused", || {
        poster.send(post);
        Some(poster.answer()).filter(|answer| answer.status != 200)
    });
    assert_eq!((refusal.status, refusal.text.contains("draining")), (503, true), "{refusal:?}");
    poster.assert_over();
    drop(members);
    assert_eq!(server.end(), Some(0));
}
