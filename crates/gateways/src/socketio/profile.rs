//! What all sessions of the gateway have in common.

use std::rc::Rc;

use super::namespaces::Namespaces;
use crate::{EventNames, Settings};

/// What clients find, whoever they are.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) max_message_bytes: usize,
    pub(super) namespaces: Namespaces,
    pub(super) events: EventNames,
}

pub(super) type SharedProfile = Rc<Profile>;

impl Profile {
    pub(super) fn shared(settings: &Settings) -> SharedProfile {
        let own = &settings.socketio;
        Rc::new(Self {
            max_message_bytes: settings.max_message_bytes,
            namespaces: Namespaces::new(own.namespaces.iter().map(String::as_str)),
            events: own.events.clone(),
        })
    }
}
