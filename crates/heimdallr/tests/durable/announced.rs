//! What happens is told to whoever `webhook` names, at least once and under one id, whatever becomes of the node in between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::client::{Client, Gone, position};
use crate::programs::folder::Folder;
use crate::programs::receiver::{Receiver, Taken};
use crate::programs::{Redis, Server, heimdallr, until};
use crate::server::serve_with;

/// Those who talk, each in a room of its own.
const AUTHORS: usize = 3;
/// Posts of an author that wait for their answers.
const UNDER_WAY: usize = 100;
/// So many posts are accepted before the next kill.
const POSTS_BETWEEN_KILLS: usize = 400;
const PRESENCE: &str = "room.occupied,room.vacated,member.joined,member.left";

fn start(data: &Path, receiver: &Receiver, on: &str, more: &[(&str, &str)]) -> Server {
    let hooks = [("webhook", receiver.url.as_str()), ("webhook_on", on)];
    serve_with(heimdallr(), data, &[&hooks, more].concat())
}

/// How many webhooks wait, as soon as that is told.
fn waiting(server: &Server) -> Option<u64> {
    let (_, metrics) = server.ask("/metrics")?;
    let value = metrics.lines().find_map(|line| line.strip_prefix("heimdallr_webhooks_waiting "))?;
    value.parse().ok()
}

/// Who talks in a room, and remembers what was accepted.
struct Author {
    room: String,
    said: usize,
    /// Posts without an answer.
    open: VecDeque<String>,
    accepted: Vec<String>,
    total: Arc<AtomicUsize>,
}

impl Author {
    fn talk(mut self, address: SocketAddr) -> Self {
        // However it ends, it ends with the server.
        let Err(Gone) = self.talk_on(address);
        self
    }

