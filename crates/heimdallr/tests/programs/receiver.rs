//! Somebody whom webhooks are posted to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Takes webhooks, or does not, and remembers those that it took.
pub(crate) struct Receiver {
    pub(crate) url: String,
    books: Arc<Books>,
}

#[derive(Default)]
struct Books {
    taken: Mutex<Vec<Taken>>,
    is_closed: AtomicBool,
}

/// A webhook that was taken.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Receiver {
    /// One that takes nothing yet.
    pub(crate) fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("it has an address"));
        let books = Arc::<Books>::default();
        books.is_closed.store(true, Ordering::SeqCst);
        let for_streams = books.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, books) = (stream.expect("a node"), for_streams.clone());
                std::thread::spawn(move || while take(&mut stream, &books).is_some() {});
            }
        });
        Self { url, books }
    }

    pub(crate) fn opened() -> Self {
        let receiver = Self::closed();
        receiver.open();
        receiver
    }

    pub(crate) fn open(&self) {
        self.books.is_closed.store(false, Ordering::SeqCst);
    }

    /// Everything so far, in the order in which it came.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.books.taken.lock().expect("nobody panics with it").clone()
    }

    /// How often something was told of.
    pub(crate) fn times(&self, kind: &str, member: &str, value: &str) -> usize {
        let taken = self.taken();
        taken.iter().filter(|said| said.kind == kind && said.data[member] == value).count()
    }
}

/// Reads one request and answers it; `None`: there is none.
fn take(stream: &mut TcpStream, books: &Books) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?.to_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let mut body = vec![0; header("content-length: ")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    if books.is_closed.load(Ordering::SeqCst) {
        return stream.write_all(b"HTTP/1.1 503 Closed\r\nContent-Length: 0\r\n\r\n").ok();
    }
    let said: Value = serde_json::from_slice(&body).ok()?;
    let (id, kind) = (header("webhook-id: ")?.to_owned(), said["type"].as_str()?.to_owned());
    books.taken.lock().expect("nobody panics with it").push(Taken { id, kind, data: said["data"].clone() });
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}
