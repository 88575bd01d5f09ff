//! The shards' ends of the service: what they ask goes out by one bounded queue, what arrives for each comes in by one of its own.

use std::collections::VecDeque;

use chat::Refusal;
use rtrb::{Consumer, Producer, PushError, RingBuffer};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::{Arrival, Ask, Backplane, Wake};

/// Batches on their way to a shard.
const BATCHES_MAX: usize = 1024;
/// Batches a shard takes at once.
const BATCHES_AT_ONCE: usize = 16;
/// Arrivals in one batch.
const BATCH: usize = 256;

/// A shard's end.
pub(super) struct End {
    shard: u16,
    asks: Sender<(u16, Ask)>,
    /// Attending and forsaking that found no room.
    held_back: VecDeque<Ask>,
    batches: Consumer<Vec<Arrival>>,
}

/// The service's end of a shard's queue.
pub(super) struct Delivery {
    batches: Producer<Vec<Arrival>>,
    /// What found no room, or waits for the end of the turn.
    waiting: VecDeque<Arrival>,
    wake: Wake,
}

/// Both ends for one shard.
pub(super) fn connect(shard: u16, asks: Sender<(u16, Ask)>, wake: Wake) -> (End, Delivery) {
    let (producer, consumer) = RingBuffer::new(BATCHES_MAX);
    let end = End { shard, asks, held_back: VecDeque::new(), batches: consumer };
    (end, Delivery { batches: producer, waiting: VecDeque::new(), wake })
}

impl Backplane for End {
    fn ask(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>) {
        self.send_held_back();
        if self.held_back.is_empty() {
            match self.asks.try_send((self.shard, ask)) {
                Ok(()) => {}
                Err(TrySendError::Full((_, ask)) | TrySendError::Closed((_, ask))) => {
                    self.hold_back(ask, arrivals)
                }
            }
        } else {
            self.hold_back(ask, arrivals);
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        self.send_held_back();
        for _ in 0..BATCHES_AT_ONCE {
            let Ok(batch) = self.batches.pop() else { return false };
            arrivals.extend(batch);
        }
        !self.batches.is_empty()
    }

    fn outlives_homes(&self) -> bool {
        true
    }
}

impl End {
    fn hold_back(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>) {
        match ask {
            Ask::Attend(_) | Ask::Forsake(_) | Ask::Here { .. } => self.held_back.push_back(ask),
            Ask::Order(order) => {
                arrivals.push(Arrival::Failed { refusal: Refusal::Overloaded, ticket: order.ticket });
            }
            Ask::Remember(_)
            | Ask::Tell { .. }
            | Ask::Send { .. }
            | Ask::SendAll { .. }
            | Ask::Proclaim { .. }
            | Ask::Reply { .. } => {}
        }
    }

    fn send_held_back(&mut self) {
        while let Some(ask) = self.held_back.pop_front() {
            match self.asks.try_send((self.shard, ask)) {
                Ok(()) => {}
                Err(TrySendError::Full((_, ask))) => return self.held_back.push_front(ask),
                Err(TrySendError::Closed(_)) => return self.held_back.clear(),
            }
        }
    }
}

impl Delivery {
    pub(super) fn put(&mut self, arrival: Arrival) {
        self.waiting.push_back(arrival);
    }

    /// Sends what has gathered, as far as there is room.
    pub(super) fn send(&mut self) {
        let mut sent = false;
        while !self.waiting.is_empty() {
            let batch: Vec<_> = self.waiting.drain(..self.waiting.len().min(BATCH)).collect();
            match self.batches.push(batch) {
                Ok(()) => sent = true,
                Err(PushError::Full(batch)) => {
                    batch.into_iter().rev().for_each(|arrival| self.waiting.push_front(arrival));
                    break;
                }
            }
        }
        if sent {
            (self.wake)();
        }
    }

    /// Whether so much found no room that no more is to be heard.
    pub(super) fn is_congested(&self) -> bool {
        self.waiting.len() > BATCHES_MAX * BATCH / 4
    }
}
