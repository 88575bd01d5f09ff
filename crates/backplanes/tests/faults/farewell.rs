//! Nodes that end: the others see it at once, and nothing is left of them.

use std::time::{Duration, Instant};

use backplanes::Ask;
use chat::{RoomId, RoomName};

use crate::cluster::Cluster;
use crate::server::Server;
use crate::switchboard::Switchboard;

/// A lease that is not renewed lasts this long.
const LEASE: Duration = Duration::from_secs(5);
/// Rooms of a node that ends.
const ROOMS: usize = 3_000;

#[test]
fn the_others_see_at_once_that_a_node_has_ended() {
    let server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    cluster.here(1, 3);
    cluster.until(|cluster| cluster.elsewhere(0) == 3);
    for number in 0..ROOMS {
        let room = RoomId::public(RoomName::new(&format!("room{number}")).expect("a valid name"));
        cluster.ask(1, Ask::Attend(room));
    }
    cluster.until(|cluster| cluster.others_opened(1) == ROOMS);
    let began = Instant::now();
    cluster.end_last();
    cluster.until(|cluster| cluster.elsewhere(0) == 0);
    assert!(began.elapsed() < LEASE, "long before its lease would have ended");
    assert_eq!(server.tell("ZCARD {nodes}"), ":1");
    assert_eq!(server.tell("EXISTS {nodes}:00000002:rooms room:{room7}:here"), ":0");
}

#[test]
fn a_node_whose_redis_is_away_ends_without_waiting_for_it() {
    let mut server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    server.stop();
    cluster.until(|cluster| cluster.is_faulty(1));
    assert!(cluster.end_last() < LEASE);
}

#[test]
fn a_node_whose_redis_says_nothing_ends_in_time() {
    let server = Server::start();
    let switchboard = Switchboard::to(server.port());
    let mut cluster = Cluster::new(2, &switchboard.url());
    switchboard.silence();
    assert!(cluster.end_last() < LEASE);
}
