//! Members who come back, against a server that cuts them off all the time and does right otherwise, and against ones that do not.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use loadgen::steadfast::Account;
use serde_json::Value;

/// What a server does to those who come back.
#[derive(Clone, Copy, PartialEq)]
enum Misdeed {
    None,
    /// Does not show the first of what they missed.
    Skips,
    /// Shows the last that they have seen once more.
    Repeats,
    /// Tells them that all they missed is lost.
    GivesUp,
    /// Keeps a post that is asked for again once more.
    Forgets,
}

/// Posts that a run waits for.
const POSTS: usize = 200;
/// One in so many ends the connection it came on, before it is answered.
const CUT_EVERY: usize = 10;

/// The one room, and who is in it.
struct Room {
    log: Vec<Value>,
    /// By author and tag: where the post stands.
    known: HashMap<(String, String), usize>,
    members: Vec<TcpStream>,
    posted: Sender<()>,
}

impl Room {
    fn join(&mut self, member: &TcpStream, since: Option<usize>, misdeed: Misdeed) {
        let at = self.log.len();
        let resumed = match since {
            None => String::new(),
            Some(since) => format!(r#","resumed":{}"#, misdeed != Misdeed::GivesUp || since == at),
        };
        send(member, &format!(r#"{{"is":"joined","id":"j","room":"room-0","at":"a:{at}"{resumed}}}"#));
        let from = match (since, misdeed) {
            (None, _) => at,
            (Some(since), Misdeed::Skips) => since + 1,
            (Some(since), Misdeed::Repeats) => since.saturating_sub(1),
            (Some(since), Misdeed::GivesUp) if since < at => {
                send(
                    member,
                    &format!(r#"{{"is":"lost","room":"room-0","since":"a:{since}","at":"a:{at}"}}"#),
                );
                at
            }
            (Some(since), _) => since,
        };
        self.log.iter().skip(from).for_each(|posted| send(member, &posted.to_string()));
        self.members.extend(member.try_clone());
    }

    fn post(&mut self, user: &str, post: &Value, misdeed: Misdeed) -> usize {
        let tag = text(post, "id");
        let key = (user.to_owned(), tag.clone());
        if let Some(at) = self.known.get(&key).filter(|_| misdeed != Misdeed::Forgets) {
            return *at;
        }
        let at = self.log.len() + 1;
        let posted = serde_json::json!({
            "is": "posted", "room": "room-0", "at": format!("a:{at}"), "user": user, "id": tag, "text": post["text"],
        });
        self.members.iter().for_each(|member| send(member, &posted.to_string()));
        self.log.push(posted);
        self.known.insert(key, at);
        // A run that has heard enough does not listen any more.
        let _ = self.posted.send(());
        at
    }
}

/// Serves until the test process ends; every post is told.
fn serve(misdeed: Misdeed) -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound");
    let (posted, posts) = channel();
    let room = Room { log: Vec::new(), known: HashMap::new(), members: Vec::new(), posted };
    let room = Arc::new(Mutex::new(room));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let room = Arc::clone(&room);
            std::thread::spawn(move || attend(stream, &room, misdeed));
        }
    });
    (address, posts)
}

fn attend(mut stream: TcpStream, room: &Mutex<Room>, misdeed: Misdeed) -> Option<()> {
    let mut head = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        head.read_line(&mut line).ok()?;
    }
    assert!(head.buffer().is_empty(), "a client waits for the answer");
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer.as_bytes()).ok()?;
    let mut user = String::new();
    loop {
        let said: Value = serde_json::from_slice(&read_payload(&mut stream)?).expect("it is JSON");
        let mut room = room.lock().expect("nobody panics");
        match &*text(&said, "do") {
            "identify" => user = text(&said, "user"),
            "join" => {
                let since = said["since"].as_str().and_then(|since| since.strip_prefix("a:")?.parse().ok());
                room.join(&stream, since, misdeed);
            }
            _ => {
                let before = room.log.len();
                let at = room.post(&user, &said, misdeed);
                if room.log.len() > before && at.is_multiple_of(CUT_EVERY) {
                    stream.shutdown(Shutdown::Both).ok()?;
                    return None;
                }
                let tag = text(&said, "id");
                send(&stream, &format!(r#"{{"is":"accepted","id":"{tag}","at":"a:{at}"}}"#));
            }
        }
    }
}

/// Frames of the generator are masked and short enough for two bytes of length.
fn read_payload(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 2];
    stream.read_exact(&mut header).ok()?;
    let mut length = usize::from(header[1] & 0x7f);
    if length == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long).ok()?;
        length = usize::from(u16::from_be_bytes(long));
    }
    let (mut key, mut payload) = ([0; 4], vec![0; length]);
    stream.read_exact(&mut key).ok()?;
    stream.read_exact(&mut payload).ok()?;
    Some(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect())
}

