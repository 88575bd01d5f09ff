//! Sessions that are brought over to the node that their stream has come to.

use access::{Access, Ask, Pass, Standing, Verdict, Wish};
use chat::Credentials;

use crate::client::{Client, frame, public, speak, text};
use crate::cluster::{Cluster, PipeId};
use crate::recovery::Returning;

fn clusters() -> impl Iterator<Item = Cluster> {
    [1, 2].into_iter().map(|shards| {
        Cluster::new(3, shards, |settings| {
            settings.recovery_ms = 120_000;
            settings.gateways.socketio.recovery = true;
        })
    })
}

/// A client that has begun to poll at the first node, has joined the lobby, and has moved to a WebSocket at the second.
fn moved(cluster: &mut Cluster) -> PipeId {
    let client = Client::open(cluster, 1);
    client.join(cluster, "lobby", 1, 1);
    client.upgrade(cluster, 2)
}

fn sessions(cluster: &Cluster) -> [usize; 2] {
    [1, 2].map(|node| cluster.holdings(node).sessions)
}

#[test]
fn a_session_is_brought_over_to_its_stream_and_misses_nothing() {
    for mut cluster in clusters() {
        let socket = moved(&mut cluster);
        assert_eq!((sessions(&cluster), cluster.holdings(2).tunnels), ([1, 0], 1));
        speak(&mut cluster, 3, "lobby", "<before>");
        cluster.pass(1);
        assert_eq!(
            (sessions(&cluster), cluster.holdings(1).tunnels, cluster.holdings(2).tunnels),
            ([0, 1], 0, 0)
        );
        speak(&mut cluster, 3, "lobby", "<after>");
        cluster.say(socket, frame(1, "422[\"message\",{\"room\":\"lobby\",\"message\":\"<own>\"}]"));
        let heard = text(cluster.hear(socket));
        for once in ["<before>", "<after>", "<own>", "432["] {
            assert_eq!(heard.matches(once).count(), 1, "{once}: {heard}");
        }
        cluster.pass(5);
        cluster.hang_up(socket);
        cluster.pass(10);
        assert_eq!(sessions(&cluster), [0, 0]);
    }
}

/// What is said while its rooms are asked is not lost, and what the client says waits its turn.
#[test]
fn what_is_said_on_either_side_while_a_session_travels_comes_once_and_in_order() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        ["lobby", "attic"].into_iter().for_each(|room| client.join(&mut cluster, room, 1, 1));
        let socket = client.upgrade(&mut cluster, 2);
        cluster.hold_up("attic");
        cluster.pass(1);
        assert_eq!(sessions(&cluster), [0, 1]);
        speak(&mut cluster, 3, "lobby", "<0>");
        cluster.say(socket, frame(1, "422[\"message\",{\"room\":\"lobby\",\"message\":\"<1>\"}]"));
        assert!(!text(cluster.hear(socket)).contains("<0>"));
        cluster.let_go_on();
        speak(&mut cluster, 1, "lobby", "<2>");
        let heard = text(cluster.hear(socket));
        let places: Vec<usize> = (0..3).filter_map(|number| heard.find(&format!("<{number}>"))).collect();
        assert!(places.len() == 3 && places.is_sorted(), "{heard}");
        assert!((0..3).all(|number| heard.matches(&format!("<{number}>")).count() == 1), "{heard}");
    }
}

#[test]
fn who_has_travelled_is_recovered_by_what_it_was_told_at_first() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 1, 1);
        let socket = client.upgrade(&mut cluster, 2);
        cluster.pass(1);
        assert_eq!(sessions(&cluster), [0, 1]);
        speak(&mut cluster, 3, "lobby", "<seen>");
        let heard = text(cluster.hear(socket));
        let seen = heard.rsplit_once(",\"").and_then(|(_, last)| last.split_once('"')).expect("a position").0;
        cluster.hang_up(socket);
        speak(&mut cluster, 3, "lobby", "<missed>");
        let (again, heard) = Returning::by(&mut cluster, 3, &client.pid, Some(seen));
        assert!(heard.contains("<missed>") && !heard.contains("<seen>"), "{heard}");
        assert!(!again.sid.is_empty());
    }
}

