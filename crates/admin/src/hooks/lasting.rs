//! Webhooks that wait on disk, each until it was taken: a process that ends without a word takes none of them along.
//!
//! What waits is read in its order and shared out by room, so that of a room one comes after the other. What was taken is taken out a little later,
//! much of it at once; who ends in between posts it once more after the next start, under the same id.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat::{Happening, Time};
use stores::{Letter, Outbox, Scribe, Waiting};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;

use super::courier::{Marks, Post, now_ms};
use super::letter::{letter_of, letter_of_loss};

/// What is read at once.
const READ_MAX: usize = 64;
/// What waits for one who posts.
const LANE_MAX: usize = 16;
/// What was taken is taken out at most so often.
const SETTLE_INTERVAL: Duration = Duration::from_millis(50);
/// What cannot be read is tried again after so long.
const REST: Duration = Duration::from_millis(500);

/// Puts what happens into words, and knows when there is something to post.
#[derive(Debug)]
pub(super) struct Desk {
    marks: Marks,
    bell: Notify,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { marks: Marks::new(), bell: Notify::new() }
    }
}

impl Scribe for Desk {
    fn spell(&self, happening: &Happening) -> Letter {
        letter_of(happening, self.marks.next())
    }

    fn spell_loss(&self, lost: u64) -> Letter {
        letter_of_loss(lost, Time(now_ms()), self.marks.next())
    }

    fn ring(&self) {
        self.bell.notify_one();
    }
}

/// What became of a letter.
struct Settled {
    number: i64,
    is_given_up: bool,
}

/// Posts what waits. Once the end has come, until nothing does.
pub(super) async fn work(
    post: Arc<Post>,
    outbox: Arc<dyn Outbox>,
    desk: Arc<Desk>,
    ending: watch::Receiver<bool>,
) {
    let (settled, to_settle) = unbounded_channel();
    let mut couriers = JoinSet::new();
    let lanes = (0..post.settings.requests_max).map(|_| {
        let (lane, letters) = channel(LANE_MAX);
        couriers.spawn(carry(post.clone(), letters, settled.clone()));
        lane
    });
    let lanes: Vec<Sender<Waiting>> = lanes.collect();
    drop(settled);
    let clearing = tokio::spawn(clear(outbox.clone(), to_settle));
    share_out(lanes, &*outbox, &desk, ending).await;
    while couriers.join_next().await.is_some() {}
    // One that panicked has said so.
    let _ = clearing.await;
}

/// Gives everything to those who post, in its order.
async fn share_out(
    lanes: Vec<Sender<Waiting>>,
    outbox: &dyn Outbox,
    desk: &Desk,
    mut ending: watch::Receiver<bool>,
) {
    let (mut last, mut is_looked_again) = (0, false);
    loop {
        let Some(found) = read(outbox, last).await else {
            if *ending.borrow() {
                return;
            }
            tokio::time::sleep(REST).await;
            continue;
        };
        let is_all = found.is_empty();
        for waiting in found {
            last = waiting.number;
            let lane = &lanes[(waiting.lane % lanes.len() as u64) as usize];
            if lane.send(waiting).await.is_err() {
                return;
            }
        }
        if !is_all {
            continue;
        }
        if *ending.borrow() {
            if std::mem::replace(&mut is_looked_again, true) {
                return;
            }
            // What has happened last may be on its way to the disk.
            tokio::time::sleep(SETTLE_INTERVAL).await;
            continue;
        }
        tokio::select! {
            () = desk.bell.notified() => {}
            // Who would say so is gone: that is the end, too.
            _ = ending.changed() => {}
        }
    }
}

/// What waits behind a number; `None`: that cannot be read for now.
async fn read(outbox: &dyn Outbox, last: i64) -> Option<Vec<Waiting>> {
    let (sender, found) = oneshot::channel();
    // Who does not wait any more is not told.
    outbox.read(last, READ_MAX, Box::new(move |found| drop(sender.send(found))));
    found.await.ok()?.ok()
}

/// Posts one letter after the other.
async fn carry(post: Arc<Post>, mut letters: Receiver<Waiting>, settled: UnboundedSender<Settled>) {
    let mut backend = post.backend();
    while let Some(Waiting { number, letter, is_of_loss, .. }) = letters.recv().await {
        let retry_for = if is_of_loss { Duration::MAX } else { post.settings.retry_for };
        let is_given_up = !post.deliver(&letter, retry_for, &mut backend).await;
        if is_given_up {
            post.tally.lost.fetch_add(1, Ordering::Relaxed);
        }
        if settled.send(Settled { number, is_given_up }).is_err() {
            return;
        }
    }
}

/// Takes out what was posted, or given up.
async fn clear(outbox: Arc<dyn Outbox>, mut settled: UnboundedReceiver<Settled>) {
    let mut some = Vec::new();
    while settled.recv_many(&mut some, usize::MAX).await > 0 {
        let given_up = some.iter().filter(|settled| settled.is_given_up).count() as u64;
        outbox.settle(some.drain(..).map(|settled| settled.number).collect(), given_up);
        tokio::time::sleep(SETTLE_INTERVAL).await;
    }
}
