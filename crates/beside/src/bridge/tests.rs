//! What the bridge hears and what comes of it, without Redis and without shards.

use backplanes::{Arrival, Signal};
use chat::{Body, Content, Group, Peer, Reply, RoomId, RoomName, SignalName, Tag, Time, UserId, Whom, Wish};
use wire::socketio::adapter::Dialect;

use super::{Act, Bridge};
use crate::Settings;
use crate::between::{Down, Up};

const BY: &str = r#""uid":"6c11a9b53f9c6db9","nsp":"/""#;

fn bridge(dialect: Dialect) -> Bridge {
    Bridge::new(&Settings {
        dialect,
        url: String::new(),
        prefix: "socket.io".to_owned(),
        node: 7,
        shards: 2,
        namespaces: vec!["/news".to_owned()],
        message: "message".to_owned(),
        all: "all".to_owned(),
        relay: vec!["typing".to_owned()],
        max_message_bytes: 1000,
    })
}

/// A bridge of the sharded adapter that knows of a room with its home on the second shard, and a mark.
fn attending(room: &str) -> Bridge {
    let mut bridge = bridge(Dialect::Sharded);
    bridge.take(Up::Attended(public(room), 1), &mut Vec::new());
    bridge.hear("socket.io-marks#", b"m-1", Time(0), &mut Vec::new());
    bridge
}

