//! Rooms by how their names begin.

use std::sync::Arc;

/// The public rooms whose names have one beginning and none of some others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomNames {
    /// How the names begin; no name is nothing but its beginning.
    pub beginning: Arc<str>,
    /// Names that begin in one of these ways are not meant.
    pub except: Arc<[Arc<str>]>,
}

impl RoomNames {
    /// Whether a room of that name is meant.
    pub fn contain(&self, name: &str) -> bool {
        let begins = |beginning: &str| name.len() > beginning.len() && name.starts_with(beginning);
        begins(&self.beginning) && !self.except.iter().any(|other| begins(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_meant_by_their_beginning() {
        let names = RoomNames { beginning: "/a/".into(), except: ["/a/b/".into()].into() };
        assert!(names.contain("/a/x") && names.contain("/a/b") && names.contain("/a/b/"));
        assert!(!names.contain("/a/") && !names.contain("/a/b/x") && !names.contain("x"));
        let rest = RoomNames { beginning: "".into(), except: ["/a/".into()].into() };
        assert!(rest.contain("x") && rest.contain("/a") && !rest.contain("/a/x"));
    }
}
