//! How operators reach the shards of a node: a bounded queue for each, a bell, and a place for every answer that is awaited.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use shard::{Instruction, Report, ShardId, Ticket};

use crate::mailroom::Bell;

/// Instructions that wait for a shard.
const WAITING_MAX: usize = 256;
/// Instructions of a shard that are not reported on. The oldest is given up for another one.
const AWAITED_MAX: usize = 1024;

/// Called with what became of an instruction, on the thread of the shard. It must not wait. Let fall when nobody will say.
pub type Reply = Box<dyn FnOnce(Report) + Send>;

/// An instruction on its way to a shard, and who wants to know what becomes of it.
type Paper = (Instruction, Reply);

/// Reaches the shards of a node from any thread.
#[derive(Clone)]
pub struct Office {
    desks: Arc<[Desk]>,
}

struct Desk {
    papers: SyncSender<Paper>,
    bell: Arc<Bell>,
}

/// The end of one shard.
pub(crate) struct Window {
    papers: Receiver<Paper>,
}

/// Who waits to hear from a shard, by their tickets.
#[derive(Default)]
pub(crate) struct Waiting {
    replies: HashMap<Ticket, Reply>,
    last: Ticket,
}

impl Office {
    /// That of shards with such bells, and the end of each.
    pub(crate) fn new(bells: &[Arc<Bell>]) -> (Self, Vec<Window>) {
        let ends = bells.iter().map(|bell| {
            let (papers, window) = sync_channel(WAITING_MAX);
            (Desk { papers, bell: bell.clone() }, Window { papers: window })
        });
        let (desks, windows): (Vec<_>, Vec<_>) = ends.unzip();
        (Self { desks: desks.into() }, windows)
    }

    /// How many shards there are.
    pub fn shards(&self) -> u16 {
        self.desks.len() as u16
    }

    /// Has a shard do something. Says whether there was room for it; if not, nobody is told.
    pub fn instruct(&self, shard: ShardId, instruction: Instruction, reply: Reply) -> bool {
        let desk = &self.desks[usize::from(shard.0)];
        let is_put = desk.papers.try_send((instruction, reply)).is_ok();
        desk.bell.call();
        is_put
    }
}

impl Window {
    /// The next instruction, if there is one, and its ticket.
    pub(crate) fn take(&self, waiting: &mut Waiting) -> Option<(Ticket, Instruction)> {
        let (instruction, reply) = self.papers.try_recv().ok()?;
        Some((waiting.put(reply), instruction))
    }
}

impl Waiting {
    fn put(&mut self, reply: Reply) -> Ticket {
        self.last = self.last.wrapping_add(1);
        // Tickets are given out in turn: the oldest that may be there still is so far behind.
        self.replies.remove(&self.last.wrapping_sub(AWAITED_MAX as Ticket));
        self.replies.insert(self.last, reply);
        self.last
    }

    /// Tells whoever waits under the ticket.
    pub(crate) fn tell(&mut self, ticket: Ticket, report: Report) {
        if let Some(reply) = self.replies.remove(&ticket) {
            reply(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn reply() -> (Reply, Receiver<Report>) {
        let (sender, receiver) = channel();
        (Box::new(move |report| drop(sender.send(report))), receiver)
    }

    #[test]
    fn each_is_told_what_became_of_its_own() {
        let mut waiting = Waiting::default();
        let ((first, heard_first), (second, heard_second)) = (reply(), reply());
        let (first, second) = (waiting.put(first), waiting.put(second));
        waiting.tell(second, Report::Done(2));
        waiting.tell(second, Report::Done(3));
        waiting.tell(first, Report::Done(1));
        let done = |heard: &Receiver<Report>| match heard.try_iter().collect::<Vec<_>>()[..] {
            [Report::Done(done)] => Some(done),
            _ => None,
        };
        assert_eq!((done(&heard_first), done(&heard_second)), (Some(1), Some(2)));
    }

    #[test]
    fn who_has_waited_longest_is_given_up_when_there_are_too_many() {
        let mut waiting = Waiting::default();
        let (oldest, heard) = reply();
        let oldest = waiting.put(oldest);
        (0..AWAITED_MAX).for_each(|_| _ = waiting.put(reply().0));
        assert_eq!(waiting.replies.len(), AWAITED_MAX);
        waiting.tell(oldest, Report::Nothing);
        assert!(heard.recv().is_err(), "its end was let fall");
    }
}
