//! Leads a run: starts the workers, lets everybody in, has them post, has them settle, and makes the report of
//! their accounts and of what the system says of the server. It connects to nothing itself.

mod watch;
mod workers;

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::watch::{Times, Watch, is_want_of_memory};
use self::workers::Workers;
use crate::clock::now_ns;
use crate::exchange::{Account, Order, Settlement};
use crate::latency::{Latencies, Percentiles};
use crate::ledger::{Findings, rooms_that_disagree};
use crate::machine::MachineMemory;
use crate::options::{Posting, Run};
use crate::process::{Memory, Processes};
use crate::report::{
    Generator, Idle, KernelOverRun, Load, Machine, MemoryOverRun, Opening, Report, ServerLoad,
};
use crate::schedule::Timetable;

/// From the order to post until the first post.
const START_IN: Duration = Duration::from_millis(100);
/// A shorter stay before posts is not told.
const IDLE: Duration = Duration::from_secs(1);
/// How long a worker may take to answer when it has only to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Carries out a run.
pub fn conduct(run: &Run) -> io::Result<Report> {
    let server = Processes::find(&run.common.server_pid)?;
    let mut conductor = Conductor {
        run,
        watch: Watch::new(server, run.common.keep_available_mib << 20, run.common.processes as usize),
        workers: Workers::start(run)?,
        generator: Generator::default(),
        others_cpu_percent: None,
        early: Vec::new(),
        stopped_by: None,
    };
    let before = conductor.look_at_memory()?;
    let opening = conductor.open()?;
    let idle = conductor.unless_stopped(Conductor::hold)?.flatten();
    let open = conductor.look_at_memory()?;
    let load = match run.posting {
        Some(posting) => conductor.unless_stopped(|conductor| conductor.load(posting))?,
        None => None,
    };
    let after = conductor.leave()?;
    let memory = before.0.zip(open.0).zip(after.0);
    let Conductor { watch, generator, others_cpu_percent, stopped_by, .. } = conductor;
    Ok(Report {
        label: run.common.label.clone(),
        protocol: run.common.protocol.name.to_owned(),
        layout: run.layout,
        began_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        machine: machine(),
        opening,
        idle,
        load,
        generator,
        others_cpu_percent,
        memory: memory
            .map(|((before, open), after)| MemoryOverRun::of(before, open, after, opening.connections)),
        kernel: KernelOverRun::of(before.1, open.1, after.1, opening.connections),
        stopped_by,
        curve: watch.latencies().curve(),
        series: watch.into_points(),
    })
}

/// The memory of the server, if it is watched, and of the machine.
type MemoryNow = (Option<Memory>, MachineMemory);

struct Conductor<'a> {
    run: &'a Run,
    watch: Watch,
    workers: Workers,
    generator: Generator,
    others_cpu_percent: Option<f64>,
    /// What workers said before it was asked for.
    early: Vec<Account>,
    /// Why the run ended before its time.
    stopped_by: Option<String>,
}

