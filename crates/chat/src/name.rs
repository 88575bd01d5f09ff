//! Names of rooms and users: what is allowed in them and nothing else.

use std::fmt;

use lean_string::LeanStr;

/// The longest room or user name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 255;

/// Why a name was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It has no bytes.
    Empty,
    /// It has more than [`NAME_BYTES_MAX`] bytes.
    TooLong,
    /// A user name has a control character (U+0000–U+001F, U+007F–U+009F).
    Control,
}

/// The name of a room: 1 to 255 bytes of UTF-8, compared byte by byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(LeanStr);

impl RoomName {
    /// Takes a name as a client sent it.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_length(name)?;
        Ok(Self(name.into()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The name of a user: 1 to 255 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(LeanStr);

impl UserId {
    /// Takes a name as a client sent it.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_length(name)?;
        if name.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        Ok(Self(name.into()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

fn check_length(name: &str) -> Result<(), NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        1..=NAME_BYTES_MAX => Ok(()),
        _ => Err(NameError::TooLong),
    }
}

/// What a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoomKind {
    /// A conversation that clients join by name.
    Public,
    /// The direct messages of one user: joined by identifying, posted to by [`crate::Command::Direct`].
    Inbox,
    /// The one room for what is said to all: entered without being asked for by the clients of protocols that know of it, and nobody is told
    /// who is there.
    Everybody,
}

/// Which ordered conversation: a public room, the inbox of a user, or the one for everybody. Equal names of different kinds are different rooms.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId {
    kind: RoomKind,
    name: LeanStr,
}

impl RoomId {
    /// The public room of that name.
    pub fn public(name: RoomName) -> Self {
        Self { kind: RoomKind::Public, name: name.0 }
    }

    /// The inbox of that user.
    pub fn inbox(user: UserId) -> Self {
        Self { kind: RoomKind::Inbox, name: user.0 }
    }

    /// The room of everybody.
    pub fn everybody() -> Self {
        Self { kind: RoomKind::Everybody, name: "all".into() }
    }

    /// What the room is for.
    pub fn kind(&self) -> RoomKind {
        self.kind
    }

    /// Whether this is a room that clients join by name.
    pub fn is_public(&self) -> bool {
        self.kind == RoomKind::Public
    }

    /// Whether this is the room of everybody.
    pub fn is_everybody(&self) -> bool {
        self.kind == RoomKind::Everybody
    }

    /// Whether this is somebody's inbox.
    pub fn is_inbox(&self) -> bool {
        self.kind == RoomKind::Inbox
    }

    /// The name of the room, or of the inbox's user; that of the room of everybody is for people to read.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&RoomId> for RoomId {
    fn from(room: &RoomId) -> Self {
        room.clone()
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_name_has_1_to_255_bytes() {
        let error = |name: &str| RoomName::new(name).err();
        assert_eq!(error(""), Some(NameError::Empty));
        assert!(RoomName::new(&"x".repeat(255)).is_ok());
        assert_eq!(error(&"x".repeat(256)), Some(NameError::TooLong));
        assert_eq!(error(&"é".repeat(128)), Some(NameError::TooLong), "bytes count, not characters");
    }

    #[test]
    fn a_user_name_has_no_control_characters() {
        for bad in ["a\0", "\n", "x\u{85}"] {
            assert_eq!(UserId::new(bad).err(), Some(NameError::Control));
        }
        assert!(UserId::new("Ólafur 🌍").is_ok());
    }

    #[test]
    fn an_inbox_is_not_the_public_room_of_that_name() {
        let room = RoomId::public(RoomName::new("bob").expect("a valid name"));
        let inbox = RoomId::inbox(UserId::new("bob").expect("a valid name"));
        assert_ne!(room, inbox);
        assert_eq!(room.name(), inbox.name());
    }
}
