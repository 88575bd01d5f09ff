//! A client of Socket.IO and its gateway mirror each other: what it asks is understood, the acknowledgement is heard as the answer to what was
//! asked, and what rooms are told is heard, however the bytes are cut.

use chat::{Body, Command, Counts, Event, PayloadKind, Refusal, Resumption, RoomId, Tag, Text};
use gateways::{Heard, Login, Said};

use crate::line::{Cut, Line, cuts, login};
use crate::words::{at, body, lobby, message, tag, user};

fn lines() -> impl Iterator<Item = Line> {
    let dial = |(deflate, cut): (bool, Cut)| {
        Line::open("socketio", &Login { deflate, ..login() }, cut).expect("socketio has a client")
    };
    [false, true].into_iter().flat_map(|deflate| cuts().into_iter().map(move |cut| (deflate, cut))).map(dial)
}

/// Has a client ask, and the server answer by the tag that it knows the command by. Says what was understood, but for the tag.
fn converse(line: &mut Line, command: &Command, answer: impl FnOnce(Option<Tag>) -> Event) -> Command {
    assert!(line.ask(command), "{command:?}");
    let mut understood = line.commands.pop().expect("it was understood");
    let known = match &mut understood {
        Command::Identify { tag, .. }
        | Command::Join { tag, .. }
        | Command::Leave { tag, .. }
        | Command::Post { tag, .. }
        | Command::Direct { tag, .. } => tag.take(),
        _ => None,
    };
    assert!(known.is_some(), "{command:?} is answered");
    line.deliver(&answer(known));
    understood
}

fn joined(tag: Option<Tag>) -> Event {
    let counts = Counts { members: 1, guests: 2 };
    let present = Some([user("alice")].into());
    Event::Joined { tag, room: lobby(), at: at(42), resumption: Resumption::Fresh, counts, present }
}

fn join(line: &mut Line) {
    let join = |tag| Command::Join { room: lobby(), since: None, tag };
    assert_eq!(converse(line, &join(tag("j")), joined), join(None));
}

#[test]
fn the_answer_is_heard_by_what_was_asked() {
    for mut line in lines() {
        assert_eq!(line.heard, [Heard::Opened]);
        join(&mut line);
        let (counts, present) = (Counts { members: 1, guests: 2 }, Some(vec![user("alice")]));
        let heard = Heard::Joined {
            tag: tag("j"),
            room: lobby(),
            at: at(42),
            resumption: Resumption::Fresh,
            counts,
            present,
        };
        assert_eq!(line.heard.last(), Some(&heard));

        let post = |tag| Command::Post {
            room: lobby(),
            author: Some(user("ann")),
            body: Body::text("hi \"\u{1}🌍"),
            tag,
            reply: true,
        };
        let kept = |tag| Event::Accepted { tag, at: at(43) };
        assert_eq!(converse(&mut line, &post(tag("p")), kept), post(None));
        assert_eq!(line.heard.last(), Some(&Heard::Accepted { tag: tag("p"), at: at(43) }));

        let refused = |tag| Event::Refused { tag, refusal: Refusal::NoSuchUser };
        let direct = |tag| Command::Direct { to: user("bob"), body: Body::text("psst"), tag };
        assert_eq!(converse(&mut line, &direct(tag("d")), refused), direct(None));
        assert_eq!(line.heard.last(), Some(&Heard::Refused { tag: tag("d"), refusal: Refusal::NoSuchUser }));

        let leave = |tag| Command::Leave { room: lobby(), tag };
        let left = |tag| Event::Left { tag, room: lobby() };
        assert_eq!(converse(&mut line, &leave(tag("l")), left), leave(None));
        assert_eq!(line.heard.last(), Some(&Heard::Left { tag: tag("l"), room: lobby() }));
    }
}

#[test]
fn bytes_and_json_are_posted_as_they_are() {
    for mut line in lines() {
        for said in [
            body(PayloadKind::Binary, b"\x00\xff", Text::None),
            body(PayloadKind::Json, br#"{ "a": [1, 2e9, "\ud83d\ude00"] }"#, Text::None),
        ] {
            let post =
                |tag| Command::Post { room: lobby(), author: None, body: said.clone(), tag, reply: true };
            let kept = |tag| Event::Accepted { tag, at: at(43) };
            assert_eq!(converse(&mut line, &post(tag("p")), kept), post(None));
        }
    }
}

#[test]
fn what_a_room_is_told_is_heard() {
    let said = |text: Option<&str>, data: Option<&str>, binary: Option<&[u8]>| Said {
        room: lobby(),
        at: None,
        user: Some(user("ann")),
        tag: None,
        time: None,
        text: text.map(str::to_owned),
        binary: binary.map(<[u8]>::to_vec),
        data: data.map(str::to_owned),
    };
    for mut line in lines() {
        join(&mut line);
        line.heard.clear();
        let long = "words ".repeat(30);
        line.tell(&Event::Posted(message(lobby(), Body::text(&long))));
        line.tell(&Event::Posted(message(lobby(), body(PayloadKind::Json, b"{ \"a\": 1}", Text::None))));
        line.tell(&Event::Posted(message(lobby(), body(PayloadKind::Binary, b"\x00\xff", Text::None))));
        line.deliver(&Event::Lost { room: lobby(), since: at(7), at: at(9) });
        let expected = [
            Heard::Posted(said(Some(&long), None, None)),
            Heard::Posted(said(None, Some("{ \"a\": 1}"), None)),
            Heard::Posted(said(None, None, Some(b"\x00\xff"))),
            Heard::Lost { room: lobby(), since: at(7), at: at(9) },
        ];
        assert_eq!(line.heard, expected);
    }
}

#[test]
fn who_has_logged_in_hears_what_is_said_to_them_alone() {
    for mut line in lines() {
        let identify = |tag| Command::go_by(user("alice"), None, tag);
        let welcome = |tag| Event::Welcome {
            tag,
            user: user("alice"),
            session: "0-1f-3".into(),
            time: chat::Time(9),
            ping_interval_s: 25,
            inbox: at(7),
            resumption: Resumption::Fresh,
        };
        assert_eq!(converse(&mut line, &identify(tag("i")), welcome), identify(None));
        line.tell(&Event::Posted(message(RoomId::inbox(user("alice")), Body::text("psst"))));
        let Some(Heard::Posted(said)) = line.heard.last() else { panic!("{:?}", line.heard) };
        assert_eq!((said.room.is_inbox(), said.text.as_deref()), (true, Some("psst")));
    }
}

#[test]
fn one_room_at_a_time_is_asked_for_and_nothing_that_there_are_no_words_for() {
    for mut line in lines() {
        join(&mut line);
        assert!(!line.ask(&Command::Join { room: lobby(), since: None, tag: None }));
        assert!(!line.ask(&Command::AskTime { tag: None }));
        line.serve(|protocol, out| assert!(protocol.ping(out)));
        assert_eq!(line.heard.last(), Some(&Heard::Pinged));
        line.close();
        assert!(!line.ask(&Command::Leave { room: lobby(), tag: None }));
    }
}