impl Conductor<'_> {
    fn open(&mut self) -> io::Result<Opening> {
        self.watch.enter("opening");
        let before = self.watch.times()?;
        let timeout = Duration::from_secs_f64(self.run.common.open_timeout);
        let began_ns = now_ns();
        let opened = self.unless_stopped(|conductor| {
            conductor.collect(timeout, "to let everybody in", |account| match account {
                Account::Opened { first_ns, last_ns, cpu_ns } => Some((first_ns, last_ns, cpu_ns)),
                _ => None,
            })
        })?;
        let (connections, opened) = match opened {
            Some(opened) => (self.run.layout.members, opened),
            None => (self.watch.open(), vec![(began_ns, now_ns(), 0)]),
        };
        let used = self.watch.times()?.zip(before).map(|(now, before)| now.since(&before));
        let first_ns = opened.iter().map(|times| times.0).min().unwrap_or(0);
        let last_ns = opened.iter().map(|times| times.1).max().unwrap_or(0);
        let seconds = last_ns.saturating_sub(first_ns) as f64 / 1e9;
        let busiest = opened.iter().map(|(first, last, cpu)| percent(*cpu, last - first)).fold(0.0, f64::max);
        if self.run.posting.is_none() {
            self.generator = Generator::judged(vec![busiest], Percentiles::default());
            let workers_s = opened.iter().map(|times| times.2 as f64 / 1e9).sum();
            self.others_cpu_percent = used.map(|used| 100.0 * used.of_others_s(workers_s) / seconds);
        }
        Ok(Opening {
            connections,
            seconds,
            per_second: f64::from(connections) / seconds,
            server_us_each: used.map(|used| used.server.total_s * 1e6 / f64::from(connections.max(1))),
            generator_cpu_percent: busiest,
        })
    }

    fn hold(&mut self) -> io::Result<Option<Idle>> {
        self.watch.enter("settling");
        self.wait_until(now_ns() + nanoseconds(self.run.settle))?;
        self.watch.enter("idle");
        let (began_ns, before) = (now_ns(), self.watch.cpu_time()?);
        self.wait_until(began_ns + nanoseconds(self.run.hold))?;
        let seconds = (now_ns() - began_ns) as f64 / 1e9;
        let cpu = self.watch.cpu_time()?.zip(before).map(|(now, before)| now.since(&before).total_s);
        let idle = Idle {
            seconds,
            broken: self.watch.broken(),
            first_break: self.watch.first_break(),
            gaps: self.watch.gaps(),
            server_cpu_percent: cpu.map(|cpu| 100.0 * cpu / seconds),
        };
        let shortest = if self.run.posting.is_some() { IDLE } else { Duration::from_nanos(1) };
        Ok((self.run.hold >= shortest).then_some(idle))
    }

    fn load(&mut self, posting: Posting) -> io::Result<Load> {
        let start_ns = now_ns() + nanoseconds(START_IN);
        let measure_from_ns = start_ns + nanoseconds(posting.warm_up);
        let end_ns = measure_from_ns + nanoseconds(posting.duration);
        let Posting { rate, posts_each_max, .. } = posting;
        let publishers = self.run.layout.publishers;
        let timetable = Timetable { start_ns, end_ns, rate, publishers, posts_each_max };
        self.workers.tell_all(&Order::Publish { timetable, measure_from_ns })?;
        self.watch.enter("warming up");
        self.wait_until(measure_from_ns)?;
        self.watch.enter("measuring");
        let before = self.watch.times()?;
        self.wait_until(end_ns)?;
        let used = self.watch.times()?.zip(before).map(|(now, before)| now.since(&before));
        let posted = self.collect_posted()?;
        self.watch.enter("draining");
        self.workers.tell_all(&Order::Settle { posted, drain_ns: nanoseconds(posting.drain) })?;
        let settlements = self.collect(posting.drain + ANSWER, "to settle", |account| match account {
            Account::Settled(settlement) => Some(*settlement),
            _ => None,
        })?;
        Ok(self.sum_up(posting, used, settlements))
    }

    /// What every publisher has posted.
    fn collect_posted(&mut self) -> io::Result<Vec<u32>> {
        let lists = self.collect(ANSWER, "to send its posts", |account| match account {
            Account::Posted(posted) => Some(posted),
            _ => None,
        })?;
        let mut posted = vec![0; self.run.layout.publishers as usize];
        for (publisher, count) in lists.into_iter().flatten() {
            posted[publisher as usize] = count;
        }
        Ok(posted)
    }

    fn sum_up(&mut self, posting: Posting, used: Option<Times>, settlements: Vec<Settlement>) -> Load {
        let seconds = posting.duration.as_secs_f64();
        let mut slips = Latencies::default();
        let mut findings = Findings::default();
        for settlement in &settlements {
            self.watch.absorb(&settlement.latencies);
            slips.absorb(&settlement.slips);
            findings += settlement.findings;
        }
        let duration_ns = nanoseconds(posting.duration);
        let cpu_percent = settlements.iter().map(|part| percent(part.measured_cpu_ns, duration_ns)).collect();
        self.generator = Generator::judged(cpu_percent, slips.percentiles());
        let workers_s = settlements.iter().map(|part| part.measured_cpu_ns as f64 / 1e9).sum();
        self.others_cpu_percent = used.map(|used| 100.0 * used.of_others_s(workers_s) / seconds);
        let deliveries: u64 = settlements.iter().map(|part| part.measured_deliveries).sum();
        Load {
            rate: posting.rate,
            payload_bytes: posting.payload_bytes,
            seconds,
            posts: settlements.iter().map(|part| part.measured_posts).sum(),
            deliveries,
            deliveries_per_second: deliveries as f64 / seconds,
            latency: self.watch.latencies().percentiles(),
            server: used.map(|Times { server: cpu, .. }| ServerLoad {
                cpu,
                cpu_percent: 100.0 * cpu.total_s / seconds,
                us_per_delivery: cpu.total_s * 1e6 / deliveries.max(1) as f64,
            }),
            findings,
            rooms_that_disagree: rooms_that_disagree(settlements.iter().flat_map(|part| part.orders.clone())),
            gaps: settlements.iter().map(|part| part.gaps).sum(),
            broken: settlements.iter().map(|part| part.broken).sum(),
            first_break: settlements.into_iter().find_map(|part| part.first_break),
        }
    }

    /// Sends everybody away; after an idle stay gives the server time to give its memory back.
    fn leave(&mut self) -> io::Result<MemoryNow> {
        self.watch.enter("leaving");
        self.workers.dismiss()?;
        let deadline_ns = now_ns() + nanoseconds(self.run.give_back);
        while self.watch.looks_at_server() && now_ns() < deadline_ns {
            std::thread::sleep(Duration::from_millis(100));
            self.unless_stopped(|conductor| conductor.watch.look(now_ns()))?;
        }
        self.watch.end();
        self.look_at_memory()
    }

    fn look_at_memory(&self) -> io::Result<MemoryNow> {
        Ok((self.watch.memory()?, MachineMemory::now()?))
    }

    /// Takes a step of the run, unless it was stopped; `None` when it was, or was by this.
    fn unless_stopped<T>(&mut self, step: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<Option<T>> {
        if self.stopped_by.is_some() {
            return Ok(None);
        }
        match step(self) {
            Err(error) if is_want_of_memory(&error) => {
                self.stopped_by = Some(error.to_string());
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    /// Lets time pass; what a worker says meanwhile is kept.
    fn wait_until(&mut self, deadline_ns: u64) -> io::Result<()> {
        while let Some(account) = self.next_account(deadline_ns)? {
            self.early.push(account);
        }
        Ok(())
    }

    /// Waits for one account of a kind from every worker.
    fn collect<T>(
        &mut self,
        timeout: Duration,
        what: &str,
        pick: impl Fn(Account) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        let deadline_ns = now_ns() + nanoseconds(timeout);
        let mut accounts = std::mem::take(&mut self.early);
        while accounts.len() < self.workers.count() {
            let Some(account) = self.next_account(deadline_ns)? else {
                let seconds = timeout.as_secs_f64();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("it took more than {seconds} s {what}"),
                ));
            };
            accounts.push(account);
        }
        accounts
            .into_iter()
            .map(|account| {
                pick(account)
                    .ok_or_else(|| io::Error::other(format!("a worker spoke out of turn instead {what}")))
            })
            .collect()
    }

    /// The next account that is not of progress; `None` when there was none until then.
    fn next_account(&mut self, deadline_ns: u64) -> io::Result<Option<Account>> {
        loop {
            let now_ns = now_ns();
            self.watch.look(now_ns)?;
            let wake_ns = deadline_ns.min(self.watch.next_look_ns());
            match self.workers.hear(Duration::from_nanos(wake_ns.saturating_sub(now_ns)))? {
                Some((worker, Account::Progress(progress))) => self.watch.note(worker, progress),
                Some((_, Account::Failed(why))) => return Err(io::Error::other(why)),
                Some((_, account)) => return Ok(Some(account)),
                None if self::now_ns() >= deadline_ns => return Ok(None),
                None => {}
            }
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn percent(part_ns: u64, whole_ns: u64) -> f64 {
    100.0 * part_ns as f64 / whole_ns.max(1) as f64
}

fn machine() -> Machine {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let name =
        cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    Machine {
        processor: name.unwrap_or("unknown").to_owned(),
        cores: read("/proc/cpuinfo").lines().filter(|line| line.starts_with("processor")).count(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
    }
}
