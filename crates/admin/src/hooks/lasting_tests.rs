//! Webhooks that wait on disk, against a disk that is none.

use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use stores::{Letter, OutboxSize, ReadWaiting, Waiting};

use super::tests::{Taken, happening, listen, settings};
use super::*;

/// What waits, and what has become of the rest.
#[derive(Default)]
struct Pretended {
    waiting: Mutex<Vec<Waiting>>,
    settled: Mutex<(Vec<i64>, u64)>,
}

impl Outbox for Pretended {
    fn read(&self, after: i64, limit: usize, then: ReadWaiting) {
        let waiting = self.waiting.lock().expect("nobody panics with it");
        then(Ok(waiting.iter().filter(|one| one.number > after).take(limit).cloned().collect()));
    }

    fn settle(&self, numbers: Vec<i64>, given_up: u64) {
        let mut settled = self.settled.lock().expect("nobody panics with it");
        settled.0.extend(numbers);
        settled.1 += given_up;
    }

    fn size(&self) -> OutboxSize {
        OutboxSize::default()
    }
}

impl Pretended {
    /// One more of a room, by its number.
    fn put(&self, lane: u64) {
        let mut waiting = self.waiting.lock().expect("nobody panics with it");
        let number = waiting.len() as i64 + 1;
        let letter =
            Letter { id: number.to_string(), body: format!("{{\"room\":{lane},\"number\":{number}}}") };
        waiting.push(Waiting { number, lane, letter, is_of_loss: false });
    }

    fn settled(&self) -> (Vec<i64>, u64) {
        let (mut numbers, given_up) = self.settled.lock().expect("nobody panics with it").clone();
        numbers.sort_unstable();
        (numbers, given_up)
    }
}

/// Has all of it posted until the end, and says what was taken.
fn post(settings: HookSettings, taken: &Receiver<Taken>, outbox: &Arc<Pretended>) -> Vec<Taken> {
    let hooks = LastingHooks::new(settings).expect("a URL");
    let (_hooks, courier) = hooks.open(outbox.clone()).expect("there is a thread left");
    finish(courier, Duration::from_secs(20));
    taken.try_iter().collect()
}

fn finish(courier: Courier, within: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(courier.finish(within));
}

#[test]
fn what_waits_is_posted_in_its_order_and_taken_out() {
    let ((url, taken), outbox) = (listen(&["500 Oh"]), Arc::<Pretended>::default());
    (0..200).for_each(|number| outbox.put(number % 7));
    let came = post(settings(url), &taken, &outbox);
    let numbers: Vec<u64> = came.iter().filter_map(|taken| taken.said()["number"].as_u64()).collect();
    assert_eq!(numbers[1..], (1..=200).collect::<Vec<_>>(), "and the first one twice");
    assert_eq!(outbox.settled(), ((1..=200).collect(), 0));
}

#[test]
fn what_is_never_taken_is_given_up() {
    let ((url, taken), outbox) = (listen(&["500 Oh"]), Arc::<Pretended>::default());
    outbox.put(0);
    outbox.put(0);
    let retry_for = Duration::from_millis(1);
    let came = post(HookSettings { retry_for, pause: retry_for, ..settings(url) }, &taken, &outbox);
    assert!(!came.is_empty());
    let start = std::time::Instant::now();
    while outbox.settled() != (vec![1, 2], 1) {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", outbox.settled());
        thread::yield_now();
    }
}

#[test]
fn what_waits_on_disk_is_not_waited_for_while_nobody_takes_it() {
    let outbox = Arc::<Pretended>::default();
    outbox.put(0);
    // Nobody listens there any more.
    let (url, _) = listen(&[]);
    let url = url.replace("127.0.0.1", "127.0.0.2");
    let hooks = LastingHooks::new(settings(url)).expect("a URL");
    let (hooks, courier) = hooks.open(outbox.clone()).expect("there is a thread left");
    hooks.tell(happening("a"));
    let start = std::time::Instant::now();
    finish(courier, Duration::from_secs(600));
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(outbox.settled(), (Vec::new(), 0));
}
