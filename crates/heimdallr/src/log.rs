//! The log: on standard error, in one of two forms.

use std::io::IsTerminal as _;

use chat::RoomKind;
use shard::{Deed, Notice};
use tracing::{debug, trace};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, reload};

use crate::config::Settings;
use crate::config::value::LogFormat;

/// Sets the level of the log.
pub(crate) type SetLevel = Box<dyn Fn(&str) + Send>;

/// Starts the log. Says how its level is set anew.
pub(crate) fn start(settings: &Settings) -> SetLevel {
    let (filter, level) = reload::Layer::new(EnvFilter::new(settings.log_level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    // It fails only where there is no log any more.
    Box::new(move |to| drop(level.reload(EnvFilter::new(to))))
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
