//! What was answered under an `Idempotency-Key`: who asks again is answered alike, and nothing is done twice.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::problem::{Fault, Problem};

/// So many answers are remembered, for so long.
const DONE_MAX: usize = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Who asks for what under which key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Retry {
    pub(super) who: Option<String>,
    pub(super) target: String,
    pub(super) key: String,
}

/// What was done.
#[derive(Default)]
pub(super) struct Done {
    by_retry: HashMap<Retry, Entry>,
    /// In the order in which they were begun. What has failed is in it still.
    order: VecDeque<(Instant, Retry)>,
}

struct Entry {
    of: u64,
    at: Instant,
    /// `None`: it is being done.
    answer: Option<Answer>,
}

impl Done {
    /// What was answered before; `None`: it is to be done now.
    pub(super) fn begin(
        &mut self,
        retry: &Retry,
        body: &[u8],
        now: Instant,
    ) -> Result<Option<Answer>, Problem> {
        self.forget(now);
        let of = fingerprint(body);
        match self.by_retry.get(retry) {
            Some(entry) if entry.of != of => Err(Fault::OtherRequest.into()),
            Some(Entry { answer: Some(answer), .. }) => Ok(Some(answer.clone())),
            Some(_) => Err(Fault::InProgress.into()),
            None => {
                self.by_retry.insert(retry.clone(), Entry { of, at: now, answer: None });
                self.order.push_back((now, retry.clone()));
                Ok(None)
            }
        }
    }

    /// It was done, or not: then it may be tried again.
    pub(super) fn end(&mut self, retry: &Retry, answer: Option<&Answer>) {
        match (self.by_retry.get_mut(retry), answer) {
            (Some(entry), Some(answer)) => entry.answer = Some(answer.clone()),
            (_, None) => drop(self.by_retry.remove(retry)),
            (None, Some(_)) => {}
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, _)) = self.order.front() {
            let is_old = now.saturating_duration_since(*at) >= REMEMBERED_FOR;
            if !is_old && self.order.len() < DONE_MAX {
                return;
            }
            let Some((at, retry)) = self.order.pop_front() else { return };
            if self.by_retry.get(&retry).is_some_and(|entry| entry.at == at) {
                self.by_retry.remove(&retry);
            }
        }
    }
}

fn fingerprint(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(key: &str) -> Retry {
        Retry { who: None, target: "POST /".to_owned(), key: key.to_owned() }
    }

    fn code(begun: Result<Option<Answer>, Problem>) -> &'static str {
        begun.map_or_else(|problem| problem.code, |answer| if answer.is_some() { "again" } else { "now" })
    }

    #[test]
    fn what_was_done_is_answered_alike_and_what_was_not_may_be_tried_again() {
        let (mut done, now) = (Done::default(), Instant::now());
        let answer = Answer { status: 201, body: b"{}".to_vec() };
        assert_eq!(code(done.begin(&retry("a"), b"1", now)), "now");
        assert_eq!(code(done.begin(&retry("a"), b"1", now)), "in_progress");
        done.end(&retry("a"), Some(&answer));
        assert_eq!(done.begin(&retry("a"), b"1", now), Ok(Some(answer)));
        assert_eq!(code(done.begin(&retry("a"), b"2", now)), "other_request");
        assert_eq!(code(done.begin(&retry("b"), b"2", now)), "now");
        done.end(&retry("b"), None);
        assert_eq!(code(done.begin(&retry("b"), b"2", now)), "now");
        assert_eq!(code(done.begin(&retry("a"), b"1", now + REMEMBERED_FOR)), "now");
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (mut done, now) = (Done::default(), Instant::now());
        (0..2 * DONE_MAX).for_each(|key| drop(done.begin(&retry(&key.to_string()), b"", now)));
        assert!(done.by_retry.len() <= DONE_MAX && done.order.len() <= DONE_MAX);
    }
}
