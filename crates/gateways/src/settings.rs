//! What gateways may know of the configuration.

/// What a gateway may know of the configuration. Times are for clients to be told; gateways have no clock.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest message, in bytes, after inflating.
    pub max_message_bytes: usize,
    /// Milliseconds between the server's pings, told to clients.
    pub ping_interval_ms: u64,
    /// Milliseconds that a client has to answer one.
    pub ping_timeout_ms: u64,
    /// Whether permessage-deflate is offered to those who ask for it.
    pub deflate: bool,
    /// For clients of Socket.IO.
    pub socketio: SocketIoSettings,
}

/// What clients of Socket.IO find.
#[derive(Clone, Debug, Default)]
pub struct SocketIoSettings {
    /// Namespaces besides `/`, each beginning with a slash and without a comma.
    pub namespaces: Vec<String>,
}
