//! What applications of Rust users are called for, and what becomes of what they say.

mod bare;
mod crowd;
mod handlers;

use gateways::handlers::{Application, Handlers};
use gateways::{
    Admission, GATEWAYS, Lane, MAIN, Outbox, Protocol, SessionName, Settings, SocketIoSettings, Then,
};
use wire::http::read_head;

use crate::line::{call, settings};

/// Offers a request to the gateway that calls handlers.
fn admit(request: &str, application: Application) -> (Admission, Outbox) {
    let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
    let (_, open) = GATEWAYS.iter().find(|(name, _)| *name == "socketio").expect("it is there");
    let mut out = Outbox::default();
    let socketio = SocketIoSettings { application, recovery: true, ..SocketIoSettings::default() };
    (open(&Settings { socketio, ..settings() }).admit(&call(&head), &mut out), out)
}

/// A session that polls at a path.
struct Polling {
    path: &'static str,
    session: Box<dyn Protocol>,
}

impl Polling {
    fn open(path: &'static str, register: impl Fn(&mut Handlers) + Send + Sync + 'static) -> Self {
        let request = format!("GET {path}?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n");
        let (Admission::Open(session), out) = admit(&request, Application::new(register)) else {
            panic!("it opens a session")
        };
        assert!(out.bytes.starts_with(b"HTTP/1.1 200 ") && out.then == Then::NextRequest);
        Self { path, session }
    }

    fn attach(&mut self, method: &str, headers: &str) -> Option<Lane> {
        let sid = SessionName([7; SessionName::BYTES]);
        let target = format!("{}?EIO=4&transport=polling&sid={sid}", self.path);
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
        self.session.spread().expect("it may have several").attach(&head, &mut Outbox::default())
    }

    fn poll(&mut self) -> Option<Lane> {
        self.attach("GET", "")
    }

    fn begin_post(&mut self, length: usize) -> Option<Lane> {
        self.attach("POST", &format!("Content-Length: {length}\r\n"))
    }

    fn post(&mut self, packets: &str) -> Outbox {
        let lane = self.begin_post(packets.len()).expect("a post is read");
        let (mut bytes, mut out) = (packets.as_bytes().to_vec(), Outbox::default());
        let taken = self.session.spread().expect("it may have several").receive(lane, &mut bytes, &mut out);
        assert_eq!(taken, Ok(packets.len()));
        out
    }
}

/// The packets that are kept for a poll.
fn kept(out: &Outbox) -> Vec<&str> {
    let kept = out.aside.iter().filter(|aside| aside.lane == MAIN);
    let texts = kept.map(|aside| std::str::from_utf8(&aside.bytes).expect("text"));
    texts.flat_map(|text| text.split('\u{1e}').skip(1)).collect()
}
