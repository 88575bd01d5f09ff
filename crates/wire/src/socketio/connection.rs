//! What is said when a client connects to a namespace.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fault::Fault;
use crate::json::write_json_string;

/// The payload of a server's CONNECT (revision 5, "Connection to a namespace"); revision 4 has none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Connected<'a> {
    /// The name of the client in this namespace.
    #[serde(borrow)]
    pub sid: Cow<'a, str>,
    /// With what a later connection can recover this one, where the server offers that.
    #[serde(borrow)]
    pub pid: Option<Cow<'a, str>>,
}

/// The payload of a CONNECT_ERROR: why a client may not connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// In words.
    pub message: Cow<'a, str>,
    /// More, as a JSON text.
    pub data: Option<&'a str>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Connected<'a> {
    /// Reads the payload. Unknown members are passed over.
    pub fn read(payload: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(payload).map_err(|_| Fault::Payload)
    }

    /// Appends the payload.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"sid\":");
        write_json_string(out, &self.sid);
        if let Some(pid) = &self.pid {
            out.extend_from_slice(b",\"pid\":");
            write_json_string(out, pid);
        }
        out.push(b'}');
    }
}

impl<'a> Rejection<'a> {
    /// Reads the payload of either revision. What is neither an object with a message nor a string is all data.
    pub fn read(payload: &'a str) -> Self {
        if let Ok(Members { message, data }) = serde_json::from_str(payload) {
            return Self { message, data: data.map(RawValue::get) };
        }
        match serde_json::from_str::<String>(payload) {
            Ok(message) => Self { message: Cow::Owned(message), data: None },
            Err(_) => Self { message: Cow::Borrowed(""), data: Some(payload) },
        }
    }

    /// Appends the payload of revision 5: an object.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        write_json_string(out, &self.message);
        if let Some(data) = self.data {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data.as_bytes());
        }
        out.push(b'}');
    }

    /// Appends the payload of revision 4: a string.
    pub fn write_message(&self, out: &mut Vec<u8>) {
        write_json_string(out, &self.message);
    }
}

/// Splits what a client of revision 4 may put behind the namespace that it connects to (revision 4, "0 - CONNECT"):
/// `/admin?token=1234`.
pub fn split_query(namespace: &str) -> (&str, Option<&str>) {
    match namespace.split_once('?') {
        Some((namespace, query)) => (namespace, Some(query)),
        None => (namespace, None),
    }
}
