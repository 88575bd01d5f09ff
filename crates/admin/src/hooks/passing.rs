//! Webhooks that wait in memory, where nothing outlives the process. What finds no room is lost, which is told in the place where it is missing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use access::Backend;
use chat::{Happening, Time};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::courier::{Marks, Post, now_ms};
use super::letter::{letter_of, letter_of_loss};

/// What all who post share.
struct Queue {
    post: Arc<Post>,
    waiting: Mutex<mpsc::Receiver<Happening>>,
    marks: Marks,
}

/// Posts what waits, until there is nobody who could tell more.
pub(super) async fn work(post: Arc<Post>, waiting: mpsc::Receiver<Happening>) {
    let requests = post.settings.requests_max;
    let queue = Arc::new(Queue { post, waiting: Mutex::new(waiting), marks: Marks::new() });
    let mut couriers = JoinSet::new();
    for _ in 0..requests {
        let queue = queue.clone();
        couriers.spawn(async move {
            let mut backend = queue.post.backend();
            while let Some(happening) = queue.next().await {
                queue.tell_loss(&mut backend).await;
                let letter = letter_of(&happening, queue.marks.next());
                if !queue.post.deliver(&letter, queue.post.settings.retry_for, &mut backend).await {
                    queue.post.tally.lose(1);
                }
                queue.tell_loss(&mut backend).await;
            }
        });
    }
    while couriers.join_next().await.is_some() {}
}

impl Queue {
    async fn next(&self) -> Option<Happening> {
        let next = self.waiting.lock().await.recv().await?;
        self.post.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(next)
    }

    /// Says how many were lost since that was said last, in the place where they are missing.
    async fn tell_loss(&self, backend: &mut Backend) {
        let lost = self.post.tally.untold.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let letter = letter_of_loss(lost, Time(now_ms()), self.marks.next());
            self.post.deliver(&letter, Duration::MAX, backend).await;
        }
    }
}
