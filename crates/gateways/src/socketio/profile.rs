//! What all sessions of the gateway have in common.

use std::rc::Rc;

use super::client_file::ClientFile;
use super::handlers::Handlers;
use super::namespaces::Namespaces;
use super::reply::Origins;
use crate::bearer::Bearer;
use crate::websocket::{Codec, SharedCodec};
use crate::{EventNames, Settings};

/// What clients find, whoever they are.
pub(super) struct Profile {
    pub(super) max_message_bytes: usize,
    /// Of all WebSockets.
    pub(super) codec: SharedCodec,
    /// Begins and ends with a slash.
    pub(super) path: String,
    pub(super) origins: Origins,
    /// The cookie that says which session it is, for balancers that keep one with a node.
    pub(super) cookie: Option<String>,
    pub(super) client_file: Option<ClientFile>,
    pub(super) namespaces: Namespaces,
    pub(super) connect_timeout_ms: u32,
    /// Whether what was cut off may go on.
    pub(super) recovery: bool,
    /// Whether clients may connect that show nothing.
    pub(super) guests: bool,
    /// Whether somebody judges what clients connect with. Otherwise it is the application's alone.
    pub(super) judges: bool,
    pub(super) bearer: Bearer,
    pub(super) events: EventNames,
    pub(super) handlers: Handlers,
    /// Events that are passed on.
    pub(super) relay: Vec<String>,
}

pub(super) type SharedProfile = Rc<Profile>;

impl Profile {
    pub(super) fn shared(settings: &Settings) -> SharedProfile {
        let own = &settings.socketio;
        let handlers = own.application.handlers();
        let others = own.namespaces.iter().map(String::as_str).chain(handlers.namespaces());
        Rc::new(Self {
            max_message_bytes: settings.max_message_bytes,
            codec: Codec::shared(settings),
            path: own.path.clone(),
            origins: Origins::new(&own.origins),
            cookie: Some(own.cookie.clone()).filter(|name| !name.is_empty()),
            client_file: own.client_file.as_ref().map(ClientFile::new),
            namespaces: Namespaces::new(others),
            connect_timeout_ms: own.connect_timeout_ms,
            recovery: own.recovery,
            guests: own.guests,
            judges: own.judges,
            bearer: Bearer::new(settings),
            events: own.events.clone(),
            handlers,
            relay: own.relay.clone(),
        })
    }
}
