//! A backend that decides: it lets in, refuses, falls silent and comes back.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::programs::folder::Folder;
use crate::scene::{Scene, in_seconds};

/// A backend that says so, as long as it does not sleep.
struct Backend {
    url: String,
    sleeps: Arc<AtomicBool>,
}

impl Backend {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("it has an address"));
        let sleeps = Arc::new(AtomicBool::new(false));
        let is_asleep = sleeps.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), is_asleep) = (stream, is_asleep.clone()) else { return };
                std::thread::spawn(move || {
                    let mut asked = [0; 4096];
                    while let Ok(length) = stream.read(&mut asked)
                        && length > 0
                    {
                        if is_asleep.load(Ordering::Relaxed) {
                            continue;
                        }
                        let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
                        let question = asked.rsplit("\r\n\r\n").next().unwrap_or_default();
                        let answer = decide(&serde_json::from_str(question).unwrap_or_default()).to_string();
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
                        if stream.write_all((head + &answer).as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, sleeps }
    }

    fn scene(&self, settings: &[(&str, &str)]) -> Scene {
        let own = [
            ("access_webhook", &*self.url),
            ("access_webhook_on", "identify,join,post"),
            ("access_webhook_timeout_ms", "200"),
        ];
        Scene::start(Folder::new(), &[&own, settings].concat())
    }
}

fn decide(question: &Value) -> Value {
    match (&question["ask"], &question["room"], &question["text"], &question["token"]) {
        (_, room, ..) if room == "den" => json!({"allow": false}),
        (_, _, text, _) if text == "bad words" => json!({"allow": false, "code": "forbidden"}),
        (_, _, _, token) if token == "short" => {
            json!({"allow": true, "user": "ann", "expires": in_seconds(2)})
        }
        (_, _, _, token) if token.is_string() => json!({"allow": false, "code": "bad_token"}),
        _ => json!({"allow": true}),
    }
}

#[test]
fn a_backend_decides_who_joins_and_posts() {
    let backend = Backend::start();
    let scene = backend.scene(&[]);
    let mut client = scene.rich();
    client.identify(&json!({"token": "other"}), "\"code\":\"bad_token\"");
    client.identify(&json!({"user": "bob"}), "\"user\":\"bob\"");
    client.say(r#"{"do":"join","room":"den"}"#);
    client.answer("\"code\":\"forbidden\"");
    client.say(r#"{"do":"join","room":"lobby"}"#);
    client.say(r#"{"do":"post","room":"lobby","id":"1","text":"bad words"}"#);
    client.say(r#"{"do":"post","room":"lobby","id":"2","text":"good words"}"#);
    let said = client.answer("good words");
    assert!(said.contains("\"is\":\"refused\",\"id\":\"1\",\"code\":\"forbidden\""), "{said}");
    assert_eq!(scene.open("/den", "").closed(), 4511);
}

#[test]
fn what_a_backend_believes_runs_out_as_it_says() {
    let backend = Backend::start();
    let scene = backend.scene(&[]);
    let mut client = scene.rich();
    client.identify(&json!({"token": "short"}), "\"user\":\"ann\"");
    client.hear("\"is\":\"expiring\"");
    assert_eq!(client.closed(), 4014);
}

#[test]
fn while_a_backend_is_silent_it_is_as_configured_and_afterwards_as_ever() {
    let backend = Backend::start();
    let (strict, lenient) = (backend.scene(&[]), backend.scene(&[("access_webhook_down", "allow")]));
    backend.sleeps.store(true, Ordering::Relaxed);
    let mut refused = strict.rich();
    refused.identify(&json!({"user": "bob"}), "\"code\":\"undecided\"");
    let mut let_in = lenient.rich();
    let_in.identify(&json!({"token": "short"}), "\"code\":\"undecided\"");
    let_in.identify(&json!({"user": "bob"}), "\"is\":\"welcome\"");
    let_in.say(r#"{"do":"join","room":"den"}"#);
    let_in.answer("\"is\":\"joined\"");
    backend.sleeps.store(false, Ordering::Relaxed);
    while refused.identify(&json!({"user": "bob", "id": "again"}), "\"id\":\"again\"").contains("undecided") {
    }
}
