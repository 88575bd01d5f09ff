//! What Rust users build on the gateway: handlers, registered by name and made once for each shard, and what they are handed.

mod arguments;
mod crowd;
mod namespace;
mod socket;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

pub use self::arguments::{Arguments, Values};
pub use self::crowd::{Crowd, Found};
pub use self::namespace::{NamespaceHandlers, Outcome};
pub use self::socket::{Call, Members, Socket};
pub use super::bare::{BareMessage, BareSocket};

use super::bare::BareHandler;

/// An application: what registers its handlers, on every shard anew. Handlers run on the shard of the session that they are called for and
/// never leave it, so they may own whatever they like; what the handlers of all shards are to share, `register` takes along.
#[derive(Clone, Default)]
pub struct Application(Option<Arc<Register>>);

type Register = dyn Fn(&mut Handlers) + Send + Sync;

/// The handlers of one shard.
#[derive(Default)]
pub struct Handlers {
    namespaces: BTreeMap<Box<str>, NamespaceHandlers>,
    bare: Vec<(Box<str>, BareHandler)>,
}

impl Application {
    /// An application whose handlers `register` names.
    pub fn new(register: impl Fn(&mut Handlers) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(register)))
    }

    /// None: the server as it comes.
    pub fn none() -> Self {
        Self::default()
    }

    /// Has the handlers of one shard registered.
    pub(super) fn handlers(&self) -> Handlers {
        let mut handlers = Handlers::default();
        if let Some(register) = &self.0 {
            register(&mut handlers);
        }
        handlers
    }
}

impl Handlers {
    /// The handlers of a namespace of Socket.IO, which clients can connect to from here on. `/` is the main one, others have a slash in front.
    ///
    /// # Panics
    ///
    /// If the name does not begin with a slash, or holds a comma or a question mark; and at the start, if there are more than 64.
    pub fn of(&mut self, namespace: &str) -> &mut NamespaceHandlers {
        assert!(is_namespace(namespace), "{namespace:?} is no namespace");
        self.namespaces.entry(namespace.into()).or_default()
    }

    /// Serves sessions of Engine.IO without Socket.IO above it at a path that begins and ends with a slash, and hands `handler` every message.
    /// They are not told of rooms.
    ///
    /// # Panics
    ///
    /// If the path does not begin and end with a slash.
    pub fn engine(
        &mut self,
        path: &str,
        handler: impl Fn(&mut BareSocket<'_>, BareMessage<'_>) + 'static,
    ) -> &mut Self {
        assert!(path.starts_with('/') && path.ends_with('/'), "{path:?} does not begin and end with a slash");
        self.bare.push((path.into(), Rc::new(handler)));
        self
    }

    pub(super) fn find(&self, namespace: &str) -> Option<&NamespaceHandlers> {
        self.namespaces.get(namespace)
    }

    /// The namespaces that have handlers.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(|name| &**name)
    }

    /// Who is handed the messages of sessions at a path.
    pub(super) fn bare(&self, path: &str) -> Option<&BareHandler> {
        self.bare.iter().find(|(served, _)| is_at(path, served)).map(|(_, handler)| handler)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Application" } else { "no application" })
    }
}

fn is_namespace(name: &str) -> bool {
    name.starts_with('/') && !name.contains([',', '?'])
}

/// Whether a request is for a path, whose slash at the end it may lack.
pub(super) fn is_at(requested: &str, path: &str) -> bool {
    requested == path || Some(requested) == path.strip_suffix('/')
}
