//! A machine that runs out of open files.

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use rustix::process::Signal;

use crate::peer::{HANDSHAKE, Peer, TEXT, frame};
use crate::programs::{limited, until};
use crate::scene::Scene;

/// Few open files: enough for the program itself and some clients.
const FILES: usize = 64;

/// More clients than that.
const CROWD: usize = 150;

/// More than the files that are kept from clients, and fewer than the system lets wait for the admin address.
const OPERATORS: usize = 40;

/// The processor time of a process in seconds, to a hundredth (proc_pid_stat(5)).
fn processor_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the server is there");
    let (_, after_name) = stat.rsplit_once(')').expect("the name is in brackets");
    let times = after_name.split_whitespace().skip(11).take(2);
    times.map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0).sum()
}

/// Whether every number that the system may give to a file is taken. Files that came from elsewhere may have higher ones.
fn has_no_file_left(id: u32) -> bool {
    let files = fs::read_dir(format!("/proc/{id}/fd")).expect("the server is there");
    let numbers = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse::<usize>().ok());
    numbers.filter(|number| *number < FILES).count() == FILES
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

/// As many members as there are files for clients, and how many newcomers were not let in.
fn fill(scene: &Scene) -> (Vec<Peer>, u64) {
    // All of them are there at once when the shards look.
    scene.server.signal(Signal::STOP);
    let crowd: Vec<Peer> = (0..CROWD).map(|_| scene.stranger()).collect();
    scene.server.signal(Signal::CONT);
    let members: Vec<Peer> = crowd.into_iter().filter_map(join).collect();
    let turned_away = CROWD - members.len();
    assert!(members.len() > 10 && turned_away > 10, "{} are in", members.len());
    (members, turned_away as u64)
}

/// The server has next to nothing to do while the neighbours chat.
fn assert_quiet(scene: &Scene) {
    let (start, used) = (Instant::now(), processor_seconds(scene.server.id()));
    scene.neighbours.chat_on(50);
    let (elapsed, used) = (start.elapsed().as_secs_f64(), processor_seconds(scene.server.id()) - used);
    assert!(used < elapsed / 8.0, "{used} s of processor time in {elapsed} s");
}

/// A server that is allowed no more than those.
fn scene() -> Scene {
    Scene::through(limited(&format!("ulimit -n {FILES}")), &[("handshake_timeout_seconds", "60")])
}

#[test]
fn without_open_files_newcomers_are_turned_away_and_nobody_else_notices() {
    let scene = scene();
    let (mut members, turned_away) = fill(&scene);
    assert_eq!(scene.server.ask("/health/ready"), Some((200, "ready\n".to_owned())));
    scene.await_count("turned_away_streams", |count| count == turned_away as f64);
    assert_quiet(&scene);
    members[0].send(&frame(TEXT, b"we are still here"));
    assert!(members.iter_mut().all(|member| member.text() == "we are still here"));
    members.truncate(5);
    scene.await_count("streams", |streams| streams == 2.0 + members.len() as f64);
    members.extend((0..5).map(|_| scene.member("crowd")));
    drop(members);
    scene.end(&[("turned_away_streams", turned_away)]);
}

#[test]
fn when_even_the_last_files_are_gone_newcomers_wait_and_no_shard_runs_in_circles() {
    let scene = scene();
    let (members, turned_away) = fill(&scene);
    let operators: Vec<Peer> = (0..OPERATORS).map(|_| Peer::connect(scene.server.admin)).collect();
    until("no file is left", || has_no_file_left(scene.server.id()));
    let newcomers: Vec<Peer> = (0..10).map(|_| scene.stranger()).collect();
    assert_quiet(&scene);
    assert!(newcomers.iter().all(|newcomer| !newcomer.has_heard()));
    drop(operators);
    assert!(newcomers.into_iter().all(|newcomer| join(newcomer).is_none()));
    drop(members);
    scene.end(&[("turned_away_streams", turned_away + 10)]);
}
