//! What gateways may know of the configuration.

use std::sync::Arc;

use crate::handlers::Application;

/// What a gateway may know of the configuration. Times are for clients to be told; gateways have no clock.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest message, in bytes, after inflating.
    pub max_message_bytes: usize,
    /// Milliseconds between the server's pings, told to clients.
    pub ping_interval_ms: u64,
    /// Milliseconds that a client has to answer one.
    pub ping_timeout_ms: u64,
    /// Whether somebody judges tokens. Otherwise what comes with a request is none of ours.
    pub tokens: bool,
    /// Whether permessage-deflate is offered to those who ask for it.
    pub deflate: bool,
    /// For clients of Socket.IO.
    pub socketio: SocketIoSettings,
}

/// What clients of Socket.IO find.
#[derive(Clone, Debug)]
pub struct SocketIoSettings {
    /// Where requests go; begins and ends with a slash.
    pub path: String,
    /// Origins whose pages may read answers, with credentials; none: any may, without.
    pub origins: Vec<String>,
    /// The cookie that a polling session is given with its name; empty: none.
    pub cookie: String,
    /// The stock client, to be served as `socket.io.js` below the path.
    pub client_file: Option<Arc<[u8]>>,
    /// Namespaces besides `/`, each beginning with a slash and without a comma.
    pub namespaces: Vec<String>,
    /// Milliseconds within which a client must have connected to a namespace.
    pub connect_timeout_ms: u32,
    /// Whether what was cut off may go on: clients are told by what, and the position of every message.
    pub recovery: bool,
    /// Whether clients may connect that show nothing.
    pub guests: bool,
    /// Whether somebody judges what clients connect with.
    pub judges: bool,
    /// What its events are called.
    pub events: EventNames,
    /// Whose handlers clients meet.
    pub application: Application,
    /// Further events that are passed on to the room which they name.
    pub relay: Vec<String>,
}

impl Default for SocketIoSettings {
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            origins: Vec::new(),
            cookie: String::new(),
            client_file: None,
            namespaces: Vec::new(),
            connect_timeout_ms: 45_000,
            recovery: false,
            guests: true,
            judges: false,
            events: EventNames::default(),
            application: Application::none(),
            relay: Vec::new(),
        }
    }
}

/// What events are called that mean something here. Without a name there is no such event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventNames {
    /// From a client: it joins a room.
    pub join_room: String,
    /// From a client: it leaves a room.
    pub leave_room: String,
    /// From a client, and to those in the room: a message.
    pub message: String,
    /// From a client, and to all: a message to everybody who speaks Socket.IO.
    pub all: String,
    /// From a client: it takes a name.
    pub log_in: String,
    /// From a client: a message to one user.
    pub send_message: String,
    /// To that user.
    pub new_message: String,
    /// To a client: messages that will not come.
    pub lost: String,
    /// A client was made to leave a room.
    pub removed: String,
}

impl Default for EventNames {
    fn default() -> Self {
        Self {
            join_room: "joinRoom".to_owned(),
            leave_room: "leaveRoom".to_owned(),
            message: "message".to_owned(),
            all: "all".to_owned(),
            log_in: "log in".to_owned(),
            send_message: "send message".to_owned(),
            new_message: "new message".to_owned(),
            lost: "lost".to_owned(),
            removed: "removed".to_owned(),
        }
    }
}
