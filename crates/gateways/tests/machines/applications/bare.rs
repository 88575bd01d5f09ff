//! Engine.IO with nothing above it.

use gateways::handlers::Application;
use gateways::{Admission, Lane, Outbox};

use super::{Polling, admit, kept};

/// A session before an application that echoes.
fn open() -> Polling {
    Polling::open("/bare/", |handlers| {
        handlers.engine("/bare/", |socket, message| socket.send(message));
    })
}

fn is_over_without(polling: &mut Polling, lane: Option<Lane>) -> bool {
    let mut out = Outbox::default();
    let spread = polling.session.spread().expect("it may have several");
    spread.detach(lane.expect("it has stayed"), &mut out);
    out.is_over
}

#[test]
fn an_application_is_handed_messages_and_answers() {
    let post = open().post("4hello\u{1e}bAQIDBA==");
    assert_eq!(kept(&post), ["4hello", "bAQIDBA=="]);
}

#[test]
fn who_closes_has_its_poll_end_with_nothing_to_say() {
    let mut polling = open();
    polling.poll();
    let post = polling.post("1");
    let [answer] = &post.aside[..] else { panic!("the poll is answered") };
    assert!(answer.bytes.ends_with(b"\r\n6") && post.is_over);
}

#[test]
fn a_request_that_is_cut_before_its_answer_ends_the_session() {
    let mut polling = open();
    let poll = polling.poll();
    assert!(is_over_without(&mut polling, poll));

    let mut polling = open();
    let post = polling.begin_post(10);
    assert!(is_over_without(&mut polling, post));
}

#[test]
fn nobody_serves_engine_io_where_no_application_asks_for_it() {
    let request = "GET /bare/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(matches!(admit(request, Application::none()).0, Admission::NotMine));
}
