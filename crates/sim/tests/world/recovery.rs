//! Socket.IO clients that are cut off go on where they were, wherever they come back, or are told that they do not.

use std::collections::HashMap;

use shard::Settings;
use sim::scenario::settings;
use sim::{Allowance, PipeId, Random, Stage, Weather};

use crate::returning::{Client, Way};
use crate::stock::{ask, open_socket, post, sessions};

const RECOVERY_MS: u64 = 120_000;

/// A stage with somebody who posts.
struct World {
    stage: Stage,
    poster: PipeId,
    posted: HashMap<String, u64>,
    /// What each message says besides its number.
    padding: String,
}

impl World {
    fn new(shards: u16, weather: Weather) -> Self {
        Self::with(shards, weather, |_| {})
    }

    fn with(shards: u16, weather: Weather, set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { recovery_ms: RECOVERY_MS, ..settings() };
        settings.gateways.socketio.recovery = true;
        set(&mut settings);
        let mut stage = Stage {
            node: sim::Node::new(&settings, shards, weather, 7).into(),
            actors: Vec::new(),
            ledger: sim::Ledger::new(sim::Rules {
                may_be_full: true,
                is_durable: false,
                resumes_within: 0,
                flood: 30,
                allowance: Allowance::ANY,
            }),
            intruders: Vec::new(),
            random: Random::new(7),
            piece_bytes: 1 << 20,
        };
        let poster = stage.node.connect(0);
        Self { stage, poster, posted: HashMap::new(), padding: String::new() }
    }

    /// Posts the next message of a room.
    fn post(&mut self, room: &str) {
        let number = self.posted.entry(room.to_owned()).or_default();
        *number += 1;
        let text = format!("{}={number}{}", short(room), self.padding);
        let request = post(&format!("/rooms/{}", room.replace('/', "%2F")), &text);
        self.stage.node.send(self.poster, request.as_bytes());
    }

    fn posts(&mut self, rooms: &[&str]) {
        for room in rooms {
            self.post(room);
            self.stage.settle();
        }
    }

    fn settle(&mut self, clients: &mut [&mut Client]) {
        loop {
            // Who posts is never slow to hear what became of it.
            while self.stage.node.turn() {
                self.stage.node.read(self.poster, usize::MAX);
            }
            let mut has_read = false;
            for client in clients.iter_mut() {
                has_read |= client.read(usize::MAX, &mut self.stage);
            }
            if !has_read {
                break;
            }
        }
        self.stage.node.audit().for_each(drop);
        assert_eq!(self.stage.node.take_faults(), [""; 0]);
        for client in clients {
            assert_eq!(client.complaints, [""; 0]);
        }
    }

    /// Everybody comes back and reads everything, also those that are parted with because they have read too slowly.
    fn reach_everybody(&mut self, clients: &mut [Client]) {
        loop {
            self.settle(&mut clients.iter_mut().collect::<Vec<_>>());
            let mut gone = clients.iter_mut().filter(|client| !client.has_line()).peekable();
            if gone.peek().is_none() {
                return;
            }
            gone.for_each(|client| client.open(Way::WebSocket, 0, &mut self.stage));
        }
    }

    /// A client has the last message of every room that it is in, or knows that it will not come.
    fn check_ends(&self, client: &Client, seed: u64) {
        for (room, last) in &client.rooms {
            let full = if client.is_far() { format!("/far/{room}") } else { room.clone() };
            let posted = self.posted.get(&full).copied().unwrap_or(0);
            let lost = client.lost.get(room).map(|lost| lost.offset);
            assert!(
                last.offset == posted || lost == Some(posted),
                "seed {seed}: {room} of {posted} ends at {last}"
            );
        }
    }

    fn connect(&mut self, client: &mut Client, way: Way, shard: usize) {
        client.open(way, shard, &mut self.stage);
        self.settle(&mut [client]);
        assert!(client.is_connected());
    }

    fn join(&mut self, client: &mut Client, rooms: &[&str]) {
        for room in rooms {
            client.join(room, &mut self.stage);
            self.settle(&mut [client]);
            assert!(client.rooms.contains_key(*room), "it is in {room}");
        }
    }
}

