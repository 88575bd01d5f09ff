//! Farewells: why the server ends a connection, and whether the client should come back.

use crate::Refusal;

/// Why the server ends a connection. Codes are those of RFC 6455 §7.4.1 where one fits, else 4000–4499: reconnect, 4500–4999: do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Farewell {
    /// The answer to the client's own close.
    Bye,
    /// The client broke its protocol.
    ProtocolError,
    /// A kind of data that the protocol does not take.
    UnsupportedData,
    /// A text that is not UTF-8, or a message that does not inflate.
    InvalidUtf8,
    /// A message longer than it may be.
    MessageTooLarge,
    /// The client read too slowly.
    SlowConsumer,
    /// No sign of life when it was due.
    PingTimeout,
    /// The server is going away.
    ServerRestart {
        /// How long this client should wait before it reconnects, in milliseconds.
        delay_ms: u32,
    },
    /// The server cannot serve this client now.
    Overloaded,
    /// The time of the token is up by which the client was believed.
    TokenExpired,
    /// A message of the rich protocol that is not a JSON object.
    BadMessage,
    /// A plain room that has as many members as it may have.
    RoomFull,
    /// It is not believed who the client is.
    Unauthorized,
    /// The client may not do what it has asked for.
    Forbidden,
    /// The token or the user was revoked.
    Revoked,
    /// It was not said in time who the client is.
    IdentifyTimeout,
    /// The client went on to ask for too much, however often it was refused.
    TooFast,
    /// The user, or the address, has as many sessions as it may have.
    TooManySessions,
    /// An operator has sent the client away.
    Disconnected,
    /// An operator has the client leave its only room.
    Kicked,
    /// An operator does not let the user, or the address, be there.
    Banned,
    /// An operator has closed the client's only room.
    RoomClosed,
}

impl Farewell {
    /// Every farewell there is.
    pub const ALL: [Self; 22] = [
        Self::Bye,
        Self::ProtocolError,
        Self::UnsupportedData,
        Self::InvalidUtf8,
        Self::MessageTooLarge,
        Self::SlowConsumer,
        Self::PingTimeout,
        Self::ServerRestart { delay_ms: 0 },
        Self::Overloaded,
        Self::TokenExpired,
        Self::BadMessage,
        Self::RoomFull,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Revoked,
        Self::IdentifyTimeout,
        Self::TooFast,
        Self::TooManySessions,
        Self::Disconnected,
        Self::Kicked,
        Self::Banned,
        Self::RoomClosed,
    ];

    /// The close code.
    pub fn code(self) -> u16 {
        self.row().0
    }

    /// The stable reason.
    pub fn reason(self) -> &'static str {
        self.row().1
    }

    /// How a client is parted with that cannot be told a refusal in any other way.
    pub fn after(refusal: Refusal) -> Self {
        match refusal {
            Refusal::RoomFull => Self::RoomFull,
            Refusal::TokenExpired => Self::TokenExpired,
            Refusal::Revoked => Self::Revoked,
            Refusal::TooFast { .. } => Self::TooFast,
            Refusal::Kicked => Self::Kicked,
            Refusal::Banned => Self::Banned,
            Refusal::RoomClosed => Self::RoomClosed,
            Refusal::Forbidden | Refusal::NotYours => Self::Forbidden,
            Refusal::NotIdentified | Refusal::NotProven | Refusal::BadToken | Refusal::BadPassword => {
                Self::Unauthorized
            }
            _ => Self::Overloaded,
        }
    }

    /// What is told in its place to a client that waits for an answer, where a refusal says the same.
    pub fn as_refusal(self) -> Option<Refusal> {
        match self {
            Self::Banned => Some(Refusal::Banned),
            Self::Revoked => Some(Refusal::Revoked),
            Self::RoomClosed => Some(Refusal::RoomClosed),
            Self::TooFast | Self::TooManySessions => Some(Refusal::Overloaded),
            _ => None,
        }
    }

    /// Whether the client should reconnect by itself.
    pub fn may_reconnect(self) -> bool {
        (4000..4500).contains(&self.code())
    }

    fn row(self) -> (u16, &'static str) {
        match self {
            Self::Bye => (1000, "bye"),
            Self::ProtocolError => (1002, "protocol_error"),
            Self::UnsupportedData => (1003, "unsupported_data"),
            Self::InvalidUtf8 => (1007, "invalid_utf8"),
            Self::MessageTooLarge => (1009, "message_too_large"),
            Self::SlowConsumer => (4008, "slow_consumer"),
            Self::PingTimeout => (4009, "ping_timeout"),
            Self::ServerRestart { .. } => (4012, "server_restart"),
            Self::Overloaded => (4013, "overloaded"),
            Self::TokenExpired => (4014, "token_expired"),
            Self::BadMessage => (4500, "bad_message"),
            Self::RoomFull => (4508, "room_full"),
            Self::Unauthorized => (4510, "unauthorized"),
            Self::Forbidden => (4511, "forbidden"),
            Self::Revoked => (4512, "revoked"),
            Self::IdentifyTimeout => (4015, "identify_timeout"),
            Self::TooFast => (4513, "too_fast"),
            Self::TooManySessions => (4514, "too_many_sessions"),
            Self::Disconnected => (4520, "disconnected"),
            Self::Kicked => (4521, "kicked"),
            Self::Banned => (4522, "banned"),
            Self::RoomClosed => (4523, "room_closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_document_lists_every_farewell() {
        let document = include_str!("../../../docs/protocol.md");
        for farewell in Farewell::ALL {
            let again = if farewell.may_reconnect() { "yes" } else { "no" };
            let row = format!("| {} | `{}` | {again} |", farewell.code(), farewell.reason());
            assert!(document.contains(&row), "{row}");
        }
    }
}
