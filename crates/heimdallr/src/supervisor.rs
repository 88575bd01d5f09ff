//! Who has started the server, where that is systemd: it is told how the server stands (sd_notify(3)), and may have opened its sockets
//! (sd_listen_fds(3)). Where it is somebody else, nothing is told and there are none.

use std::net::TcpListener;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

/// Says how the server stands.
pub(crate) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the server stands");
    }
}

/// How often it wants to hear that the server works, twice over; `None`: it does not.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 2)
}

/// The sockets it has opened for clients, in its order.
pub(crate) fn listeners() -> Result<Vec<TcpListener>, String> {
    let mut handed_over = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed_over.len() {
        let listener = handed_over.take_tcp_listener(index);
        let listener =
            listener.map_err(|error| format!("socket {index} of systemd's is not one for TCP: {error}"))?;
        listeners.extend(listener);
    }
    Ok(listeners)
}
