//! What texts have to be that Socket.IO is told.

/// Whether a text is the name of a namespace other than the main one (revision 5, "Packet encoding": a comma ends it; revision 4: so does a
/// question mark).
pub(super) fn is_namespace(text: &str) -> bool {
    text.len() > 1
        && text.starts_with('/')
        && !text.contains([',', '?'])
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_begins_with_a_slash_and_is_more() {
        assert!(is_namespace("/news") && is_namespace("/news/today"));
        for text in ["", "/", "news", "/a,b", "/a?b", "/a\n"] {
            assert!(!is_namespace(text), "{text:?}");
        }
    }
}