fn public(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

fn hear(bridge: &mut Bridge, channel: &str, text: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    bridge.hear(channel, text.as_bytes(), Time(5), &mut acts);
    acts
}

/// A broadcast to rooms.
fn event(data: &str, options: &str) -> String {
    format!(r#"{{"type":3,"data":{{"packet":{{"type":2,"data":{data}}},"opts":{{{options}}}}},{BY}}}"#)
}

fn wishes(acts: &[Act]) -> Vec<(u16, &Wish)> {
    let wishes = acts.iter().filter_map(|act| match act {
        Act::Tell(shard, Down::Arrival(Arrival::Bidden(bidding))) => Some((*shard, &bidding.wish)),
        _ => None,
    });
    wishes.collect()
}

fn published(acts: &[Act]) -> Vec<(&str, String)> {
    let texts = acts.iter().filter_map(|act| match act {
        Act::Publish(channel, bytes) => Some((&**channel, bytes.escape_ascii().to_string())),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_message_from_beside_is_ordered_where_its_room_has_its_home_with_the_same_tag_on_every_node() {
    let said = event(r#"["message",{"userId":"ann","message":"hi"}]"#, r#""rooms":["lobby"]"#);
    let mut nodes = [attending("lobby"), attending("lobby")];
    for count in 1..=2 {
        for node in &mut nodes {
            let acts = hear(node, "socket.io#/#lobby#", &said);
            let [Act::Tell(1, Down::Order(order))] = &*acts else { panic!("an order: {acts:?}") };
            assert_eq!((&order.room, order.time), (&public("lobby"), Time(5)));
            assert_eq!(order.author, UserId::new("ann").ok());
            assert_eq!(
                (order.body.as_text(), order.tag.as_ref().map(Tag::as_str)),
                (Some("hi"), Some(&*format!("m-1-{count}")))
            );
        }
    }
    let [node, _] = &mut nodes;
    assert!(hear(node, "socket.io#/#", &said.replace("lobby", "elsewhere")).is_empty());
    node.listening(Some("socket.io#/#lobby#"));
    assert!(hear(node, "socket.io#/#lobby#", &said).is_empty(), "it cannot count yet as others do");
}

#[test]
fn other_events_are_told_by_every_shard_as_they_are() {
    let mut bridge = attending("/news/lobby");
    let said = event(r#"["draw",{"x": 1},null]"#, r#""rooms":["lobby"]"#).replace("\"/\"", "\"/news\"");
    let acts = hear(&mut bridge, "socket.io#/news#lobby#", &said);
    let [(0, Wish::Tell { whom, signal, content, .. }), (1, _)] = &*wishes(&acts) else { panic!("{acts:?}") };
    assert_eq!((&*whom.of, &*whom.but), (&[Group::Room(public("/news/lobby"))][..], &[][..]));
    assert_eq!((signal.as_str(), &*content.arguments), ("draw", r#"{"x": 1},null"#));
}

#[test]
fn what_is_for_some_only_is_for_every_shard_to_find_them() {
    let mut bridge = attending("lobby");
    let id = "NsIdO--tp57tHkQZAAAB";
    let options = format!(r#""rooms":["lobby","{id}"],"except":["muted",5]"#);
    let acts = hear(&mut bridge, "socket.io#/#", &event(r#"["draw"]"#, &options));
    let [(0, Wish::Tell { whom, within, .. }), (1, _)] = &*wishes(&acts) else { panic!("{acts:?}") };
    let room = |name| Group::Room(public(name));
    let of = vec![room("lobby"), Group::Alias(id.into()), room(id)];
    assert_eq!(*whom, Whom { of, but: vec![room("muted"), room("5")] });
    assert!(within.is_public());
    let nowhere = event(r#"["draw"]"#, r#""rooms":["",""]"#);
    let acts = hear(&mut bridge, "socket.io#/#", &nowhere);
    let [(_, Wish::Tell { whom, .. }), _] = &*wishes(&acts) else { panic!("{acts:?}") };
    assert_eq!(whom.of, [Group::Alias("".into())], "a room that cannot be is not everybody");
}

#[test]
fn whoever_asks_is_answered_once_all_shards_have() {
    let mut bridge = attending("lobby");
    let asked = format!(r#"{{"type":7,"data":{{"opts":{{"rooms":["lobby"]}},"requestId":"r"}},{BY}}}"#);
    let acts = hear(&mut bridge, "socket.io#/#", &asked);
    assert_eq!(wishes(&acts).len(), 2);
    let user = UserId::new("ann").ok();
    let peers = vec![Peer { alias: "abc".to_owned(), user, rooms: vec![public("lobby"), public("/news/x")] }];
    let mut acts = Vec::new();
    bridge.take(Up::Replied(1, Reply { peers, said: None }), &mut acts);
    assert!(acts.is_empty());
    bridge.take(Up::Replied(1, Reply::default()), &mut acts);
    let [(channel, answer)] = &*published(&acts) else { panic!("one answer: {acts:?}") };
    assert_eq!(*channel, "socket.io#/#6c11a9b53f9c6db9#");
    for part in [
        r#"{"type":8,"data":{"requestId":"r""#,
        r#""id":"abc""#,
        r#""rooms":["abc","lobby"],"data":{"userId":"ann"}"#,
    ] {
        assert!(answer.replace("\\\"", "\"").contains(part), "{answer}");
    }
    bridge.take(Up::Replied(1, Reply::default()), &mut acts);
    assert_eq!(acts.len(), 1);
}

#[test]
fn the_application_is_asked_once_and_answers_if_it_likes() {
    for said in [None, Some("42".to_owned())] {
        let mut bridge = attending("lobby");
        let asked = format!(r#"{{"type":9,"data":{{"requestId":"r","packet":["who",1]}},{BY}}}"#);
        let acts = hear(&mut bridge, "socket.io#/#", &asked);
        let [(0, Wish::Serve { event, content })] = &*wishes(&acts) else { panic!("{acts:?}") };
        assert_eq!((&**event, &*content.arguments), ("who", "1"));
        let (mut acts, answers) = (Vec::new(), usize::from(said.is_some()));
        bridge.take(Up::Replied(1, Reply { peers: Vec::new(), said }), &mut acts);
        assert_eq!(acts.len(), answers);
    }
}

#[test]
fn our_own_nodes_are_obeyed_and_not_heard_twice() {
    let mut bridge = attending("lobby");
    let from = |name: &str, text: &str| text.replace("6c11a9b53f9c6db9", name);
    let (said, moved) = (
        event(r#"["draw"]"#, r#""rooms":["lobby"]"#),
        format!(r#"{{"type":4,"data":{{"opts":{{"rooms":["lobby"]}},"rooms":["x"]}},{BY}}}"#),
    );
    for (name, heard, obeyed) in [("heimdallr-00000007", 0, 0), ("heimdallr-00000008", 0, 2), ("other", 2, 2)]
    {
        assert_eq!(hear(&mut bridge, "socket.io#/#lobby#", &from(name, &said)).len(), heard, "{name}");
        assert_eq!(wishes(&hear(&mut bridge, "socket.io#/#", &from(name, &moved))).len(), obeyed, "{name}");
    }
}

#[test]
fn what_is_said_here_is_broadcast_in_its_namespace() {
    let mut bridge = bridge(Dialect::Sharded);
    let mut acts = Vec::new();
    let author = UserId::new("bob").ok();
    bridge.take(Up::Posted(public("/news/lobby"), author.clone(), Body::text("hi")), &mut acts);
    bridge.take(Up::Posted(RoomId::everybody(), None, Body::text("to all")), &mut acts);
    let typing = Signal { user: author, signal: SignalName::new("typing").expect("short"), content: None };
    bridge.take(Up::Signalled(public("lobby"), typing.clone()), &mut acts);
    bridge.take(
        Up::Signalled(public("lobby"), Signal { signal: SignalName::new("x").expect("short"), ..typing }),
        &mut acts,
    );
    let said: Vec<_> =
        published(&acts).into_iter().map(|(channel, text)| (channel, text.replace("\\\"", "\""))).collect();
    let begins = |place: usize, channel: &str, data: &str| {
        assert_eq!(said[place].0, channel);
        assert!(
            said[place].1.starts_with(&format!(r#"{{"type":3,"data":{{"packet":{{"type":2,"data":{data}}}"#)),
            "{said:?}"
        );
    };
    begins(0, "socket.io#/news#lobby#", r#"["message",{"userId":"bob","message":"hi"}]"#);
    begins(1, "socket.io#/#", r#"["all",{"userId":"","message":"to all"}]"#);
    begins(2, "socket.io#/#lobby#", r#"["typing",{"room":"lobby","userId":"bob"}]"#);
    assert_eq!(said.len(), 3);
}

#[test]
fn servers_are_told_what_the_application_says_to_them() {
    let mut bridge = bridge(Dialect::Classic);
    let content = Content { arguments: r#"1,{"a": "b"}"#.into(), attachments: Vec::new() };
    let mut acts = Vec::new();
    for namespace in ["/news", "/unknown"] {
        bridge.take(Up::Proclaimed(namespace.into(), "moved".into(), content.clone().into()), &mut acts);
    }
    let [(channel, text)] = &*published(&acts) else { panic!("{acts:?}") };
    let expected = r#"{"uid":"heimdallr-00000007","type":6,"data":["moved",1,{"a": "b"}]}"#;
    assert_eq!((*channel, &*text.replace("\\\"", "\"")), ("socket.io-request#/news#", expected));
}

#[test]
fn rooms_are_listened_to_while_they_have_a_home_here() {
    let mut sharded = bridge(Dialect::Sharded);
    let mut acts = Vec::new();
    sharded.take(Up::Attended(public("/news/x"), 0), &mut acts);
    assert!(sharded.listens().2.contains(&"socket.io#/news#x#".to_owned()));
    sharded.take(Up::Forsaken(public("/news/x")), &mut acts);
    assert!(!sharded.listens().2.contains(&"socket.io#/news#x#".to_owned()));
    let [Act::Listen(listen), Act::Ignore(quit)] = &*acts else { panic!("{acts:?}") };
    assert_eq!((&**listen, quit), ("socket.io#/news#x#", listen));
    let mut classic = bridge(Dialect::Classic);
    acts.clear();
    classic.take(Up::Attended(public("x"), 0), &mut acts);
    assert!(acts.is_empty());
    assert_eq!(classic.listens().0, ["socket.io#/#*", "socket.io#/news#*"]);
}
