//! Those who post into rooms that are kept: they post at a steady rate whatever comes back, and note how long each post takes to be accepted, and
//! to be heard by its author as everybody in the room hears it.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::line::{Line, write_frame};
use crate::step::Failure;

/// How long an author looks away.
const PAUSE: Duration = Duration::from_millis(1);
/// How long answers may take to come in at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// The text of each post.
const TEXT: &str =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

/// What authors are to do.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// So many authors, each in a room of its own.
    pub(super) authors: u32,
    /// Posts a second, of all together.
    pub(super) per_second: u32,
    pub(super) seconds: f64,
}

/// What they have noted.
pub(super) struct Noted {
    pub(super) accepted_per_second: f64,
    pub(super) accepted_p50_ms: f64,
    pub(super) accepted_p99_ms: f64,
    pub(super) heard_p99_ms: f64,
    pub(super) heard_max_ms: f64,
    /// Posts that were refused, or of which nothing was said.
    pub(super) failed: f64,
}

/// One author at work.
struct Author {
    line: Line,
    posts: Vec<Post>,
}

/// A post, and when what happened to it.
struct Post {
    posted: Instant,
    accepted: Option<Instant>,
    heard: Option<Instant>,
}

impl Plan {
    /// Carries it out.
    pub(super) fn carry_out(self) -> Result<Noted, Failure> {
        let authors: Vec<_> =
            (0..self.authors).map(|number| thread::spawn(move || self.be_author(number))).collect();
        let mut posts = Vec::new();
        for author in authors {
            let noted = author.join().map_err(|_| Failure::new("an author panicked"))?;
            posts.extend(noted?);
        }
        Ok(Noted::of(&posts))
    }

    fn be_author(self, number: u32) -> Result<Vec<Post>, Failure> {
        let mut author = Author::enter(self.address, number)?;
        let (began, rate) = (Instant::now(), f64::from(self.per_second) / f64::from(self.authors));
        let total = (rate * self.seconds) as usize;
        while author.posts.len() < total {
            let due = ((began.elapsed().as_secs_f64() * rate) as usize).min(total);
            author.post_up_to(due, number)?;
            author.read()?;
            thread::sleep(PAUSE);
        }
        let ended = Instant::now();
        while author.posts.iter().any(|post| post.accepted.is_none()) && ended.elapsed() < PATIENCE {
            author.read()?;
            thread::sleep(PAUSE);
        }
        Ok(author.posts)
    }
}

impl Author {
    fn enter(address: SocketAddr, number: u32) -> Result<Self, Failure> {
        let mut line = Line::open(address)?;
        line.say(&format!(r#"{{"do":"identify","user":"author {number}"}}"#))?;
        line.say(&format!(r#"{{"do":"join","room":"kept {number}"}}"#))?;
        let mut is_in = false;
        while !is_in {
            line.read(|payload| is_in |= payload.starts_with(br#"{"is":"joined""#))?;
        }
        Ok(Self { line, posts: Vec::new() })
    }

    /// Posts what is due, in one write.
    fn post_up_to(&mut self, due: usize, number: u32) -> Result<(), Failure> {
        let mut said = Vec::new();
        for id in self.posts.len()..due {
            let text = format!(r#"{{"do":"post","room":"kept {number}","id":"{id}","text":"{TEXT}"}}"#);
            write_frame(&mut said, &text);
            self.posts.push(Post { posted: Instant::now(), accepted: None, heard: None });
        }
        self.line.send(&said)
    }

    /// Takes what has come.
    fn read(&mut self) -> Result<(), Failure> {
        let (posts, now) = (&mut self.posts, Instant::now());
        self.line.read(|payload| note(posts, payload, now))
    }
}

/// Notes what a frame says of a post.
fn note(posts: &mut [Post], payload: &[u8], now: Instant) {
    let is_accepted = payload.starts_with(br#"{"is":"accepted""#);
    if !is_accepted && !payload.starts_with(br#"{"is":"posted""#) {
        return;
    }
    let post = number_behind(payload, br#""id":""#).and_then(|number| posts.get_mut(number));
    if let Some(post) = post {
        let moment = if is_accepted { &mut post.accepted } else { &mut post.heard };
        moment.get_or_insert(now);
    }
}

fn number_behind(payload: &[u8], words: &[u8]) -> Option<usize> {
    let place = payload.windows(words.len()).position(|some| some == words)?;
    let digits = payload[place + words.len()..].split(|byte| *byte == b'"').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Noted {
    fn of(posts: &[Post]) -> Self {
        let after = |moment: fn(&Post) -> Option<Instant>| {
            let spans = posts.iter().filter_map(|post| Some(moment(post)? - post.posted));
            let mut spans: Vec<f64> = spans.map(|span| span.as_secs_f64() * 1000.0).collect();
            spans.sort_by(f64::total_cmp);
            spans
        };
        let (accepted, heard) = (after(|post| post.accepted), after(|post| post.heard));
        let first = posts.iter().map(|post| post.posted).min();
        let last = posts.iter().filter_map(|post| post.accepted).max();
        let seconds = first.zip(last).map_or(f64::INFINITY, |(first, last)| (last - first).as_secs_f64());
        Self {
            accepted_per_second: accepted.len() as f64 / seconds,
            accepted_p50_ms: quantile(&accepted, 0.5),
            accepted_p99_ms: quantile(&accepted, 0.99),
            heard_p99_ms: quantile(&heard, 0.99),
            heard_max_ms: quantile(&heard, 1.0),
            failed: (posts.len() - accepted.len()) as f64,
        }
    }
}

/// Of what is sorted; infinite where there is nothing.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_post_is_noted_with_it() {
        let posted = Instant::now();
        let mut posts = vec![Post { posted, accepted: None, heard: None }];
        let later = posted + Duration::from_millis(4);
        note(&mut posts, br#"{"is":"posted","room":"kept 0","at":"a:1","user":"author 0","id":"0"}"#, posted);
        note(&mut posts, br#"{"is":"accepted","id":"0","at":"a:1"}"#, later);
        note(&mut posts, br#"{"is":"refused","id":"0","code":"unavailable"}"#, later);
        let noted = Noted::of(&posts);
        assert_eq!((noted.accepted_p99_ms, noted.heard_max_ms, noted.failed), (4.0, 0.0, 0.0));
    }
}
