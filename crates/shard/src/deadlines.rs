//! Deadlines that all lie equally far ahead: a queue instead of a timer each.

use std::collections::VecDeque;

/// Things due after one fixed time, in the order in which they were put in.
#[derive(Debug)]
pub(crate) struct Deadlines<T> {
    after_ms: u64,
    queue: VecDeque<(u64, T)>,
}

impl<T> Deadlines<T> {
    pub(crate) fn new(after_ms: u64) -> Self {
        Self { after_ms, queue: VecDeque::new() }
    }

    /// Makes a thing due `after_ms` from now. `now_ms` never goes back.
    pub(crate) fn push(&mut self, now_ms: u64, thing: T) {
        self.queue.push_back((now_ms + self.after_ms, thing));
    }

    /// Takes the next thing that is due.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<T> {
        if self.queue.front()?.0 > now_ms {
            return None;
        }
        self.pop()
    }

    /// Takes the next thing, due or not.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (_, thing) = self.queue.pop_front()?;
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(thing)
    }

    /// What is put in from here on is due after another time; what comes before it is still looked at first.
    pub(crate) fn renew(&mut self, after_ms: u64) {
        self.after_ms = after_ms;
    }

    /// How many things were put in and not taken.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// How far ahead things become due.
    pub(crate) fn after_ms(&self) -> u64 {
        self.after_ms
    }

    /// When the next thing is due.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.queue.front().map(|(due_ms, _)| *due_ms)
    }
}
