//! Where the shards of a node meet what stands between them and the broker: asks go one way, arrivals the other, in order for each shard.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use backplanes::{Arrival, Ask, Backplane};

/// A shard takes so many arrivals at once.
const ARRIVALS_AT_ONCE: usize = 64;

/// A node's port.
#[derive(Clone)]
pub(crate) struct Port(Rc<RefCell<Vec<Berth>>>);

/// What lies there for one shard, and by it.
#[derive(Default)]
struct Berth {
    asks: VecDeque<Ask>,
    arrivals: VecDeque<Arrival>,
}

/// A shard's end of it.
struct End {
    shard: usize,
    port: Port,
}

impl Port {
    pub(super) fn new(shards: u16) -> Self {
        Self(Rc::new(RefCell::new((0..shards).map(|_| Berth::default()).collect())))
    }

    /// A shard's end.
    pub(crate) fn end(&self, shard: u16) -> Box<dyn Backplane> {
        Box::new(End { shard: shard.into(), port: self.clone() })
    }

    /// Whether something has arrived for a shard.
    pub(crate) fn has_arrivals(&self, shard: usize) -> bool {
        !self.0.borrow()[shard].arrivals.is_empty()
    }

    /// The shards that have asked for something.
    pub(super) fn asking(&self) -> Vec<usize> {
        let berths = self.0.borrow();
        (0..berths.len()).filter(|shard| !berths[*shard].asks.is_empty()).collect()
    }

    /// Whether nothing lies there.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().iter().all(|berth| berth.asks.is_empty() && berth.arrivals.is_empty())
    }

    pub(super) fn take_ask(&self, shard: usize) -> Option<Ask> {
        self.0.borrow_mut()[shard].asks.pop_front()
    }

    pub(super) fn arrive(&self, shard: usize, arrival: Arrival) {
        self.0.borrow_mut()[shard].arrivals.push_back(arrival);
    }
}

impl Backplane for End {
    fn ask(&mut self, ask: Ask, _: &mut Vec<Arrival>) {
        self.port.0.borrow_mut()[self.shard].asks.push_back(ask);
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        let waiting = &mut self.port.0.borrow_mut()[self.shard].arrivals;
        let taken = waiting.len().min(ARRIVALS_AT_ONCE);
        arrivals.extend(waiting.drain(..taken));
        !waiting.is_empty()
    }

    fn outlives_homes(&self) -> bool {
        true
    }
}
