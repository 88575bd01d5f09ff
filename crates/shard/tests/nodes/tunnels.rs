//! Requests for sessions of other nodes.

use std::cell::Cell;
use std::rc::Rc;

use crate::client::{Client, ask, body, frame, get, post, speak, text, upgrade};
use crate::cluster::Cluster;

/// Nobody is pinged in any of these tests.
const NEVER_MS: u64 = 64_000_000;

const UNKNOWN: &str = "{\"code\":1,";

/// Two nodes, of one shard each and of two.
fn clusters() -> impl Iterator<Item = Cluster> {
    [1, 2].into_iter().map(|shards| Cluster::new(2, shards, |_| {}))
}

fn assert_no_tunnels(cluster: &Cluster) {
    assert_eq!([1, 2].map(|node| cluster.holdings(node).tunnels), [0, 0]);
}

#[test]
fn polls_and_posts_find_their_session_from_any_node() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 2, 2);
        for (number, node) in [2, 1, 2].into_iter().enumerate() {
            let said = format!("42[\"message\",{{\"room\":\"lobby\",\"message\":\"{number}\"}}]");
            client.post(&mut cluster, node, &said);
            let heard = client.poll(&mut cluster, 3 - node);
            assert!(heard.contains(&format!("\"message\":\"{number}\"")), "{heard}");
        }
        assert_no_tunnels(&cluster);
        assert_eq!((cluster.holdings(1).sessions, cluster.holdings(2).sessions), (1, 0));
        assert!(cluster.count(2, |tally| tally.tunnels_dug) > 0);
    }
}

#[test]
fn a_poll_waits_at_another_node_until_there_is_something_to_say() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        client.join(&mut cluster, "lobby", 1, 1);
        let poll = client.wait(&mut cluster, 2);
        assert_eq!((text(cluster.hear(poll)), cluster.holdings(2).tunnels), (String::new(), 1));
        speak(&mut cluster, 2, "lobby", "hello");
        assert!(body(&text(cluster.hear(poll))).contains("\"message\":\"hello\""));
        assert_no_tunnels(&cluster);
    }
}

#[test]
fn one_connection_serves_requests_for_sessions_everywhere_and_for_nobody() {
    for mut cluster in clusters() {
        let (there, here) = (Client::open(&mut cluster, 1), Client::open(&mut cluster, 2));
        let pipe = cluster.connect(2);
        let requests = [
            post(&there.target(), "42[\"joinRoom\",{\"room\":\"lobby\"}]"),
            get("/healthz"),
            post(&here.target(), "42[\"joinRoom\",{\"room\":\"lobby\"}]"),
            post(&there.target(), "42[\"leaveRoom\",{\"room\":\"lobby\"}]"),
        ];
        let answers = ask(&mut cluster, pipe, requests.concat());
        assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 4, "{answers}");
        assert_eq!(answers.matches("\r\n\r\nok").count(), 4, "{answers}");
        assert!(!cluster.is_over(pipe));
        assert_no_tunnels(&cluster);
    }
}

#[test]
fn bytes_that_come_one_by_one_are_passed_on_as_they_come() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let pipe = cluster.connect(2);
    for byte in format!("{}{}", post(&client.target(), "3"), get("/healthz")).bytes() {
        cluster.say(pipe, [byte]);
    }
    let answers = text(cluster.hear(pipe));
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 2, "{answers}");
}

#[test]
fn a_large_post_goes_through_in_many_envelopes() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    client.join(&mut cluster, "lobby", 1, 1);
    let words = "x".repeat(250_000);
    client.post(&mut cluster, 2, &format!("42[\"message\",{{\"room\":\"lobby\",\"message\":\"{words}\"}}]"));
    assert!(client.poll(&mut cluster, 2).contains(&words));
    assert_no_tunnels(&cluster);
}

#[test]
fn a_session_moves_to_a_websocket_at_another_node() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        let socket = client.upgrade(&mut cluster, 2);
        cluster.say(socket, frame(1, "421[\"joinRoom\",{\"room\":\"lobby\"}]"));
        assert!(text(cluster.hear(socket)).contains("431["), "it has joined");
        speak(&mut cluster, 1, "lobby", "hello");
        assert!(text(cluster.hear(socket)).contains("\"message\":\"hello\""));
        cluster.hang_up(socket);
        assert_eq!(cluster.holdings(1).sessions, 0, "it was cut off");
        assert_no_tunnels(&cluster);
    }
}