/// Whatever is lost of what the nodes say to each other, the client is cut off and can come back, or is served.
#[test]
fn a_session_that_is_lost_on_its_way_can_be_recovered() {
    for lost in 0.. {
        let mut cluster = clusters().next().expect("there is one");
        let client = Client::open(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 1, 1);
        let socket = client.upgrade(&mut cluster, 2);
        let sent = std::rc::Rc::new(std::cell::Cell::new(0));
        let number = sent.clone();
        cluster.let_in(Box::new(move |_, _, _| {
            number.set(number.get() + 1);
            usize::from(number.get() != lost + 1)
        }));
        cluster.pass(1);
        let words = sent.get();
        cluster.let_in(Box::new(|_, _, _| 1));
        speak(&mut cluster, 3, "lobby", "<said>");
        cluster.pass(30);
        if !text(cluster.hear(socket)).contains("<said>") {
            cluster.hang_up(socket);
            cluster.pass(20);
            let (_, heard) = Returning::by(&mut cluster, 3, &client.pid, None);
            assert!(heard.contains("<said>"), "envelope {lost} was lost: {heard}");
        }
        assert!(sessions(&cluster).iter().sum::<usize>() <= 1);
        if words <= lost {
            break;
        }
    }
}

/// Where nobody sees it go, nobody is told.
#[test]
fn nobody_is_told_that_somebody_who_travels_has_gone() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        client.post(&mut cluster, 1, "420[\"log in\",{\"username\":\"ann\"}]");
        client.poll(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 1, 1);
        let socket = client.upgrade(&mut cluster, 2);
        cluster.pass(1);
        let told = |cluster: &Cluster| [1, 2].map(|node| cluster.told_sessions(&public("lobby"), node));
        assert_eq!(sessions(&cluster), [0, 1]);
        cluster.pass(1);
        assert_eq!(told(&cluster), [Some(1), Some(1)], "it is still counted where it was");
        cluster.pass(4);
        assert_eq!(told(&cluster), [Some(0), Some(1)]);
        cluster.say(socket, frame(1, "41"));
    }
}

#[test]
fn who_is_in_a_full_room_stays_in_it() {
    let mut cluster = Cluster::new(2, 1, |settings| settings.room_members_max = 1);
    let socket = moved(&mut cluster);
    cluster.pass(1);
    assert_eq!(sessions(&cluster), [0, 1]);
    speak(&mut cluster, 1, "lobby", "<said>");
    assert!(text(cluster.hear(socket)).contains("<said>"));
}

/// Somebody who takes every name for proven.
struct Credulous;

impl Access for Credulous {
    fn takes(&self, _: &Credentials) -> bool {
        true
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        let Wish::Identify(Credentials::Name(user)) = ask.wish else { return Some(Ok(Pass::default())) };
        Some(Ok(Pass::proven(user, Standing::since(0))))
    }
}

/// What somebody has proven, and until when it holds, is known to one node.
#[test]
fn who_has_proven_something_stays_where_that_is_known() {
    for cluster in clusters() {
        let mut cluster = cluster.judged_by(|| Box::new(Credulous));
        let client = Client::open(&mut cluster, 1);
        client.post(&mut cluster, 1, "420[\"log in\",{\"username\":\"ann\"}]");
        client.poll(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 1, 1);
        let socket = client.upgrade(&mut cluster, 2);
        cluster.pass(5);
        assert_eq!(sessions(&cluster), [1, 0]);
        speak(&mut cluster, 3, "lobby", "<said>");
        assert!(text(cluster.hear(socket)).contains("<said>"));
    }
}
