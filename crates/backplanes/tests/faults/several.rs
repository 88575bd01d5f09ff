//! Several brokers beside each other, and brokers that have to pass on what they accept.

use backplanes::Ask;

use crate::ROUND;
use crate::cluster::{Cluster, Plan, Rules, room};
use crate::server::Server;

fn settle(cluster: &mut Cluster) {
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

/// The name of a room that is on that broker.
fn room_on(server: &Server, urls: &[String]) -> String {
    let mut scout = Cluster::of(Plan { nodes: 1, urls: urls.to_vec(), ..Plan::new("") });
    let mut opened = 0;
    loop {
        let name = format!("room{opened}");
        scout.ask(0, Ask::Attend(room(&name)));
        opened += 1;
        scout.until(|scout| scout.others_opened(0) == opened);
        if server.tell(&format!("EXISTS room:{{{name}}}:head")) == ":1" {
            return name;
        }
    }
}

#[test]
fn a_broker_of_two_that_is_away_takes_only_its_rooms_along() {
    let mut servers = [Server::start_keeping(), Server::start_keeping()];
    let urls: Vec<_> = servers.iter().map(Server::url).collect();
    let in_room_on = |server: &Server| {
        let room = room_on(server, &urls);
        Cluster::of(Plan { urls: urls.clone(), room, ..Plan::new("") })
    };
    let [mut first, mut second] = [in_room_on(&servers[0]), in_room_on(&servers[1])];
    settle(&mut first);
    settle(&mut second);
    servers[1].stop();
    first.until(|first| first.fault(0).contains(&urls[1]) && first.fault(1).contains(&urls[1]));
    second.say(ROUND);
    second.settle_answers();
    assert_eq!(second.refused(), ROUND, "its rooms are not available");
    first.say(ROUND);
    first.settle_answers();
    assert_eq!(first.refused(), 0, "the others are");
    servers[1].restart();
    first.until(|first| first.fault(0).is_empty() && first.fault(1).is_empty());
    second.until(|second| second.fault(0).is_empty() && second.fault(1).is_empty());
    settle(&mut first);
    settle(&mut second);
}

#[test]
fn what_no_replica_has_is_refused_and_is_one_message_when_it_is_said_again() {
    let (server, mut replica) = (Server::start(), Server::start());
    replica.follow(&server);
    let mut cluster = Cluster::of(Plan { wait_replicas: 1, ..Plan::new(&server.url()) });
    settle(&mut cluster);
    replica.stop();
    cluster.say_as("hello", "t1");
    cluster.settle_answers();
    assert_eq!(cluster.refused(), 1, "nobody else has it");
    replica.restart();
    replica.follow(&server);
    cluster.say_as("hello", "t1");
    settle(&mut cluster);
    assert_eq!(cluster.refused(), 1);
    assert_eq!(server.tell("XLEN room:{lobby}:log"), format!(":{}", 2 * ROUND + 1), "it is there once");
}
