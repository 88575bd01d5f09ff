//! Deadlines that all lie equally far ahead: a queue instead of a timer each.

use std::collections::VecDeque;

/// How late things are taken at most that need not be taken in time.
const LEEWAY_MS: u64 = 64;
/// Behind the next thing, those that are asked whether they are due by then: a queue is not searched.
const SOME: [usize; 4] = [1, 8, 64, 512];

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

    /// When to look for what is due where a little later will do: what becomes due shortly after the next thing is taken with it, in one turn.
    pub(crate) fn look_ms(&self) -> Option<u64> {
        let next_ms = self.next_ms()?;
        let dues_ms = SOME.iter().filter_map(|index| Some(self.queue.get(*index)?.0));
        Some(dues_ms.take_while(|due_ms| *due_ms <= next_ms + LEEWAY_MS).last().unwrap_or(next_ms))
    }

    /// When the next thing is due.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.queue.front().map(|(due_ms, _)| *due_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_about_the_same_time_is_looked_at_in_one_turn() {
        let mut deadlines = Deadlines::new(1000);
        assert_eq!(deadlines.look_ms(), None);
        (0..9).for_each(|ms| deadlines.push(ms, ms));
        assert_eq!((deadlines.next_ms(), deadlines.look_ms()), (Some(1000), Some(1008)));
        assert_eq!(std::iter::from_fn(|| deadlines.pop_due(1008)).count(), 9);
    }

    #[test]
    fn nothing_is_late_by_more_than_the_leeway() {
        let mut deadlines = Deadlines::new(1000);
        deadlines.push(0, ());
        assert_eq!(deadlines.look_ms(), Some(1000), "what is alone is in time");
        deadlines.push(LEEWAY_MS + 1, ());
        assert_eq!(deadlines.look_ms(), Some(1000));
    }
}
