//! How it is with the file, for whoever asks: written by the thread that serves it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Health;

/// A group that takes longer is a fault.
const STUCK: Duration = Duration::from_secs(5);

/// How it is with the file.
#[derive(Default)]
pub(super) struct Vitals(Mutex<Told>);

#[derive(Default)]
struct Told {
    health: Health,
    /// Why something could not be read, the last time.
    unread: Option<String>,
    /// Since when a group is being written.
    since: Option<Instant>,
}

impl Vitals {
    /// A group is about to be written, of so many things that wait.
    pub(super) fn begin(&self, waiting: usize) {
        self.change(|told| {
            told.health.waiting = waiting as u64;
            told.since = Some(Instant::now());
        });
    }

    /// A group with so many messages is kept.
    pub(super) fn committed(&self, messages: usize, took: Duration) {
        self.change(|told| {
            told.health.fault = None;
            told.health.waiting = 0;
            told.health.tally.kept += messages as u64;
            told.health.tally.commits += 1;
            told.health.tally.commit_us += took.as_micros() as u64;
            told.since = None;
        });
    }

    /// A group could not be written.
    pub(super) fn failed(&self, fault: String) {
        self.change(|told| {
            told.health.fault = Some(fault);
            told.health.tally.faults += 1;
        });
    }

    /// Whether nothing can be written for now.
    pub(super) fn is_faulty(&self) -> bool {
        let mut is_faulty = false;
        self.change(|told| is_faulty = told.health.fault.is_some());
        is_faulty
    }

    /// Something was read, or why it could not be.
    pub(super) fn read(&self, unread: Option<String>) {
        self.change(|told| {
            told.health.tally.reads += 1;
            told.health.tally.faults += u64::from(unread.is_some());
            told.unread = unread;
        });
    }

    /// So many messages were let go.
    pub(super) fn let_go(&self, messages: u64) {
        self.change(|told| told.health.tally.let_go += messages);
    }

    /// So many messages were left out.
    pub(super) fn left_out(&self, messages: u64) {
        self.change(|told| told.health.tally.left_out += messages);
    }

    /// How it is.
    pub(super) fn health(&self) -> Health {
        let mut health = Health::default();
        self.change(|told| {
            health = told.health.clone();
            let stuck = told.since.map(|since| since.elapsed()).filter(|elapsed| *elapsed > STUCK);
            let stuck = stuck.map(|elapsed| format!("the disk has not answered for {} s", elapsed.as_secs()));
            health.fault = health.fault.take().or(stuck).or_else(|| told.unread.clone());
        });
        health
    }

    fn change(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
