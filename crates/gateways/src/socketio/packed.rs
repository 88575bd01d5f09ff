//! A session as another node can go on with it: over its WebSocket, in the middle of nothing.

use serde::{Deserialize, Serialize};
use wire::engineio::Revision;

use super::engine::Engine;
use super::profile::SharedProfile;
use super::session::Session;
use super::sockets::Sockets;
use crate::websocket::Socket;
use crate::{SessionName, Variant};

/// What is packed.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) carrier: PackedCarrier,
    pub(super) sockets: PackedSockets,
}

/// How packets are carried.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct PackedCarrier {
    pub(super) is_third: bool,
    pub(super) text_only: bool,
    pub(super) deflate: Variant,
}

/// What stands above.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct PackedSockets {
    /// The name of the session in which they began, from which their ids follow.
    pub(super) origin: String,
    pub(super) is_msgpack: bool,
    /// The namespaces, the one that was connected to first in front.
    pub(super) connected: Vec<String>,
    /// Those that have gone on where they were cut off, and the name of the session in which they began.
    pub(super) returned: Vec<(String, String)>,
    pub(super) tags: u64,
}

impl Packed {
    /// A session that begins where another one was packed; `None`: it cannot here.
    pub(super) fn unpack(self, profile: &SharedProfile) -> Option<Session<Sockets>> {
        let PackedCarrier { is_third, text_only, deflate } = self.carrier;
        let revision = if is_third { Revision::V3 } else { Revision::V4 };
        let socket = Socket::going_on(deflate, &profile.codec)?;
        let engine = Engine::going_on(revision, text_only, profile.clone(), socket);
        Some(Session::new(engine, Sockets::unpack(self.sockets, profile)?))
    }
}

impl Sockets {
    /// What is said of them to another node. `None`: they cannot go there now, or not at all: what an application keeps of a client is here.
    pub(super) fn pack(&self) -> Option<PackedSockets> {
        if self.owed.is_some() || self.has_ended || self.is_in_the_middle() {
            return None;
        }
        let name = |namespace| self.name(namespace).to_owned();
        let first = self.connected.first();
        let others = self.connected.iter().filter(|namespace| Some(*namespace) != first);
        let returned = self.returned.all_going_on()?;
        Some(PackedSockets {
            origin: self.origin.to_string(),
            is_msgpack: self.is_msgpack(),
            connected: first.into_iter().chain(others).map(name).collect(),
            returned: returned.map(|(namespace, began)| (name(namespace), began.to_string())).collect(),
            tags: self.tags,
        })
    }

    fn unpack(packed: PackedSockets, profile: &SharedProfile) -> Option<Self> {
        let origin: SessionName = packed.origin.parse().ok()?;
        let namespaces = &profile.namespaces;
        let mut sockets = Self::going_on(profile.clone(), origin, packed.is_msgpack, packed.tags)?;
        for name in &packed.connected {
            sockets.connected.insert(namespaces.find(name)?);
        }
        for (name, began) in &packed.returned {
            sockets.returned.note_going_on(namespaces.find(name)?, began.parse().ok()?);
        }
        Some(sockets)
    }
}
