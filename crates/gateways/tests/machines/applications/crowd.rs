//! What handlers have done with clients, and ask of servers, on every node.

use std::time::Duration;

use chat::{Answers, Command, Group, Peer, Refusal, RoomId, RoomName, UserId, Whom, Wish};
use gateways::Outbox;
use gateways::handlers::{Call, Handlers, Socket};

use super::{Polling, kept};

const SOON: Duration = Duration::from_secs(5);

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

fn open(register: impl Fn(&mut Handlers) + Send + Sync + 'static) -> Polling {
    let mut polling = Polling::open("/socket.io/", register);
    polling.post("40/custom,");
    polling
}

fn lead(socket: &mut Socket<'_>, _: &Call<'_>) -> Result<(), Refusal> {
    socket.all_in("a")?.and_in("b")?.except("c")?.join("d")?;
    socket.everybody().leave("e")?;
    socket.one("abc").disconnect(true);
    socket.server_side_emit("news", "hi");
    socket.all_in("").map(|_| ())
}

#[test]
fn clients_everywhere_are_named_by_their_ids_and_by_rooms_of_the_namespace() {
    let mut polling = open(|handlers| {
        handlers.of("/custom").on("lead", lead);
    });
    let post = polling.post("42/custom,[\"lead\"]");
    assert_eq!(post.refusals, [Refusal::BadName]);
    let groups = |names: &[&str]| names.iter().map(|name| Group::Room(room(name))).collect::<Vec<_>>();
    let wishes = [
        Wish::Enter {
            whom: Whom { of: groups(&["/custom/a", "/custom/b"]), but: groups(&["/custom/c"]) },
            rooms: vec![room("/custom/d")],
        },
        Wish::Leave { whom: Whom::default(), rooms: vec![room("/custom/e")] },
        Wish::Dismiss { whom: Whom { of: vec![Group::Alias("abc".into())], but: Vec::new() }, wholly: true },
    ];
    let bid = |wish: &Wish| {
        let wish = Box::new(wish.clone());
        Command::Bid { namespace: "/custom".into(), wish, number: None }
    };
    assert_eq!(post.commands[..3], wishes.iter().map(bid).collect::<Vec<_>>());
    let [Command::Proclaim { event, content, .. }, told] = &post.commands[3..] else {
        panic!("both are told")
    };
    assert_eq!(*told, bid(&Wish::Serve { event: event.clone(), content: content.clone() }));
}

fn find(socket: &mut Socket<'_>, _: &Call<'_>) -> Result<(), Refusal> {
    socket.all_in("a")?.fetch(SOON, |socket, found| {
        let names = found.map(|found| {
            let name = |one: gateways::handlers::Found| format!("{} {:?} {:?}", one.id, one.user, one.rooms);
            found.into_iter().map(name).collect::<String>()
        });
        socket.emit("found", names.as_deref().unwrap_or("nobody knows"));
    })
}

#[test]
fn what_all_have_answered_finds_who_asked_once_and_no_acknowledgement_is_taken_for_it() {
    let mut polling = open(|handlers| {
        handlers.of("/custom").on("find", find);
    });
    let post = polling.post("42/custom,[\"find\"]\u{1e}42/custom,[\"find\"]");
    let numbers = post.commands.iter().map(|command| match command {
        Command::Bid { number, .. } => *number,
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(kept(&polling.post("43/custom,1[]")).is_empty(), "no client answers that");
    let user = UserId::new("ann").ok();
    let rooms = vec![room("/custom/a"), room("lobby")];
    let answers = Answers { peers: vec![Peer { alias: "abc".to_owned(), user, rooms }], said: Vec::new() };
    let mut out = Outbox::default();
    for _ in 0..2 {
        polling.session.answered(1, &answers, &mut out);
    }
    polling.session.wake(2, &mut out);
    let said = String::from_utf8(out.bytes).expect("it is text");
    let expected =
        [r#"42/custom,["found","abc Some(\"ann\") [\"a\"]"]"#, r#"42/custom,["found","nobody knows"]"#];
    assert_eq!(said, expected.map(|said| format!("\u{1e}{said}")).concat());
}
