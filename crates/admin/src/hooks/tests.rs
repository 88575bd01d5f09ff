//! Webhooks against somebody who listens, or does not.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use chat::{Occasion, RoomId, RoomName, Time};
use serde_json::{Value, json};
use stores::Letter;

use super::*;

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One webhook as it came.
pub(super) struct Taken {
    headers: String,
    body: String,
}

impl Taken {
    fn header(&self, name: &str) -> &str {
        let line = self.headers.lines().find(|line| line.to_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value).expect("a header")
    }

    pub(super) fn said(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Somebody who listens and answers with each of these, and then well.
pub(super) fn listen(answers: &'static [&'static str]) -> (String, Receiver<Taken>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let url = format!("http://{}/hook?a=b", listener.local_addr().expect("it has an address"));
    let (sender, taken) = channel();
    thread::spawn(move || {
        let mut answers = answers.iter();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            while let Some(request) = read(&mut stream) {
                // Who does not look any more is not told.
                let _ = sender.send(request);
                let status = answers.next().unwrap_or(&"204 No Content");
                if write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").is_err() {
                    break;
                }
            }
        }
    });
    (url, taken)
}

fn read(stream: &mut TcpStream) -> Option<Taken> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.extend(byte);
    }
    let headers = String::from_utf8(bytes).ok()?;
    let mut taken = Taken { headers, body: String::new() };
    let mut body = vec![0; taken.header("content-length").parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    taken.body = String::from_utf8(body).ok()?;
    Some(taken)
}

pub(super) fn settings(url: String) -> HookSettings {
    HookSettings {
        url,
        secret: Secret::read("a secret of sixteen bytes"),
        timeout: PATIENCE,
        retry_for: PATIENCE,
        pause: Duration::from_millis(1),
        waiting_max: 100,
        requests_max: 1,
    }
}

pub(super) fn happening(room: &str) -> Happening {
    let room = RoomId::public(RoomName::new(room).expect("a name"));
    Happening::seen(room, Time(1), Occasion::Occupied)
}

fn count(hooks: &Hooks, metric: &'static crate::Metric) -> u64 {
    hooks.samples().iter().find(|sample| *sample.metric == *metric).map_or(0, |sample| sample.value)
}

#[test]
fn webhooks_come_signed_and_in_order() {
    let (url, taken) = listen(&[]);
    let (hooks, _courier) = Hooks::open(settings(url)).expect("a URL");
    ["a", "b", "c"].into_iter().for_each(|room| hooks.tell(happening(room)));
    let came: Vec<Taken> = taken.iter().take(3).collect();
    let rooms: Vec<Value> = came.iter().map(|taken| taken.said()["data"]["room"].clone()).collect();
    assert_eq!(rooms, [json!("a"), json!("b"), json!("c")]);
    let Taken { headers, body } = &came[0];
    assert!(
        headers.starts_with("POST /hook?a=b HTTP/1.1") && headers.contains("application/json"),
        "{headers}"
    );
    let letter = Letter { id: came[0].header("webhook-id").to_owned(), body: body.clone() };
    let now_s = came[0].header("webhook-timestamp").parse().expect("seconds");
    let secret = Secret::read("a secret of sixteen bytes").expect("a secret");
    assert_eq!(came[0].header("webhook-signature"), secret.sign(&letter, now_s));
    assert_ne!(came[0].header("webhook-id"), came[1].header("webhook-id"));
}

#[test]
fn what_is_not_taken_comes_again_under_the_same_id() {
    let (url, taken) = listen(&["500 Oh", "404 No", "302 Found"]);
    let (hooks, _courier) = Hooks::open(settings(url)).expect("a URL");
    hooks.tell(happening("a"));
    let came: Vec<Taken> = taken.iter().take(4).collect();
    let first = (came[0].header("webhook-id"), &came[0].body);
    assert!(came.iter().all(|taken| (taken.header("webhook-id"), &taken.body) == first));
    let start = Instant::now();
    while count(&hooks, &metric::HOOK_SENT) < 1 {
        assert!(start.elapsed() < PATIENCE);
        thread::yield_now();
    }
    assert_eq!(count(&hooks, &metric::HOOK_RETRIES), 3);
}

#[test]
fn how_many_are_lost_is_told_when_somebody_listens_again() {
    // Nobody answers until the queue is more than full.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let url = format!("http://{}/", listener.local_addr().expect("it has an address"));
    let (hooks, _courier) = Hooks::open(HookSettings { waiting_max: 4, ..settings(url) }).expect("a URL");
    hooks.tell(happening("first"));
    let (mut stream, _) = listener.accept().expect("a client");
    let first = read(&mut stream).expect("a webhook");
    (0..10).for_each(|number| hooks.tell(happening(&number.to_string())));
    let mut came = vec![first];
    for _ in 0..6 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("it reads");
        came.extend(read(&mut stream));
        if came.len() == 6 {
            break;
        }
    }
    let said: Vec<Value> = came.iter().map(Taken::said).collect();
    let lost = said.iter().position(|said| said["type"] == "events.lost").expect("it is told");
    assert_eq!((said[lost]["data"].clone(), lost), (json!({ "lost": 6 }), 1), "{said:?}");
    assert_eq!(said[2]["data"]["room"], "0");
    assert_eq!(count(&hooks, &metric::HOOK_LOST), 6);
}

#[test]
fn what_is_never_taken_is_given_up_and_told_as_lost() {
    let (url, taken) = listen(&["500 Oh", "500 Oh"]);
    let settings = HookSettings {
        retry_for: Duration::from_millis(1),
        pause: Duration::from_millis(1),
        ..settings(url)
    };
    let (hooks, _courier) = Hooks::open(settings).expect("a URL");
    hooks.tell(happening("a"));
    let last = taken.iter().find(|taken| taken.said()["type"] == "events.lost").expect("it is told");
    assert_eq!(last.said()["data"], json!({ "lost": 1 }));
}

#[test]
fn what_waits_is_posted_before_the_end() {
    let (url, taken) = listen(&["500 Oh"]);
    let (hooks, courier) = Hooks::open(settings(url)).expect("a URL");
    (0..20).for_each(|number| hooks.tell(happening(&number.to_string())));
    drop(hooks);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(courier.finish(PATIENCE));
    assert_eq!(taken.try_iter().count(), 21);
}
