//! Engine.IO with nothing above it: an application's handler is handed what clients say, and its answers find their way back.

use gateways::handlers::{Application, BareMessage, BareSocket};
use gateways::{
    Admission, GATEWAYS, Lane, MAIN, Outbox, Protocol, SessionName, Settings, SocketIoSettings, Then,
};
use wire::http::read_head;

use crate::line::{call, settings};

fn echo(socket: &mut BareSocket<'_>, message: BareMessage<'_>) {
    socket.send(message);
}

fn target() -> String {
    format!("/bare/?EIO=4&transport=polling&sid={}", SessionName([7; SessionName::BYTES]))
}

fn admit(request: &str, application: Application) -> (Admission, Outbox) {
    let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
    let (_, open) = GATEWAYS.iter().find(|(name, _)| *name == "socketio").expect("it is there");
    let mut out = Outbox::default();
    let socketio = SocketIoSettings { application, ..SocketIoSettings::default() };
    (open(&Settings { socketio, ..settings() }).admit(&call(&head), &mut out), out)
}

/// A session that polls, before an application that echoes.
struct Polling(Box<dyn Protocol>);

impl Polling {
    fn open() -> Self {
        let application = Application::new(|handlers| {
            handlers.engine("/bare/", echo);
        });
        let request = "GET /bare/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n";
        let (Admission::Open(session), out) = admit(request, application) else {
            panic!("it opens a session")
        };
        assert_eq!((&out.bytes[..13], out.then), (&b"HTTP/1.1 200 "[..], Then::NextRequest));
        Self(session)
    }

    fn attach(&mut self, request: &str) -> (Option<Lane>, Outbox) {
        let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
        let mut out = Outbox::default();
        (self.0.spread().expect("it may have several").attach(&head, &mut out), out)
    }

    fn poll(&mut self) -> Option<Lane> {
        self.attach(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target())).0
    }

    fn begin_post(&mut self, length: usize) -> Option<Lane> {
        let head = format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n", target());
        self.attach(&head).0
    }

    fn post(&mut self, packets: &str) -> Outbox {
        let lane = self.begin_post(packets.len()).expect("a post is read");
        let (mut bytes, mut out) = (packets.as_bytes().to_vec(), Outbox::default());
        let taken = self.0.spread().expect("it may have several").receive(lane, &mut bytes, &mut out);
        assert_eq!(taken, Ok(packets.len()));
        out
    }

    fn is_over_without(&mut self, lane: Option<Lane>) -> bool {
        let mut out = Outbox::default();
        let spread = self.0.spread().expect("it may have several");
        spread.detach(lane.expect("it has stayed"), &mut out);
        out.is_over
    }
}

#[test]
fn an_application_is_handed_messages_and_answers() {
    let post = Polling::open().post("4hello\u{1e}bAQIDBA==");
    let [kept] = &post.aside[..] else { panic!("the answers are kept for a poll") };
    assert_eq!((kept.lane, &kept.bytes[..]), (MAIN, &b"\x1e4hello\x1ebAQIDBA=="[..]));
}

#[test]
fn who_closes_has_its_poll_end_with_nothing_to_say() {
    let mut polling = Polling::open();
    polling.poll();
    let post = polling.post("1");
    let [answer] = &post.aside[..] else { panic!("the poll is answered") };
    assert!(answer.bytes.ends_with(b"\r\n6") && post.is_over);
}

#[test]
fn a_request_that_is_cut_before_its_answer_ends_the_session() {
    let mut polling = Polling::open();
    let poll = polling.poll();
    assert!(polling.is_over_without(poll));

    let mut polling = Polling::open();
    let post = polling.begin_post(10);
    assert!(polling.is_over_without(post));
}

#[test]
fn nobody_serves_engine_io_where_no_application_asks_for_it() {
    let request = "GET /bare/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(matches!(admit(request, Application::none()).0, Admission::NotMine));
}
