//! Nodes around a real Redis Cluster: rooms on every master, masters that die, slots that move.

use backplanes::Ask;

use crate::ROUND;
use crate::cluster::{Cluster, Plan, Rules, room};
use crate::masters::{MASTERS, Masters};

/// Rooms where many are meant.
const MANY: usize = 1_000;

/// Two nodes in a room of each master, which have said something there.
fn one_of_each(masters: &Masters) -> Vec<Cluster> {
    let in_room = |master| {
        let plan = Plan { room: masters.room_of(master), ..Plan::new(&masters.url()) };
        let mut cluster = Cluster::of(plan);
        cluster.say(ROUND);
        cluster.settle();
        cluster
    };
    (0..MASTERS).map(in_room).collect()
}

fn say(cluster: &mut Cluster) {
    cluster.say(ROUND);
    cluster.settle();
}

#[test]
fn rooms_are_on_all_masters_and_nothing_is_lost_in_any() {
    let masters = Masters::start();
    let mut clusters = one_of_each(&masters);
    clusters.iter_mut().for_each(say);
    for (cluster, server) in clusters.iter().zip(&masters.servers) {
        cluster.check(Rules::NothingIsLost);
        assert!(server.keys() > 0, "every master has a room");
    }
}

#[test]
fn many_rooms_of_a_cluster_are_opened_and_left() {
    let masters = Masters::start();
    let mut cluster = Cluster::new(2, &masters.url());
    cluster.here(1, 3);
    cluster.until(|cluster| cluster.elsewhere(0) == 3);
    for number in 0..MANY {
        cluster.ask(1, Ask::Attend(room(&format!("many{number}"))));
    }
    cluster.until(|cluster| cluster.others_opened(1) == MANY);
    cluster.end_last();
    cluster.until(|cluster| cluster.elsewhere(0) == 0);
    let left = |pattern: &str| {
        masters.servers.iter().map(|server| server.list(&format!("KEYS {pattern}")).len()).sum::<usize>()
    };
    assert_eq!((left("{nodes}:00000002:rooms"), left("*:here")), (0, 1), "but for the node that is there");
}

#[test]
fn a_master_that_dies_takes_only_its_rooms_along_until_its_replica_has_taken_over() {
    let mut masters = Masters::start_with_replicas();
    let mut clusters = one_of_each(&masters);
    masters.are_followed();
    masters.servers[0].stop();
    clusters[0].until(|cluster| cluster.is_faulty(0) && cluster.is_faulty(1));
    for cluster in &mut clusters[1..] {
        let before = cluster.refused();
        cluster.say(ROUND);
        cluster.settle_answers();
        assert_eq!(cluster.refused(), before, "rooms of the others go on");
    }
    masters.has_taken_over(0);
    for cluster in &mut clusters {
        cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
        say(cluster);
        cluster.check(Rules::NothingIsLost);
    }
}

#[test]
fn what_the_replica_of_a_master_that_dies_has_not_got_is_put_back_and_told() {
    let mut masters = Masters::start_with_replicas();
    let mut cluster = Cluster::of(Plan { room: masters.room_of(0), ..Plan::new(&masters.url()) });
    say(&mut cluster);
    masters.are_followed();
    masters.servers[0].lets_nobody_follow();
    say(&mut cluster);
    masters.servers[0].stop();
    masters.has_taken_over(0);
    cluster.until(|cluster| cluster.told_of_losses() >= 2 && !cluster.is_faulty(0) && !cluster.is_faulty(1));
    say(&mut cluster);
    cluster.mend();
    cluster.check(Rules::LossesAreMended);
}

#[test]
fn posts_to_a_master_that_is_away_are_refused_in_time() {
    let mut masters = Masters::start();
    let room = masters.room_of(1);
    let mut cluster = Cluster::of(Plan { room, ..Plan::new(&masters.url()) });
    masters.servers[1].stop();
    cluster.say(ROUND);
    cluster.settle_answers();
    assert_eq!(cluster.refused(), ROUND);
    cluster.until(|cluster| cluster.fault(0).contains("is away") || !cluster.fault(0).is_empty());
    masters.servers[1].restart();
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    say(&mut cluster);
    cluster.check(Rules::LossesAreMended);
}

#[test]
fn nobody_seems_to_leave_when_the_master_that_knows_the_nodes_dies() {
    let mut masters = Masters::start_with_replicas();
    let keeper = masters.keeper_of("{nodes}");
    let room = masters.room_of((keeper + 1) % MASTERS);
    let mut cluster = Cluster::of(Plan { room, ..Plan::new(&masters.url()) });
    cluster.here(1, 3);
    cluster.until(|cluster| cluster.elsewhere(0) == 3);
    masters.are_followed();
    masters.servers[keeper].stop();
    masters.has_taken_over(keeper);
    cluster.until(|cluster| !cluster.is_faulty(0) && !cluster.is_faulty(1));
    say(&mut cluster);
    assert_eq!((cluster.elsewhere(0), cluster.departures(0)), (3, 0));
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn a_room_whose_slot_moves_to_another_master_goes_on_there() {
    let masters = Masters::start();
    let name = masters.room_of(0);
    let slot = masters.slot_of(&name);
    let mut cluster = Cluster::of(Plan { room: name, ..Plan::new(&masters.url()) });
    say(&mut cluster);
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        cluster.say(ROUND);
        masters.begin_to_move(slot, from, to);
        cluster.say(ROUND);
        masters.finish_to_move(slot, from, to);
        say(&mut cluster);
    }
    cluster.check(Rules::NothingIsLost);
    assert_eq!(cluster.refused(), 0, "it took only a moment");
}

#[test]
fn the_list_of_nodes_moves_to_another_master_unnoticed() {
    let masters = Masters::start();
    let slot = masters.slot_of("{nodes}");
    let (from, to) = (masters.keeper_of("{nodes}"), (masters.keeper_of("{nodes}") + 1) % MASTERS);
    let mut cluster = Cluster::new(2, &masters.url());
    cluster.here(1, 3);
    cluster.until(|cluster| cluster.elsewhere(0) == 3);
    masters.begin_to_move(slot, from, to);
    say(&mut cluster);
    masters.finish_to_move(slot, from, to);
    cluster.end_last();
    cluster.until(|cluster| cluster.elsewhere(0) == 0);
    assert_eq!(masters.servers[to].tell("ZCARD {nodes}"), ":1");
}

#[test]
fn connections_to_masters_that_are_killed_are_made_anew_and_nothing_is_missed() {
    let masters = Masters::start();
    let mut clusters = one_of_each(&masters);
    for kind in ["normal", "pubsub"].repeat(3) {
        clusters.iter_mut().for_each(|cluster| cluster.say(ROUND));
        masters.servers.iter().for_each(|server| drop(server.tell(&format!("CLIENT KILL TYPE {kind}"))));
        clusters.iter_mut().for_each(|cluster| cluster.say(ROUND));
    }
    for cluster in &mut clusters {
        cluster.settle();
        cluster.check(Rules::NothingIsLost);
    }
}

#[test]
fn a_cluster_that_restarts_with_nothing_begins_again_and_that_is_told() {
    let mut masters = Masters::start();
    let mut clusters = one_of_each(&masters);
    masters.servers.iter_mut().for_each(crate::server::Server::restart);
    for cluster in &mut clusters {
        cluster.until(|cluster| cluster.told_of_losses() >= 2);
        say(cluster);
        cluster.mend();
        cluster.check(Rules::LossesAreMended);
    }
}
