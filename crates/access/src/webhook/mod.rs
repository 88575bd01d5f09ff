//! A backend decides: it is asked over HTTP who a client is, and what it may do. Its answers are waited for on a thread of their own, for a
//! bounded time, by a bounded number of connections; what is answered in its place while it is down is configured.

mod backend;
mod breaker;
#[cfg(test)]
mod tests;
mod words;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat::{Credentials, Refusal};
use tokio::sync::mpsc;

pub use backend::{Address, Backend};
use breaker::Breaker;

use crate::{
    Access, Arrival, Ask, End, Fault, Health, Link, Minds, OpenError, Opening, Pass, Verdict, Wake, Wish,
};

/// How a backend is asked.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Where it is.
    pub url: String,
    /// Whether it says who clients are.
    pub identifies: bool,
    /// What else it is asked.
    pub minds: Minds,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Whether who wants to do something may, while it cannot be asked.
    pub allows_when_down: bool,
    /// What questions are signed with; empty: they are not.
    pub secret: String,
    /// Questions that it is asked at the same time.
    pub requests_max: usize,
}

/// Whether a backend may be at such a URL.
pub fn is_backend(url: &str) -> bool {
    Address::read(url).is_ok()
}

/// By which a backend knows that a question is ours.
const SIGNATURE: &str = "heimdallr-signature";
/// Questions that may wait for a connection.
const QUESTIONS_MAX: usize = 4096;

/// Opens it where there is a backend.
pub(crate) fn open(opening: &Opening<'_>) -> Result<Option<Box<dyn Link>>, OpenError> {
    let Some(settings) = &opening.settings.webhook else { return Ok(None) };
    let refused = |reason: String| {
        OpenError(format!("access_webhook = {}: expected an http or https URL ({reason})", settings.url))
    };
    let address = Address::read(&settings.url).map_err(|fault| refused(fault.to_string()))?;
    let (questions, waiting) = mpsc::channel(QUESTIONS_MAX);
    let (senders, answers): (Vec<_>, Vec<_>) = opening.wakes.iter().map(|_| channel()).unzip();
    let shards = senders.into_iter().zip(opening.wakes.iter().cloned()).collect();
    let (settings, place) = (settings.clone(), address.place());
    let desk = Arc::new(Desk { settings, place, breaker: Mutex::default(), started: Instant::now(), shards });
    let link = Asker { desk: desk.clone(), questions, answers: answers.into_iter().map(Some).collect() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| refused(error.to_string()))?;
    let work = move || runtime.block_on(work(desk, address, waiting));
    let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(work);
    thread.map_err(|error| refused(error.to_string()))?;
    Ok(Some(Box::new(link)))
}

/// A question, of which shard, and until when it is worth an answer.
struct Question {
    shard: u16,
    ask: Ask,
    due: Instant,
}

/// What all connections share.
struct Desk {
    settings: WebhookSettings,
    /// Where the backend is, without what may be secret of its URL.
    place: String,
    breaker: Mutex<Breaker>,
    started: Instant,
    shards: Vec<(Sender<Arrival>, Wake)>,
}

struct Asker {
    desk: Arc<Desk>,
    questions: mpsc::Sender<Question>,
    answers: Vec<Option<Receiver<Arrival>>>,
}

/// The end of one shard. Answers that it has not taken are no more than its questions.
struct Window {
    shard: u16,
    desk: Arc<Desk>,
    questions: mpsc::Sender<Question>,
    answers: Receiver<Arrival>,
}

impl Link for Asker {
    fn end(&mut self, shard: u16) -> End {
        let (desk, questions) = (self.desk.clone(), self.questions.clone());
        let answers = self.answers[usize::from(shard)].take().expect("a shard asks once");
        Box::new(move || Box::new(Window { shard, desk, questions, answers }))
    }

    fn health(&self) -> Health {
        let (is_open, faults) = {
            let breaker = self.desk.breaker();
            (breaker.is_open(), breaker.openings())
        };
        let reason = || format!("the backend at {} does not answer", self.desk.place);
        let fault = is_open.then(|| Fault { reason: reason(), bars: !self.desk.settings.allows_when_down });
        Health { fault, faults }
    }
}

impl Access for Window {
    fn takes(&self, credentials: &Credentials) -> bool {
        self.desk.settings.identifies && !matches!(credentials, Credentials::Vouched(_))
    }

    fn minds(&self) -> Minds {
        self.desk.settings.minds
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        let due = Instant::now() + self.desk.settings.timeout;
        match self.questions.try_send(Question { shard: self.shard, ask, due }) {
            Ok(()) => None,
            Err(_) => Some(Err(Refusal::Overloaded)),
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) {
        arrivals.extend(self.answers.try_iter());
    }
}

/// Each connection takes the next question that waits, until there are no more shards to ask any.
async fn work(desk: Arc<Desk>, address: Address, waiting: mpsc::Receiver<Question>) {
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..desk.settings.requests_max {
        let (desk, waiting, mut backend) = (desk.clone(), waiting.clone(), Backend::new(address.clone()));
        connections.spawn(async move {
            loop {
                let next = waiting.lock().await.recv().await;
                let Some(question) = next else { return };
                desk.answer(question, &mut backend).await;
            }
        });
    }
    while connections.join_next().await.is_some() {}
}

impl Desk {
    async fn answer(
        &self,
        Question { shard, ask: Ask { ticket, wish }, due }: Question,
        backend: &mut Backend,
    ) {
        let verdict = self.decide(&wish, due, backend).await;
        let (answers, wake) = &self.shards[usize::from(shard)];
        // A shard that is gone wants to know no more.
        if answers.send(Arrival::Decided { ticket, verdict }).is_ok() {
            wake();
        }
    }

    async fn decide(&self, wish: &Wish, due: Instant, backend: &mut Backend) -> Verdict {
        let time_left = due.saturating_duration_since(Instant::now());
        if time_left.is_zero() || !self.breaker().may_ask(self.now_ms()) {
            return self.in_its_place(wish);
        }
        let (question, now_s) = (words::question(wish), now_s());
        let secret = &self.settings.secret;
        let signature = (!secret.is_empty()).then(|| (SIGNATURE, words::sign(secret, &question, now_s)));
        let reason = match tokio::time::timeout(time_left, backend.ask(question, signature.as_slice())).await
        {
            Ok(Ok(answer)) => match words::read(wish, &answer, now_s) {
                Ok(verdict) => {
                    if self.breaker().note_answer() {
                        tracing::info!(url = self.place, "the backend answers again");
                    }
                    return verdict;
                }
                Err(words::Senseless) => "its answer makes no sense".to_owned(),
            },
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "its time was up".to_owned(),
        };
        if self.breaker().note_failure(self.now_ms()) {
            tracing::error!(
                url = self.place,
                reason,
                "the backend does not answer and is left alone for a while"
            );
        }
        self.in_its_place(wish)
    }

    /// Nobody else knows who the bearer of a token is, or whether a password is right.
    fn in_its_place(&self, wish: &Wish) -> Verdict {
        match wish {
            _ if !self.settings.allows_when_down => Err(Refusal::Undecided),
            Wish::Identify(Credentials::Name(user)) => Ok(Pass::named(user.clone())),
            Wish::Identify(_) => Err(Refusal::Undecided),
            Wish::Join { .. } | Wish::Post { .. } => Ok(Pass::default()),
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

fn now_s() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
