//! Several packets put together for one poll.

use super::packet::{Packet, Revision, write_binary};

/// Stands between the packets of a payload of revision 4 ("HTTP long-polling").
pub(super) const SEPARATOR: u8 = 0x1E;
/// Ends the length of a packet in a payload of text of revision 3 ("Payload").
pub(super) const LENGTH_END: u8 = b':';
/// Ends the length of a packet in a payload of bytes of revision 3 ("Payload").
pub(super) const OCTETS_LENGTH_END: u8 = 0xFF;
/// Before the text packets and the binary ones of a payload of bytes of revision 3.
pub(super) const TEXT_MARKER: u8 = 0;
pub(super) const BINARY_MARKER: u8 = 1;

/// How packets are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadForm {
    /// Revision 4: text, packets separated by the record separator. Text that holds this character itself cannot be told
    /// from two packets; JSON never does.
    Separated,
    /// Revision 3: text, each packet behind its length in UTF-16 code units.
    Counted,
    /// Revision 3: bytes, each packet behind a marker and its length in bytes.
    Octets,
}

/// Puts packets together at the end of a buffer.
#[derive(Debug)]
pub struct PayloadWriter<'a> {
    form: PayloadForm,
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl PayloadForm {
    /// The form of an answer to a poll: revision 3 writes bytes when there is a binary packet and the client takes bytes,
    /// which it does unless it said `b64=1` or polls by JSONP.
    pub fn of_answer(revision: Revision, takes_binary: bool, has_binary: bool) -> Self {
        match revision {
            Revision::V4 => Self::Separated,
            Revision::V3 if takes_binary && has_binary => Self::Octets,
            Revision::V3 => Self::Counted,
        }
    }

    /// The form of a request's body, which says whether it is `application/octet-stream`. Revision 4 has no such bodies.
    pub fn of_request(revision: Revision, is_octets: bool) -> Option<Self> {
        match (revision, is_octets) {
            (Revision::V4, false) => Some(Self::Separated),
            (Revision::V4, true) => None,
            (Revision::V3, false) => Some(Self::Counted),
            (Revision::V3, true) => Some(Self::Octets),
        }
    }

    /// The type to send it as (revision 4, "Headers").
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Separated | Self::Counted => "text/plain; charset=UTF-8",
            Self::Octets => "application/octet-stream",
        }
    }

    /// The revision whose form it is.
    pub fn revision(self) -> Revision {
        match self {
            Self::Separated => Revision::V4,
            Self::Counted | Self::Octets => Revision::V3,
        }
    }
}

impl<'a> PayloadWriter<'a> {
    /// A payload that begins where `out` ends.
    pub fn new(form: PayloadForm, out: &'a mut Vec<u8>) -> Self {
        Self { form, out, is_empty: true }
    }

    /// Appends one packet.
    pub fn write(&mut self, packet: &Packet<'_>) {
        match self.form {
            PayloadForm::Separated => {
                if !self.is_empty {
                    self.out.push(SEPARATOR);
                }
                packet.write_text(Revision::V4, self.out);
            }
            PayloadForm::Counted => {
                write_digits(packet.text_length(Revision::V3), b'0', self.out);
                self.out.push(LENGTH_END);
                packet.write_text(Revision::V3, self.out);
            }
            PayloadForm::Octets => self.write_octets(packet),
        }
        self.is_empty = false;
    }

    fn write_octets(&mut self, packet: &Packet<'_>) {
        let (marker, length) = match packet {
            Packet::Text(_, text) => (TEXT_MARKER, text.len()),
            Packet::Binary(bytes) => (BINARY_MARKER, bytes.len()),
        };
        self.out.push(marker);
        write_digits(1 + length, 0, self.out);
        self.out.push(OCTETS_LENGTH_END);
        match packet {
            Packet::Text(..) => packet.write_text(Revision::V3, self.out),
            Packet::Binary(bytes) => write_binary(Revision::V3, bytes, self.out),
        }
    }
}

/// Appends a number in decimal digits that begin at `zero`.
fn write_digits(number: usize, zero: u8, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(zero + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}
