//! Clients that were cut off come back on another node.

use crate::client::{Client, frame, member, speak, text, upgrade};
use crate::cluster::{Cluster, PipeId};

fn cluster(nodes: u32, shards: u16) -> Cluster {
    Cluster::new(nodes, shards, |settings| {
        settings.recovery_ms = 120_000;
        settings.gateways.socketio.recovery = true;
    })
}

/// A client over a WebSocket, and what it knows of itself.
pub(crate) struct Returning {
    pub(crate) socket: PipeId,
    /// What it is called.
    pub(crate) sid: String,
    /// What it may come back by.
    pub(crate) pid: String,
}

impl Returning {
    pub(crate) fn connect(cluster: &mut Cluster, node: u32, auth: &str) -> (Self, String) {
        let socket = cluster.connect(node);
        cluster.say(socket, upgrade("/socket.io/?EIO=4&transport=websocket"));
        cluster.say(socket, frame(1, &format!("40{auth}")));
        let heard = text(cluster.hear(socket));
        let (_, connected) = heard.split_once("40{").unwrap_or(("", ""));
        let of = |name| if connected.is_empty() { String::new() } else { member(connected, name).to_owned() };
        let (sid, pid) = (of("sid"), of("pid"));
        (Self { socket, sid, pid }, heard)
    }

    /// A client comes by what it may come back by, with the last position that it has seen.
    pub(crate) fn by(cluster: &mut Cluster, node: u32, pid: &str, seen: Option<&str>) -> (Self, String) {
        let offset = seen.map_or_else(String::new, |seen| format!(",\"offset\":\"{seen}\""));
        Self::connect(cluster, node, &format!("{{\"pid\":\"{pid}\"{offset}}}"))
    }

    pub(crate) fn join(&self, cluster: &mut Cluster, room: &str) {
        cluster.say(self.socket, frame(1, &format!("421[\"joinRoom\",{{\"room\":\"{room}\"}}]")));
        assert!(text(cluster.hear(self.socket)).contains("431["), "it has joined");
    }

    /// Comes back, with the last of these positions that it has seen.
    pub(crate) fn come_back(&self, cluster: &mut Cluster, node: u32, seen: Option<&str>) -> (Self, String) {
        Self::by(cluster, node, &self.pid, seen)
    }
}

/// The position that the last message came with.
fn last_position(heard: &str) -> String {
    let (_, last) = heard.rsplit_once(",\"").expect("a message ends with its position");
    last.split_once('"').expect("a string ends").0.to_owned()
}

#[test]
fn who_was_cut_off_goes_on_at_any_node_and_then_at_the_next() {
    for shards in [1, 2] {
        let mut cluster = cluster(3, shards);
        let (mut client, _) = Returning::connect(&mut cluster, 1, "");
        client.join(&mut cluster, "lobby");
        speak(&mut cluster, 2, "lobby", "<first>");
        let mut seen = last_position(&text(cluster.hear(client.socket)));
        for (node, word) in [(2, "<second>"), (3, "<third>"), (1, "<fourth>"), (1, "<fifth>")] {
            cluster.hang_up(client.socket);
            speak(&mut cluster, 3, "lobby", word);
            let (again, heard) = client.come_back(&mut cluster, node, Some(&seen));
            assert_eq!((&again.sid, &again.pid), (&client.sid, &client.pid), "{heard}");
            assert!(heard.contains(word), "{heard}");
            seen = last_position(&heard);
            client = again;
        }
        speak(&mut cluster, 2, "lobby", "<last>");
        assert!(text(cluster.hear(client.socket)).contains("<last>"));
    }
}

#[test]
fn who_comes_back_elsewhere_before_it_is_missed_takes_the_place_of_its_former_session() {
    let mut cluster = cluster(3, 1);
    let (first, _) = Returning::connect(&mut cluster, 1, "");
    first.join(&mut cluster, "lobby");
    let (second, _) = first.come_back(&mut cluster, 2, None);
    assert!(second.sid == first.sid && cluster.is_over(first.socket));
    let (third, heard) = second.come_back(&mut cluster, 3, None);
    assert!(third.sid == first.sid && cluster.is_over(second.socket), "{heard}");
    assert_eq!([1, 2, 3].map(|node| cluster.holdings(node).sessions), [0, 0, 1]);
    speak(&mut cluster, 1, "lobby", "<hello>");
    assert!(text(cluster.hear(third.socket)).contains("<hello>"));
}