/// A room's name in its namespace.
fn short(room: &str) -> &str {
    room.rsplit('/').next().unwrap_or(room)
}

const WAYS: [Way; 2] = [Way::WebSocket, Way::Polls];

/// Every way to be there first and to come back, to the same shard or to another one.
fn for_each_way(mut test: impl FnMut(&mut World, Way, Way, usize)) {
    for (first, then) in WAYS.into_iter().flat_map(|first| WAYS.map(|then| (first, then))) {
        for shard in 0..2 {
            test(&mut World::new(2, Weather::CALM), first, then, shard);
        }
    }
}

#[test]
fn who_was_cut_off_goes_on_where_it_was() {
    for_each_way(|world, first, then, shard| {
        let mut client = Client::new("alice");
        world.connect(&mut client, first, 0);
        world.join(&mut client, &["a", "b"]);
        world.posts(&["a", "b", "a"]);
        world.settle(&mut [&mut client]);
        client.cut(&mut world.stage);
        world.posts(&["b", "a"]);
        world.connect(&mut client, then, shard);
        world.posts(&["a", "b"]);
        world.settle(&mut [&mut client]);
        assert_eq!(client.recovered, [true]);
        client.heard.sort();
        assert_eq!(client.heard, ["a=1", "a=2", "a=3", "a=4", "b=1", "b=2", "b=3"]);
    });
}

#[test]
fn who_has_not_received_anything_goes_on_too() {
    for_each_way(|world, first, then, shard| {
        let mut client = Client::new("alice");
        world.connect(&mut client, first, 0);
        world.join(&mut client, &["a"]);
        client.cut(&mut world.stage);
        world.posts(&["a", "a"]);
        world.connect(&mut client, then, shard);
        assert_eq!((client.recovered.as_slice(), client.heard.len()), (&[true][..], 2));
    });
}

#[test]
fn who_is_in_no_room_goes_on_too_and_is_called_what_it_was() {
    let mut world = World::new(2, Weather::CALM);
    let mut client = Client::new("alice");
    world.connect(&mut client, Way::WebSocket, 0);
    let sid = client.sid.clone();
    client.cut(&mut world.stage);
    world.connect(&mut client, Way::Polls, 1);
    assert_eq!((client.recovered.as_slice(), client.sid), (&[true][..], sid));
}

#[test]
fn what_was_sent_and_never_received_comes_again() {
    for_each_way(|world, first, then, shard| {
        let mut client = Client::new("alice");
        world.connect(&mut client, first, 0);
        world.join(&mut client, &["a", "b"]);
        world.posts(&["a", "b"]);
        world.settle(&mut [&mut client]);
        world.posts(&["b", "a", "b", "a", "a"]);
        client.cut(&mut world.stage);
        world.posts(&["a"]);
        world.connect(&mut client, then, shard);
        assert_eq!((client.recovered.as_slice(), client.heard.len()), (&[true][..], 8));
    });
}

#[test]
fn who_comes_back_before_it_was_noticed_that_it_was_gone_takes_the_place_of_its_former_session() {
    for_each_way(|world, first, then, shard| {
        let mut client = Client::new("alice");
        world.connect(&mut client, first, 0);
        world.join(&mut client, &["a"]);
        for round in 0..3 {
            client.vanish();
            world.posts(&["a"]);
            world.connect(&mut client, then, (shard + round) % 2);
            world.posts(&["a"]);
            world.settle(&mut [&mut client]);
            assert_eq!(sessions(&world.stage), 1);
        }
        assert_eq!((client.recovered.as_slice(), client.heard.len()), (&[true; 3][..], 6));
    });
}

