//! Nodes that leave hand on what they remember, whenever their clients come, and whatever is under way at that moment.

use shard::Settings;

use crate::client::{frame, speak, text, upgrade};
use crate::cluster::Cluster;
use crate::recovery::Returning;

fn cluster(nodes: u32, shards: u16) -> Cluster {
    Cluster::new(nodes, shards, remembering)
}

fn remembering(settings: &mut Settings) {
    settings.recovery_ms = 120_000;
    settings.gateways.socketio.recovery = true;
}

/// A client that was cut off from the first node.
fn cut_off(cluster: &mut Cluster) -> Returning {
    let (client, _) = Returning::connect(cluster, 1, "");
    client.join(cluster, "lobby");
    cluster.hang_up(client.socket);
    client
}

/// It comes to a node and goes on there, in its room.
fn goes_on_at(cluster: &mut Cluster, client: &Returning, node: u32) -> Returning {
    let (again, heard) = client.come_back(cluster, node, None);
    assert_eq!(again.sid, client.sid, "{heard}");
    speak(cluster, node, "lobby", "<hello>");
    assert!(text(cluster.hear(again.socket)).contains("<hello>"));
    again
}

#[test]
fn what_a_node_remembers_when_it_ends_another_one_does() {
    for shards in [1, 2] {
        let mut cluster = cluster(3, shards);
        let (client, _) = Returning::connect(&mut cluster, 1, "");
        client.join(&mut cluster, "lobby");
        cluster.drain(1);
        cluster.hang_up(client.socket);
        cluster.pass(4);
        cluster.end(1);
        let again = goes_on_at(&mut cluster, &client, 3);
        cluster.hang_up(again.socket);
        goes_on_at(&mut cluster, &again, 2);
    }
}

#[test]
fn who_was_cut_off_long_before_a_node_leaves_goes_on_elsewhere_and_nobody_waits_for_it() {
    let mut cluster = cluster(2, 2);
    let client = cut_off(&mut cluster);
    cluster.pass(60);
    cluster.drain(1);
    cluster.end(1);
    goes_on_at(&mut cluster, &client, 2);
}

#[test]
fn who_asks_a_node_that_has_handed_on_what_it_remembered_is_sent_to_its_heir() {
    let mut cluster = cluster(3, 1);
    let client = cut_off(&mut cluster);
    cluster.pass(4);
    cluster.drain(1);
    assert!(cluster.is_drained(1));
    let again = goes_on_at(&mut cluster, &client, 3);
    // Nobody has noticed that it is gone from there.
    let (last, heard) = again.come_back(&mut cluster, 2, None);
    assert!(last.sid == client.sid && cluster.is_over(again.socket), "{heard}");
    cluster.hang_up(last.socket);
    cluster.pass(4);
    cluster.end(1);
    goes_on_at(&mut cluster, &last, 3);
}

#[test]
fn what_an_heir_that_is_gone_or_leaves_too_was_offered_another_one_gets() {
    for leaves in [false, true] {
        for heir in [2, 3] {
            let mut cluster = cluster(3, 1);
            let client = cut_off(&mut cluster);
            cluster.pass(4);
            if leaves {
                cluster.drain(heir)
            } else {
                cluster.kill(heir)
            }
            cluster.drain(1);
            cluster.pass(4);
            cluster.end(1);
            goes_on_at(&mut cluster, &client, 5 - heir);
        }
    }
}

/// A record stays until its heir has said that it has it.
#[test]
fn who_asks_while_a_record_is_on_its_way_to_an_heir_goes_on_and_the_heir_forgets_it() {
    for shards in [1, 2] {
        let mut cluster = cluster(3, shards);
        let client = cut_off(&mut cluster);
        cluster.pass(4);
        cluster.slow_down(2, 1);
        cluster.drain(1);
        assert!(!cluster.is_drained(1), "its heir has not answered");
        assert_eq!([1, 2].map(|node| cluster.holdings(node).records), [1, 1]);
        goes_on_at(&mut cluster, &client, 3);
        cluster.let_arrive();
        assert_eq!([1, 2].map(|node| cluster.holdings(node).records), [0, 0]);
        assert!(cluster.is_drained(1));
    }
}

