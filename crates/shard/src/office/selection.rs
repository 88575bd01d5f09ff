//! Whose sessions an operator means.

use core::net::IpAddr;

use chat::{RoomId, UserId};

use crate::sessions::Session;
use crate::streams::Place;
use crate::{SessionKey, Shard};

/// Whose sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This one.
    Session(SessionKey),
    /// Those of a user, proven or not.
    User(UserId),
    /// Those of the clients at an address.
    Address(IpAddr),
    /// Those in a room.
    Room(RoomId),
}

impl Shard {
    /// Takes note of where the client of a session is.
    pub(crate) fn note_address(&mut self, place: Place, address: IpAddr) {
        if let Some(session) = self.sessions.get_mut(place) {
            session.address = address;
        }
    }

    /// The sessions here that are meant.
    pub(crate) fn select(&self, whose: &Whose) -> Vec<Place> {
        match whose {
            Whose::Session(key) => self.sessions.find(*key).into_iter().collect(),
            Whose::User(user) => self.select_by(|session| session.user.as_ref() == Some(user)),
            Whose::Address(address) => self.select_by(|session| session.address == *address),
            Whose::Room(room) => {
                let Some(audience) = self.audiences.find(room) else { return Vec::new() };
                self.select_by(|session| session.member_of(audience).is_some())
            }
        }
    }

    fn select_by(&self, is_meant: impl Fn(&Session) -> bool) -> Vec<Place> {
        self.sessions.iter().filter(|(_, session)| is_meant(session)).map(|(place, _)| place).collect()
    }
}
