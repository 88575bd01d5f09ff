//! Nodes around a real Redis to which things happen: connections are killed, it restarts, replicas are promoted, it falls silent. A ledger
//! holds what everybody was shown against what was accepted.

#[path = "../contract/masters.rs"]
mod masters;
#[path = "../contract/server.rs"]
mod server;

mod admission;
mod cluster;
mod farewell;
mod several;
mod shards;
mod switchboard;
mod takeover;

use std::time::{Duration, Instant};

use backplanes::{Ask, OutagePolicy};
use chat::{Counts, Here, RoomId, RoomName, UserId};
use cluster::{Cluster, Plan, Rules};
use server::Server;
use switchboard::Switchboard;

/// Messages of a round.
const ROUND: usize = 50;
/// For how long a node that says nothing is taken for alive.
const LEASE: Duration = Duration::from_secs(5);
/// Rooms where many are meant.
const MANY: usize = 5_000;

#[test]
fn nobody_misses_anything_when_listeners_are_killed() {
    let server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    for _ in 0..10 {
        cluster.say(ROUND);
        server.tell("CLIENT KILL TYPE pubsub");
        cluster.say(ROUND);
    }
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn posts_whose_answers_are_cut_off_are_one_message_each() {
    let server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    for _ in 0..10 {
        cluster.say(ROUND);
        server.tell("CLIENT KILL TYPE normal");
    }
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
    assert_eq!(cluster.refused(), 0, "all were accepted in the end");
}

#[test]
fn a_redis_that_restarts_with_all_it_had_goes_on() {
    let mut server = Server::start_keeping();
    let mut cluster = Cluster::new(2, &server.url());
    for _ in 0..3 {
        cluster.say(ROUND);
        server.restart();
        cluster.say(ROUND);
    }
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn a_redis_that_restarts_with_nothing_begins_again_and_that_is_told() {
    let mut server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    cluster.say(ROUND);
    cluster.settle();
    server.restart();
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::LossesAreMended);
    assert!(cluster.told_of_losses() >= 2, "both were told");
}

#[test]
fn connections_that_fall_silent_are_noticed_and_made_anew() {
    let server = Server::start();
    let switchboard = Switchboard::to(server.port());
    let mut cluster = Cluster::new(2, &switchboard.url());
    cluster.say(ROUND);
    cluster.settle();
    switchboard.silence();
    cluster.until(|cluster| cluster.is_faulty(0) && cluster.is_faulty(1));
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn a_node_that_waits_for_replicas_in_vain_does_everything_else_meanwhile() {
    let server = Server::start();
    let mut cluster = Cluster::of(Plan { nodes: 1, wait_replicas: 1, ..Plan::new(&server.url()) });
    cluster.say_slowly(ROUND);
    let began = Instant::now();
    cluster.ask(0, Ask::Attend(RoomId::public(RoomName::new("other").expect("a valid name"))));
    cluster.until(|cluster| cluster.others_opened(0) == 1);
    assert!(began.elapsed() < LEASE / 2, "it took {:?}", began.elapsed());
    cluster.settle_answers();
    assert_eq!(cluster.refused(), ROUND, "no replica has any of it");
}

#[test]
fn a_connection_that_falls_silent_while_replicas_are_waited_for_is_made_anew() {
    let server = Server::start();
    let switchboard = Switchboard::to(server.port());
    let mut cluster = Cluster::of(Plan { nodes: 1, wait_replicas: 1, ..Plan::new(&switchboard.url()) });
    switchboard.silence();
    cluster.say_slowly(ROUND);
    cluster.until(|cluster| cluster.is_faulty(0));
    cluster.until(|cluster| !cluster.is_faulty(0));
    cluster.settle_answers();
}

#[test]
fn without_a_redis_posts_are_refused_and_go_on_when_it_is_back() {
    let mut server = Server::start_keeping();
    let mut cluster = Cluster::new(2, &server.url());
    cluster.say(ROUND);
    cluster.settle();
    server.stop();
    cluster.until(|cluster| cluster.is_faulty(0) && cluster.is_faulty(1));
    let before = cluster.refused();
    cluster.say(ROUND);
    cluster.settle_answers();
    assert_eq!(cluster.refused(), before + ROUND);
    server.restart();
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn without_a_redis_rooms_go_on_where_they_may() {
    let mut server = Server::start_keeping();
    let mut cluster = Cluster::of(Plan { policy: OutagePolicy::Local, ..Plan::new(&server.url()) });
    cluster.say(ROUND);
    cluster.settle();
    server.stop();
    cluster.until(|cluster| cluster.is_faulty(0) && cluster.is_faulty(1));
    let before = cluster.refused();
    cluster.say(ROUND);
    cluster.settle_answers();
    assert_eq!(cluster.refused(), before, "those on the same node go on");
    server.restart();
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::LossesAreMended);
}

#[test]
fn sentinels_lead_to_the_master_that_takes_over() {
    let (server, replica) = (Server::start_keeping(), Server::start_keeping());
    replica.follow(&server);
    let sentinel = Server::sentinel_of(&server);
    let mut cluster = Cluster::new(2, &format!("redis+sentinel://127.0.0.1:{}/ours", sentinel.port()));
    cluster.say(ROUND);
    cluster.settle();
    replica.has_all_of(&server);
    sentinel.knows_a_replica();
    assert_eq!(sentinel.tell("SENTINEL FAILOVER ours"), "+OK");
    cluster.until(|_| replica.is_master());
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::LossesAreMended);
    assert!(replica.keys() > 0 && replica.is_master());
}

#[test]
fn many_rooms_are_followed_again_when_redis_is_back() {
    let mut server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    for number in 0..MANY {
        let room = RoomId::public(RoomName::new(&format!("room{number}")).expect("a valid name"));
        (0..2).for_each(|node| cluster.ask(node, Ask::Attend(room.clone())));
    }
    cluster.until(|cluster| (0..2).all(|node| cluster.others_opened(node) == MANY));
    server.restart();
    cluster.until(|cluster| (0..2).all(|node| cluster.others_opened(node) == 2 * MANY));
    cluster.say(ROUND);
    cluster.settle();
}

#[test]
fn redis_shows_on_which_nodes_a_user_is() {
    let server = Server::start();
    let mut cluster = Cluster::new(2, &server.url());
    let bob = RoomId::inbox(UserId::new("bob").expect("a valid name"));
    let here = |sessions: u32| Here {
        sessions,
        counts: Counts { members: sessions.min(1), guests: 0 },
        users: None,
    };
    cluster.ask(1, Ask::Attend(bob.clone()));
    cluster.until(|_| server.tell("HGET user:bob 00000002") == "1");
    cluster.ask(1, Ask::Here { room: bob.clone(), here: here(2) });
    cluster.until(|_| server.tell("HGET user:bob 00000002") == "2");
    cluster.ask(1, Ask::Here { room: bob.clone(), here: here(0) });
    cluster.until(|_| server.tell("EXISTS user:bob") == ":0");
    cluster.ask(1, Ask::Here { room: bob.clone(), here: here(1) });
    cluster.until(|_| server.tell("HGET user:bob 00000002") == "1");
    cluster.ask(1, Ask::Forsake(bob));
    cluster.until(|_| server.tell("EXISTS user:bob") == ":0");
}
