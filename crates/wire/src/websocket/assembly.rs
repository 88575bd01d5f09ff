//! A message that did not come as one whole frame in one piece: its bytes so far.
//!
//! Lives in the decoder's box from the first partial or fragmented frame until the message is complete.

use super::fault::Fault;
use super::frame::{Header, Kind};
use super::mask;

/// The least that a message's buffer takes at a time, unless its frame is shorter.
const LEAST_GROWTH_BYTES: usize = 512;

#[derive(Debug)]
pub(super) struct Assembly {
    kind: Kind,
    deflated: bool,
    /// The frame being received is the message's last.
    fin: bool,
    /// The key as it applies to the next byte of the frame.
    mask: [u8; 4],
    /// Bytes of the frame still to come.
    remaining: usize,
    /// Unmasked payload so far. Never holds, nor has room for, more than the frames' headers have announced.
    payload: Vec<u8>,
    /// `payload[..checked]` is known to be whole characters; stays 0 where nothing is to be checked yet.
    checked: usize,
}

impl Assembly {
    pub(super) fn new(kind: Kind, deflated: bool) -> Self {
        Self { kind, deflated, fin: false, mask: [0; 4], remaining: 0, payload: Vec::new(), checked: 0 }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.deflated
    }

    /// Bytes of payload kept.
    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Bytes of payload that fit without growing.
    pub(super) fn room(&self) -> usize {
        self.payload.capacity()
    }

    /// A frame's header was read and not all of its payload.
    pub(super) fn is_inside_frame(&self) -> bool {
        self.remaining > 0
    }

    pub(super) fn is_complete(&self) -> bool {
        self.fin && self.remaining == 0
    }

    /// The next frame of the message begins. Its `length` was checked against the limit.
    pub(super) fn begin_frame(&mut self, header: &Header, length: usize) {
        self.fin = header.fin;
        self.mask = header.mask;
        self.remaining = length;
    }

    /// Takes what `input` has of the current frame and returns how much that was. Text is checked as it comes, so that a
    /// stream gone wrong is failed at the first byte that shows it (RFC 6455 §8.1).
    pub(super) fn take(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let taken = input.len().min(self.remaining);
        let kept = self.payload.len();
        self.make_room(taken);
        self.payload.extend_from_slice(&input[..taken]);
        mask::apply(&mut self.payload[kept..], self.mask);
        self.mask = mask::advance(self.mask, taken);
        self.remaining -= taken;
        if self.kind == Kind::Text && !self.deflated {
            self.check_text()?;
        }
        Ok(taken)
    }

    /// The whole payload, still compressed if it came so.
    pub(super) fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Doubles, but never beyond what the current frame has announced.
    fn make_room(&mut self, taken: usize) {
        let free = self.payload.capacity() - self.payload.len();
        if free < taken {
            let wanted = taken.max(self.payload.capacity()).max(LEAST_GROWTH_BYTES);
            self.payload.reserve_exact(wanted.min(self.remaining));
        }
    }

    fn check_text(&mut self) -> Result<(), Fault> {
        match simdutf8::compat::from_utf8(&self.payload[self.checked..]) {
            Ok(_) => self.checked = self.payload.len(),
            // No length: the last character is only cut short.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Fault::InvalidUtf8),
        }
        Ok(())
    }
}
