//! What most sessions have nothing of: a session with none of it has a pointer to nothing.

use chat::Command;
use gateways::{LANES, Lane};

use crate::StreamId;
use crate::sessions::Missed;
use crate::streams::NOWHERE;
use crate::waiting::Waiting;

/// What one session has of it; never an empty box.
#[derive(Debug, Default)]
pub(crate) struct Extras(Option<Box<Extra>>);

#[derive(Debug)]
struct Extra {
    /// The streams in the lanes behind the main one.
    lanes: [StreamId; LANES - 1],
    /// What is kept for want of a main stream, in the session's form.
    own: Vec<u8>,
    /// What a slow reader was made to miss and has not been told of yet.
    missed: Vec<Missed>,
    /// Commands that were put off.
    waiting: Waiting,
}

impl Default for Extra {
    fn default() -> Self {
        Self { lanes: [NOWHERE; LANES - 1], own: Vec::new(), missed: Vec::new(), waiting: Waiting::default() }
    }
}

impl Extras {
    /// The streams in the lanes behind the main one.
    pub(crate) fn lanes(&self) -> [StreamId; LANES - 1] {
        self.0.as_ref().map_or([NOWHERE; LANES - 1], |extra| extra.lanes)
    }

    /// Puts a stream into a lane behind the main one, or [`NOWHERE`] for none.
    pub(crate) fn set_lane(&mut self, lane: Lane, stream: StreamId) {
        self.change(|extra| extra.lanes[usize::from(lane) - 1] = stream);
    }

    /// What is kept for want of a main stream, in the session's form.
    pub(crate) fn own(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |extra| &extra.own)
    }

    pub(crate) fn push_own(&mut self, bytes: &[u8]) {
        self.change(|extra| extra.own.extend_from_slice(bytes));
    }

    pub(crate) fn take_own(&mut self) -> Vec<u8> {
        self.take(|extra| std::mem::take(&mut extra.own))
    }

    /// What a slow reader was made to miss and has not been told of yet.
    pub(crate) fn missed(&self) -> &[Missed] {
        self.0.as_ref().map_or(&[], |extra| &extra.missed)
    }

    /// A slow reader was made to miss something, or more of a room.
    pub(crate) fn note_missed(&mut self, missed: Missed) {
        self.change(|extra| match extra.missed.iter_mut().find(|earlier| earlier.room == missed.room) {
            Some(earlier) => {
                earlier.at = missed.at;
                earlier.is_more |= missed.is_more;
            }
            None => extra.missed.push(missed),
        });
    }

    pub(crate) fn take_missed(&mut self) -> Vec<Missed> {
        self.take(|extra| std::mem::take(&mut extra.missed))
    }

    /// Takes one of those.
    pub(crate) fn remove_missed(&mut self, index: usize) -> Missed {
        self.change(|extra| extra.missed.remove(index))
    }

    /// Commands that were put off; `None` when there are none.
    pub(crate) fn waiting(&self) -> Option<&Waiting> {
        self.0.as_ref().map(|extra| &extra.waiting).filter(|waiting| !waiting.is_empty())
    }

    /// Puts a command off. Says what keeping all of them costs.
    pub(crate) fn push_waiting(&mut self, command: Command, weight: usize) -> usize {
        self.change(|extra| extra.waiting.push(command, weight))
    }

    /// Takes the command that was put off first, and says what keeping it has cost.
    pub(crate) fn pop_waiting(&mut self) -> Option<(Command, usize)> {
        self.take(|extra| extra.waiting.pop())
    }

    /// Changes what there is only if there is any.
    fn take<T: Default>(&mut self, take: impl FnOnce(&mut Extra) -> T) -> T {
        if self.0.is_some() { self.change(take) } else { T::default() }
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Extra) -> T) -> T {
        let extra = self.0.get_or_insert_default();
        let changed = change(extra);
        let Extra { lanes, own, missed, waiting } = &**extra;
        let has_lanes = *lanes != [NOWHERE; LANES - 1];
        if !has_lanes && own.is_empty() && missed.is_empty() && waiting.is_empty() {
            self.0 = None;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use gateways::MAIN;

    use super::*;

    #[test]
    fn who_has_nothing_of_it_has_no_box() {
        let mut extras = Extras::default();
        let stream = StreamId { slot: 1, generation: 1 };
        extras.set_lane(MAIN + 1, stream);
        extras.push_own(b"kept");
        assert_eq!((extras.lanes()[0], extras.own(), extras.missed().len()), (stream, &b"kept"[..], 0));
        assert!(extras.waiting().is_none() && extras.take_missed().is_empty());
        assert_eq!(extras.take_own(), b"kept");
        assert!(extras.0.is_some(), "there is a stream");
        extras.set_lane(MAIN + 1, NOWHERE);
        assert!(extras.0.is_none() && extras.lanes() == [NOWHERE; LANES - 1]);
        assert!(extras.take_own().is_empty() && extras.0.is_none());
    }
}
