//! What happens when. Knows nothing of how it is done.

use std::net::SocketAddr;
use std::time::Duration;

/// Something that befalls the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Redis ends the connections on which nodes listen.
    CutListeners,
    /// A node, counted from 0, is killed.
    KillNode(usize),
    /// It is started again.
    StartNode(usize),
    /// Redis is stopped and started again, with all that it had.
    RestartRedis,
    /// The master is killed, and the replica takes over. What was the master comes back after that.
    FailOver,
    /// A node is asked to stop, takes its leave, and is started again.
    Roll(usize),
}

impl Deed {
    /// How the members' account names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CutListeners => "listeners cut off",
            Self::KillNode(_) => "node killed",
            Self::StartNode(_) => "node started again",
            Self::RestartRedis => "Redis restarted",
            Self::FailOver => "Redis failed over",
            Self::Roll(_) => "node drained and started again",
        }
    }
}

/// A run: who is there, and what happens.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) nodes: usize,
    pub(super) rooms: u32,
    pub(super) publishers: u32,
    pub(super) rate: u32,
    /// After how long Sentinels take a master for dead.
    pub(super) down_after: Duration,
    /// Seconds from the first post, ascending.
    pub(super) deeds: Vec<(u32, Deed)>,
    /// When the last post is made.
    pub(super) seconds: u32,
}

/// Members of each room.
pub(super) const ROOM_SIZE: u32 = 10;

impl Plan {
    /// What the generator is asked for.
    pub(super) fn options(&self, target: SocketAddr) -> String {
        let Self { rooms, publishers, rate, .. } = self;
        format!(
            "--target {target} --rooms {rooms} --room-size {ROOM_SIZE} --publishers {publishers} --rate {rate}"
        )
    }

    /// Five minutes.
    pub(super) fn full() -> Self {
        use Deed::{CutListeners, FailOver, KillNode, RestartRedis, Roll, StartNode};
        let deeds = vec![
            (10, CutListeners),
            (20, KillNode(1)),
            (32, StartNode(1)),
            (42, CutListeners),
            (52, CutListeners),
            (65, RestartRedis),
            (80, CutListeners),
            (90, KillNode(3)),
            (95, CutListeners),
            (102, StartNode(3)),
            (115, CutListeners),
            (125, FailOver),
            (160, CutListeners),
            (175, CutListeners),
            (190, Roll(0)),
            (204, Roll(1)),
            (214, CutListeners),
            (222, Roll(2)),
            (236, Roll(3)),
            (255, CutListeners),
        ];
        Self {
            name: "chaos",
            nodes: 4,
            rooms: 100,
            publishers: 500,
            rate: 2000,
            down_after: Duration::from_secs(3),
            deeds,
            seconds: 300,
        }
    }

    /// Each thing at least once, to fewer members, in less than a minute.
    pub(super) fn quick() -> Self {
        use Deed::{CutListeners, FailOver, KillNode, RestartRedis, Roll, StartNode};
        let deeds = vec![
            (2, CutListeners),
            (4, KillNode(1)),
            (8, StartNode(1)),
            (11, RestartRedis),
            (15, CutListeners),
            (17, FailOver),
            (36, Roll(0)),
            (43, Roll(1)),
        ];
        Self {
            name: "chaos-quick",
            nodes: 4,
            rooms: 40,
            publishers: 200,
            rate: 400,
            down_after: Duration::from_millis(1500),
            deeds,
            seconds: 51,
        }
    }

    /// The run in a sentence.
    pub(super) fn about(&self) -> String {
        let count = |is: fn(&Deed) -> bool| self.deeds.iter().filter(|(_, deed)| is(deed)).count();
        format!(
            "{} members in {} rooms of {} nodes behind HAProxy, {} posts/s for {} s over a Redis with a replica and three Sentinels (`redis_wait_replicas = 1`), while nodes are \
             killed ({}), Redis is restarted ({}) and fails over ({}), listeners are cut off ({}), and nodes are drained and started again ({})",
            self.rooms * ROOM_SIZE,
            self.rooms,
            self.nodes,
            self.rate,
            self.seconds,
            count(|deed| matches!(deed, Deed::KillNode(_))),
            count(|deed| *deed == Deed::RestartRedis),
            count(|deed| *deed == Deed::FailOver),
            count(|deed| *deed == Deed::CutListeners),
            count(|deed| matches!(deed, Deed::Roll(_))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_its_deeds_in_order_and_ends_behind_them() {
        for plan in [Plan::full(), Plan::quick()] {
            assert!(plan.deeds.is_sorted_by_key(|(at, _)| *at), "{}", plan.name);
            assert!(plan.deeds.last().is_some_and(|(at, _)| at + 5 < plan.seconds), "{}", plan.name);
        }
    }

    #[test]
    fn the_full_plan_has_all_that_was_asked_for() {
        let about = Plan::full().about();
        let asked = "killed (2), Redis is restarted (1) and fails over (1), listeners are cut off (10), and nodes are drained and started again (4)";
        assert!(about.contains(asked) && about.contains("2000 posts/s for 300 s"), "{about}");
    }

    #[test]
    fn a_node_that_is_killed_is_started_again() {
        for plan in [Plan::full(), Plan::quick()] {
            for (at, deed) in &plan.deeds {
                let Deed::KillNode(node) = deed else { continue };
                let is_later = |(later, other): &&(u32, Deed)| later > at && *other == Deed::StartNode(*node);
                assert!(plan.deeds.iter().any(|deed| is_later(&deed)), "{}: node {node}", plan.name);
            }
        }
    }
}
