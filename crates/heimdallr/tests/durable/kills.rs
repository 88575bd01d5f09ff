//! A server that is killed in the middle of talk, again and again: nothing accepted is lost, nothing is there twice, and no position is given
//! to two messages.
//!
//! `KILLS=50 cargo test -p heimdallr --test durable --release kills` does it fifty times.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::client::{Client, Gone, history, position};
use crate::programs::folder::Folder;
use crate::programs::until;
use crate::server::serve;

const KILLS: u64 = 4;
/// Those who talk, each in a room of its own.
const AUTHORS: usize = 4;
/// Posts of an author that wait for their answers.
const UNDER_WAY: usize = 200;
/// So many posts are accepted before the next kill.
const POSTS_BETWEEN_KILLS: u64 = 2000;

/// Who talks in a room, and remembers everything.
struct Author {
    room: String,
    said: u64,
    /// Posts without an answer.
    open: VecDeque<String>,
    /// Where posts are that were accepted, by their tags.
    accepted: HashMap<String, u64>,
    /// What was shown at a position.
    shown: BTreeMap<(String, u64), String>,
    /// The newest position shown.
    last: Option<(String, u64)>,
    /// How often something was said to be lost.
    lost: u64,
    total: Arc<AtomicU64>,
}

impl Author {
    fn new(number: usize, total: &Arc<AtomicU64>) -> Self {
        Self {
            room: format!("room {number}"),
            said: 0,
            open: VecDeque::new(),
            accepted: HashMap::new(),
            shown: BTreeMap::new(),
            last: None,
            lost: 0,
            total: total.clone(),
        }
    }

    /// Talks until the server is gone.
    fn talk(mut self, address: SocketAddr) -> Self {
        // However it ends, it ends with the server.
        let Err(Gone) = self.talk_on(address);
        self
    }

    fn talk_on(&mut self, address: SocketAddr) -> Result<std::convert::Infallible, Gone> {
        let mut client = Client::connect(address, "author")?;
        let since = self.last.as_ref().map(|(epoch, offset)| format!("{epoch}:{offset}"));
        client.say(&serde_json::json!({ "do": "join", "room": self.room, "since": since }))?;
        self.joined(&client.hear("joined")?);
        // What had no answer is said again, with the same tags.
        for tag in &self.open {
            client.post(&self.room, tag)?;
        }
        loop {
            while self.open.len() < UNDER_WAY {
                self.said += 1;
                let tag = self.said.to_string();
                client.post(&self.room, &tag)?;
                self.open.push_back(tag);
            }
            while let Some(heard) = client.next()? {
                self.take(&heard);
            }
        }
    }

    fn joined(&mut self, joined: &Value) {
        let (epoch, _) = position(&joined["at"]);
        if let Some(last) = self.last.take().filter(|_| joined["resumed"] == true) {
            // Everything behind it follows, as the room counts today.
            self.last = Some((epoch, last.1));
        }
    }

    fn take(&mut self, heard: &Value) {
        match heard["is"].as_str() {
            Some("posted") => self.see(position(&heard["at"]), heard["id"].as_str().expect("it has a tag")),
            Some("accepted") => {
                let tag = heard["id"].as_str().expect("it has a tag");
                self.open.retain(|open| open != tag);
                self.accepted.insert(tag.to_owned(), position(&heard["at"]).1);
                self.total.fetch_add(1, Ordering::Relaxed);
            }
            Some("lost") => {
                self.lost += 1;
                self.last = Some(position(&heard["at"]));
            }
            Some("refused") => panic!("nothing is wrong with {heard}"),
            _ => {}
        }
    }

    fn see(&mut self, at: (String, u64), tag: &str) {
        if let Some((epoch, offset)) = &self.last {
            assert_eq!((epoch, offset + 1), (&at.0, at.1), "shown in order, without gaps, in {}", self.room);
        }
        let before = self.shown.insert(at.clone(), tag.to_owned());
        assert!(before.is_none_or(|before| before == tag), "{at:?} was given to two messages");
        self.last = Some(at);
    }

    /// Holds what it remembers against what is there in the end.
    fn judge(&self, address: SocketAddr) {
        let history = history(address, &self.room);
        let offsets: Vec<u64> = history.iter().map(|(offset, _)| *offset).collect();
        assert!(offsets.iter().zip(1..).all(|(offset, nth)| *offset == nth), "nothing is missing in between");
        let tags: BTreeSet<&str> = history.iter().map(|(_, tag)| &**tag).collect();
        assert_eq!(tags.len(), history.len(), "nothing is there twice");
        let kept: HashMap<&str, u64> = history.iter().map(|(offset, tag)| (&**tag, *offset)).collect();
        for (tag, offset) in &self.accepted {
            assert_eq!(kept.get(&**tag), Some(offset), "{tag} was accepted in {}", self.room);
        }
    }
}

#[test]
fn what_was_accepted_survives_kills_in_the_middle_of_talk() {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS is a number"));
    let folder = Folder::new();
    let total = Arc::new(AtomicU64::new(0));
    let mut authors: Vec<Author> = (0..AUTHORS).map(|number| Author::new(number, &total)).collect();
    for kill in 1..=kills {
        let mut server = serve(&folder.path("data"));
        let address = server.address;
        let talks: Vec<JoinHandle<Author>> =
            authors.drain(..).map(|author| std::thread::spawn(move || author.talk(address))).collect();
        until("enough was accepted", || {
            total.load(Ordering::Relaxed) >= kill * POSTS_BETWEEN_KILLS
                || talks.iter().any(JoinHandle::is_finished)
        });
        server.kill();
        authors = talks.into_iter().map(|talk| talk.join().expect("nothing went wrong")).collect();
    }
    let server = serve(&folder.path("data"));
    authors.iter().for_each(|author| author.judge(server.address));
    let accepted: usize = authors.iter().map(|author| author.accepted.len()).sum();
    assert!(accepted as u64 >= kills * POSTS_BETWEEN_KILLS);
}
