//! Patterns of room names.

/// A room name, or the beginning of one followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Takes a pattern as somebody wrote it; `None`: it is empty, or has a `*` before its end.
    pub fn new(pattern: &str) -> Option<Self> {
        let name = pattern.strip_suffix('*').unwrap_or(pattern);
        (!pattern.is_empty() && !name.contains('*')).then(|| Self(pattern.into()))
    }

    /// Whether a room of this name is meant.
    pub fn covers(&self, room: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => room.starts_with(beginning),
            None => room == &*self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_name_or_a_beginning() {
        let covers = |pattern, name| Pattern::new(pattern).expect("a pattern").covers(name);
        assert!(covers("lobby", "lobby") && !covers("lobby", "lobby2"));
        assert!(covers("team-*", "team-7") && covers("team-*", "team-") && !covers("team-*", "a-team-7"));
        assert!(covers("*", "anything"));
        assert!(["", "a*b", "**"].into_iter().all(|pattern| Pattern::new(pattern).is_none()));
    }
}