#[test]
fn who_began_at_a_node_that_is_dead_begins_anew_and_is_told() {
    let mut cluster = cluster(2, 1);
    let (client, _) = Returning::connect(&mut cluster, 1, "");
    client.join(&mut cluster, "lobby");
    cluster.kill(1);
    let (again, heard) = client.come_back(&mut cluster, 2, None);
    assert!(again.sid.is_empty(), "it is not known yet whether it goes on: {heard}");
    cluster.pass(4);
    let heard = text(cluster.hear(again.socket));
    assert!(heard.contains("40{") && !heard.contains(&client.sid), "{heard}");
    let (at_once, heard) = client.come_back(&mut cluster, 2, None);
    assert!(!at_once.sid.is_empty() && at_once.sid != client.sid, "nobody waits a second time: {heard}");
    assert_eq!(cluster.count(2, |tally| tally.recoveries_failed), 2);
}

#[test]
fn who_ended_its_session_at_another_node_does_not_go_on() {
    let mut cluster = cluster(2, 1);
    let (first, _) = Returning::connect(&mut cluster, 1, "");
    cluster.hang_up(first.socket);
    let (second, _) = first.come_back(&mut cluster, 2, None);
    assert_eq!((first.sid == second.sid, cluster.holdings(1).records), (true, 0));
    cluster.say(second.socket, frame(1, "41"));
    cluster.hang_up(second.socket);
    let (third, _) = first.come_back(&mut cluster, 2, None);
    assert_ne!(third.sid, first.sid);
}

/// The cluster looks whether a room keeps what nobody lacks any more.
#[test]
fn what_a_room_said_while_another_one_was_waited_for_comes_and_is_then_let_go() {
    let mut cluster = cluster(2, 1);
    let (client, _) = Returning::connect(&mut cluster, 1, "");
    ["a", "b"].into_iter().for_each(|room| client.join(&mut cluster, room));
    let (other, _) = Returning::connect(&mut cluster, 2, "");
    other.join(&mut cluster, "a");
    cluster.hang_up(client.socket);
    cluster.hold_up("b");
    let (again, heard) = client.come_back(&mut cluster, 2, None);
    assert!(again.sid.is_empty(), "a room is waited for: {heard}");
    speak(&mut cluster, 2, "a", "<meanwhile>");
    assert!(text(cluster.hear(other.socket)).contains("<meanwhile>"));
    assert!(!text(cluster.hear(again.socket)).contains("<meanwhile>"));
    cluster.let_go_on();
    let heard = text(cluster.hear(again.socket));
    assert!(heard.contains(&client.sid) && heard.matches("<meanwhile>").count() == 1, "{heard}");
    assert_eq!(cluster.queued_bytes(2), 0);
}

/// The client moves to a WebSocket while it is not known yet whether it goes on.
#[test]
fn who_moves_to_a_websocket_while_a_room_is_waited_for_goes_on_there() {
    for shards in [1, 2] {
        let mut cluster = cluster(2, shards);
        let (client, _) = Returning::connect(&mut cluster, 1, "");
        ["a", "b"].into_iter().for_each(|room| client.join(&mut cluster, room));
        speak(&mut cluster, 2, "a", "<seen>");
        let seen = last_position(&text(cluster.hear(client.socket)));
        cluster.hang_up(client.socket);
        speak(&mut cluster, 2, "a", "<missed>");
        cluster.hold_up("b");
        let again = Client::come_back(&mut cluster, 2, &client.pid, &seen);
        speak(&mut cluster, 2, "a", "<over polls>");
        let socket = again.upgrade(&mut cluster, 2);
        speak(&mut cluster, 2, "a", "<over a websocket>");
        assert!(!text(cluster.hear(socket)).contains('<'), "a room is waited for");
        cluster.let_go_on();
        speak(&mut cluster, 1, "b", "<last>");
        let heard = text(cluster.hear(socket));
        let expected = [&*client.sid, "<missed>", "<over polls>", "<over a websocket>", "<last>"];
        assert!(expected.iter().all(|word| heard.matches(word).count() == 1), "{heard}");
        assert!(expected.map(|word| heard.find(word)).is_sorted(), "{heard}");
        cluster.hang_up(socket);
        let (_, heard) = Returning::by(&mut cluster, 1, &client.pid, Some(&last_position(&heard)));
        assert!(heard.contains(&client.sid) && !heard.contains('<'), "{heard}");
        let holdings = [1, 2].map(|node| cluster.queued_bytes(node));
        assert_eq!(holdings, [0, 0]);
    }
}

