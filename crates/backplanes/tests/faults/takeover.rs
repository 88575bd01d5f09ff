//! A replica takes the place of its master, with all that one had or with less.

use crate::ROUND;
use crate::cluster::{Cluster, Rules};
use crate::server::Server;
use crate::switchboard::Switchboard;

/// Two nodes by way of a switchboard at a master, whose replica has the first round of what they say.
struct Replicated {
    master: Server,
    replica: Server,
    switchboard: Switchboard,
    cluster: Cluster,
}

impl Replicated {
    fn start() -> Self {
        let (master, replica) = (Server::start(), Server::start());
        let switchboard = Switchboard::to(master.port());
        replica.follow(&master);
        let mut cluster = Cluster::new(2, &switchboard.url());
        cluster.say(ROUND);
        cluster.settle();
        replica.has_all_of(&master);
        Self { master, replica, switchboard, cluster }
    }

    /// The replica is a master from now on, and what is said next only the old one has.
    fn part(&mut self) {
        self.replica.tell("REPLICAOF NO ONE");
        self.say();
    }

    /// The old master follows the new one and forgets what that has not, and is made the master again.
    fn demote_and_promote(&self) {
        self.master.follow(&self.replica);
        self.master.tell("REPLICAOF NO ONE");
    }

    fn say(&mut self) {
        self.cluster.say(ROUND);
        self.cluster.settle();
    }

    fn check_losses(&self) {
        self.cluster.check(Rules::LossesAreMended);
        assert!(self.cluster.told_of_losses() >= 2, "both were told");
    }
}

#[test]
fn a_replica_that_is_behind_is_noticed_when_it_takes_over() {
    let mut all = Replicated::start();
    all.part();
    all.switchboard.switch_to(all.replica.port());
    all.say();
    all.check_losses();
}

#[test]
fn a_replica_that_has_everything_takes_over_unnoticed() {
    let mut all = Replicated::start();
    all.switchboard.switch_to(all.replica.port());
    all.replica.tell("REPLICAOF NO ONE");
    all.say();
    all.cluster.check(Rules::NothingIsLost);
}

/// A master renames its history then, which is no other life of it.
#[test]
fn a_masters_first_replica_is_not_felt() {
    let (master, replica) = (Server::start(), Server::start());
    let mut cluster = Cluster::new(2, &master.url());
    cluster.say(ROUND);
    cluster.settle();
    let epoch = cluster.epoch();
    replica.follow(&master);
    for kind in ["pubsub", "normal"] {
        master.tell(&format!("CLIENT KILL TYPE {kind}"));
        cluster.say(ROUND);
        cluster.settle();
    }
    cluster.check(Rules::NothingIsLost);
    assert_eq!(cluster.epoch(), epoch, "the room goes on in its life");
}

#[test]
fn a_master_that_was_a_replica_for_a_while_is_another() {
    let mut all = Replicated::start();
    all.part();
    all.demote_and_promote();
    // As Sentinels do.
    all.master.tell("CLIENT KILL TYPE normal");
    all.master.tell("CLIENT KILL TYPE pubsub");
    all.say();
    all.check_losses();
}

#[test]
fn a_master_that_was_a_replica_for_a_moment_is_noticed_on_connections_that_nobody_closed() {
    let mut all = Replicated::start();
    all.part();
    let before = all.cluster.connects();
    all.demote_and_promote();
    all.cluster
        .until(|cluster| cluster.connects().iter().zip(&before).all(|(now, before)| *now >= before + 2));
    all.say();
    all.check_losses();
}