#[test]
fn who_has_a_name_keeps_it_and_gets_its_direct_messages() {
    let mut world = World::new(2, Weather::CALM);
    let (mut alice, mut bob) = (Client::new("alice"), Client::new("bob"));
    world.connect(&mut alice, Way::WebSocket, 0);
    world.connect(&mut bob, Way::WebSocket, 1);
    alice.say("2[\"log in\",{\"username\":\"alice\"}]", &mut world.stage);
    bob.say("2[\"log in\",{\"username\":\"bob\"}]", &mut world.stage);
    world.settle(&mut [&mut alice, &mut bob]);
    let direct = |number: u64| {
        format!("2[\"send message\",{{\"username\":\"alice\",\"message\":\"direct={number}\"}}]")
    };
    bob.say(&direct(1), &mut world.stage);
    world.settle(&mut [&mut alice, &mut bob]);
    alice.cut(&mut world.stage);
    bob.say(&direct(2), &mut world.stage);
    world.settle(&mut [&mut bob]);
    world.connect(&mut alice, Way::Polls, 1);
    bob.say(&direct(3), &mut world.stage);
    world.settle(&mut [&mut alice, &mut bob]);
    assert_eq!(alice.recovered, [true]);
    assert_eq!(alice.heard, ["direct=1", "direct=2", "direct=3"]);
}

/// What its only room tells goes straight to a client, and is noted late.
#[test]
fn what_was_sent_behind_a_direct_message_is_not_taken_for_seen_with_it() {
    let log_in = |client: &mut Client, world: &mut World| {
        client.say("2[\"log in\",{\"username\":\"alice\"}]", &mut world.stage);
        world.settle(&mut [client]);
    };
    for joins_first in [true, false] {
        let mut world = World::new(1, Weather::CALM);
        let (mut alice, mut bob) = (Client::new("alice"), Client::new("bob"));
        world.connect(&mut alice, Way::WebSocket, 0);
        world.connect(&mut bob, Way::WebSocket, 0);
        bob.say("2[\"log in\",{\"username\":\"bob\"}]", &mut world.stage);
        if joins_first {
            world.join(&mut alice, &["a"]);
            log_in(&mut alice, &mut world);
        } else {
            log_in(&mut alice, &mut world);
            world.join(&mut alice, &["a"]);
        }
        world.posts(&["a"]);
        bob.say("2[\"send message\",{\"username\":\"alice\",\"message\":\"direct=1\"}]", &mut world.stage);
        world.settle(&mut [&mut alice, &mut bob]);
        world.posts(&["a"]);
        alice.cut(&mut world.stage);
        world.connect(&mut alice, Way::WebSocket, 0);
        assert_eq!((&alice.recovered[..], alice.heard.len()), (&[true][..], 3), "{joins_first}");
    }
}

#[test]
fn what_is_said_to_all_is_missed_by_nobody() {
    for_each_way(|world, first, then, shard| {
        let (mut alice, mut bob) = (Client::new("alice"), Client::new("bob"));
        world.connect(&mut alice, first, 0);
        world.connect(&mut bob, Way::WebSocket, 1);
        for number in 1..=3 {
            if number == 2 {
                alice.cut(&mut world.stage);
            }
            bob.say(&format!("2[\"all\",{{\"message\":\"all={number}\"}}]"), &mut world.stage);
            world.settle(&mut [&mut bob]);
            world.settle(&mut [&mut alice]);
            if number == 2 {
                world.connect(&mut alice, then, shard);
            }
        }
        world.settle(&mut [&mut alice]);
        assert_eq!(alice.recovered, [true]);
        assert_eq!(alice.heard, ["all=1", "all=2", "all=3"]);
    });
}

#[test]
fn each_namespace_goes_on_by_itself() {
    let set = |settings: &mut Settings| settings.gateways.socketio.namespaces = vec!["/news".to_owned()];
    let mut world = World::with(2, Weather::CALM, set);
    let mut client = Client::within("alice", "/news,");
    world.connect(&mut client, Way::WebSocket, 0);
    world.join(&mut client, &["a"]);
    world.posts(&["/news/a"]);
    world.settle(&mut [&mut client]);
    client.cut(&mut world.stage);
    world.posts(&["/news/a"]);
    world.connect(&mut client, Way::Polls, 1);
    assert_eq!((client.recovered.as_slice(), client.heard.len()), (&[true][..], 2));
}