#[test]
fn who_is_told_to_leave_goes_on_elsewhere_and_the_node_waits_for_it_a_little() {
    for shards in [1, 2] {
        let mut cluster = cluster(2, shards);
        let (client, _) = Returning::connect(&mut cluster, 1, "");
        client.join(&mut cluster, "lobby");
        speak(&mut cluster, 2, "lobby", "<first>");
        let seen = last_position(&text(cluster.hear(client.socket)));
        cluster.drain(1);
        assert!(cluster.is_over(client.socket));
        cluster.hang_up(client.socket);
        assert!(!cluster.is_drained(1), "it is asked for what it remembers");
        speak(&mut cluster, 2, "lobby", "<second>");
        let (again, heard) = client.come_back(&mut cluster, 2, Some(&seen));
        assert!(again.sid == client.sid && heard.contains("<second>"), "{heard}");
        assert!(cluster.is_drained(1));
    }
}

/// A client begins at one node, goes on at the next when that leaves, and again at a third: the first is gone by then.
#[test]
fn who_is_handed_on_once_is_handed_on_again_when_its_first_node_is_gone() {
    for (shards, is_known) in [(1, true), (2, true), (3, false)] {
        let mut cluster = cluster(3, shards);
        let (first, _) = Returning::connect(&mut cluster, 1, "");
        ["lobby", "attic"].into_iter().for_each(|room| first.join(&mut cluster, room));
        speak(&mut cluster, 3, "lobby", "<first>");
        let seen = last_position(&text(cluster.hear(first.socket)));
        cluster.drain(1);
        cluster.hang_up(first.socket);
        let (second, _) = first.come_back(&mut cluster, 2, Some(&seen));
        assert!(second.sid == first.sid && cluster.is_drained(1));
        cluster.kill(1);
        if is_known {
            cluster.tell_alive();
        }
        speak(&mut cluster, 3, "attic", "<second>");
        let seen = last_position(&text(cluster.hear(second.socket)));
        cluster.drain(2);
        cluster.hang_up(second.socket);
        assert!(!cluster.is_drained(2), "it is asked for what it remembers");
        speak(&mut cluster, 3, "lobby", "<third>");
        let (mut third, mut heard) = second.come_back(&mut cluster, 3, Some(&seen));
        if !is_known {
            assert!(third.sid.is_empty(), "the first node may answer yet: {heard}");
            cluster.pass(1);
            heard = text(cluster.hear(third.socket));
            third.sid = member(heard.split_once("40{").map_or("", |(_, rest)| rest), "sid").to_owned();
        }
        assert_eq!(third.sid, first.sid, "{heard}");
        assert!(heard.contains("<third>") && !heard.contains("<second>"), "{heard}");
        assert!(cluster.is_drained(2));
        ["lobby", "attic"].into_iter().for_each(|room| speak(&mut cluster, 3, room, &format!("<{room}>")));
        let heard = text(cluster.hear(third.socket));
        assert!(heard.contains("<lobby>") && heard.contains("<attic>"), "{heard}");
    }
}

/// Nobody has noticed that the client is gone from the second node.
#[test]
fn who_moves_on_unnoticed_when_its_first_node_is_gone_takes_its_own_place() {
    let mut cluster = cluster(3, 2);
    let (first, _) = Returning::connect(&mut cluster, 1, "");
    first.join(&mut cluster, "lobby");
    let (second, _) = first.come_back(&mut cluster, 2, None);
    cluster.kill(1);
    cluster.tell_alive();
    let (third, heard) = second.come_back(&mut cluster, 3, None);
    assert!(third.sid == first.sid && cluster.is_over(second.socket), "{heard}");
    assert_eq!([2, 3].map(|node| cluster.holdings(node).sessions), [0, 1]);
    let (again, _) = third.come_back(&mut cluster, 3, None);
    assert_eq!(again.sid, first.sid);
    cluster.say(again.socket, frame(1, "41"));
    cluster.hang_up(again.socket);
    assert_eq!([2, 3].map(|node| cluster.holdings(node).records), [0, 0]);
}

#[test]
fn a_node_that_leaves_does_not_wait_long_for_those_who_do_not_come_back() {
    let mut cluster = cluster(2, 1);
    let (client, _) = Returning::connect(&mut cluster, 1, "");
    cluster.drain(1);
    cluster.hang_up(client.socket);
    cluster.pass(2);
    assert!(!cluster.is_drained(1));
    cluster.pass(2);
    assert!(cluster.is_drained(1));
}
