//! What a request to `/socket.io/` asks for, and how one that cannot be is refused (Engine.IO 4, "Handshake"; 3, "Transports").

use wire::engineio::{PayloadForm, Revision};
use wire::http::Head;
use wire::url::query_parameter;
use wire::websocket::is_upgrade;

use super::reply::{Origins, Reply};
use crate::{Outbox, SessionName};

/// A request that names what it wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) revision: Revision,
    pub(super) transport: Transport,
    /// Binary messages are to come as text.
    pub(super) text_only: bool,
    /// The number of the function that a page without better means wants called.
    pub(super) jsonp: Option<u32>,
    /// The session it is for; none: it opens one.
    pub(super) session: Option<SessionName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Polling,
    WebSocket,
}

/// Why a request is refused, with the numbers that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    TransportUnknown,
    SessionUnknown,
    HandshakeMethod,
    BadRequest,
    Forbidden,
    Revision,
}

impl Asked {
    pub(super) fn read(head: &Head<'_>) -> Result<Self, Unfit> {
        let query = head.query.unwrap_or("");
        let parameter = |name| query_parameter(query, name).map_err(|_| Unfit::BadRequest);
        let revision =
            parameter("EIO")?.as_deref().and_then(Revision::from_parameter).ok_or(Unfit::Revision)?;
        let transport = match parameter("transport")?.as_deref() {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(Unfit::TransportUnknown),
        };
        let session = match parameter("sid")?.as_deref() {
            Some(sid) => Some(sid.parse().map_err(|_| Unfit::SessionUnknown)?),
            None => None,
        };
        if (transport == Transport::WebSocket) != is_upgrade(head) {
            return Err(Unfit::BadRequest);
        }
        if session.is_none() && head.method != "GET" {
            return Err(Unfit::HandshakeMethod);
        }
        let jsonp = match parameter("j")?.as_deref() {
            Some(number) if revision == Revision::V3 => Some(number.parse().map_err(|_| Unfit::BadRequest)?),
            _ => None,
        };
        let text_only = jsonp.is_some() || parameter("b64")?.is_some();
        Ok(Self { revision, transport, text_only, jsonp, session })
    }

    /// How the body of a post is to be read; `None` for a type that is none of those there are.
    pub(super) fn form_of(&self, head: &Head<'_>) -> Option<PayloadForm> {
        let content_type = head.header("content-type").unwrap_or("");
        PayloadForm::of_request(self.revision, content_type.starts_with("application/octet-stream"))
    }
}

impl Unfit {
    fn code(self) -> u8 {
        match self {
            Self::TransportUnknown => 0,
            Self::SessionUnknown => 1,
            Self::HandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::Revision => 5,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionUnknown => "Session ID unknown",
            Self::HandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::Revision => "Unsupported protocol version",
        }
    }

    /// Answers the request with it.
    pub(super) fn answer(self, head: &Head<'_>, origins: &Origins, out: &mut Outbox) {
        let json = format!("{{\"code\":{},\"message\":\"{}\"}}", self.code(), self.message());
        let headers = [("content-type", "application/json")];
        let status = if self == Self::Forbidden { 403 } else { 400 };
        Reply::unread(head, origins).write(origins, status, &headers, json.as_bytes(), out);
    }
}
