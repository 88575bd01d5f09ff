//! The latest numbers of every shard and the stage the node is in.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::metric::{Histogram, Sample};
use crate::peers::Peers;
use crate::recent::Recent;

/// A shard that has said nothing for so long is taken to be stuck.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Where a node is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not every address accepts yet.
    Starting,
    /// New clients are welcome.
    Ready,
    /// Taking leave of its clients; send no new ones.
    Draining,
}

/// What the shards of a node last said of themselves. Shared by shards, which write, and the service, which reads.
#[derive(Debug)]
pub struct Vitals {
    stage: AtomicU8,
    shards: Vec<Mutex<Report>>,
    cluster: Mutex<Health>,
    store: Mutex<Health>,
    is_crowded: AtomicBool,
    access: Mutex<Health>,
    remark: Mutex<Option<String>>,
    hooks: Mutex<Vec<Sample>>,
    recent: Mutex<Recent>,
    peers: Mutex<Peers>,
    /// What others know this node by, and what people call it, once that is known.
    name: OnceLock<(String, String)>,
    /// When the stage was entered.
    entered: Mutex<Instant>,
    /// The time of day at the start, in milliseconds.
    run: u64,
}

/// How a node stands with something that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why that does not do what it should, for a person; `None`: it does.
    pub fault: Option<String>,
    /// What has happened between them.
    pub samples: Vec<Sample>,
}

/// What a shard said, and when.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) at: Instant,
    pub(crate) samples: Vec<Sample>,
    pub(crate) histograms: Vec<Histogram>,
}

impl Report {
    /// A report of nothing, by a shard that has yet to speak.
    fn silent(at: Instant) -> Self {
        Self { at, samples: Vec::new(), histograms: Vec::new() }
    }
}