/// Whoever has gone comes back and is shown it then.
fn send(mut member: &TcpStream, text: &str) {
    let length = u16::try_from(text.len()).expect("messages here are short");
    let header = match text.len() {
        short @ 0..126 => vec![0x81, short as u8],
        _ => [&[0x81, 126][..], &length.to_be_bytes()].concat(),
    };
    let _ = member.write_all(&[&header, text.as_bytes()].concat());
}

fn text(said: &Value, name: &str) -> String {
    said[name].as_str().unwrap_or_default().to_owned()
}

/// Five members who all post, until so much was posted.
fn stay(misdeed: Misdeed, name: &str) -> (Account, Option<i32>) {
    let (address, posts) = serve(misdeed);
    let json = format!("{}/{name}.json", env!("CARGO_TARGET_TMPDIR"));
    let options = "steadfast --rooms 1 --room-size 5 --publishers 5 --rate 200 --payload 50 --drain 5 --json";
    let mut command = Command::new(env!("CARGO_BIN_EXE_heimdallr-loadgen"));
    command.args(options.split(' ')).arg(&json).args(["--target", &address.to_string()]);
    let mut generator =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program is there");
    let mut tell = generator.stdin.take().expect("it is piped");
    posts.iter().take(POSTS / 2).for_each(drop);
    tell.write_all(b"a storm\n").expect("it listens");
    posts.iter().take(POSTS / 2).for_each(drop);
    drop(tell);
    let output = generator.wait_with_output().expect("it ends");
    let account = std::fs::read_to_string(&json).expect("it gives an account");
    (serde_json::from_str(&account).expect("it is one"), output.status.code())
}

#[test]
fn members_who_are_cut_off_all_the_time_miss_nothing() {
    let (account, code) = stay(Misdeed::None, "steadfast-right");
    let found = &account.findings;
    assert!(account.is_clean() && code == Some(0), "{account:?}");
    assert!(found.accepted >= POSTS as u64 && found.shown == 5 * found.accepted, "{found:?}");
    assert!(
        account.resumed > 0 && account.retries > 0 && account.cuts.values().sum::<u64>() > 0,
        "{account:?}"
    );
    assert_eq!(account.eras.iter().map(|era| &*era.name).collect::<Vec<_>>(), ["nothing", "a storm"]);
}

#[test]
fn what_a_member_is_not_shown_when_it_comes_back_is_found() {
    let (account, code) = stay(Misdeed::Skips, "steadfast-skips");
    assert!(account.findings.untold > 0 && code == Some(3), "{account:?}");
}

#[test]
fn what_a_member_is_shown_again_when_it_comes_back_is_found() {
    let (account, code) = stay(Misdeed::Repeats, "steadfast-repeats");
    assert!(account.findings.duplicated > 0 && code == Some(3), "{account:?}");
}

#[test]
fn what_a_member_is_told_to_be_lost_is_counted_and_no_fault() {
    let (account, code) = stay(Misdeed::GivesUp, "steadfast-gives-up");
    let found = &account.findings;
    assert!(found.tellings > 0 && account.partly_resumed == found.tellings && code == Some(0), "{account:?}");
}

#[test]
fn a_post_that_is_kept_twice_is_found() {
    let (account, code) = stay(Misdeed::Forgets, "steadfast-forgets");
    assert!(account.findings.duplicated > 0 && code == Some(3), "{account:?}");
}
