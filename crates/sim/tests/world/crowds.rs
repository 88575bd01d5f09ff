//! Rooms so large that their members are visited over many turns.

use std::net::Ipv4Addr;

use chat::Time;
use shard::{Effects, Input, Luggage, Mail, Now, Shard, ShardId, StreamId};
use sim::alone;
use sim::scenario::settings;

const CROWD: u32 = 5000;
/// What it takes to send to everybody, and once around to see that everybody was.
const TURNS_MAX: usize = 25;

/// Streams that take whatever they are sent.
#[derive(Default)]
struct Wide {
    writes: u32,
}

impl Effects for Wide {
    fn write(&mut self, _: StreamId, bytes: &[u8]) -> usize {
        self.writes += 1;
        bytes.len()
    }

    fn finish(&mut self, _: StreamId) {}

    fn close(&mut self, _: StreamId) {}

    fn mail(&mut self, _: ShardId, _: Mail) {}

    fn hand_over(&mut self, _: StreamId, _: ShardId, _: Luggage) {}
}

/// In how many turns the shard comes to rest.
fn turns(shard: &mut Shard, now: Now, wide: &mut Wide) -> Option<usize> {
    (1..=TURNS_MAX).find(|_| !shard.flush(now, wide))
}

#[test]
fn a_shard_comes_to_rest_when_everybody_in_a_crowd_was_sent_what_there_is() {
    let now = Now { monotonic_ms: 0, wall: Time(0) };
    let (mut shard, mut wide) = (Shard::new(settings(), alone(1)), Wide::default());
    for slot in 0..CROWD {
        let mut asks = b"GET /lobby HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec();
        let stream = StreamId { slot, generation: 1 };
        shard.step(Input::Knock(stream, Ipv4Addr::LOCALHOST.into()), now, &mut wide);
        shard.step(Input::Bytes(stream, &mut asks), now, &mut wide);
        assert!(turns(&mut shard, now, &mut wide).is_some());
    }
    wide.writes = 0;
    let mut says = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    shard.step(Input::Bytes(StreamId { slot: 0, generation: 1 }, &mut says), now, &mut wide);
    assert!(turns(&mut shard, now, &mut wide).is_some(), "it finds no rest");
    assert_eq!((wide.writes, shard.holdings().queued_bytes), (CROWD, 0));
    shard.audit();
}