#[test]
fn a_goodbye_comes_through_and_the_tunnel_ends() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let socket = client.upgrade(&mut cluster, 2);
    cluster.drain(1);
    assert!(!cluster.hear(socket).is_empty() && cluster.is_over(socket));
    assert_no_tunnels(&cluster);
}

#[test]
fn a_node_that_goes_away_lets_go_of_streams_whose_sessions_are_elsewhere() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let socket = client.upgrade(&mut cluster, 2);
    cluster.drain(2);
    assert!(cluster.is_over(socket));
    assert_no_tunnels(&cluster);
}

/// A client that reads nothing does not have the whole window fill again and again: its session notices, as it would here.
#[test]
fn a_slow_reader_behind_a_tunnel_is_slow_to_its_session_and_misses_nothing() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let socket = client.upgrade(&mut cluster, 2);
    cluster.say(socket, frame(1, "421[\"joinRoom\",{\"room\":\"lobby\"}]"));
    cluster.hear(socket);
    cluster.make_room(socket, 0);
    let padding = "x".repeat(10_000);
    for number in 0..50 {
        speak(&mut cluster, 1, "lobby", &format!("<{number}>{padding}"));
    }
    assert_eq!(cluster.count(1, |tally| tally.stalls), 1, "its stream takes no more");
    assert!(cluster.count(2, |tally| tally.bytes_out) < 100_000);
    let mut heard = String::new();
    while !heard.contains("<49>") {
        cluster.make_room(socket, 3_000);
        let piece = text(cluster.hear(socket));
        assert!(!piece.is_empty(), "it goes on");
        heard.push_str(&piece);
    }
    let places: Vec<usize> = (0..50).filter_map(|number| heard.find(&format!("<{number}>"))).collect();
    assert!(places.len() == 50 && places.is_sorted());
}

#[test]
fn a_reader_that_is_far_too_slow_is_parted_with() {
    let mut cluster = Cluster::new(2, 1, |settings| settings.session_queue_bytes = 50_000);
    let client = Client::open(&mut cluster, 1);
    let socket = client.upgrade(&mut cluster, 2);
    cluster.say(socket, frame(1, "421[\"joinRoom\",{\"room\":\"lobby\"}]"));
    cluster.make_room(socket, 0);
    (0..30).for_each(|_| speak(&mut cluster, 1, "lobby", &"x".repeat(10_000)));
    assert_eq!(cluster.holdings(1).sessions, 0);
    cluster.pass(20);
    assert!(cluster.is_over(socket));
    assert_no_tunnels(&cluster);
}

#[test]
fn who_hangs_up_in_a_poll_is_gone_as_it_would_be_where_its_session_is() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let poll = client.wait(&mut cluster, 2);
    cluster.hang_up(poll);
    assert!(cluster.is_over(poll));
    assert_eq!(cluster.holdings(1).sessions, 0);
    assert_no_tunnels(&cluster);
}

#[test]
fn a_session_that_is_gone_is_unknown_from_everywhere() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    client.post(&mut cluster, 2, "1");
    for node in [1, 2] {
        assert!(client.poll(&mut cluster, node).starts_with(UNKNOWN));
    }
    assert_no_tunnels(&cluster);
}

#[test]
fn who_asks_for_a_session_of_a_dead_node_is_told_that_it_is_unknown() {
    for mut cluster in clusters() {
        let client = Client::open(&mut cluster, 1);
        cluster.kill(1);
        let poll = client.wait(&mut cluster, 2);
        cluster.pass(2);
        assert_eq!(text(cluster.hear(poll)), "");
        cluster.pass(2);
        let answer = ask(&mut cluster, poll, get("/healthz"));
        assert!(answer.starts_with("HTTP/1.1 400 ") && body(&answer).starts_with(UNKNOWN), "{answer}");
        assert!(answer.contains("HTTP/1.1 200 "), "the stream goes on: {answer}");
        assert!(client.poll(&mut cluster, 2).starts_with(UNKNOWN), "nobody waits a second time");
        assert_eq!(cluster.holdings(2).tunnels, 0);
    }
}

