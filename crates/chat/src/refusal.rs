//! Refusals: the client asked for what it may not have; it is told and stays.

/// Why a command was not done. Every refusal has a code that never changes, the same on every protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A part of the command is missing, ill-typed or out of bounds.
    BadRequest,
    /// A room or user name is empty, too long or has characters that are not allowed.
    BadName,
    /// The name belongs to somebody else.
    NotYours,
    /// Identify first.
    NotIdentified,
    /// A session identifies once.
    AlreadyIdentified,
    /// A name alone is not believed here.
    NotProven,
    /// The token is not one of ours.
    BadToken,
    /// The token was good until its time was up.
    TokenExpired,
    /// The user has no such password.
    BadPassword,
    /// What the client showed is not good any more: somebody has taken it back.
    Revoked,
    /// The user may not do that here.
    Forbidden,
    /// Join the room first.
    NotJoined,
    /// This session is in the room.
    AlreadyJoined,
    /// The session is in as many rooms as it may be.
    TooManyRooms,
    /// The room has as many members as it may have.
    RoomFull,
    /// Nobody of that name is or recently was connected.
    NoSuchUser,
    /// Longer than a message may be.
    MessageTooLarge,
    /// Not `epoch:offset`.
    BadPosition,
    /// The server is too busy to take it; nothing was kept.
    Overloaded,
    /// The server is going away.
    Draining,
    /// What puts messages in order cannot be reached.
    Unavailable,
    /// Whoever decides cannot be asked.
    Undecided,
    /// More than may be asked for in such a time.
    TooFast {
        /// When it may be asked for again, in milliseconds.
        retry_after_ms: u32,
    },
    /// An operator has the session leave the room.
    Kicked,
    /// An operator does not let the user, or the address, be there.
    Banned,
    /// An operator does not let the user, or the address, say anything.
    Muted,
    /// Who has said something in the room has to wait before they say more.
    SlowMode {
        /// For so long, in milliseconds.
        retry_after_ms: u32,
    },
    /// An operator has closed the room.
    RoomClosed,
}

impl Refusal {
    /// Every refusal there is.
    pub const ALL: [Self; 28] = [
        Self::BadRequest,
        Self::BadName,
        Self::NotYours,
        Self::NotIdentified,
        Self::AlreadyIdentified,
        Self::NotProven,
        Self::BadToken,
        Self::TokenExpired,
        Self::BadPassword,
        Self::Revoked,
        Self::Forbidden,
        Self::NotJoined,
        Self::AlreadyJoined,
        Self::TooManyRooms,
        Self::RoomFull,
        Self::NoSuchUser,
        Self::MessageTooLarge,
        Self::BadPosition,
        Self::Overloaded,
        Self::Draining,
        Self::Unavailable,
        Self::Undecided,
        Self::TooFast { retry_after_ms: 0 },
        Self::Kicked,
        Self::Banned,
        Self::Muted,
        Self::SlowMode { retry_after_ms: 0 },
        Self::RoomClosed,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// What to tell a person.
    pub fn reason(self) -> &'static str {
        self.row().1
    }

    /// Whether the same command may succeed later.
    pub fn may_retry(self) -> bool {
        matches!(
            self,
            Self::RoomFull
                | Self::NoSuchUser
                | Self::Overloaded
                | Self::Draining
                | Self::Unavailable
                | Self::Undecided
                | Self::TooFast { .. }
                | Self::Kicked
                | Self::SlowMode { .. }
        )
    }

    /// After how many milliseconds it may, where that is known.
    pub fn retry_after_ms(self) -> Option<u32> {
        match self {
            Self::TooFast { retry_after_ms } | Self::SlowMode { retry_after_ms } => Some(retry_after_ms),
            _ => None,
        }
    }

    /// The HTTP status that says the same (RFC 9110 §15.5, §15.6).
    pub fn http_status(self) -> u16 {
        self.row().2
    }

    fn row(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::BadRequest => {
                ("bad_request", "a part of the request is missing, ill-typed or out of bounds", 400)
            }
            Self::BadName => {
                ("bad_name", "a name has 1 to 255 bytes of UTF-8, a user name no control characters", 400)
            }
            Self::NotYours => ("not_yours", "the message names another user than its author", 403),
            Self::NotIdentified => ("not_identified", "identify first", 401),
            Self::AlreadyIdentified => ("already_identified", "a session identifies once", 409),
            Self::NotProven => {
                ("not_proven", "a name alone is not enough here; show a token or a password", 401)
            }
            Self::BadToken => ("bad_token", "the token is not valid here", 401),
            Self::TokenExpired => ("token_expired", "the token has expired; come with a new one", 401),
            Self::BadPassword => ("bad_password", "there is no such user with this password", 401),
            Self::Revoked => ("revoked", "the token or the user was revoked", 401),
            Self::Forbidden => ("forbidden", "this user may not do that here", 403),
            Self::NotJoined => ("not_joined", "join the room first", 403),
            Self::AlreadyJoined => ("already_joined", "this session is in the room", 409),
            Self::TooManyRooms => ("too_many_rooms", "the session is in as many rooms as it may be", 429),
            Self::RoomFull => ("room_full", "the room has as many members as it may have", 503),
            Self::NoSuchUser => ("no_such_user", "nobody of that name is or recently was connected", 404),
            Self::MessageTooLarge => {
                ("message_too_large", "the message is longer than max_message_bytes", 413)
            }
            Self::BadPosition => ("bad_position", "a position is written epoch:offset", 400),
            Self::Overloaded => {
                ("overloaded", "the server is too busy; nothing was kept; try again later", 503)
            }
            Self::Draining => ("draining", "the server is going away; reconnect and try again", 503),
            Self::Unavailable => (
                "unavailable",
                "what puts messages in order or keeps them cannot be reached; try again later, with the same id",
                503,
            ),
            Self::Undecided => ("undecided", "whoever decides that cannot be asked; try again later", 503),
            Self::TooFast { .. } => {
                ("too_fast", "too much in too short a time; wait, and send it again", 429)
            }
            Self::Kicked => ("kicked", "an operator has you leave the room", 403),
            Self::Banned => ("banned", "an operator does not let you be here", 403),
            Self::Muted => ("muted", "an operator does not let you say anything here", 403),
            Self::SlowMode { .. } => {
                ("slow_mode", "say one thing after the other in this room; wait, and send it again", 429)
            }
            Self::RoomClosed => ("room_closed", "an operator has closed the room", 403),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own() {
        let codes: std::collections::HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }

    #[test]
    fn the_protocol_document_lists_every_refusal() {
        let document = include_str!("../../../docs/protocol.md");
        for refusal in Refusal::ALL {
            let row =
                format!("| `{}` | {} |", refusal.code(), if refusal.may_retry() { "yes" } else { "no" });
            assert!(document.contains(&row), "{row}");
        }
    }
}
