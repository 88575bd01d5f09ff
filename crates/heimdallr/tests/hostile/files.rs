//! A machine that runs out of open files.

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use rustix::process::Signal;

use crate::peer::{HANDSHAKE, Peer, TEXT, frame};
use crate::scene::Scene;

/// Starts the program with few open files allowed: enough for itself and some clients.
const FEW_FILES: &[&str] =
    &["sh", "-c", r#"ulimit -n 64 && exec "$0" "$@""#, env!("CARGO_BIN_EXE_heimdallr")];

/// More clients than that.
const CROWD: usize = 150;

/// The processor time of a process in seconds, to a hundredth (proc_pid_stat(5)).
fn processor_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the server is there");
    let (_, after_name) = stat.rsplit_once(')').expect("the name is in brackets");
    let times = after_name.split_whitespace().skip(11).take(2);
    times.map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0).sum()
}

/// Joins a room, unless the server does not let this stream in.
fn join(mut peer: Peer) -> Option<Peer> {
    let asked = peer.stream.write_all(format!("GET /crowd HTTP/1.1\r\n{HANDSHAKE}\r\n").as_bytes());
    let is_in = asked.is_ok() && peer.has_answer();
    is_in.then(|| {
        assert_eq!(peer.answer().status, 101);
        peer.greet();
        peer
    })
}

#[test]
fn without_open_files_newcomers_are_turned_away_and_nobody_else_notices() {
    let scene = Scene::through(FEW_FILES, &[("handshake_timeout_seconds", "60")]);
    // All of them are there at once when the shards look.
    scene.server.signal(Signal::STOP);
    let crowd: Vec<Peer> = (0..CROWD).map(|_| scene.stranger()).collect();
    scene.server.signal(Signal::CONT);
    let mut members: Vec<Peer> = crowd.into_iter().filter_map(join).collect();
    let turned_away = (CROWD - members.len()) as f64;
    assert!(members.len() > 10 && turned_away > 10.0, "{} are in", members.len());
    scene.await_count("turned_away_streams", |count| count == turned_away);

    // Nobody comes or goes: there is next to nothing to do.
    let (start, used) = (Instant::now(), processor_seconds(scene.server.id()));
    scene.neighbours.chat_on(50);
    let (elapsed, used) = (start.elapsed().as_secs_f64(), processor_seconds(scene.server.id()) - used);
    assert!(used < elapsed / 4.0, "{used} s of processor time in {elapsed} s");

    members[0].send(&frame(TEXT, b"we are still here"));
    assert!(members.iter_mut().all(|member| member.text() == "we are still here"));
    members.truncate(5);
    scene.await_count("streams", |streams| streams == 2.0 + members.len() as f64);
    members.extend((0..5).map(|_| scene.member("crowd")));
    drop(members);
    scene.end(&[("turned_away_streams", turned_away as u64)]);
}
