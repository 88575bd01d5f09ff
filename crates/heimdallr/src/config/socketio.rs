//! What texts have to be that Socket.IO is told.

use super::error::ConfigError;
use super::keys::Settings;

/// Refuses two events of clients by one name: one of them would never be understood.
pub(super) fn check_events(settings: &Settings) -> Result<(), ConfigError> {
    let own = [
        ("socketio_event_join_room", &settings.socketio_event_join_room),
        ("socketio_event_leave_room", &settings.socketio_event_leave_room),
        ("socketio_event_message", &settings.socketio_event_message),
        ("socketio_event_all", &settings.socketio_event_all),
        ("socketio_event_log_in", &settings.socketio_event_log_in),
        ("socketio_event_send_message", &settings.socketio_event_send_message),
    ];
    let relayed = settings.socketio_relay.iter().map(|name| ("socketio_relay", name));
    let named: Vec<_> = own.into_iter().chain(relayed).filter(|(_, name)| !name.is_empty()).collect();
    for (index, (key, name)) in named.iter().enumerate() {
        if named[..index].iter().any(|(_, other)| other == name) {
            let name = Some(name.to_string());
            return Err(ConfigError::new(*key, name, "a name that no other event of clients has"));
        }
    }
    Ok(())
}

/// Refuses to stand beside others without a Redis that they share.
pub(super) fn check_adapter(settings: &Settings) -> Result<(), ConfigError> {
    let (own, shared) = (&settings.socketio_adapter_redis, settings.redis.first());
    let url = if own.is_empty() { shared } else { Some(own) };
    if settings.socketio_adapter.is_none() || url.is_some_and(|url| beside::is_redis(url)) {
        return Ok(());
    }
    let expected =
        "the Redis of those servers, as redis://[[USER]:PASSWORD@]HOST[:PORT], here or as the first of redis";
    Err(ConfigError::new("socketio_adapter_redis", url.cloned(), expected))
}

/// Whether a text is the name of a namespace other than the main one (revision 5, "Packet encoding": a comma ends it; revision 4: so does a
/// question mark).
pub(super) fn is_namespace(text: &str) -> bool {
    text.len() > 1
        && text.starts_with('/')
        && !text.contains([',', '?'])
        && !text.chars().any(char::is_control)
}

/// Whether a text may be the name of an event, or is empty.
pub(super) fn is_event(text: &str) -> bool {
    !wire::socketio::is_reserved(text)
}

/// Whether a text may be the name of an event that is passed on, which is a sign to everybody else (`chat::SignalName`).
pub(super) fn is_relayed(text: &str) -> bool {
    (1..=32).contains(&text.len()) && !text.chars().any(char::is_control) && is_event(text)
}

/// Whether a text is a path that requests can begin with, other than that of the page.
pub(super) fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%');
    text.len() > 1 && text.starts_with('/') && text.ends_with('/') && text.chars().all(is_plain)
}

/// Whether a text is an origin as browsers write it (RFC 6454 §6.2): no path, not even a slash.
pub(super) fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let is_plain =
        |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !matches!(c, '/' | '?' | '#' | ',');
    !scheme.is_empty() && !host.is_empty() && text.replacen("://", "", 1).chars().all(is_plain)
}

/// Whether the names of channels may begin with a text.
pub(super) fn is_prefix(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether a text says where a Redis is that is spoken to in plain, or is empty.
pub(super) fn is_plain_redis(text: &str) -> bool {
    text.is_empty() || beside::is_redis(text)
}

/// Whether a text is the name of a cookie (RFC 6265 §4.1.1), or empty.
pub(super) fn is_cookie(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_packets_can_hold() {
        assert!(is_namespace("/news") && is_namespace("/news/today"));
        assert!(is_event("joinRoom") && is_event("") && !is_event("disconnect"));
        assert!(
            is_relayed("typing") && !is_relayed("") && !is_relayed(&"x".repeat(33)) && !is_relayed("connect")
        );
        assert!(is_path("/socket.io/") && !is_path("/") && !is_path("/a") && !is_path("/a?/"));
        assert!(is_origin("https://chat.example:8443") && is_origin("capacitor://localhost"));
        assert!(!is_origin("https://chat.example/") && !is_origin("chat.example") && !is_origin("*"));
        assert!(
            is_plain_redis("redis://:secret@cache:6380")
                && is_plain_redis("")
                && !is_plain_redis("rediss://cache")
        );
        assert!(is_prefix("socket.io") && !is_prefix("") && !is_prefix("a\n"));
        assert!(is_cookie("io") && is_cookie("") && !is_cookie("a=b") && !is_cookie("a b"));
        for text in ["", "/", "news", "/a,b", "/a?b", "/a\n"] {
            assert!(!is_namespace(text), "{text:?}");
        }
    }
}
