//! Two members of a room of their own who chat all the time, and a thread in which they do.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::peer::{Peer, TEXT, frame};
use crate::programs::PATIENCE;

/// They say something so often.
const BEAT: Duration = Duration::from_millis(20);

/// An answer that takes longer is a disturbance, even on a busy machine.
const DELAY_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Neighbours {
    beats: Receiver<()>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Neighbours {
    pub(crate) fn move_in(address: SocketAddr) -> Self {
        let ((beat, beats), (stop, stopped)) = (channel(), channel());
        let mut pair = [Peer::member(address, "neighbours"), Peer::member(address, "neighbours")];
        let thread = std::thread::spawn(move || {
            let mut number = 0_u64;
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                chat(&mut pair, number);
                number += 1;
                // Nobody may be counting.
                let _ = beat.send(());
            }
        });
        Self { beats, stop, thread }
    }

    /// Waits until they have said this much more.
    pub(crate) fn chat_on(&self, beats: usize) {
        while self.beats.try_recv().is_ok() {}
        for _ in 0..beats {
            self.beats.recv_timeout(PATIENCE).expect("the neighbours chat undisturbed");
        }
    }

    /// Ends their chat; says what disturbed it, if anything did.
    pub(crate) fn part(self) {
        self.chat_on(2);
        drop(self.stop);
        self.thread.join().expect("the neighbours were undisturbed");
    }
}

fn chat(pair: &mut [Peer; 2], number: u64) {
    let said = number.to_string();
    let start = Instant::now();
    pair[number as usize % 2].send(&frame(TEXT, said.as_bytes()));
    for neighbour in pair {
        assert_eq!(neighbour.frame().payload, said.as_bytes());
    }
    assert!(start.elapsed() < DELAY_MAX, "it took {:?}", start.elapsed());
}
