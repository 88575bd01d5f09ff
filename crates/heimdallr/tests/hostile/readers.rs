//! Clients that do not read what they are sent.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use crate::peer::{BINARY, CLOSE, PING, Peer, TEXT, close_of, frame};
use crate::programs::until;
use crate::scene::Scene;

/// A message of a busy room.
const MESSAGE_BYTES: usize = 60_000;
/// More than all the buffers of the system between two processes hold.
const MESSAGES: usize = 250;
/// What may wait for a session, in `SLOW`.
const QUEUE_BYTES: f64 = 262_144.0;
const SLOW: [(&str, &str); 2] = [("session_queue_bytes", "262144"), ("history_messages", "10")];

/// A peer for whom the system keeps as little as it can.
fn narrow(scene: &Scene) -> Peer {
    // Servers that other tests start at this moment do not inherit it.
    let (family, flags) = (AddressFamily::INET, SocketFlags::CLOEXEC);
    let socket = socket_with(family, SocketType::STREAM, flags, None).expect("there are sockets left");
    set_socket_recv_buffer_size(&socket, 4096).expect("a small buffer");
    connect(&socket, &scene.address()).expect("the server accepts");
    Peer::over(TcpStream::from(socket))
}

/// A message that says which one it is.
fn message(number: usize) -> Vec<u8> {
    let mut payload = vec![number as u8; MESSAGE_BYTES];
    payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
    payload
}

/// The offset of a position in a JSON object.
fn offset(object: &str, member: &str) -> u64 {
    let (_, value) = object.split_once(&format!(r#""{member}":""#)).expect("it has the member");
    let (position, _) = value.split_once('"').expect("a text");
    position.split_once(':').expect("a position").1.parse().expect("a number")
}

/// Says so much in a room, while another member listens to all of it. The most that waited for anybody at any time.
fn be_busy(scene: &Scene, room: &str) -> f64 {
    let (mut speaker, mut listener) = (scene.member(room), scene.member(room));
    let mut queued: f64 = 0.0;
    for number in 0..MESSAGES {
        let payload = message(number);
        speaker.send(&frame(BINARY, &payload));
        for member in [&mut speaker, &mut listener] {
            assert!(member.frame().payload == payload, "message {number} is not as it was");
        }
        if number % 25 == 0 {
            queued = queued.max(scene.server.counts().expect("it answers").of("queued_bytes"));
        }
    }
    queued
}

#[test]
fn a_member_that_stops_reading_costs_its_bytes_and_is_told_once_it_reads_again() {
    let scene = Scene::with(&[&SLOW[..], &[("close_timeout_seconds", "60")]].concat());
    let mut sleeper = narrow(&scene);
    sleeper.join("busy");
    let queued = be_busy(&scene, "busy");
    assert!(queued <= QUEUE_BYTES + 2.0 * MESSAGE_BYTES as f64, "{queued} bytes waited");
    scene.await_count("closes slow_consumer", |closes| closes == 1.0);
    let mut number = 0;
    let close = loop {
        let frame = sleeper.frame();
        if frame.first == CLOSE {
            break close_of(&frame);
        }
        assert!(frame.payload == message(number), "message {number} is not as it was");
        number += 1;
    };
    assert_eq!(close, (4008, "slow_consumer".to_owned()));
    assert!((1..MESSAGES).contains(&number), "{number} came");
    sleeper.assert_over();
    drop(sleeper);
    scene.end(&[("closes slow_consumer", 1)]);
}

#[test]
fn a_member_that_never_reads_again_is_cut() {
    let scene = Scene::with(&[&SLOW[..], &[("close_timeout_seconds", "1")]].concat());
    let mut sleeper = narrow(&scene);
    sleeper.join("busy");
    be_busy(&scene, "busy");
    scene.await_count("cut_streams", |cut| cut == 1.0);
    drop(sleeper);
    scene.end(&[("closes slow_consumer", 1), ("cut_streams", 1)]);
}

#[test]
fn where_the_oldest_are_dropped_a_slow_reader_stays_and_is_told_what_it_missed() {
    let policy = [("room_slow_policy", "drop_oldest"), ("presence_interval_ms", "60000")];
    let scene = Scene::with(&[&SLOW[..], &policy].concat());
    let mut sleeper = narrow(&scene);
    sleeper.open("/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n");
    sleeper.send(&frame(TEXT, br#"{"do":"join","room":"busy"}"#));
    assert!(sleeper.text().contains(r#""is":"joined""#));
    be_busy(&scene, "busy");
    let (mut next, mut lost) = (1, 0);
    // Two greetings come before the messages.
    while next <= 2 + MESSAGES as u64 {
        let told = sleeper.text();
        if told.contains(r#""is":"lost","room":"busy""#) {
            assert_eq!(offset(&told, "since") + 1, next);
            lost += offset(&told, "at") + 1 - next;
            next = offset(&told, "at") + 1;
        } else if told.contains(r#""is":"posted""#) {
            assert_eq!(offset(&told, "at"), next);
            next += 1;
        }
    }
    assert!(lost > 0, "it was quick enough to get everything");
    drop(sleeper);
    scene.end(&[("dropped_frames", lost)]);
}

#[test]
fn who_floods_with_pings_and_reads_nothing_is_cut_and_costs_its_bytes_at_most() {
    let settings =
        [("max_message_bytes", "4096"), ("session_queue_bytes", "65536"), ("close_timeout_seconds", "1")];
    let scene = Scene::with(&settings);
    let memory = || scene.server.counts().expect("it answers").of("process_resident_memory_bytes");
    let before = memory();
    let mut flooder = narrow(&scene);
    flooder.join("quiet");
    let pings = frame(PING, &[b'p'; 125]).repeat(10_000);
    let mut most = before;
    until("the flooder is cut", || {
        most = most.max(memory());
        flooder.stream.write_all(&pings).is_err()
    });
    assert!(most - before < 8e6, "{} bytes more", most - before);
    scene.end(&[("closes slow_consumer", 1), ("cut_streams", 1)]);
}
