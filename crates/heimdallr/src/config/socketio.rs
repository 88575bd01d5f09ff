//! What texts have to be that Socket.IO is told.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_packets_can_hold() {
        assert!(is_namespace("/news") && is_namespace("/news/today"));
        assert!(is_event("joinRoom") && is_event("") && !is_event("disconnect"));
        for text in ["", "/", "news", "/a,b", "/a?b", "/a\n"] {
            assert!(!is_namespace(text), "{text:?}");
        }
    }
}
