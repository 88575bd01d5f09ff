//! Everything that is started, and what is done to it. It ends with the value, also when this is interrupted.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::brokers::Brokers;
use super::nodes::Nodes;
use super::plan::{Deed, Plan};
use super::stay::Stay;
use crate::cluster::ports::free_port;
use crate::cluster::running::Running;
use crate::cluster::{Interrupts, balancer};
use crate::step::{Failure, Outcome};

/// The balancer asks nodes for their health once a second, and takes them for well when they say so.
const HEALTH_INTERVAL: Duration = Duration::from_secs(2);
/// How long all members may take to come in.
const OPENING: Duration = Duration::from_secs(60);
/// So much earlier members are told what happens, so that none notices it before.
const AHEAD: Duration = Duration::from_millis(50);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The balancer ends first, so that nobody is sent to nodes that go; the brokers last.
pub(super) struct Scene {
    _balancer: Running,
    port: u16,
    nodes: Nodes,
    brokers: Brokers,
    clock: Clock,
}

/// Time, which an interrupt ends.
struct Clock {
    runtime: tokio::runtime::Runtime,
    interrupts: Interrupts,
}

impl Scene {
    pub(super) fn set(plan: &Plan, server: &Path, folder: &Path) -> Result<Self, Failure> {
        let clock = Clock::start()?;
        let brokers = Brokers::start(plan.down_after, folder)?;
        let nodes = Nodes::start(plan.nodes, server, brokers.url(), folder)?;
        let port = free_port()?;
        // It is given to another user, so it has a folder to itself.
        let place = folder.join("balancer");
        std::fs::create_dir(&place)?;
        let haproxy = balancer::named("haproxy")?;
        let program = (haproxy.prepare)(haproxy, nodes.places(), port, &place)?;
        let mut balancer = Running::start(program, port, &folder.join("balancer.log"))?;
        balancer.await_accepting()?;
        Ok(Self { _balancer: balancer, port, nodes, brokers, clock })
    }

    /// Where members come to.
    pub(super) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Waits until all members are in.
    pub(super) fn await_all_in(&mut self, stay: &mut Stay) -> Outcome {
        let deadline = Instant::now() + OPENING;
        while !stay.is_begun()? {
            if Instant::now() > deadline {
                return Err(Failure::new("not everybody is in"));
            }
            self.clock.pause(LOOK_INTERVAL)?;
        }
        Ok(())
    }

    /// Does what the plan says, when it says so. The members are told what, so that they can say how they fared.
    pub(super) fn play(&mut self, plan: &Plan, stay: &mut Stay) -> Outcome {
        let began = Instant::now();
        for (at, deed) in &plan.deeds {
            self.clock.pause_until(began + Duration::from_secs(u64::from(*at)))?;
            println!("   {:>5.1} s  {}", began.elapsed().as_secs_f64(), deed.name());
            stay.tell(deed.name())?;
            self.clock.pause(AHEAD)?;
            self.perform(*deed)?;
        }
        self.clock.pause_until(began + Duration::from_secs(u64::from(plan.seconds)))
    }

    fn perform(&mut self, deed: Deed) -> Outcome {
        match deed {
            Deed::CutListeners => self.brokers.cut_listeners().map(drop),
            Deed::KillNode(node) => self.nodes.kill(node),
            Deed::StartNode(node) => self.nodes.start_again(node),
            Deed::RestartRedis => self.brokers.restart(),
            Deed::FailOver => {
                self.brokers.fail_over()?;
                self.brokers.bring_back()
            }
            Deed::Roll(node) => {
                self.nodes.drain(node);
                self.nodes.start_again(node)?;
                self.nodes.await_ready(node)?;
                self.clock.pause(HEALTH_INTERVAL)
            }
        }
    }
}

impl Clock {
    fn start() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // From here on an interrupt is waited for, and not died of.
        let interrupts = runtime.block_on(async { Interrupts::listen() })?;
        Ok(Self { runtime, interrupts })
    }

    fn pause_until(&mut self, moment: Instant) -> Outcome {
        self.pause(moment.saturating_duration_since(Instant::now()))
    }

    fn pause(&mut self, duration: Duration) -> Outcome {
        let Self { runtime, interrupts } = self;
        let is_interrupted =
            runtime.block_on(async { tokio::time::timeout(duration, interrupts.next()).await.is_ok() });
        if is_interrupted { Err(Failure::new("interrupted")) } else { Ok(()) }
    }
}