impl Vitals {
    /// Vitals of a node with so many shards, about to start.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        let report = || Mutex::new(Report::silent(Instant::now()));
        let shards = std::iter::repeat_with(report).take(shards).collect();
        let stage = AtomicU8::new(Stage::Starting as u8);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            stage,
            shards,
            cluster: Mutex::new(UNKNOWN),
            store: Mutex::new(UNKNOWN),
            is_crowded: AtomicBool::new(false),
            access: Mutex::new(UNKNOWN),
            remark: Mutex::default(),
            hooks: Mutex::default(),
            recent: Mutex::default(),
            peers: Mutex::default(),
            name: OnceLock::new(),
            entered: Mutex::new(Instant::now()),
            run: wall.as_millis() as u64,
        }
    }

    /// Replaces what a shard last said. Call it at least every few seconds, idle or not: a silent shard counts as stuck.
    ///
    /// # Panics
    ///
    /// When there is no such shard.
    pub fn publish(&self, shard: usize, samples: Vec<Sample>) {
        let mut report = lock(&self.shards[shard]);
        (report.at, report.samples) = (Instant::now(), samples);
    }

    /// Replaces what a shard last said of how long things take.
    ///
    /// # Panics
    ///
    /// When there is no such shard.
    pub fn publish_histograms(&self, shard: usize, histograms: Vec<Histogram>) {
        lock(&self.shards[shard]).histograms = histograms;
    }

    /// Says that the node is in another stage now.
    pub fn enter(&self, stage: Stage) {
        *lock(&self.entered) = Instant::now();
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// The stage the node is in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Stage::Starting as u8 => Stage::Starting,
            stage if stage == Stage::Ready as u8 => Stage::Ready,
            _ => Stage::Draining,
        }
    }

    /// How long the node has been in its stage.
    pub(crate) fn in_stage_for(&self) -> Duration {
        lock(&self.entered).elapsed()
    }

    /// Says what other nodes know this one by, and what people call it.
    pub fn introduce(&self, id: String, name: String) {
        // It is known by one name for as long as it runs.
        let _ = self.name.set((id, name));
    }

    /// What others know this node by, and what people call it.
    pub(crate) fn name(&self) -> (String, String) {
        self.name.get().cloned().unwrap_or_default()
    }

    /// Differs from one start of the node to the next.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Says which other nodes are alive now.
    pub fn note_alive(&self, others: Vec<String>) {
        lock(&self.peers).note(others, Instant::now());
    }

    pub(crate) fn peers(&self) -> MutexGuard<'_, Peers> {
        lock(&self.peers)
    }

    /// Says how the node stands with the others now.
    pub fn note_cluster(&self, health: Health) {
        *lock(&self.cluster) = health;
    }

    /// How the node stands with the others.
    #[must_use]
    pub fn cluster(&self) -> Health {
        lock(&self.cluster).clone()
    }

    /// Says how the node stands with its disk now.
    pub fn note_store(&self, health: Health) {
        *lock(&self.store) = health;
    }

    /// How the node stands with its disk.
    #[must_use]
    pub fn store(&self) -> Health {
        lock(&self.store).clone()
    }

    /// Says how the node stands with who decides about clients now.
    pub fn note_access(&self, health: Health) {
        *lock(&self.access) = health;
    }

    /// How the node stands with who decides about clients.
    #[must_use]
    pub fn access(&self) -> Health {
        lock(&self.access).clone()
    }

    /// Says what is not as it should be though nobody suffers from it yet.
    pub fn note_remark(&self, remark: Option<String>) {
        *lock(&self.remark) = remark;
    }

    /// What is not as it should be though nobody suffers from it yet, for a person.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        lock(&self.remark).clone()
    }

    /// Says whether more waits for clients, or from them, than may (`queue_bytes_max`).
    pub fn note_crowding(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }

    /// Says what has become of webhooks.
    pub fn note_hooks(&self, samples: Vec<Sample>) {
        *lock(&self.hooks) = samples;
    }

    /// What has become of webhooks.
    pub(crate) fn hooks(&self) -> Vec<Sample> {
        lock(&self.hooks).clone()
    }

    /// Why the node does not do all that it should, for a person; `None`: it does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let cut_off = self.cluster().fault.map(|fault| format!("cut off: {fault}"));
        let unkept = || self.store().fault.map(|fault| format!("what is said is not kept: {fault}"));
        let undecided = || self.access().fault.map(|fault| format!("who comes is not let in: {fault}"));
        let crowded =
            || self.is_crowded.load(Ordering::Relaxed).then(|| "more waits for clients than may".to_owned());
        cut_off.or_else(unkept).or_else(undecided).or_else(crowded)
    }

    /// Whether the node wants new clients.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stage() == Stage::Ready && self.fault().is_none()
    }

    /// The first shard that has been silent for too long at `now`.
    #[must_use]
    pub fn stuck_shard(&self, now: Instant) -> Option<usize> {
        let is_stuck = |report: &Mutex<Report>| now.saturating_duration_since(lock(report).at) > SILENCE_MAX;
        self.shards.iter().position(is_stuck)
    }

    /// Takes a row of the last five minutes. Called once a second.
    pub(crate) fn take_row(&self, memory_bytes: Option<f64>, wall_ms: u64) {
        let reports = self.shards.iter().map(|report| lock(report).clone()).collect();
        lock(&self.recent).take(reports, memory_bytes, wall_ms);
    }

    /// The last five minutes.
    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        lock(&self.recent)
    }

    /// The latest histograms, by shard.
    pub(crate) fn histograms(&self) -> Vec<Vec<Histogram>> {
        self.shards.iter().map(|report| lock(report).histograms.clone()).collect()
    }

    /// The latest samples, by shard.
    pub(crate) fn samples(&self) -> Vec<Vec<Sample>> {
        self.shards.iter().map(|report| lock(report).samples.clone()).collect()
    }
}

/// How a node stands before it has said so.
const UNKNOWN: Health = Health { fault: None, samples: Vec::new() };

/// Whoever panicked while publishing leaves what was there before whole: each part is replaced in one assignment.
fn lock<T>(published: &Mutex<T>) -> MutexGuard<'_, T> {
    published.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_in_the_stage_it_entered_last() {
        let vitals = Vitals::new(1);
        assert_eq!(vitals.stage(), Stage::Starting);
        for stage in [Stage::Ready, Stage::Draining, Stage::Ready] {
            vitals.enter(stage);
            assert_eq!(vitals.stage(), stage);
        }
    }

    #[test]
    fn a_shard_is_stuck_only_after_a_long_silence() {
        let vitals = Vitals::new(2);
        let now = Instant::now();
        vitals.publish(0, Vec::new());
        assert_eq!(vitals.stuck_shard(now), None);
        assert_eq!(vitals.stuck_shard(now + 2 * SILENCE_MAX), Some(0));
    }
}