#[test]
fn who_has_left_a_room_is_not_taken_back_to_it() {
    for_each_way(|world, first, then, shard| {
        let mut client = Client::new("alice");
        world.connect(&mut client, first, 0);
        world.join(&mut client, &["a", "b"]);
        world.posts(&["b", "a"]);
        world.settle(&mut [&mut client]);
        client.leave("a", &mut world.stage);
        world.settle(&mut [&mut client]);
        client.cut(&mut world.stage);
        world.posts(&["a", "b"]);
        world.connect(&mut client, then, shard);
        world.posts(&["a", "b"]);
        world.settle(&mut [&mut client]);
        client.heard.sort();
        assert_eq!(client.recovered, [true]);
        assert_eq!(client.heard, ["a=1", "b=1", "b=2", "b=3"]);
    });
}

#[test]
fn who_comes_back_too_late_begins_anew() {
    let mut world = World::new(2, Weather::CALM);
    let mut client = Client::new("alice");
    world.connect(&mut client, Way::WebSocket, 0);
    world.join(&mut client, &["a"]);
    client.cut(&mut world.stage);
    world.stage.wait(RECOVERY_MS + 1);
    world.connect(&mut client, Way::WebSocket, 0);
    assert_eq!(client.recovered, [false]);
    client.cut(&mut world.stage);
    world.stage.wait(RECOVERY_MS - 1);
    world.connect(&mut client, Way::WebSocket, 0);
    assert_eq!(client.recovered, [false, true]);
}

#[test]
fn who_missed_more_than_is_kept_begins_anew_outside() {
    let mut world = World::with(2, Weather::CALM, |settings| settings.store.messages_max = 2);
    let mut client = Client::new("alice");
    world.connect(&mut client, Way::WebSocket, 0);
    world.join(&mut client, &["a", "b"]);
    client.cut(&mut world.stage);
    world.posts(&["a", "b", "b", "b"]);
    world.connect(&mut client, Way::WebSocket, 1);
    world.posts(&["a", "b"]);
    world.settle(&mut [&mut client]);
    assert_eq!((client.recovered.as_slice(), client.heard.len()), (&[false][..], 0));
    world.join(&mut client, &["b"]);
}

#[test]
fn who_disconnected_on_purpose_begins_anew() {
    let mut world = World::new(2, Weather::CALM);
    let mut client = Client::new("alice");
    world.connect(&mut client, Way::WebSocket, 0);
    world.join(&mut client, &["a"]);
    client.say("1", &mut world.stage);
    world.settle(&mut [&mut client]);
    client.cut(&mut world.stage);
    world.connect(&mut client, Way::WebSocket, 1);
    assert_eq!(client.recovered, [false]);
}

#[test]
fn who_claims_what_was_never_given_out_begins_anew() {
    let mut world = World::new(2, Weather::CALM);
    let pipe = open_socket(&mut world.stage, "/socket.io/?EIO=4&transport=websocket");
    for pid in ["x".repeat(32), "A".repeat(32), "7".to_owned()] {
        let claim = crate::stock::frame(1, &format!("40{{\"pid\":\"{pid}\",\"offset\":\"a:1\"}}"));
        let answer = ask(&mut world.stage, pipe, &claim);
        assert!(answer.contains("40{\"sid\":") && !answer.contains(&format!("\"{pid}\"")), "{answer}");
    }
}

/// In every weather, whoever is cut off at whatever moment.
#[test]
fn where_all_is_kept_nobody_misses_anything_or_gets_it_twice() {
    let mut times = 0;
    for seed in 0..60 {
        let recovered = cut_at_random(seed, 0, |_| {});
        times += recovered.len();
        assert!(recovered.iter().all(|goes_on| *goes_on), "seed {seed}: all is kept, so all go on");
    }
    assert!(times > 400, "{times} came back");
}

