//! The forms in which sessions take what is told to rooms, numbered.

use std::borrow::Cow;

use wire::engineio::{Packet, PacketType, Revision};
use wire::websocket::Kind;

use super::engine::{write_frames, write_kept};
use crate::Variant;
use crate::websocket::{PLAIN, SharedCodec};

/// One form: a revision over a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WireForm {
    pub(super) revision: Revision,
    pub(super) is_polling: bool,
    pub(super) text_only: bool,
    /// The WebSocket's, [`PLAIN`] while polling.
    pub(super) deflate: Variant,
}

/// A packet of Socket.IO: its text, and the attachment that may belong to it.
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) attachment: Option<&'a [u8]>,
}

const DEFLATE_BITS: u8 = 0b1111;
const V3_BIT: u8 = 1 << 4;
const POLLING_BIT: u8 = 1 << 5;
const TEXT_ONLY_BIT: u8 = 1 << 6;

impl WireForm {
    pub(super) fn of(variant: Variant) -> Self {
        Self {
            revision: if variant & V3_BIT == 0 { Revision::V4 } else { Revision::V3 },
            is_polling: variant & POLLING_BIT != 0,
            text_only: variant & TEXT_ONLY_BIT != 0,
            deflate: variant & DEFLATE_BITS,
        }
    }

    pub(super) fn variant(self) -> Variant {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        self.deflate
            | bit(self.revision == Revision::V3, V3_BIT)
            | bit(self.is_polling, POLLING_BIT)
            | bit(self.text_only, TEXT_ONLY_BIT)
    }

    /// Appends a packet of Socket.IO as messages of Engine.IO.
    pub(super) fn write(self, codec: &SharedCodec, said: &Said<'_>, out: &mut Vec<u8>) {
        let text = Packet::Text(PacketType::Message, said.text);
        match (self.is_polling, self.deflate) {
            (true, _) => write_kept(self.revision, &text, out),
            (false, PLAIN) => write_frames(self.revision, self.text_only, &text, out),
            (false, deflate) => codec.borrow_mut().write_message(deflate, Kind::Text, out, |out| {
                text.write_text(self.revision, out);
            }),
        }
        if let Some(attachment) = said.attachment {
            let packet = Packet::Binary(Cow::Borrowed(attachment));
            if self.is_polling {
                write_kept(self.revision, &packet, out);
            } else {
                write_frames(self.revision, self.text_only, &packet, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_back_from_its_number() {
        for variant in 0..=0b111_1111 {
            assert_eq!(WireForm::of(variant).variant(), variant);
        }
    }
}
