//! Users with several devices.

use chat::{RoomId, UserId};

use crate::client::{frame, text, upgrade};
use crate::cluster::{Cluster, PipeId};

fn log_in(cluster: &mut Cluster, node: u32, user: &str) -> PipeId {
    let socket = cluster.connect(node);
    cluster.say(socket, upgrade("/socket.io/?EIO=4&transport=websocket"));
    cluster.say(socket, frame(1, "40"));
    cluster.say(socket, frame(1, &format!("420[\"log in\",{{\"username\":\"{user}\"}}]")));
    assert!(text(cluster.hear(socket)).contains("430["), "it has logged in");
    socket
}

fn assert_told(cluster: &mut Cluster, user: &str, node: u32, devices: u32) {
    cluster.pass(1);
    let inbox = RoomId::inbox(UserId::new(user).expect("a valid name"));
    assert_eq!(cluster.told_sessions(&inbox, node), Some(devices));
}

#[test]
fn the_other_nodes_know_how_many_devices_of_a_user_are_on_each() {
    for shards in [1, 2] {
        let mut cluster = Cluster::new(2, shards, |_| {});
        let first = log_in(&mut cluster, 1, "bob");
        assert_told(&mut cluster, "bob", 1, 1);
        let second = log_in(&mut cluster, 1, "bob");
        let elsewhere = log_in(&mut cluster, 2, "bob");
        assert_told(&mut cluster, "bob", 1, 2);
        assert_told(&mut cluster, "bob", 2, 1);
        cluster.hang_up(first);
        assert_told(&mut cluster, "bob", 1, 1);
        cluster.hang_up(second);
        assert_told(&mut cluster, "bob", 1, 0);
        cluster.hang_up(elsewhere);
        assert_told(&mut cluster, "bob", 2, 0);
    }
}
