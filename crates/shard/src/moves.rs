//! Streams that go to another shard. Who comes to a small room is served where the room has its home, so that what is said there crosses no
//! threads; a large room is served by every shard, each those that came to it.

use chat::{Command, RoomId};

use crate::{Effects, Luggage, Mail, Now, Shard, ShardId, StreamId};

/// A stream on its way to another shard.
pub(crate) struct Departure {
    stream: StreamId,
    to: ShardId,
    received: Vec<u8>,
}

impl Shard {
    /// The shard for a session that begins with these commands.
    pub(crate) fn place_for(&self, commands: &[Command]) -> ShardId {
        let joined = match commands {
            [Command::Join { room, .. }, ..] | [Command::Identify { .. }, Command::Join { room, .. }] => {
                Some(room)
            }
            _ => None,
        };
        let is_small = |room: &&RoomId| room.is_public() && !self.large_rooms.contains(*room);
        joined.filter(is_small).map_or(self.settings.shard, |room| self.settings.home_of(room))
    }

    /// The stream is to go to another shard, which judges what came in from the request on.
    pub(crate) fn set_out(&mut self, stream: StreamId, to: ShardId, received: &[u8]) {
        self.departures.push(Departure { stream, to, received: received.to_vec() });
    }

    /// Sends streams on their way.
    pub(crate) fn depart(&mut self, now: Now, effects: &mut dyn Effects) {
        for Departure { stream: id, to, received } in std::mem::take(&mut self.departures) {
            self.flush_stream(id, now, effects);
            let Some(stream) = self.streams.get_mut(id) else { continue };
            let (unsent, ended) = (stream.take_own(), stream.ended);
            let origin = self.streams.origins.get(id).expect("a stream that asks comes from somewhere");
            self.streams.remove(id);
            effects.hand_over(id, to, Luggage { origin, received, unsent, ended });
        }
    }

    /// Takes over a stream that another shard had.
    pub(crate) fn take_over(&mut self, id: StreamId, mut luggage: Luggage, now: Now) {
        self.streams.insert(id, luggage.origin, now.monotonic_ms);
        self.greetings.push(now.monotonic_ms, id);
        self.queue_own(id, &luggage.unsent);
        if luggage.ended {
            self.end_input(id, now);
        }
        self.take(id, &mut luggage.received, now);
    }

    /// A home has said how large a room is.
    pub(crate) fn note_size(&mut self, room: RoomId, is_large: bool) {
        if is_large {
            self.large_rooms.insert(room);
        } else {
            self.large_rooms.remove(&room);
            if self.large_rooms.is_empty() {
                self.large_rooms = hashbrown::HashSet::new();
            }
        }
    }
}

/// Mail to every shard but the room's home.
pub(crate) fn tell_size(
    room: &RoomId,
    is_large: bool,
    home: ShardId,
    shards: u16,
) -> impl Iterator<Item = (ShardId, Mail)> {
    let others = (0..shards).map(ShardId).filter(move |shard| *shard != home);
    others.map(move |shard| (shard, Mail::Size { room: room.clone(), is_large }))
}
