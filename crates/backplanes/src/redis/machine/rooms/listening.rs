//! Listening to what is published in rooms, and to this node, before anybody is asked how things stand.

use chat::RoomId;

use super::{Ahead, Stage};
use crate::redis::broker::{Channel, Request};
use crate::redis::machine::requests::Awaited;
use crate::redis::machine::{Machine, Outcome};

/// A listener is asked for so many channels at once.
const CHANNELS_AT_ONCE: usize = 512;

impl Machine {
    /// Listens to every room: none is heard on a new listener.
    pub(in crate::redis::machine) fn listen_to_all(&mut self, out: &mut Outcome) {
        let rooms = self.rooms_in_order();
        rooms.chunks(CHANNELS_AT_ONCE).for_each(|some| self.listen(some.to_vec(), out));
    }

    pub(super) fn listen(&mut self, rooms: Vec<RoomId>, out: &mut Outcome) {
        let id = self.next_request;
        for room in &rooms {
            if let Some(room) = self.rooms.get_mut(room) {
                room.stage = Stage::Listening(id);
            }
        }
        let channels: Vec<_> = rooms.into_iter().map(Channel::Room).collect();
        self.request(Request::Listen(channels.clone()), Some(Awaited::Listen(channels)), out);
    }

    pub(in crate::redis::machine) fn listened(&mut self, id: u64, channels: Vec<Channel>, out: &mut Outcome) {
        for channel in channels {
            let Channel::Room(name) = channel else {
                if !self.unheard.contains(&channel) {
                    self.nodes.listening_ms = Some(self.now_ms);
                }
                continue;
            };
            let room = self.rooms.get_mut(&name).filter(|room| room.stage == Stage::Listening(id));
            if let Some(room) = room {
                room.stage = Stage::Heard;
                self.to_attend.push_back(name);
            }
        }
        self.attend_more(out);
    }

    /// These channels are not heard, or not any more.
    pub(in crate::redis::machine) fn not_heard(&mut self, channels: Vec<Channel>) {
        for channel in &channels {
            match channel {
                Channel::Room(id) => {
                    if let Some(room) = self.rooms.get_mut(id) {
                        room.stage = Stage::Deaf;
                        room.ahead = Ahead::default();
                    }
                }
                Channel::Node(_) => self.nodes.listening_ms = None,
            }
        }
        self.unheard.extend(channels);
    }

    /// Listens to what could not be listened to.
    pub(in crate::redis::machine) fn listen_again(&mut self, out: &mut Outcome) {
        let mut rooms = Vec::new();
        for channel in std::mem::take(&mut self.unheard) {
            match channel {
                Channel::Room(id) => {
                    if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Deaf) {
                        // One that is named twice is asked for once.
                        room.stage = Stage::Listening(0);
                        rooms.push(id);
                    }
                }
                Channel::Node(_) => {
                    let own = vec![channel];
                    self.request(Request::Listen(own.clone()), Some(Awaited::Listen(own)), out);
                }
            }
        }
        self.unserved.extend(rooms.iter().cloned());
        rooms.chunks(CHANNELS_AT_ONCE).for_each(|some| self.listen(some.to_vec(), out));
    }

    /// Nothing is heard any more.
    pub(in crate::redis::machine) fn deafen(&mut self) {
        self.nodes.listening_ms = None;
        self.unheard.clear();
        for room in self.rooms.values_mut() {
            room.stage = Stage::Deaf;
            room.ahead = Ahead::default();
        }
        self.to_attend.clear();
    }
}
