//! One who talks: at a steady rate whatever happens, saying again what had no answer when the node died.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ledger::{Faults, Ledger, position};
use crate::bench::line::{Line, write_frame};
use crate::step::Failure;

/// Posts of an author that wait for their answers: fewer than a room remembers the ids of.
const OPEN_MAX: usize = 2000;
/// How long somebody waits for an answer that must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Messages of a page, the most that there may be.
const PAGE: usize = 200;

/// When what is due.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) began: Instant,
    pub(crate) per_second: f64,
    /// Nothing is due any more after so long.
    pub(crate) seconds: f64,
}

impl Schedule {
    /// That of one of so many.
    pub(super) fn share_of(self, count: usize) -> Self {
        Self { per_second: self.per_second / count as f64, ..self }
    }

    fn due(self) -> u64 {
        (self.began.elapsed().as_secs_f64().min(self.seconds) * self.per_second) as u64
    }

    fn is_over(self) -> bool {
        self.began.elapsed().as_secs_f64() >= self.seconds
    }
}

/// Who talks in a room, and remembers everything.
pub(super) struct Author {
    room: String,
    said: u64,
    /// Posts without an answer.
    open: VecDeque<u64>,
    /// Those of them that were refused, to be said again.
    refused: Vec<u64>,
    ledger: Ledger,
}

impl Author {
    pub(super) fn new(number: u32) -> Self {
        Self {
            room: format!("kept {number}"),
            said: 0,
            open: VecDeque::new(),
            refused: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    /// Talks until the node is gone, or until everything that was ever due is accepted.
    pub(super) fn talk(mut self, address: SocketAddr, schedule: Schedule) -> Self {
        // A node that is killed is the point of it. One that has gone by itself shows by what is missing.
        let _ = self.talk_on(address, schedule);
        self
    }

    fn talk_on(&mut self, address: SocketAddr, schedule: Schedule) -> Result<(), Failure> {
        let mut line = self.enter(address)?;
        let mut again = Vec::new();
        self.open.iter().for_each(|tag| write_frame(&mut again, &self.post(*tag)));
        line.send(&again)?;
        self.refused.clear();
        let mut late = None;
        while !(schedule.is_over() && self.said >= schedule.due() && self.open.is_empty()) {
            self.post_what_is_due(&mut line, schedule.due())?;
            self.read(&mut line)?;
            if schedule.is_over() && late.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                return Err(Failure::new("answers do not come"));
            }
        }
        Ok(())
    }

    fn enter(&mut self, address: SocketAddr) -> Result<Line, Failure> {
        let mut line = Line::open(address)?;
        line.say(r#"{"do":"identify","user":"author"}"#)?;
        line.say(&json!({ "do": "join", "room": self.room, "since": self.ledger.stands_at() }).to_string())?;
        let started = Instant::now();
        let mut joined = None;
        while joined.is_none() {
            if started.elapsed() > PATIENCE {
                return Err(Failure::new("an author is not let in"));
            }
            // What follows the answer at once belongs to what it says.
            line.read(|payload| match read(payload) {
                Some(told) if told["is"] == "joined" => {
                    self.ledger.joined(&told);
                    joined = Some(());
                }
                Some(told) => self.take(&told),
                None => {}
            })?;
        }
        Ok(line)
    }

    fn post_what_is_due(&mut self, line: &mut Line, due: u64) -> Result<(), Failure> {
        let mut said = Vec::new();
        for tag in std::mem::take(&mut self.refused) {
            write_frame(&mut said, &self.post(tag));
        }
        while self.said < due && self.open.len() < OPEN_MAX {
            self.said += 1;
            self.open.push_back(self.said);
            write_frame(&mut said, &self.post(self.said));
        }
        line.send(&said)
    }

    fn post(&self, tag: u64) -> String {
        let text = "what somebody says in a room that is kept: as long as most of what people say, and no longer than that";
        format!(r#"{{"do":"post","room":"{}","id":"{tag}","text":"{text}"}}"#, self.room)
    }

    fn read(&mut self, line: &mut Line) -> Result<(), Failure> {
        line.read(|payload| {
            if let Some(told) = read(payload) {
                self.take(&told);
            }
        })
    }

    fn take(&mut self, told: &Value) {
        let tag = || told["id"].as_str().and_then(|tag| tag.parse::<u64>().ok());
        match (told["is"].as_str(), tag()) {
            (Some("posted"), Some(tag)) => self.ledger.see(&told["at"], tag),
            (Some("accepted"), Some(tag)) => {
                self.open.retain(|open| *open != tag);
                self.ledger.accept(&told["at"], tag);
            }
            (Some("refused"), Some(tag)) => {
                self.ledger.note_refusal();
                self.refused.push(tag);
            }
            (Some("lost"), _) => self.ledger.lose(&told["at"]),
            _ => {}
        }
    }

    /// Holds what it remembers against the room's whole history.
    pub(super) fn judge(self, address: SocketAddr) -> Result<Faults, Failure> {
        let history = history(address, &self.room)?;
        Ok(self.ledger.judge(&history, self.open.len()))
    }
}

fn read(payload: &[u8]) -> Option<Value> {
    serde_json::from_slice(payload).ok()
}

/// Offsets and tags, from the newest to the oldest.
fn history(address: SocketAddr, room: &str) -> Result<Vec<(u64, u64)>, Failure> {
    let mut line = Line::open(address)?;
    line.say(&json!({ "do": "join", "room": room }).to_string())?;
    let (mut found, mut before) = (Vec::new(), Value::Null);
    loop {
        line.say(
            &json!({ "do": "recall", "room": room, "before": before, "limit": PAGE, "id": "page" })
                .to_string(),
        )?;
        let page = await_page(&mut line)?;
        let messages = page["messages"].as_array().ok_or_else(|| Failure::new("a page without messages"))?;
        let read =
            |message: &Value| Some((position(&message["at"])?.1, message["id"].as_str()?.parse().ok()?));
        found.extend(messages.iter().rev().filter_map(read));
        match messages.first() {
            Some(first) if page["more"] == true => before = first["at"].clone(),
            _ => return Ok(found),
        }
    }
}

fn await_page(line: &mut Line) -> Result<Value, Failure> {
    let (started, mut page) = (Instant::now(), None);
    while started.elapsed() < PATIENCE {
        line.read(|payload| {
            page = page.take().or_else(|| read(payload).filter(|told| told["is"] == "page"))
        })?;
        if let Some(page) = page.take() {
            return Ok(page);
        }
    }
    Err(Failure::new("no page of history comes"))
}
