//! One packet, taken apart.

use std::borrow::Cow;

/// The largest id of an acknowledgement: larger ones are not whole numbers in JavaScript.
pub const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// Names that are not for events: they mean something to the libraries themselves.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// One packet (revision 5, "Exchange protocol"; revision 4, "Packet format"). Whether an event or an acknowledgement is a
/// binary one follows from its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Begins with a slash and holds no comma. In a CONNECT of revision 4 a query may follow it: [`split_query`].
    ///
    /// [`split_query`]: super::split_query
    pub namespace: &'a str,
    /// What it says.
    pub body: Body<'a>,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// CONNECT, with a JSON object in revision 5: the client's credentials, or [`Connected`](super::Connected).
    Connect(Option<&'a str>),
    /// DISCONNECT.
    Disconnect,
    /// EVENT or BINARY_EVENT.
    Event(Event<'a>),
    /// ACK or BINARY_ACK.
    Ack(Ack<'a>),
    /// CONNECT_ERROR, in revision 4 called ERROR, with a JSON object or string: [`Rejection`](super::Rejection).
    ConnectError(Option<&'a str>),
}

/// Something is said under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What it is called; not reserved. A name that came as an integer is its digits.
    pub name: Cow<'a, str>,
    /// Each a JSON text as it came, attachments as placeholders.
    pub arguments: Vec<&'a str>,
    /// Wants an acknowledgement of this id; at most [`MAX_ACK_ID`].
    pub id: Option<u64>,
    /// How many attachments belong to it.
    pub attachments: usize,
}

/// An event is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The id that the event came with.
    pub id: u64,
    /// Each a JSON text as it came, attachments as placeholders.
    pub arguments: Vec<&'a str>,
    /// How many attachments belong to it.
    pub attachments: usize,
}

impl Packet<'_> {
    /// How many attachments belong to it.
    pub fn attachments(&self) -> usize {
        match &self.body {
            Body::Event(event) => event.attachments,
            Body::Ack(ack) => ack.attachments,
            _ => 0,
        }
    }
}

/// Whether `name` is not for events.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}