    fn talk_on(&mut self, address: SocketAddr) -> Result<Infallible, Gone> {
        let mut client = Client::connect(address, "author")?;
        client.say(&json!({ "do": "join", "room": self.room }))?;
        client.hear("joined")?;
        // What had no answer is said again, with the same tags.
        for tag in &self.open {
            client.post(&self.room, tag)?;
        }
        loop {
            while self.open.len() < UNDER_WAY {
                self.said += 1;
                let tag = format!("{} {}", self.room, self.said);
                client.post(&self.room, &tag)?;
                self.open.push_back(tag);
            }
            while let Some(heard) = client.next()? {
                if heard["is"] == "accepted" {
                    let tag = heard["id"].as_str().expect("it has a tag").to_owned();
                    self.open.retain(|open| *open != tag);
                    self.accepted.push(tag);
                    self.total.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Has everybody talk until so much was accepted, and then kills the server in the middle of it.
fn talk_until_killed(mut server: Server, authors: Vec<Author>, accepted: usize) -> Vec<Author> {
    let (address, total) = (server.address, authors[0].total.clone());
    let talks: Vec<JoinHandle<Author>> =
        authors.into_iter().map(|author| std::thread::spawn(move || author.talk(address))).collect();
    until("enough was accepted", || {
        total.load(Ordering::Relaxed) >= accepted || talks.iter().any(JoinHandle::is_finished)
    });
    server.kill();
    talks.into_iter().map(|talk| talk.join().expect("nothing went wrong")).collect()
}

/// The messages that were told, each once, in the order in which they were told first. Each has one id, and no id is another's.
fn messages(taken: &[Taken]) -> Vec<&Taken> {
    let (mut ids, mut told) = (HashMap::new(), Vec::new());
    for one in taken.iter().filter(|one| one.kind == "message.posted") {
        let (id, at) = (&one.id, &one.data["at"]);
        let place = (&one.data["room"], &one.data["id"]);
        match ids.insert(place, (id, at)) {
            None => told.push(one),
            Some(before) => assert_eq!(before, (id, at), "{place:?} has two ids"),
        }
    }
    let distinct: HashSet<_> = ids.values().map(|(id, _)| id).collect();
    assert_eq!(distinct.len(), told.len(), "an id is that of one message");
    told
}

#[test]
fn every_message_that_was_accepted_is_told_of_though_the_node_is_killed_in_the_middle_of_talk() {
    let (folder, receiver) = (Folder::new(), Receiver::closed());
    let total = Arc::<AtomicUsize>::default();
    let author = |number| {
        let (room, total) = (format!("room {number}"), total.clone());
        Author { room, said: 0, open: VecDeque::new(), accepted: Vec::new(), total }
    };
    let mut authors: Vec<Author> = (0..AUTHORS).map(author).collect();
    let requests = [("webhook_requests_max", "2")];
    for kill in 1..=2 {
        let server = start(&folder.path("data"), &receiver, "message.posted", &requests);
        // Until the first kill nothing is taken; then everything is, while more comes.
        authors = talk_until_killed(server, authors, kill * POSTS_BETWEEN_KILLS);
        receiver.open();
    }
    let server = start(&folder.path("data"), &receiver, "message.posted", &requests);
    until("nothing waits", || waiting(&server) == Some(0));
    let taken = receiver.taken();
    let told = messages(&taken);
    for Author { room, accepted, .. } in &authors {
        let of_room = told.iter().filter(|one| one.data["room"] == **room);
        let tags: Vec<&str> = of_room.clone().filter_map(|one| one.data["id"].as_str()).collect();
        let missing = accepted.iter().find(|tag| !tags.contains(&tag.as_str()));
        assert_eq!(missing, None, "it was accepted and not told");
        let offsets: Vec<u64> = of_room.map(|one| position(&one.data["at"]).1).collect();
        assert!(offsets.is_sorted(), "of a room one comes after the other: {offsets:?}");
    }
    assert_eq!(server.count("heimdallr_webhooks_lost_total"), 0);
}

/// What was told of a room, or of a user in it: what, and why. What was told again is told once.
fn told(taken: &[Taken], member: &str, value: &Value) -> Vec<(String, Value)> {
    let mut ids = HashSet::new();
    let is_meant = |one: &&Taken| {
        let is_of_kind = one.kind.starts_with(if member == "room" { "room." } else { "member." });
        is_of_kind && one.data[member] == *value && ids.insert(one.id.clone())
    };
    taken.iter().filter(is_meant).map(|one| (one.kind.clone(), one.data["reason"].clone())).collect()
}

#[test]
fn who_was_there_when_the_node_was_killed_is_told_to_have_gone_after_the_next_start() {
    let (folder, receiver) = (Folder::new(), Receiver::closed());
    let mut server = start(&folder.path("data"), &receiver, PRESENCE, &[]);
    let join = |user, room| Client::join(server.address, user, room, None).0;
    let there = [join("ann", "den"), join("bob", "den"), join("cat", "hall")];
    let guest = Client::visit(server.address, "den");
    drop(join("dan", "den"));
    // Two rooms, five people, and one of them has gone: eight things have happened.
    until("all of it waits", || waiting(&server) == Some(8));
    server.kill();
    drop((there, guest));
    receiver.open();

    let server = start(&folder.path("data"), &receiver, PRESENCE, &[]);
    // Four people and two rooms are missed, and two more things happen: who comes at once comes behind them.
    let (_ann, _) = Client::join(server.address, "ann", "den", None);
    until("everything is told", || receiver.taken().len() >= 16);
    let taken = receiver.taken();
    let (came, went) = (("member.joined", Value::Null), ("member.left", json!("node_ended")));
    let as_told = |all: &[(&str, Value)]| -> Vec<(String, Value)> {
        all.iter().map(|(kind, reason)| ((*kind).to_owned(), reason.clone())).collect()
    };
    for user in [json!("bob"), json!("cat"), Value::Null] {
        assert_eq!(told(&taken, "user", &user), as_told(&[came.clone(), went.clone()]), "{user}");
    }
    assert_eq!(told(&taken, "user", &json!("ann")), as_told(&[came.clone(), went, came.clone()]));
    assert_eq!(told(&taken, "user", &json!("dan")), as_told(&[came, ("member.left", Value::Null)]));
    let (occupied, vacated) = (("room.occupied", Value::Null), ("room.vacated", json!("node_ended")));
    assert_eq!(
        told(&taken, "room", &json!("den")),
        as_told(&[occupied.clone(), vacated.clone(), occupied.clone()])
    );
    assert_eq!(told(&taken, "room", &json!("hall")), as_told(&[occupied, vacated]));
}

#[test]
fn no_more_waits_than_may_and_how_much_was_lost_is_told() {
    const POSTS: usize = 1000;
    let (folder, receiver) = (Folder::new(), Receiver::closed());
    let bound = [("webhook_outbox_bytes", "65536")];
    let server = start(&folder.path("data"), &receiver, "message.posted", &bound);
    let (mut client, _) = Client::join(server.address, "ann", "den", None);
    for number in 0..POSTS {
        assert_eq!(client.ask_to_post("den", &number.to_string())["is"], "accepted");
    }
    until("some of it is lost", || server.count("heimdallr_webhooks_lost_total") > 0);
    // And what is with who posts.
    assert!(server.count("heimdallr_webhooks_outbox_bytes") <= 2 * 65_536);
    receiver.open();
    until("nothing waits", || waiting(&server) == Some(0));
    let taken = receiver.taken();
    let losses = taken.iter().filter(|one| one.kind == "events.lost");
    let lost: u64 = losses.filter_map(|one| one.data["lost"].as_u64()).sum();
    assert_eq!(messages(&taken).len() as u64 + lost, POSTS as u64);
}

#[test]
fn a_node_that_stops_posts_what_waits_and_never_again() {
    const POSTS: usize = 100;
    let (folder, receiver) = (Folder::new(), Receiver::opened());
    let on = format!("{PRESENCE},message.posted");
    let server = start(&folder.path("data"), &receiver, &on, &[]);
    let (mut client, _) = Client::join(server.address, "ann", "den", None);
    for number in 0..POSTS {
        client.post("den", &number.to_string()).expect("it reads");
    }
    client.answer_to(&(POSTS - 1).to_string());
    assert_eq!(server.stop(), Some(0));
    let taken = receiver.taken();
    assert_eq!(messages(&taken).len(), POSTS);
    // She was sent away, which was seen.
    let came_and_went = [("member.joined".to_owned(), Value::Null), ("member.left".to_owned(), Value::Null)];
    assert_eq!(told(&taken, "user", &json!("ann")), came_and_went);
    let server = start(&folder.path("data"), &receiver, &on, &[]);
    until("nothing waits", || waiting(&server) == Some(0));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(receiver.taken().len(), taken.len());
}

#[test]
fn of_a_node_among_others_only_those_are_told_to_have_gone_who_are_on_none() {
    let (redis, folder, receiver) = (Redis::start(), Folder::new(), Receiver::opened());
    let on = format!("{PRESENCE},message.posted");
    let begin = |name: &str| {
        let server = start(&folder.path(name), &receiver, &on, &[("redis", &redis.url)]);
        until("it is ready", || server.says("/health/ready", 200));
        server
    };
    let (mut one, other) = (begin("one"), begin("other"));
    let join = |server: &Server, user, room| Client::join(server.address, user, room, None).0;
    let mut ann = join(&one, "ann", "den");
    let there = [join(&one, "bob", "den"), join(&one, "cat", "hall")];
    let told_of = |user: &str| told(&receiver.taken(), "user", &json!(user)).len();
    until("they are told of", || ["ann", "bob", "cat"].iter().all(|user| told_of(user) == 1));
    let _bob = join(&other, "bob", "den");
    assert_eq!(ann.ask_to_post("den", "said")["is"], "accepted");
    one.kill();
    drop((ann, there));
    let _one = begin("one");
    until("they are missed", || told_of("ann") == 2 && told_of("cat") == 2);
    let taken = receiver.taken();
    assert_eq!(messages(&taken).len(), 1);
    // He may have been told to have come by both.
    assert!(told(&taken, "user", &json!("bob")).iter().all(|(kind, _)| kind == "member.joined"));
    assert_eq!(told(&taken, "user", &json!("ann"))[1], ("member.left".to_owned(), json!("node_ended")));
    until("the hall is, too", || told(&receiver.taken(), "room", &json!("hall")).len() == 2);
    assert_eq!(told(&receiver.taken(), "room", &json!("den")).len(), 1, "somebody is there");
}
