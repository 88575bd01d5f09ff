//! What servers beside a node want done with the clients of a shard.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use backplanes::{Arrival, Ask, Backplane};
use chat::{Bidding, Content, Group, Peer, Reply, RoomId, RoomName, SignalName, Time, Whom, Wish};
use shard::{Effects, Input, Luggage, Mail, Now, Shard, ShardId, StreamId};
use sim::alone;
use sim::scenario::settings;

const NOW: Now = Now { monotonic_ms: 0, wall: Time(0) };

/// A node that stands alone, but for who bids it something.
struct Bidden {
    inner: Box<dyn Backplane>,
    books: Rc<RefCell<Books>>,
}

#[derive(Default)]
struct Books {
    biddings: Vec<Arc<Bidding>>,
    replies: Vec<(u64, Reply)>,
}

impl Backplane for Bidden {
    fn ask(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>) {
        match ask {
            Ask::Reply { ticket, reply } => self.books.borrow_mut().replies.push((ticket, reply)),
            ask => self.inner.ask(ask, arrivals),
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        arrivals.extend(self.books.borrow_mut().biddings.drain(..).map(Arrival::Bidden));
        false
    }

    fn outlives_homes(&self) -> bool {
        false
    }
}

/// What each stream was sent, and which were closed.
#[derive(Default)]
struct Streams {
    sent: Vec<String>,
    closed: Vec<u32>,
}

impl Effects for Streams {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize {
        let slot = stream.slot as usize;
        self.sent.resize_with(self.sent.len().max(slot + 1), String::new);
        self.sent[slot] += &String::from_utf8_lossy(bytes);
        bytes.len()
    }

    fn finish(&mut self, stream: StreamId) {
        self.closed.push(stream.slot);
    }

    fn close(&mut self, stream: StreamId) {
        self.closed.push(stream.slot);
    }

    fn mail(&mut self, _: ShardId, _: Mail) {}

    fn hand_over(&mut self, _: StreamId, _: ShardId, _: Luggage) {}
}

struct World {
    shard: Shard,
    streams: Streams,
    books: Rc<RefCell<Books>>,
}

impl World {
    fn new() -> Self {
        let books = Rc::<RefCell<Books>>::default();
        let backplane = Bidden { inner: alone(1), books: books.clone() };
        let shard = Shard::new(settings(), Box::new(backplane));
        Self { shard, streams: Streams::default(), books }
    }

    fn knock(&mut self, target: &str) -> StreamId {
        let stream = StreamId { slot: self.streams.sent.len() as u32, generation: 1 };
        let asks = format!(
            "GET {target} HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.shard.step(Input::Knock(stream, IpAddr::from([127, 0, 0, 1])), NOW, &mut self.streams);
        self.hear(stream, asks.into_bytes());
        stream
    }

    /// A client of Socket.IO in rooms, and its public id.
    fn socket(&mut self, rooms: &[&str]) -> (StreamId, String) {
        let stream = self.knock("/socket.io/?EIO=4&transport=websocket");
        self.say(stream, "40");
        for room in rooms {
            self.say(stream, &format!(r#"42["joinRoom",{{"room":"{room}"}}]"#));
        }
        let said = &self.streams.sent[stream.slot as usize];
        let (_, id) = said.rsplit_once(r#"40{"sid":""#).expect("it is connected");
        (stream, id[..20].to_owned())
    }

    fn say(&mut self, stream: StreamId, text: &str) {
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.hear(stream, frame);
    }

    fn hear(&mut self, stream: StreamId, mut bytes: Vec<u8>) {
        self.shard.step(Input::Bytes(stream, &mut bytes), NOW, &mut self.streams);
        while self.shard.flush(NOW, &mut self.streams) {}
    }

    /// Has something done, and says what each stream was sent of it.
    fn bid(&mut self, wish: Wish) -> Vec<String> {
        self.streams.sent.iter_mut().for_each(String::clear);
        let bidding = Bidding { namespace: "/".into(), wish, ticket: Some(7) };
        self.books.borrow_mut().biddings.push(Arc::new(bidding));
        self.shard.step(Input::Arrivals, NOW, &mut self.streams);
        while self.shard.flush(NOW, &mut self.streams) {}
        self.shard.audit();
        self.streams.sent.clone()
    }

    fn peers(&mut self, whom: Whom) -> Vec<Peer> {
        self.bid(Wish::Name { whom });
        let (ticket, reply) = self.books.borrow_mut().replies.pop().expect("it is answered");
        assert_eq!(ticket, 7);
        reply.peers
    }
}

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

fn in_rooms(rooms: &[&str]) -> Whom {
    Whom { of: rooms.iter().map(|name| Group::Room(room(name))).collect(), but: Vec::new() }
}

fn one(id: &str) -> Whom {
    Whom { of: vec![Group::Alias(id.into())], but: Vec::new() }
}

fn tell(whom: Whom) -> Wish {
    let content = Content { arguments: "1".into(), attachments: Vec::new() };
    let signal = SignalName::new("hey").expect("short");
    Wish::Tell { whom, within: room("*"), signal, content: content.into() }
}

#[test]
fn those_who_are_meant_are_told_once() {
    let mut world = World::new();
    let (_, id) = world.socket(&["a", "b"]);
    world.socket(&["b"]);
    world.socket(&[]);
    world.knock("/a");
    let hey = r#"42["hey",1]"#;
    let mut told = |whom| -> Vec<usize> {
        let sent = world.bid(tell(whom));
        sent.iter().map(|sent| sent.matches(hey).count()).collect()
    };
    assert_eq!(told(Whom::default()), [1, 1, 1, 0]);
    assert_eq!(told(in_rooms(&["b"])), [1, 1, 0, 0]);
    assert_eq!(told(in_rooms(&["a", "b", "c"])), [1, 1, 0, 0]);
    assert_eq!(told(one(&id)), [1, 0, 0, 0]);
    assert_eq!(told(one("nobody")), [0, 0, 0, 0]);
    assert_eq!(told(Whom { but: one(&id).of, ..in_rooms(&["b"]) }), [0, 1, 0, 0]);
    assert_eq!(told(Whom { but: in_rooms(&["b"]).of, ..Whom::default() }), [0, 0, 1, 0]);
}

#[test]
fn clients_are_named_moved_and_sent_away() {
    let mut world = World::new();
    let (_, first) = world.socket(&["a"]);
    let (_, second) = world.socket(&["b"]);
    world.knock("/a");
    let named = world.peers(in_rooms(&["a"]));
    assert_eq!(named, [Peer { alias: first.clone(), user: None, rooms: vec![room("a")] }]);
    world.bid(Wish::Enter { whom: Whom::default(), rooms: vec![room("a"), room("c")] });
    assert_eq!(world.peers(in_rooms(&["c"])).len(), 2);
    world.bid(Wish::Leave { whom: one(&first), rooms: vec![room("a"), room("z")] });
    let rooms_of = |peers: Vec<Peer>| peers.into_iter().map(|peer| peer.rooms).collect::<Vec<_>>();
    assert_eq!(rooms_of(world.peers(one(&first))), [vec![room("c")]]);
    let sent = world.bid(Wish::Dismiss { whom: one(&first), wholly: false });
    assert!(sent[0].contains("41") && world.streams.closed.is_empty());
    assert_eq!(world.peers(Whom::default()).len(), 1);
    world.bid(Wish::Dismiss { whom: one(&second), wholly: true });
    assert!(world.streams.closed.contains(&1));
    assert_eq!(world.peers(Whom::default()), []);
}
