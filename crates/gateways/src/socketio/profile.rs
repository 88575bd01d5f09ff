//! What all sessions of the gateway have in common.

use std::rc::Rc;

use super::namespaces::Namespaces;
use crate::Settings;

/// What clients find, whoever they are.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) max_message_bytes: usize,
    pub(super) namespaces: Namespaces,
}

pub(super) type SharedProfile = Rc<Profile>;

impl Profile {
    pub(super) fn shared(settings: &Settings) -> SharedProfile {
        let others = settings.socketio.namespaces.iter().map(String::as_str);
        Rc::new(Self { max_message_bytes: settings.max_message_bytes, namespaces: Namespaces::new(others) })
    }
}
