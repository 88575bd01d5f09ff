//! The log: on standard error, in one of two forms.

use std::io::IsTerminal as _;

use chat::RoomKind;
use shard::{Deed, Notice};
use tracing::{debug, trace};
use tracing_subscriber::EnvFilter;

use crate::config::Settings;
use crate::config::value::LogFormat;

/// Starts the log.
pub(crate) fn start(settings: &Settings) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(settings.log_level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// Writes down what has happened to a session. Names are quoted: whoever chose them cannot begin a line.
pub(crate) fn write(notice: &Notice) {
    let session = &notice.session;
    match &notice.what {
        Deed::Connected { gateway, has_stream, address } => {
            let transport = if *has_stream { "stream" } else { "polling" };
            debug!(%session, protocol = gateway, transport, %address, "connect");
        }
        Deed::LoggedIn(user) => debug!(%session, user = ?user.as_str(), "log in"),
        Deed::Joined(room) => debug!(%session, room = ?room.name(), "join"),
        Deed::Left(room) => debug!(%session, room = ?room.name(), "leave"),
        Deed::Said { room, bytes } => match room.kind() {
            RoomKind::Public => trace!(%session, room = ?room.name(), bytes, "message"),
            RoomKind::Inbox => trace!(%session, user = ?room.name(), bytes, "direct message"),
            RoomKind::Everybody => trace!(%session, bytes, "message to all"),
        },
        Deed::Disconnected { because } => debug!(%session, reason = because, "disconnect"),
    }
}