/// It has asked for its strand, and what it asked for is still under way when it is gone, as is the node that it asked.
#[test]
fn what_comes_for_a_session_that_has_ended_at_a_node_that_leaves_is_handed_on() {
    for shards in [1, 2] {
        let mut cluster = cluster(3, shards);
        let client = cut_off(&mut cluster);
        cluster.slow_down(1, 2);
        let (again, heard) = client.come_back(&mut cluster, 2, None);
        assert!(again.sid.is_empty(), "it is not known yet whether it goes on: {heard}");
        cluster.drain(1);
        cluster.end(1);
        cluster.drain(2);
        cluster.hang_up(again.socket);
        assert!(!cluster.is_drained(2), "something may come for it");
        cluster.let_arrive();
        cluster.pass(4);
        cluster.end(2);
        goes_on_at(&mut cluster, &client, 3);
    }
}

#[test]
fn a_node_that_leaves_does_not_wait_forever_for_what_a_session_had_asked_for() {
    let mut cluster = cluster(2, 1);
    let client = cut_off(&mut cluster);
    cluster.slow_down(1, 2);
    let (again, _) = client.come_back(&mut cluster, 2, None);
    cluster.drain(2);
    cluster.hang_up(again.socket);
    cluster.pass(2);
    assert!(!cluster.is_drained(2));
    cluster.pass(2);
    assert!(cluster.is_drained(2));
}

/// The strand is asked for from a third node while it is on its way to a session at the second that has ended.
#[test]
fn who_asks_for_what_is_under_way_to_another_session_waits_until_it_is_there() {
    let mut cluster = cluster(3, 2);
    let client = cut_off(&mut cluster);
    cluster.pass(4);
    cluster.drain(1);
    assert!(cluster.is_drained(1), "an heir has it");
    // Of the two others one is the heir, and slow to answer the other one.
    let heir = if cluster.holdings(2).records == 1 { 2 } else { 3 };
    cluster.slow_down(heir, 5 - heir);
    let (second, _) = client.come_back(&mut cluster, 5 - heir, None);
    let (third, heard) = client.come_back(&mut cluster, heir, None);
    assert!(second.sid.is_empty() && third.sid.is_empty(), "it is under way: {heard}");
    cluster.let_arrive();
    let heard = text(cluster.hear(third.socket));
    assert!(heard.contains(&client.sid) && cluster.is_over(second.socket), "{heard}");
}

/// The node tells one client a second to leave, so the second one is still there.
#[test]
fn a_node_that_leaves_takes_no_strand_and_its_client_goes_on_at_the_next() {
    let mut cluster = Cluster::new(3, 1, |settings| {
        remembering(settings);
        settings.drain_sessions_per_second = 1;
    });
    let client = cut_off(&mut cluster);
    Returning::connect(&mut cluster, 2, "");
    let socket = cluster.connect(2);
    cluster.say(socket, upgrade("/socket.io/?EIO=4&transport=websocket"));
    cluster.drain(2);
    assert!(!cluster.is_over(socket));
    let (pid, records) = (&client.pid, cluster.holdings(1).records);
    cluster.say(socket, frame(1, &format!("40{{\"pid\":\"{pid}\"}}")));
    assert!(cluster.is_over(socket));
    assert_eq!((cluster.holdings(1).records, cluster.holdings(2).records), (records, 0));
    goes_on_at(&mut cluster, &client, 3);
}

/// Nodes hear of each other a second or two after they have begun.
#[test]
fn who_comes_to_a_node_before_that_has_heard_of_its_first_one_goes_on() {
    for shards in [1, 2] {
        let mut cluster = Cluster::of_strangers(2, shards, remembering);
        let client = cut_off(&mut cluster);
        goes_on_at(&mut cluster, &client, 2);
    }
}
