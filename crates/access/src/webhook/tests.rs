//! A backend of a few lines, that answers, does not, or answers what makes no sense.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use chat::{RoomId, RoomName, UserId};

use super::*;
use crate::{Guests, Herald, Settings};

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers each question with what `answer` makes of it; `None`: with silence.
fn backend(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/decide", listener.local_addr().expect("it has an address"));
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), answer) = (stream, answer.clone()) else { return };
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                while let Ok(length) = stream.read(&mut asked)
                    && length > 0
                {
                    let Some(answer) = answer(&String::from_utf8_lossy(&asked[..length])) else { continue };
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
                    if stream.write_all((head + &answer).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// The end of one shard, with a bell that it can wait for.
struct Shard {
    end: Box<dyn Access>,
    bell: Receiver<()>,
    link: Box<dyn Link>,
}

impl Shard {
    fn new(url: String, allows_when_down: bool) -> Self {
        let webhook = WebhookSettings {
            url,
            identifies: true,
            minds: Minds { joins: true, posts: true },
            timeout: Duration::from_millis(300),
            allows_when_down,
            secret: "key".to_owned(),
            requests_max: 4,
        };
        let settings = Settings { guests: Guests::Named, webhook: Some(webhook), ..Settings::default() };
        let (ring, bell) = channel();
        let wakes: Vec<Wake> = vec![Arc::new(move || {
            // Who waits for nothing any more hears no bell.
            let _ = ring.send(());
        })];
        let (herald, _heard) = Herald::new(&wakes);
        let opening = Opening { settings: &settings, wakes: &wakes, herald: &herald };
        let mut link = open(&opening).expect("it opens").expect("it is asked for");
        Self { end: link.end(0)(), bell, link }
    }

    fn ask(&mut self, wish: Wish) -> Verdict {
        if let Some(verdict) = self.end.ask(Ask { ticket: 7, wish }) {
            return verdict;
        }
        let mut arrivals = Vec::new();
        while arrivals.is_empty() {
            self.bell.recv_timeout(PATIENCE).expect("an answer comes");
            self.end.collect(&mut arrivals);
        }
        match arrivals.pop() {
            Some(Arrival::Decided { ticket: 7, verdict }) => verdict,
            other => panic!("{other:?}"),
        }
    }
}

fn name() -> Wish {
    Wish::Identify(Credentials::Name(UserId::new("ann").expect("a name")))
}

fn join(room: &str) -> Wish {
    Wish::Join { room: RoomId::public(RoomName::new(room).expect("a name")), user: None }
}

#[test]
fn a_backend_is_asked_in_signed_words_and_decides() {
    let mut shard = Shard::new(
        backend(|asked| {
            let is_ours =
                asked.starts_with("POST /decide HTTP/1.1\r\n") && asked.contains("heimdallr-signature: t=");
            let is_allowed = is_ours && !asked.ends_with(r#"{"ask":"join","room":"den","user":null}"#);
            Some(format!("{{\"allow\":{is_allowed},\"user\":\"Ann\"}}"))
        }),
        false,
    );
    let user = shard.ask(name()).expect("it is allowed").user;
    assert_eq!(user.as_ref().map(UserId::as_str), Some("Ann"));
    assert_eq!(shard.ask(join("lobby")), Ok(Pass::default()));
    assert_eq!(shard.ask(join("den")), Err(Refusal::Forbidden));
}

#[test]
fn what_is_answered_in_the_place_of_one_that_is_silent_or_senseless_is_configured() {
    for url in [backend(|_| None), backend(|_| Some("{}".to_owned())), "http://127.0.0.1:1/".to_owned()] {
        let mut strict = Shard::new(url.clone(), false);
        for _ in 0..8 {
            assert_eq!(strict.ask(join("lobby")), Err(Refusal::Undecided), "{url}");
        }
        let place = url.trim_start_matches("http://").split('/').next().expect("a place");
        let Health { fault, faults } = strict.link.health();
        assert!(fault.is_some_and(|fault| fault.bars && fault.reason.contains(place)), "it is left alone");
        assert_eq!(faults, 1);
        let mut lenient = Shard::new(url, true);
        assert_eq!(lenient.ask(join("lobby")), Ok(Pass::default()));
        assert_eq!(lenient.ask(name()), Ok(Pass::named(UserId::new("ann").expect("a name"))));
        (0..8).for_each(|_| drop(lenient.ask(join("lobby"))));
        assert!(lenient.link.health().fault.is_some_and(|fault| !fault.bars), "nobody is kept out for it");
        let token = chat::Secret::new("t").expect("a secret");
        assert_eq!(lenient.ask(Wish::Identify(Credentials::Token(token))), Err(Refusal::Undecided));
    }
}

#[test]
fn what_is_secret_of_a_url_is_told_nobody() {
    let address =
        Address::read("https://user:secret@backend.example/decide?key=secret").expect("it is a URL");
    assert_eq!(address.place(), "backend.example:443");
}

#[test]
fn what_is_no_url_is_refused_by_name() {
    for url in ["ftp://x/", "x", "", "http://"] {
        assert!(Address::read(url).is_err(), "{url}");
    }
}
