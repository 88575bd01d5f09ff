//! Which sockets go on where they were cut off ("Connection state recovery"): what a client that comes back says, and by what it may come
//! back again.

use chat::Position;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::namespaces::Namespace;
use crate::{Recovery, SessionName};

/// The sockets of a session that began in another one, or may have.
#[derive(Default)]
pub(super) struct Returned(Vec<Socket>);

struct Socket {
    namespace: Namespace,
    /// The session in which it began.
    began: SessionName,
    /// It goes on. Otherwise it waits to hear whether it does.
    goes_on: bool,
}

/// What a client says that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The session in which the socket began.
    pub(super) began: SessionName,
    /// The last message that it has seen.
    pub(super) seen: Option<Position>,
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    pid: Option<&'a RawValue>,
    #[serde(borrow)]
    offset: Option<&'a RawValue>,
}

impl Claim {
    /// Reads what a client connects with. What it cannot have from us is no claim.
    pub(super) fn read(auth: Option<&str>) -> Option<Self> {
        let Auth { pid, offset } = serde_json::from_str(auth?).ok()?;
        let began = serde_json::from_str::<String>(pid?.get()).ok()?.parse().ok()?;
        let seen = match offset.filter(|offset| offset.get() != "null") {
            Some(offset) => Some(serde_json::from_str::<String>(offset.get()).ok()?.parse().ok()?),
            None => None,
        };
        Some(Self { began, seen })
    }
}

impl Returned {
    /// A socket wants to go on.
    pub(super) fn ask(&mut self, namespace: Namespace, claim: Claim) -> Recovery {
        self.remove(namespace);
        self.0.push(Socket { namespace, began: claim.began, goes_on: false });
        Recovery::Resume { strand: namespace.0, of: claim.began, seen: claim.seen }
    }

    /// A socket goes on. Says where it began.
    pub(super) fn go_on(&mut self, namespace: Namespace) -> Option<SessionName> {
        let socket = self.0.iter_mut().find(|socket| socket.namespace == namespace)?;
        socket.goes_on = true;
        Some(socket.began)
    }

    /// All of them, and where they began; `None` while one does not know whether it goes on.
    pub(super) fn all_going_on(&self) -> Option<impl Iterator<Item = (Namespace, SessionName)>> {
        let is_settled = self.0.iter().all(|socket| socket.goes_on);
        is_settled.then(|| self.0.iter().map(|socket| (socket.namespace, socket.began)))
    }

    /// A socket that began in another session goes on here.
    pub(super) fn note_going_on(&mut self, namespace: Namespace, began: SessionName) {
        self.0.push(Socket { namespace, began, goes_on: true });
    }

    /// A socket does not go on, or is gone.
    pub(super) fn remove(&mut self, namespace: Namespace) {
        self.0.retain(|socket| socket.namespace != namespace);
    }

    /// The session in which a socket began that goes on here.
    pub(super) fn origin(&self, namespace: Namespace) -> Option<SessionName> {
        let socket = self.0.iter().find(|socket| socket.namespace == namespace && socket.goes_on)?;
        Some(socket.began)
    }
}

#[cfg(test)]
mod tests {
    use chat::Epoch;

    use super::*;

    #[test]
    fn a_claim_names_a_session_and_perhaps_a_position() {
        let began = SessionName([7; SessionName::BYTES]);
        let read = |auth: &str| Claim::read(Some(&auth.replace("PID", &began.to_string())));
        let seen = Some(Position { epoch: Epoch(10), offset: 7 });
        assert_eq!(read("{\"pid\":\"PID\",\"offset\":\"a:7\",\"token\":{}}"), Some(Claim { began, seen }));
        assert_eq!(read("{\"pid\":\"PID\"}"), Some(Claim { began, seen: None }));
        assert_eq!(read("{\"pid\":\"PID\",\"offset\":null}"), Some(Claim { began, seen: None }));
        for auth in ["{}", "7", "{\"pid\":7}", "{\"pid\":\"PI\"}", "{\"pid\":\"PID\",\"offset\":\"hello\"}"] {
            assert_eq!(read(auth), None, "{auth}");
        }
        assert_eq!(Claim::read(None), None);
    }
}
