//! Clients that leave without a word.

use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

use crate::peer::{BINARY, CLOSE, PING, PONG, Peer, TEXT, frame, frame_head};
use crate::scene::Scene;

/// Comings and goings, so many at once.
const ROUNDS: usize = 20;
const AT_ONCE: usize = 100;

/// Closes with a reset instead of a goodbye.
fn reset(peer: Peer) {
    set_socket_linger(&peer.stream, Some(Duration::ZERO)).expect("a TCP stream");
}

#[test]
fn a_reset_in_the_middle_of_anything_leaves_nothing_behind() {
    let scene = Scene::new();
    let half_frame = [frame_head(BINARY, 60_000), vec![0; 30_000]].concat();
    let parts = [frame(BINARY & 0x7f, &[0; 30_000]), vec![0, 0xfe, 0x10]].concat();
    for bytes in [&half_frame[..], &parts, &half_frame[..3], b""] {
        let mut peer = scene.member("wild");
        peer.send(bytes);
        reset(peer);
    }
    for bytes in ["", "GET / HTT", "POST /rooms/wild HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"] {
        let mut peer = scene.stranger();
        peer.send(bytes.as_bytes());
        reset(peer);
    }
    scene.end(&[]);
}

/// What it had sent before is more than the server reads at once, and the end is there before the server looks.
#[test]
fn a_goodbye_behind_much_to_be_read_is_noticed() {
    let scene = Scene::new();
    let unsolicited = frame(PONG, &[b'p'; 125]).repeat(1000);
    for _ in 0..5 {
        let mut peer = scene.member("wild");
        // The system lets a stream have more under way once it has seen that it is read.
        for _ in 0..20 {
            peer.send(&[&unsolicited[..], &frame(PING, b"read?")].concat());
            assert_eq!(peer.any_frame().payload, b"read?");
        }
        scene.server.signal(Signal::STOP);
        peer.send(&unsolicited);
        peer.stream.shutdown(Shutdown::Write).expect("it is open");
        scene.server.signal(Signal::CONT);
        peer.assert_over();
    }
    scene.end(&[]);
}

#[test]
fn members_learn_that_one_was_reset() {
    let scene = Scene::with(&[("presence_interval_ms", "100")]);
    let mut left_behind = Peer::rich(scene.address());
    left_behind.send(&frame(TEXT, br#"{"do":"join","room":"wild"}"#));
    let doomed = scene.member("wild");
    let mut told = std::iter::from_fn(|| Some(left_behind.text()));
    assert!(told.any(|text| text.contains(r#""is":"presence""#) && text.contains(r#""guests":2"#)));
    reset(doomed);
    assert!(told.any(|text| text.contains(r#""is":"presence""#) && text.contains(r#""guests":1"#)));
    drop(left_behind);
    scene.end(&[]);
}

#[test]
fn a_client_that_is_killed_is_gone_from_its_room() {
    let scene = Scene::new();
    let Peer { stream, .. } = scene.member("wild");
    let mut client = Command::new("cat")
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .stdout(Stdio::null())
        .spawn()
        .expect("cat is part of every system");
    scene.await_count("sessions", |sessions| sessions == 3.0);
    client.kill().expect("it waits for more");
    client.wait().expect("it is our child");
    scene.end(&[]);
}

#[test]
fn thousands_that_come_and_go_leave_nothing_behind() {
    let scene = Scene::new();
    let files = scene.server.counts().expect("it answers").of("process_open_fds");
    for round in 0..ROUNDS {
        let peers: Vec<Peer> = (0..AT_ONCE).map(|number| come(&scene, number)).collect();
        for (number, mut peer) in peers.into_iter().enumerate() {
            match (round + number) % 3 {
                0 if number % 4 < 2 => peer.send(&frame(CLOSE, &1000_u16.to_be_bytes())),
                1 => reset(peer),
                _ => {}
            }
        }
    }
    let opened = scene.await_count("accepted_streams", |streams| streams >= (2 + ROUNDS * AT_ONCE) as f64);
    assert_eq!(opened, (2 + ROUNDS * AT_ONCE) as f64);
    scene.await_count("process_open_fds", |now| now <= files);
    scene.end(&[]);
}

/// A member, a reader, a rich client or somebody who never asks.
fn come(scene: &Scene, number: usize) -> Peer {
    match number % 4 {
        0 => scene.member(&format!("room-{}", number / 8)),
        1 => Peer::rich(scene.address()),
        2 => {
            let mut reader = scene.stranger();
            reader.send(format!("GET /events/room-{} HTTP/1.1\r\nHost: a\r\n\r\n", number / 8).as_bytes());
            assert_eq!(reader.answer().status, 200);
            reader
        }
        _ => scene.stranger(),
    }
}