#[test]
fn a_poll_that_waits_at_a_node_that_dies_is_answered() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let client = Client::open(&mut cluster, 1);
    let poll = client.wait(&mut cluster, 2);
    cluster.kill(1);
    cluster.pass(30);
    assert!(body(&text(cluster.hear(poll))).starts_with(UNKNOWN));
}

#[test]
fn who_waits_at_a_node_that_dies_is_cut_off() {
    let mut cluster = Cluster::new(2, 1, |settings| settings.ping_interval_ms = NEVER_MS);
    let client = Client::open(&mut cluster, 1);
    client.wait(&mut cluster, 2);
    cluster.kill(2);
    cluster.pass(14);
    assert_eq!((cluster.holdings(1).tunnels, cluster.holdings(1).sessions), (1, 1));
    cluster.pass(6);
    assert_eq!((cluster.holdings(1).tunnels, cluster.holdings(1).sessions), (0, 0));
}

#[test]
fn nodes_that_are_there_do_not_give_each_other_up() {
    let mut cluster = Cluster::new(2, 2, |settings| settings.ping_interval_ms = NEVER_MS);
    let client = Client::open(&mut cluster, 1);
    let poll = client.wait(&mut cluster, 2);
    cluster.pass(200);
    assert_eq!((text(cluster.hear(poll)), cluster.holdings(2).tunnels), (String::new(), 1));
}

/// Has one envelope after the other lost or repeated, while a client does a bit of everything, until none is left to be.
#[test]
fn a_hole_or_a_repeat_ends_a_tunnel_at_both_ends() {
    for copies in [0, 2] {
        let mut chosen = 0;
        loop {
            let mut cluster = Cluster::new(2, 2, |_| {});
            let client = Client::open(&mut cluster, 1);
            let sent = Rc::new(Cell::new(0));
            let number = sent.clone();
            cluster.let_in(Box::new(move |_, _, _| {
                number.set(number.get() + 1);
                if number.get() == chosen + 1 { copies } else { 1 }
            }));
            let pipe = cluster.connect(2);
            cluster.say(pipe, post(&client.target(), "3"));
            let poll = client.wait(&mut cluster, 2);
            let target = client.target().replace("polling", "websocket");
            let socket = cluster.connect(2);
            cluster.say(socket, upgrade(&target));
            cluster.say(socket, frame(1, "2probe"));
            cluster.say(socket, frame(1, "5"));
            cluster.say(socket, frame(1, "421[\"joinRoom\",{\"room\":\"lobby\"}]"));
            speak(&mut cluster, 1, "lobby", "hello");
            // Who waits in vain gives up.
            cluster.pass(5);
            let heard = [pipe, poll, socket].map(|pipe| text(cluster.hear(pipe))).concat();
            for once in ["HTTP/1.1 101 ", "\r\n\r\nok", "3probe", "431[", "\"message\":\"hello\""] {
                assert!(heard.matches(once).count() <= 1, "{once} came again: {heard}");
            }
            [pipe, poll, socket].into_iter().for_each(|pipe| cluster.hang_up(pipe));
            cluster.pass(50);
            assert_no_tunnels(&cluster);
            if sent.get() <= chosen {
                break;
            }
            chosen += 1;
        }
        assert!(chosen > 10, "{chosen} envelopes");
    }
}

#[test]
fn there_are_so_many_tunnels_and_no_more() {
    let mut cluster = Cluster::new(2, 1, |settings| settings.tunnels_max = 2);
    let clients = [(); 3].map(|()| Client::open(&mut cluster, 1));
    let polls = clients.map(|client| client.wait(&mut cluster, 2));
    let answers = polls.map(|poll| text(cluster.hear(poll)));
    assert!(answers[0].is_empty() && answers[1].is_empty());
    assert!(answers[2].starts_with("HTTP/1.1 503 "), "{}", answers[2]);
}

#[test]
fn nothing_is_left_behind() {
    let mut cluster = Cluster::new(2, 2, |_| {});
    let client = Client::open(&mut cluster, 1);
    let socket = client.upgrade(&mut cluster, 2);
    cluster.hang_up(socket);
    cluster.pass(200);
    for node in [1, 2] {
        let holdings = cluster.holdings(node);
        assert_eq!((holdings.streams, holdings.tunnels, holdings.sessions), (0, 0, 0), "node {node}");
    }
}