/// Some come back too late, some read too slowly, and some move to a WebSocket while their rooms are asked.
#[test]
fn where_little_is_kept_nobody_misses_anything_or_gets_it_twice_without_being_told() {
    let (mut times, mut went_on) = (0, 0);
    for seed in 1000..1060 {
        let recovered = cut_at_random(seed, 600, |settings| {
            settings.store.messages_max = 12;
            settings.session_queue_bytes = 20_000;
        });
        times += recovered.len();
        went_on += recovered.iter().filter(|goes_on| **goes_on).count();
    }
    assert!(went_on > 100 && times - went_on > 50, "{went_on} of {times} went on");
}

/// What was held back for polls is sent over the WebSocket.
#[test]
fn who_moves_while_its_rooms_are_asked_goes_on_and_misses_nothing() {
    let (mut times, mut went_on) = (0, 0);
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let weather = Weather { mail_turns: 20, inputs_per_turn: 1, ..Weather::CALM };
        let mut world = World::new(3, weather);
        let mut clients = [Client::new("alice")];
        let client = &mut clients[0];
        world.connect(client, Way::WebSocket, random.below(3));
        world.join(client, &["a", "b", "c"]);
        client.cut(&mut world.stage);
        client.connects_late = true;
        client.open(Way::Polls, random.below(3), &mut world.stage);
        for _ in 0..200 {
            client.read(usize::MAX, &mut world.stage);
            client.move_over(random.below(3), &mut world.stage);
            if random.chance(200) {
                world.post(ROOMS[random.below(3)]);
            }
            world.stage.work(random.below(4));
        }
        client.connects_late = false;
        client.give_up(&mut world.stage);
        world.reach_everybody(&mut clients);
        world.check_ends(&clients[0], seed);
        times += clients[0].recovered.len();
        went_on += clients[0].recovered.iter().filter(|goes_on| **goes_on).count();
    }
    assert!(times >= 300 && went_on == times, "{went_on} of {times} went on");
}

/// The policy of the last one drops the oldest.
const ROOMS: [&str; 4] = ["a", "b", "c", "news-1"];

fn cut_at_random(seed: u64, padding_bytes: usize, set: impl FnOnce(&mut Settings)) -> Vec<bool> {
    let mut random = Random::new(seed);
    let weather = Weather {
        socket_bytes: *random.pick(&[300, 3000, 1 << 20]),
        short_writes: *random.pick(&[0, 100, 400]),
        piece_bytes: *random.pick(&[1, 20, 1000, usize::MAX]),
        mail_turns: *random.pick(&[0, 2, 20]),
        inputs_per_turn: *random.pick(&[1, 5, usize::MAX]),
    };
    let shards = random.between(1, 3);
    let mut world = World::with(shards as u16, weather, |settings| {
        settings.gateways.socketio.namespaces = vec!["/far".to_owned()];
        set(settings);
    });
    world.padding = " ".repeat(padding_bytes);
    let mut clients = [Client::new("one"), Client::new("two"), Client::within("three", "/far,")];
    let mut left_behind = Vec::new();
    for _ in 0..400 {
        let client = &mut clients[random.below(3)];
        let room = *random.pick(&ROOMS);
        match random.below(10) {
            0 if random.chance(300) => client.cut(&mut world.stage),
            0 if random.chance(300) => left_behind.extend(client.vanish()),
            0 => client.move_over(random.below(shards), &mut world.stage),
            1 if !client.has_line() => {
                client.open(*random.pick(&WAYS), random.below(shards), &mut world.stage);
            }
            2 if client.is_connected() && !client.rooms.contains_key(room) => {
                client.join(room, &mut world.stage);
            }
            3..=5 => world.post(&[room.to_owned(), format!("/far/{room}")][random.below(2)]),
            _ => {
                client.read(random.between(1, 600), &mut world.stage);
            }
        }
        world.stage.node.read(world.poster, usize::MAX);
        world.stage.work(random.below(8));
    }
    left_behind.into_iter().for_each(|pipe| world.stage.node.cut(pipe));
    world.reach_everybody(&mut clients);
    for client in &clients {
        world.check_ends(client, seed);
    }
    clients.into_iter().flat_map(|client| client.recovered).collect()
}
