//! What is good no more, whatever its session is waiting for.

use std::cell::RefCell;
use std::rc::Rc;

use access::{Access, Arrival, Ask, Pass, Revocation, Revoked, Standing, Verdict, Wish};
use chat::{Credentials, UserId};

use crate::client::{frame, text, upgrade};
use crate::cluster::{Cluster, PipeId};

/// Somebody who takes every name for proven, until it is not.
struct Fickle {
    revoked: Rc<RefCell<Vec<Revocation>>>,
    told: usize,
}

impl Access for Fickle {
    fn takes(&self, _: &Credentials) -> bool {
        true
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        let Wish::Identify(Credentials::Name(user)) = ask.wish else { return Some(Ok(Pass::default())) };
        Some(Ok(Pass::proven(user, Standing::since(7))))
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) {
        let revoked = self.revoked.borrow();
        let what = revoked[self.told..].into();
        self.told = revoked.len();
        arrivals.push(Arrival::Revoked(Revoked { what, is_news: false }));
    }
}

fn log_in(cluster: &mut Cluster, user: &str) -> PipeId {
    let socket = cluster.connect(1);
    cluster.say(socket, upgrade("/socket.io/?EIO=4&transport=websocket"));
    cluster.say(socket, frame(1, "40"));
    cluster.say(socket, frame(1, &format!("420[\"log in\",{{\"username\":\"{user}\"}}]")));
    socket
}

#[test]
fn who_is_revoked_is_parted_with_though_the_inbox_is_still_waited_for() {
    for shards in [1, 2] {
        let revoked = Rc::new(RefCell::new(Vec::new()));
        let mut cluster = Cluster::new(1, shards, |_| {})
            .judged_by(|| Box::new(Fickle { revoked: revoked.clone(), told: 0 }));
        let (bob, other_ann) = (log_in(&mut cluster, "bob"), log_in(&mut cluster, "anna"));
        cluster.hold_up("ann");
        let ann = log_in(&mut cluster, "ann");
        assert!(!text(cluster.hear(ann)).contains("430["), "it is not in yet");
        for before_s in [7, 8] {
            let user = UserId::new("ann").expect("a valid name");
            revoked.borrow_mut().push(Revocation::User(user, before_s));
            cluster.tell_verdicts();
            assert_eq!(cluster.is_over(ann), before_s == 8, "what was made out later is good");
        }
        assert!(!cluster.is_over(bob) && !cluster.is_over(other_ann), "nobody else is meant");
        cluster.let_go_on();
        revoked.borrow_mut().push(Revocation::User(UserId::new("bob").expect("a valid name"), 8));
        cluster.tell_verdicts();
        assert!(cluster.is_over(bob) && !cluster.is_over(other_ann), "who is in goes too");
    }
}
