//! What is in front of a stream's first request: which byte begins TLS, who has to, and what is behind a PROXY header.

use std::net::IpAddr;

use chat::Time;
use shard::{Effects, Input, Luggage, Mail, Now, Proxies, Settings, Shard, ShardId, StreamId, Tls};
use sim::alone;
use sim::scenario::settings;

const NOW: Now = Now { monotonic_ms: 0, wall: Time(0) };
const STREAM: StreamId = StreamId { slot: 0, generation: 1 };
const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
const HELLO: &[u8] = &[0x16, 3, 1, 0, 200];
const LOBBY: &[u8] = b"GET /lobby HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What happened to the one stream.
#[derive(Default)]
struct Stream {
    secured: Vec<Vec<u8>>,
    sent: String,
    finished: bool,
    handed: Option<Luggage>,
}

impl Effects for Stream {
    fn write(&mut self, _: StreamId, bytes: &[u8]) -> usize {
        self.sent += &String::from_utf8_lossy(bytes);
        bytes.len()
    }

    fn finish(&mut self, _: StreamId) {
        self.finished = true;
    }

    fn secure(&mut self, _: StreamId, bytes: &[u8]) {
        self.secured.push(bytes.to_vec());
    }

    fn close(&mut self, _: StreamId) {}

    fn mail(&mut self, _: ShardId, _: Mail) {}

    fn hand_over(&mut self, _: StreamId, _: ShardId, luggage: Luggage) {
        self.handed = Some(luggage);
    }
}

fn shard(tls: Tls) -> Shard {
    Shard::new(Settings { tls, ..settings() }, alone(1))
}

/// What becomes of a stream on which these come in, one after the other.
fn hear(shard: &mut Shard, pieces: &[&[u8]]) -> Stream {
    let mut stream = Stream::default();
    shard.step(Input::Knock(STREAM, IpAddr::from([127, 0, 0, 1])), NOW, &mut stream);
    for piece in pieces {
        shard.step(Input::Bytes(STREAM, &mut piece.to_vec()), NOW, &mut stream);
        while shard.flush(NOW, &mut stream) {}
        shard.audit();
    }
    stream
}

#[test]
fn a_stream_that_begins_as_tls_does_is_secured_and_then_asks() {
    for tls in [Tls::Offered, Tls::Required] {
        let stream = hear(&mut shard(tls), &[HELLO, REQUEST, REQUEST]);
        assert_eq!(stream.secured, [HELLO], "{tls:?}");
        assert_eq!(stream.sent.matches("HTTP/1.1 200 ").count(), 2, "{tls:?}");
    }
}

#[test]
fn a_stream_that_begins_otherwise_asks_at_once_where_it_may() {
    let stream = hear(&mut shard(Tls::Offered), &[&REQUEST[..1], &REQUEST[1..]]);
    assert!(stream.secured.is_empty() && stream.sent.starts_with("HTTP/1.1 200 "), "{}", stream.sent);
}

#[test]
fn where_tls_has_to_be_the_first_byte_of_anything_else_is_refused() {
    let mut shard = shard(Tls::Required);
    let stream = hear(&mut shard, &[&REQUEST[..1], &REQUEST[1..]]);
    assert!(stream.sent.starts_with("HTTP/1.1 400 ") && stream.sent.ends_with("\r\n\r\ntls_required\n"));
    assert!(stream.finished && stream.secured.is_empty());
    assert_eq!((shard.tally().requests, shard.tally().bad_requests), (0, 1));
}

#[test]
fn where_tls_is_not_spoken_its_beginning_is_a_bad_request() {
    let stream = hear(&mut shard(Tls::Off), &[HELLO]);
    assert!(stream.secured.is_empty() && stream.sent.starts_with("HTTP/1.1 400 "), "{}", stream.sent);
}

#[test]
fn behind_a_proxy_header_the_first_byte_counts_wherever_it_is_cut() {
    let proxies =
        Proxies { trusted: vec!["127.0.0.1".parse().expect("a network")], announce: true, ..<_>::default() };
    let said = [b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", HELLO].concat();
    for cut in 1..said.len() {
        let settings = Settings { tls: Tls::Required, proxies: proxies.clone(), ..settings() };
        let (before, behind) = said.split_at(cut);
        let stream = hear(&mut Shard::new(settings, alone(1)), &[before, behind, REQUEST]);
        // A hello that is cut is secured with its first byte, and the rest of it comes in as the world decrypts it: here, not at all.
        assert_eq!(stream.secured.len(), 1, "cut at {cut}");
        assert!(HELLO.starts_with(&stream.secured[0]), "cut at {cut}");
    }
}

#[test]
fn a_stream_that_goes_to_another_shard_is_still_known_to_be_secure() {
    let shards = Settings { tls: Tls::Offered, shards: 8, ..settings() };
    let home_of_lobby = (0..8).find(|index| {
        let mut shard = Shard::new(Settings { shard: ShardId(*index), ..shards.clone() }, alone(1));
        hear(&mut shard, &[HELLO, LOBBY]).handed.is_none()
    });
    let elsewhere = ShardId((home_of_lobby.expect("a room has a home") + 1) % 8);
    let stream = hear(&mut Shard::new(Settings { shard: elsewhere, ..shards }, alone(1)), &[HELLO, LOBBY]);
    assert!(stream.handed.expect("it goes home").origin.is_secure);
}
