//! A thread of their own for those whose deciding takes work: shards put their questions into one bounded queue and go on, and however many are
//! bad, nobody waits for them but who asks the same.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat::{Credentials, Refusal};

use crate::{
    Access, Arrival, Ask, End, Fault, Health, Link, Minds, OpenError, Revocation, Verdict, Wake, Wish,
};

/// How often a clerk looks after what is beside its questions: half of what a revocation may take.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Of what another node has revoked, so much may wait for room.
const OWED_MAX: usize = 100_000;

/// Somebody who decides, on the thread of a desk.
pub(crate) trait Clerk: Send + 'static {
    /// Decides.
    fn decide(&mut self, wish: Wish) -> Verdict;

    /// Looks whether anything has changed.
    fn look(&mut self);

    /// Something is good no more.
    fn revoke(&mut self, revocation: &Revocation);

    /// What is not as it should be.
    fn fault(&self) -> Option<Fault>;
}

/// What is put on a desk.
enum Paper {
    Question(u16, Ask),
    Revocation(Revocation),
}

/// How a desk is known to shards.
#[derive(Clone, Copy)]
pub(crate) struct Sign {
    /// What the thread is called.
    pub(crate) name: &'static str,
    /// So many questions may wait.
    pub(crate) questions_max: usize,
    /// Which credentials it decides about.
    pub(crate) takes: fn(&Credentials) -> bool,
}

struct Desk {
    sign: Sign,
    papers: SyncSender<Paper>,
    answers: Vec<Option<Receiver<Arrival>>>,
    health: SharedHealth,
}

/// How it is with a clerk, as it has said last.
type SharedHealth = Arc<Mutex<Health>>;

/// The end of one shard. Answers that it has not taken are no more than its questions.
struct Window {
    shard: u16,
    sign: Sign,
    papers: SyncSender<Paper>,
    answers: Receiver<Arrival>,
    /// What found no room on the desk yet: a shard does not wait for that.
    owed: VecDeque<Revocation>,
}

/// Seats a clerk at a desk for the shards that are woken like this. The thread ends when the link and its ends are gone.
pub(crate) fn seat(sign: Sign, clerk: impl Clerk, wakes: &[Wake]) -> Result<Box<dyn Link>, OpenError> {
    let (papers, waiting) = sync_channel(sign.questions_max);
    let (senders, answers): (Vec<_>, Vec<_>) = wakes.iter().map(|_| channel()).unzip();
    let shards: Vec<_> = senders.into_iter().zip(wakes.iter().cloned()).collect();
    let health = SharedHealth::default();
    let noted = health.clone();
    let work = move || work(clerk, &waiting, &shards, &noted);
    let thread = std::thread::Builder::new().name(sign.name.to_owned()).spawn(work);
    thread.map_err(|error| OpenError(format!("no thread for {}: {error}", sign.name)))?;
    Ok(Box::new(Desk { sign, papers, answers: answers.into_iter().map(Some).collect(), health }))
}

fn work(
    mut clerk: impl Clerk,
    papers: &Receiver<Paper>,
    shards: &[(Sender<Arrival>, Wake)],
    health: &SharedHealth,
) {
    let mut look_at = Instant::now() + LOOK_INTERVAL;
    loop {
        match papers.recv_timeout(look_at.saturating_duration_since(Instant::now())) {
            Ok(Paper::Question(shard, Ask { ticket, wish })) => {
                let verdict = clerk.decide(wish);
                let (answers, wake) = &shards[usize::from(shard)];
                // A shard that is gone wants to know no more.
                if answers.send(Arrival::Decided { ticket, verdict }).is_ok() {
                    wake();
                }
            }
            Ok(Paper::Revocation(revocation)) => clerk.revoke(&revocation),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if Instant::now() >= look_at {
            clerk.look();
            locked(health).note(clerk.fault());
            look_at = Instant::now() + LOOK_INTERVAL;
        }
    }
}

impl Window {
    /// Puts what is owed on the desk, as far as there is room.
    fn hand_over(&mut self) {
        while let Some(revocation) = self.owed.pop_front() {
            if let Err(TrySendError::Full(Paper::Revocation(full))) =
                self.papers.try_send(Paper::Revocation(revocation))
            {
                return self.owed.push_front(full);
            }
        }
    }
}

impl Link for Desk {
    fn end(&mut self, shard: u16) -> End {
        let (sign, papers) = (self.sign, self.papers.clone());
        let answers = self.answers[usize::from(shard)].take().expect("a shard asks once");
        Box::new(move || Box::new(Window { shard, sign, papers, answers, owed: VecDeque::new() }))
    }

    /// Waits for room: what is not taken note of would be believed again.
    fn revoke(&self, revocation: &Revocation) {
        // A clerk that is gone believes nothing.
        let _ = self.papers.send(Paper::Revocation(revocation.clone()));
    }

    fn health(&self) -> Health {
        locked(&self.health).clone()
    }
}

/// Whoever panicked has left it whole: it is replaced in one assignment.
fn locked(health: &SharedHealth) -> MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access for Window {
    fn takes(&self, credentials: &Credentials) -> bool {
        (self.sign.takes)(credentials)
    }

    fn minds(&self) -> Minds {
        Minds::default()
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        match self.papers.try_send(Paper::Question(self.shard, ask)) {
            Ok(()) => None,
            Err(_) => Some(Err(Refusal::Overloaded)),
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) {
        arrivals.extend(self.answers.try_iter());
        self.hand_over();
    }

    fn revoke(&mut self, revocation: &Revocation) {
        if self.owed.len() < OWED_MAX {
            self.owed.push_back(revocation.clone());
        }
        self.hand_over();
    }
}
