//! What Rust users build on the gateway: handlers, registered by name and made once for each shard. Knows nothing of sessions.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::bare::BareHandler;
pub use super::bare::{BareMessage, BareSocket};

/// An application: what registers its handlers, on every shard anew. Handlers run on the shard of the session that they are called for and
/// never leave it, so they may own whatever they like; what the handlers of all shards are to share, `register` takes along.
#[derive(Clone, Default)]
pub struct Application(Option<Arc<Register>>);

type Register = dyn Fn(&mut Handlers) + Send + Sync;

/// The handlers of one shard.
#[derive(Default)]
pub struct Handlers {
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

/// Whether a request is for a path, whose slash at the end it may lack.
pub(super) fn is_at(requested: &str, path: &str) -> bool {
    requested == path || Some(requested) == path.strip_suffix('/')
}
