//! What an open packet says: the session and its rules.

use std::borrow::Cow;
use std::io::Write;

use serde::Deserialize;

use super::fault::Fault;
use crate::json::write_json_string;

/// The one transport that sessions are moved to here.
const WEBSOCKET: &str = "websocket";

/// The content of an open packet (revision 4, "Handshake"; revision 3, "Anatomy of an Engine.IO session").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// The name of the session.
    pub sid: Cow<'a, str>,
    /// Whether the session may be moved to a WebSocket.
    pub may_upgrade: bool,
    /// How often one side pings: the server in revision 4, the client in revision 3.
    pub ping_interval_ms: u64,
    /// How long the other side may take to answer.
    pub ping_timeout_ms: u64,
    /// How many bytes a client may put into one poll; revision 3 does not say it.
    pub max_payload_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    sid: Cow<'a, str>,
    #[serde(borrow, default)]
    upgrades: Vec<Cow<'a, str>>,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: Option<u64>,
}

impl<'a> Open<'a> {
    /// Reads the text of an open packet, without its type. Unknown members are passed over.
    pub fn read(text: &'a str) -> Result<Self, Fault> {
        let members: Members<'a> = serde_json::from_str(text).map_err(|_| Fault::Open)?;
        Ok(Self {
            sid: members.sid,
            may_upgrade: members.upgrades.iter().any(|name| name == WEBSOCKET),
            ping_interval_ms: members.ping_interval,
            ping_timeout_ms: members.ping_timeout,
            max_payload_bytes: members.max_payload,
        })
    }

    /// Appends the text of the open packet, without its type.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"sid\":");
        write_json_string(out, &self.sid);
        out.extend_from_slice(if self.may_upgrade {
            b",\"upgrades\":[\"websocket\"]"
        } else {
            b",\"upgrades\":[]"
        });
        write_number(",\"pingInterval\":", self.ping_interval_ms, out);
        write_number(",\"pingTimeout\":", self.ping_timeout_ms, out);
        if let Some(bytes) = self.max_payload_bytes {
            write_number(",\"maxPayload\":", bytes, out);
        }
        out.push(b'}');
    }
}

fn write_number(name: &str, number: u64, out: &mut Vec<u8>) {
    write!(out, "{name}{number}").expect("a vector takes all bytes");
}
